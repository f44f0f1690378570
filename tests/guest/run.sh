#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Builds the guest programs NAME_32.c and NAME_64.c, runs each and compares what it prints with
# NAME.expected.
#
#   tests/guest/run.sh [NAME...]                on Hostel
#   REFEREE=qemu tests/guest/run.sh [NAME...]   on QEMU's software CPU: checks the expectations.
#       Lines marked [manual] are left out there: QEMU is known to differ from the manual (the
#       source says how).
#   ACCEL=kvm tests/guest/run.sh [NAME...]      on Hostel with another accelerator
#   SHOW=1 tests/guest/run.sh NAME              prints what the guest printed
#
# A source may say among its first lines `options: ...` for the emulator, and `kvm: needs ...`
# what it cannot do without on KVM (the words of kvm_probe.c).
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
HOSTEL=${HOSTEL:-$PWD/$BUILD/hostel}
out=$BUILD/tests/guest
lib=tests/guest/lib
mkdir -p "$out"
n=0 bad=0

build() { # name
    case $1 in
    *_64) mode="-m64 -DLONG -mcmodel=large -mno-red-zone" ;;
    *) mode=-m32 ;;
    esac
    # shellcheck disable=SC2086
    ${CC:-gcc} $mode -std=gnu11 -O2 -Wall -Wextra -ffreestanding -nostdlib -static -no-pie \
        -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
        -mgeneral-regs-only \
        -I$lib -Wl,-T,$lib/link.ld -Wl,--build-id=none -Wl,-z,noexecstack -o "$out/$1.elf" \
        "tests/guest/$1.c" $lib/guest.c $lib/start.S || return 1
    case $1 in
    *_64) objcopy -O elf32-i386 "$out/$1.elf" "$out/$1.elf" ;;
    esac
}

execute() { # name, output file
    options=$(sed -n '1,12s/.*options: *//p' "tests/guest/$1.c")
    common="-m 64 -kernel $out/$1.elf -display none -serial none -monitor none
            -nodefaults -no-reboot
            -debugcon file:$2 -device isa-debug-exit,iobase=0x501,iosize=4"
    # shellcheck disable=SC2086
    case ${REFEREE:-} in
    qemu)
        timeout -k 5 60 qemu-system-x86_64 -accel tcg -cpu max,vendor=GenuineIntel $common -append ! \
            $options
        ;;
    '') timeout -k 5 60 "$HOSTEL" -accel "${ACCEL:-tcg-interp}" -cpu max $common $options ;;
    *) echo "REFEREE=$REFEREE: only qemu is known" >&2; exit 2 ;;
    esac
}

filter() {
    if [ "${REFEREE:-}" ]; then grep -v '^\[manual\]' "$1"; else cat "$1"; fi
}

verdict() { # ok?, name
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        bad=1
    fi
}

# Why the program cannot run here; nothing if it can.
obstacle() { # name
    case ${REFEREE:-} in
    qemu)
        command -v qemu-system-x86_64 >/dev/null || echo "qemu-system-x86_64 is not installed"
        return
        ;;
    esac
    [ "${ACCEL:-}" = kvm ] || return
    needs="kvm $(sed -n '1,14s/.*kvm: needs *//p' "tests/guest/$1.c")"
    for need in $needs; do
        sed -n "s/^$need //p" "$out/kvm_lacks"
    done | head -n 1
}
[ "${ACCEL:-}" != kvm ] || "$BUILD/tests/guest/kvm_probe" >"$out/kvm_lacks" || exit 2

for src in tests/guest/*_32.c tests/guest/*_64.c; do
    [ -e "$src" ] || continue
    name=$(basename "$src" .c)
    case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
    why=$(obstacle "$name")
    if [ -n "$why" ]; then
        n=$((n + 1))
        echo "ok $n - $name # SKIP $why"
        continue
    fi
    log=$out/$name.out${REFEREE:+.$REFEREE}${ACCEL:+.$ACCEL}
    : >"$log"
    build "$name" && execute "$name" "$log" >"$log.err" 2>&1
    rc=$?
    [ "${SHOW:-}" ] && cat "$log" "$log.err"
    filter "$log" >"$log.seen"
    filter "tests/guest/$name.expected" >"$log.want"
    diff -u "$log.want" "$log.seen" >"$log.diff" && [ $rc -le 1 ]
    ok=$?
    verdict $ok "$name"
    [ $ok = 0 ] || sed 's/^/# /' "$log.diff" "$log.err" | head -n 60
done
echo "1..$n"
exit $bad
