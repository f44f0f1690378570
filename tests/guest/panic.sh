#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 240
# A Linux that panics tells so through pvpanic, found by ACPI or on PCI, and -action decides.
. "$(dirname "$0")/lib-linux.sh"
tree=$(echo "$GUEST"/cloud.root/lib/modules/*/kernel/drivers/misc/pvpanic)
if [ ! -d "$tree" ]; then
    skip "pvpanic under Linux" "no modules in build/guest/cloud.root"
    exit 0
fi
mkdir -p "$work/extra/mod" "$work/guest"
cp "$tree"/*.ko "$work/extra/mod"
ln -s "$GUEST/vmlinuz-cloud" "$work/guest"
scripts/make-initramfs "$work/guest/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
GUEST=$work/guest
crash="echo c >/proc/sysrq-trigger"
load="insmod /mod/pvpanic.ko; insmod /mod/pvpanic"

boot isa cloud "$load-mmio.ko; $crash" -m 128 -device pvpanic -action panic=exit-failure
expect "the kernel panics" "Kernel panic - not syncing: sysrq triggered crash"
check "a panic reported to the ISA device ends the machine with status 1" [ $status = 1 ]
boot pci cloud "$load-pci.ko; $crash" -m 128 -device pvpanic-pci -action panic=shutdown
check "a panic reported to the PCI device ends the machine with status 0" [ $status = 0 ]
check "it has not rebooted" [ "$(grep -c 'Linux version' "$log")" = 1 ]
