#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
# timeout: 400
# Linux's virtio_blk and virtio-rng through both interfaces and both kinds of rings: what was
# written is in the image, what is read is what is there, and no driver complains.
. "$(dirname "$0")/lib-virtio.sh"
virtio_guest "virtio_blk virtio-rng" <<'END' || exit 1
for d in /sys/bus/virtio/devices/*; do
    echo "DEVICE: $(cat $d/device) features $(cat $d/features)"
done
echo "SERIAL: $(cat /sys/block/vda/serial)"
echo "SIZES: $(cat /sys/block/vda/queue/logical_block_size /sys/block/vda/queue/physical_block_size /sys/block/vda/size | tr '\n' ' ')"
echo "QUEUES: $(ls /sys/block/vda/mq | wc -l)"
dd if=/dev/vda bs=64k count=32 2>/dev/null | md5sum | sed s/^/READ:/
dd if=/dev/vda of=/dev/vda bs=64k count=32 seek=48 conv=notrunc,fsync 2>/dev/null
for i in 1 2 3 4; do
    dd if=/dev/vda of=/dev/vda bs=4k skip=$((i * 37)) count=64 seek=$((2000 + 100 * i)) conv=notrunc 2>/dev/null &
done
wait
sync
echo 3 >/proc/sys/vm/drop_caches
dd if=/dev/vda bs=64k count=32 skip=48 2>/dev/null | md5sum | sed s/^/COPY:/
echo "write through" >/sys/block/vda/cache_type && echo "CACHE: $(cat /sys/block/vda/cache_type)"
dd if=/dev/zero of=/dev/vda bs=4k count=4 seek=4000 conv=notrunc,fsync 2>/dev/null && echo THROUGH
blkdiscard -o 10485760 -l 1048576 /dev/vda && echo DISCARDED
dd if=/dev/vda bs=1M skip=10 count=1 2>/dev/null | md5sum | sed s/^/ZEROS:/
dd if=/dev/vda bs=64k skip=100000 count=1 2>/dev/null | wc -c | sed s/^/BEYOND:/
for i in 1 2 3; do dd if=/dev/hwrng bs=512 count=8 2>/dev/null | wc -c | sed s/^/RNG:/; done
dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum
grep -c virtio /proc/interrupts | sed s/^/INTERRUPTS:/
echo 1 >/sys/bus/pci/devices/0000:00:04.0/remove
echo 1 >/sys/bus/pci/rescan
dd if=/dev/vda bs=64k count=32 2>/dev/null | md5sum | sed s/^/AGAIN:/
echo DONE
END

zeros=$(head -c 1048576 /dev/zero | md5sum | cut -d' ' -f1)
one() { # name, properties
    head -c 33554432 /dev/urandom >"$work/disk"
    sum=$(head -c 2097152 "$work/disk" | md5sum | cut -d' ' -f1)
    virtio_boot "$1" -m 256 -smp 2 -drive if=none,id=d,format=raw,discard=unmap,file="$work/disk" \
        -device "virtio-blk-pci,drive=d,serial=HO-$1,addr=4,$2" \
        -object rng-random,filename=/dev/urandom,id=rng0 -device "virtio-rng-pci,rng=rng0,addr=5,$3"
    expect "$1: it was all done" '^DONE'
    expect "$1: the serial number" "^SERIAL: HO-$1"
    expect "$1: reads" "^READ:$sum"
    expect "$1: writes and reads them" "^COPY:$sum"
    expect "$1: cache off" "^CACHE: write through"
    expect "$1: writes without a cache" "^THROUGH"
    expect "$1: discards" "^DISCARDED"
    expect "$1: what was discarded is zeros" "^ZEROS:$zeros"
    expect "$1: entropy" "^RNG:4096"
    expect "$1: removed and found again" "^AGAIN:$sum"
    no_complaints "$1"
    check "$1: the image has what was written" cmp -i 0:3145728 -n 2097152 "$work/disk" "$work/disk"
}

one modern disable-legacy=on disable-legacy=on
expect "modern: VERSION_1" "^DEVICE: 0x0002 features 0.*0010*0*1"
expect "modern: a queue per processor" "^QUEUES: 2"
one legacy disable-modern=on disable-modern=on
one packed packed=on,disable-legacy=on packed=on
one simple packed=on,event_idx=off,indirect_desc=off,num-queues=1,queue-size=16 event_idx=off
one intx vectors=0,event_idx=off,logical_block_size=4096 vectors=0,max-bytes=2048,period=100
