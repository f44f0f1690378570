#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 300
# Linux's floppy driver (Debian's generic kernel) on two drives: it knows the controller, reads a
# whole disk as it is, and what it writes is in the image.
. "$(dirname "$0")/lib-linux.sh"
tree=$(echo "$GUEST"/generic.root/lib/modules/*/kernel)
if [ ! -d "$tree" ]; then
    skip "floppy disks under Linux" "no generic kernel in build/guest"
    exit 0
fi
mkdir -p "$work/extra/mod" "$work/guest"
find "$tree" -name floppy.ko -exec cp {} "$work/extra/mod" \;
ln -s "$GUEST/vmlinuz-generic" "$work/guest"
scripts/make-initramfs "$work/guest/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
GUEST=$work/guest
head -c 1474560 /dev/urandom >"$work/a.img"
truncate -s 737280 "$work/b.img"
sum=$(md5sum <"$work/a.img" | cut -d' ' -f1)
boot floppy generic "insmod /mod/floppy.ko; sleep 1; md5sum </dev/fd0 | sed s/^/A:/; \
head -c 737280 /dev/fd0 | dd of=/dev/fd1 bs=9k; sync; dmesg | grep -iE 'fdc|floppy'" -m 128 \
    -drive "if=floppy,index=0,format=raw,readonly=on,file=$work/a.img" \
    -drive "if=floppy,index=1,format=raw,file=$work/b.img"
expect "the driver knows the controller" 'FDC 0 is a S82078B'
expect "drive A reads as it is" "^A:$sum"
head -c 737280 "$work/a.img" >"$work/want"
check "drive B has what was written" cmp -s "$work/want" "$work/b.img"
check "no error" sh -c "! grep -qE 'I/O error|floppy error|timeout' '$log'"
