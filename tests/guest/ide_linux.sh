#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 300
# Linux's ata_piix, sd and sr (Debian's generic kernel) on a qcow2 disk and a CD: what the guest
# wrote by DMA is in the image, and what it reads is what is there.
. "$(dirname "$0")/lib-linux.sh"
tree=$(echo "$GUEST"/generic.root/lib/modules/*/kernel)
if [ ! -d "$tree" ] || ! command -v qemu-img >/dev/null; then
    skip "IDE under Linux" "no generic kernel in build/guest, or no qemu-img"
    exit 0
fi
# ahci_linux.sh has another controller.
modules="scsi_common scsi_mod libata ${IDE_DRIVER:-ata_piix} crct10dif_common crct10dif_generic crc-t10dif crc64
    crc64-rocksoft t10-pi sd_mod cdrom sr_mod"
mkdir -p "$work/extra/mod"
for name in $modules; do
    find "$tree" -name "$name.ko" -exec cp {} "$work/extra/mod" \;
done
mkdir "$work/guest"
ln -s "$GUEST/vmlinuz-generic" "$work/guest"
scripts/make-initramfs "$work/guest/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
GUEST=$work/guest
qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
head -c 2097152 /dev/urandom >"$work/cd.iso"
sum=$(md5sum <"$work/cd.iso" | cut -d' ' -f1)
# The write: 4 MiB of the CD's bytes, twice, from 640 KiB on.
boot ide generic "for m in $(echo $modules); do insmod /mod/\$m.ko; done; sleep 1; \
cat /dev/sr0 | md5sum | sed s/^/CD:/; cat /dev/sr0 /dev/sr0 | dd of=/dev/sda bs=64k seek=10; sync; \
echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/sda bs=64k skip=10 count=32 | md5sum | sed s/^/DISK:/; \
dmesg | grep -i exception; dmesg | grep -E 'ata[0-9.]+: |ahci'" -M "${IDE_MACHINE:-pc}" -m 256 -hda "$work/disk.qcow2" -cdrom "$work/cd.iso"
expect "the CD reads as it is" "^CD:$sum"
expect "the disk reads as it was written" "^DISK:$sum"
check "no command failed" sh -c "! grep -q 'exception Emask' '$log'"
check "the image is sound" qemu-img check -q "$work/disk.qcow2"
qemu-img convert -f qcow2 -O raw "$work/disk.qcow2" "$work/disk.raw"
cat "$work/cd.iso" "$work/cd.iso" >"$work/twice"
check "the image has what was written" cmp -i 655360:0 -n 4194304 "$work/disk.raw" "$work/twice"
