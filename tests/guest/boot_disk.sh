#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 200
# SeaBIOS finds disks and CDs on the IDE channels, boots them and reads and writes through them.
# Prints TAP (ok N - name).
n=0
rom=/usr/share/seabios/bios-256k.bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in gcc ld qemu-img xorriso; do
    command -v $tool >/dev/null || { echo "ok 1 - boot_disk # SKIP no $tool"; exit 0; }
done
[ -e $rom ] || { echo "ok 1 - boot_disk # SKIP no $rom (package seabios)"; exit 0; }
here=$(cd "$(dirname "$0")" && pwd)
cd "$work" || exit 2
gcc -m32 -c "$here/boot_disk.S" -o boot.o &&
    ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o boot.bin boot.o || exit 2

# name, lines wanted on the serial port, options
boots() {
    n=$((n + 1)) name=$1 want=$2
    shift 2
    timeout 60 "$HOSTEL" -nodefaults -display none -vga none -bios $rom -serial file:serial \
        -device isa-debug-exit,iobase=0xf4,iosize=4 "$@" >log 2>&1
    status=$?
    got=$(tr -d '\r' <serial | sed 's/.*boot sector/boot sector/' |
        grep -a -E 'boot sector|sector 1|block 1|INT 13h')
    if [ $status = 33 ] && [ "$got" = "$want" ]; then
        echo "ok $n - $name"
    else
        sed 's/^/# /' log serial
        echo "not ok $n - $name (status $status)"
    fi
}

truncate -s 8M disk.raw
dd if=boot.bin of=disk.raw conv=notrunc status=none
printf 'sector 1 of the disk\r\n\0' | dd of=disk.raw bs=512 seek=1 conv=notrunc status=none
qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2
twice='boot sector runs
sector 1 of the disk
sector 1 of the disk'
boots "-hda with a qcow2 image" "$twice" -hda disk.qcow2
qemu-img check -q disk.qcow2 && qemu-img convert -f qcow2 -O raw disk.qcow2 after.raw
n=$((n + 1))
if [ "$(dd if=after.raw bs=512 skip=2 count=1 status=none | head -c 20)" = "sector 1 of the disk" ]; then
    echo "ok $n - what was written is in the image"
else
    echo "not ok $n - what was written is in the image"
fi
boots "a raw disk, secondary slave" "$twice" -drive file=disk.raw,format=raw,index=3,snapshot=on
boots "-blockdev and -device ide-hd" "$twice" \
    -blockdev '{"driver": "raw", "node-name": "d", "file": {"driver": "file", "filename": "disk.raw"}}' \
    -device ide-hd,drive=d,bus=ide.1,unit=0

truncate -s 1440K floppy.img
dd if=boot.bin of=floppy.img conv=notrunc status=none
printf 'sector 1 of the disk\r\n\0' | dd of=floppy.img bs=512 seek=1 conv=notrunc status=none
boots "-fda" "$twice" -drive if=floppy,file=floppy.img,format=raw
n=$((n + 1))
if [ "$(dd if=floppy.img bs=512 skip=2 count=1 status=none | head -c 20)" = "sector 1 of the disk" ]; then
    echo "ok $n - what was written is on the floppy disk"
else
    echo "not ok $n - what was written is on the floppy disk"
fi
boots "a floppy disk before a disk, on q35" "$twice" -M q35 -hda disk.qcow2 -snapshot \
    -drive if=floppy,file=floppy.img,format=raw -boot a

mkdir tree
cp boot.bin tree
xorriso -as mkisofs -quiet -b boot.bin -no-emul-boot -boot-load-size 4 -o cd.iso tree 2>/dev/null
printf 'block 1 of the CD\r\n\0' | dd of=cd.iso bs=2048 seek=1 conv=notrunc status=none
boots "El Torito from -cdrom" 'boot sector runs
block 1 of the CD' -cdrom cd.iso
boots "a qcow2 disk on AHCI" "$twice" -M q35 -hda disk.qcow2
boots "a raw disk at AHCI port 4" "$twice" -M q35 \
    -blockdev driver=raw,node-name=d,file.driver=file,file.filename=disk.raw -device ide-hd,drive=d,bus=ide.4
boots "a disk on a second controller" "$twice" -M q35 -device ahci,id=sata \
    -drive if=none,id=d,format=raw,file=disk.raw -device ide-hd,drive=d,bus=sata.0
boots "El Torito on AHCI" 'boot sector runs
block 1 of the CD' -M q35 -cdrom cd.iso
boots "bootindex= puts the CD first" 'boot sector runs
block 1 of the CD' -M q35 -hda disk.qcow2 -drive if=none,id=cd,media=cdrom,file=cd.iso \
    -device ide-cd,drive=cd,bus=ide.3,bootindex=0
boots "bootindex= puts another disk first" "$twice" -cdrom cd.iso \
    -drive if=none,id=d,format=raw,snapshot=on,file=disk.raw -device ide-hd,drive=d,bus=ide.1,unit=1,bootindex=1
