#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 300
# The ways a kernel can be started: PVH (the ELF file inside the cloud kernel), multiboot (a
# program of a few instructions, with and without an ELF header), a restart, and what a Linux
# finds of the board: PCI functions, RAM above 4 GiB, SMBIOS strings.
. "$(dirname "$0")/lib-linux.sh"

word() { # a little-endian doubleword
    printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8 & 255)))"
    printf "\\$(printf %o $(($1 >> 16 & 255)))\\$(printf %o $(($1 >> 24 & 255)))"
}
u32() { # file, offset
    od -An -tu4 -j"$2" -N4 "$1" | tr -d ' '
}

# ---- Linux -------------------------------------------------------------------------------

script='grep -c . /proc/interrupts; cat /sys/class/dmi/id/product_uuid'
script="$script; for d in /sys/bus/pci/devices/*; do cat \$d/vendor \$d/device \$d/resource; done"
script="$script; grep MemTotal /proc/meminfo"
boot board cloud "$script" -m 5G -uuid 550e8400-e29b-41d4-a716-446655440000 \
    -device pci-testdev,addr=5,membar=1G
check "powers off with status 0" test "$status" = 0
expect "SMBIOS tells the UUID" '^550e8400-e29b-41d4-a716-446655440000'
expect "the host bridge is there" '^0x1237'
expect "pci-testdev is there" '^0x0005'
expect "its BAR has an address" '^0x00000000c0000000 0x00000000c0000fff'
expect "RAM above 4 GiB counts" '^MemTotal: +(4[5-9]|5)[0-9]+ kB'

# The shell restarts at once; the second time it is stopped.
rm -f "$work/reboot.log.raw"
timeout 40 "${HOSTEL:-build/hostel}" -nodefaults -display none -monitor none -m 512 \
    -serial file:"$work/reboot.log.raw" -kernel "$GUEST/vmlinuz-cloud" \
    -initrd "$GUEST/initramfs.cpio.gz" -append 'console=ttyS0 RUN="reboot -f"' </dev/null &
pid=$!
for _ in $(seq 200); do
    sleep 0.2
    [ "$(grep -c 'Linux version' "$work/reboot.log.raw" 2>/dev/null)" -ge 2 ] 2>/dev/null && break
done
kill -INT $pid 2>/dev/null
wait $pid
log=$work/reboot.log.raw
check "reboots into the same kernel" test "$(grep -c 'Linux version' "$log")" -ge 2

boot noreboot cloud 'reboot -f' -m 512 -no-reboot
check "-no-reboot ends with status 0" test "$status" = 0

# ---- PVH ---------------------------------------------------------------------------------

k=$GUEST/vmlinuz-cloud
sects=$(od -An -tu1 -j497 -N1 "$k" | tr -d ' ')
start=$(((sects + 1) * 512 + $(u32 "$k" 584)))
length=$(u32 "$k" 588)
if command -v lz4 >/dev/null; then
    tail -c +$((start + 1)) "$k" | head -c $((length - 4)) | lz4 -dc >"$work/vmlinux" 2>/dev/null
    ln -s "$work/vmlinux" "$work/vmlinuz-pvh"
    ln -s "$(realpath "$GUEST/initramfs.cpio.gz")" "$work/initramfs.cpio.gz"
    (GUEST=$work boot pvh pvh 'uname -m' -m 512; echo "$status" >"$work/status")
    log=$work/pvh.log
    expect "PVH: reaches /init" '^Hostel: /init started'
    check "PVH: powers off with status 0" test "$(cat "$work/status")" = 0
else
    skip "PVH: reaches /init" "no lz4"
fi

# ---- Multiboot ---------------------------------------------------------------------------

# At 200020h: out the first byte of the first module to port F4h, which ends the process.
#   mov 24(%ebx),%eax   mov (%eax),%eax   mov (%eax),%al   out %al,$0xf4   hlt
program() {
    printf '\213\103\030\213\000\212\000\346\364\364'
}
{
    word $((0x1badb002))
    word $((0x10000))
    word $((-(0x1badb002 + 0x10000)))
    word $((0x200000))
    word $((0x200000))
    word 0
    word 0
    word $((0x200020))
    program
} >"$work/mb"
printf '\025' >"$work/module"
"${HOSTEL:-build/hostel}" -nodefaults -display none -monitor none -m 16 -kernel "$work/mb" \
    -initrd "$work/module some arguments,$work/mb" -device isa-debug-exit,iobase=0xf4,iosize=1 \
    </dev/null >"$work/mb.log" 2>&1
status=$?
log=$work/mb.log
check "multiboot: the kernel finds its module" test "$status" = $((21 * 2 + 1))
echo "1..$number"
