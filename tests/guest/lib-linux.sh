# SPDX-License-Identifier: MIT
# For the scripts beside it: boot a Debian kernel of build/guest with commands for its /init.
#
#   boot NAME KERNEL "commands" [options of hostel...]   -> $log (console), $status
#   ok / not_ok / skip "name"                            a TAP line
#   expect "name" PATTERN                                PATTERN (grep -E) is a line of $log

number=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tap() {
    number=$((number + 1))
    echo "$1 $number - $2"
}
ok() { tap ok "$1"; }
skip() { tap ok "$1 # SKIP $2"; }
not_ok() {
    tap "not ok" "$1"
    sed 's/^/# /' "$log" | tail -n 25
}
check() { # name, command...
    name=$1
    shift
    if "$@"; then ok "$name"; else not_ok "$name"; fi
}
expect() {
    check "$1" grep -qE "$2" "$log"
}

boot() {
    boot_name=$1 kernel=$2 commands=$3
    shift 3
    log=$work/$boot_name.log
    initrd=$GUEST/initramfs.cpio.gz
    [ "$kernel" != 686 ] || initrd=$GUEST/initramfs-686.cpio.gz
    "${HOSTEL:-build/hostel}" -nodefaults -display none -monitor none -serial file:"$log.raw" \
        -kernel "$GUEST/vmlinuz-$kernel" -initrd "$initrd" \
        -append "console=ttyS0 panic=-1 ${APPEND:-} RUN=\"$commands\"" "$@" \
        </dev/null >"$work/$boot_name.out" 2>&1
    status=$?
    tr -d '\r' <"$log.raw" >"$log" 2>/dev/null
    cat "$work/$boot_name.out" >>"$log"
}
