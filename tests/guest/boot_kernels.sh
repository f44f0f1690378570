#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 900
# Debian's generic amd64 and 32-bit PAE kernels, and the cloud kernel, on four CPUs. The kernel
# may warn of nothing that it does not warn of under QEMU.
. "$(dirname "$0")/lib-linux.sh"
here=$(dirname "$0")/../..

"$here/scripts/fetch-guests" generic 686 busybox686 >/dev/null || exit 1
[ -s "$GUEST/initramfs-686.cpio.gz" ] ||
    "$here/scripts/make-initramfs" "$GUEST/initramfs-686.cpio.gz" "$GUEST/busybox-686" >/dev/null

# Kernel messages of level warning and worse, without times, addresses and numbers.
warnings() {
    sed -n 's/^<[0-4]>//p' "$1" | sed 's/^\[[^]]*\] //; s/0x[0-9a-f]*/N/g; s/[0-9][0-9]*/N/g' | sort -u
}

script='echo cpus=$(nproc); uname -m; dmesg -r'
for kernel in cloud generic 686; do
    boot $kernel $kernel "$script" -m 512 -smp 4
    expect "$kernel: reaches /init" '^Hostel: /init started'
    expect "$kernel: four CPUs" '^cpus=4$'
    check "$kernel: powers off with status 0" test "$status" = 0
    if command -v qemu-system-x86_64 >/dev/null; then
        ours=$log
        warnings "$ours" >"$work/ours"
        HOSTEL=qemu-system-x86_64 boot qemu-$kernel $kernel "$script" -m 512 -smp 4 -vga none
        warnings "$log" >"$work/theirs"
        new=$(comm -23 "$work/ours" "$work/theirs")
        log=$ours
        check "$kernel: no warning that is not there under QEMU${new:+: $new}" test -z "$new"
    else
        skip "$kernel: no warning that is not there under QEMU" "no qemu-system-x86_64"
    fi
done
