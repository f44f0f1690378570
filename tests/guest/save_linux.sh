#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
# suite: guests
# timeout: 900
# A Debian kernel on two CPUs that writes to a disk, checks what it reads back, and prints to its
# console, is saved and restored again and again; then it moves from one process to another while
# it dirties memory. At the end every checksum is right and qemu-img accepts the image.
# CYCLES=50 does as many as that.
. "$(dirname "$0")/lib-linux.sh"
command -v python3 >/dev/null && command -v qemu-img >/dev/null || {
    skip "saved machines" "no python3 or no qemu-img"
    exit 0
}
tree=$(echo "$GUEST"/cloud.root/lib/modules/*/kernel)
mkdir -p "$work/extra/mod"
for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    find "$tree" -name "$name.ko" -exec cp {} "$work/extra/mod" \;
done
# Forever: a block of random bytes to the disk, and the same block back past the cache.
cat >"$work/extra/load.sh" <<'EOF'
for m in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    insmod /mod/$m.ko 2>/dev/null
done
sleep 1
(while true; do head -c 300000 /dev/urandom | md5sum >/dev/null; done) &
n=0
while true; do
    n=$((n + 1))
    head -c 262144 /dev/urandom >/tmp/block
    at=$((n % 64 * 4))
    dd if=/tmp/block of=/dev/vda bs=64k seek=$at conv=fsync 2>/dev/null
    echo 1 >/proc/sys/vm/drop_caches
    a=$(md5sum </tmp/block)
    b=$(dd if=/dev/vda bs=64k skip=$at count=4 2>/dev/null | md5sum)
    if [ "$a" = "$b" ]; then echo "SUM $n right"; else echo "SUM $n WRONG"; fi
done
EOF
scripts/make-initramfs "$work/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
log=$work/log
python3 "$(dirname "$0")/save_linux.py" "${HOSTEL:-build/hostel}" "$GUEST/vmlinuz-cloud" \
    "$work" "${CYCLES:-10}" >"$log" 2>&1
for name in "the guest works" "savevm and loadvm" "migrate to a file and back" \
    "live migration between two processes" "a machine is refused and another one taken"; do
    expect "$name" "^ok: $name\$"
done
check "no checksum was wrong" sh -c "! grep -q WRONG '$log' '$work'/*.serial"
check "the image is sound" qemu-img check -q "$work/disk.qcow2"
