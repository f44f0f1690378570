#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 400
# Linux's e1000 (Debian's generic kernel) on the user network: as virtio_net.sh.
. "$(dirname "$0")/lib-linux.sh"
. "$(dirname "$0")/lib-net.sh"
module=$(find "$GUEST"/generic.root -name e1000.ko 2>/dev/null)
if [ -z "$module" ] || ! net_peer; then
    skip "e1000 under Linux" "no generic kernel in build/guest, no python3 or no static C library"
    exit 0
fi
net_files "$work/extra"
cp "$module" "$work/extra"
{ echo "insmod /e1000.ko"; net_script 20971520 300; } >"$work/extra/test.sh"
mkdir "$work/guest"
ln -s "$GUEST/vmlinuz-generic" "$work/guest"
scripts/make-initramfs "$work/guest/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
GUEST=$work/guest
boot e1000 generic "sh /test.sh" -m 256 -nic "user,$(net_user)"
net_checks e1000 20971520 300
