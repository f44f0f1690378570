# SPDX-License-Identifier: MIT
# For the scripts beside it: programs with symbols, and gdb against the machine that runs them.
#
#   build NAME MODE-FLAGS SOURCES...     -> $work/NAME
#   start OPTIONS...                     the machine, with a gdb server on $work/socket
#   debug PROGRAM|"" <<commands          gdb -> $work/gdb.out
#   finish                               until the machine ends -> $status
#   expect "name" PATTERN                a line of gdb's output matches (grep -E)

HOSTEL=${HOSTEL:-build/hostel}
lib=tests/guest/lib
number=0
work=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$work"' EXIT

verdict() { # ok?, name
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "$work/gdb.out" "$work/err" | tail -n 60
    fi
}
expect() {
    grep -qE -e "$2" "$work/gdb.out"
    verdict $? "$1"
}
expect_not() {
    ! grep -qE -e "$2" "$work/gdb.out"
    verdict $? "$1"
}
if ! command -v gdb >/dev/null; then
    echo "ok 1 - gdb # SKIP gdb is not installed"
    exit 0
fi

build() {
    name=$1 mode=$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-gcc} $mode -g -std=gnu11 -O0 -ffreestanding -nostdlib -static -no-pie -fno-pic \
        -fno-stack-protector -fcf-protection=none -mgeneral-regs-only -I$lib \
        -Wl,--build-id=none -Wl,-z,noexecstack -o "$work/$name" "$@" || exit 2
}
start() {
    rm -f "$work/socket" "$work/guest.out"
    timeout 300 "$HOSTEL" -accel tcg-interp -display none -monitor none -nodefaults \
        -gdb unix:"$work/socket" -no-reboot "$@" 2>"$work/err" </dev/null &
    machine=$!
    for _ in $(seq 300); do
        [ ! -S "$work/socket" ] || return 0
        sleep 0.1
    done
}
debug() {
    {
        echo "set pagination off"
        echo "set confirm off"
        echo "set width 0"
        echo "target remote $work/socket"
        cat
    } >"$work/commands"
    timeout 250 gdb -nx -batch -x "$work/commands" ${1:+"$work/$1"} >"$work/gdb.out" 2>&1 </dev/null
}
finish() {
    wait "$machine"
    status=$?
    machine=
}
