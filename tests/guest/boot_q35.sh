#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Debian's cloud kernel on the Q35 board: what it finds there, buses behind bridges, power-off.
. "$(dirname "$0")/lib-linux.sh"

quiet() { # the kernel has nothing to complain about
    ! grep -qE 'WARNING|Call Trace|\[Firmware Bug\]|ACPI (Error|BIOS)|can.t (claim|assign)' "$log"
}

boot q35 cloud 'echo cpus=$(nproc); cat /proc/interrupts; cd /sys/bus/pci/devices; for d in *; do echo $d $(cat $d/vendor $d/device $d/config | head -c 13); done; od -An -tx4 -N4 0000:01:03.0/config' \
    -M pc-q35-7.2 -m 512 -smp 4 -device pci-bridge,id=br -device pci-testdev,bus=br,addr=3 \
    -device pci-testdev,bus=pcie.0
expect "reaches /init" '^Hostel: /init started'
expect "four CPUs" '^cpus=4$'
expect "MMCONFIG is found and reserved" 'MMCONFIG at .*0xb0000000.* reserved'
expect "PCI Express is handed over" '_OSC: OS now controls \[PCIeHotplug'
expect "the MCH" '^0000:00:00.0 0x8086 0x29c0'
expect "the LPC bridge" '^0000:00:1f.0 0x8086 0x2918'
expect "SMBus" '^0000:00:1f.3 0x8086 0x2930'
expect "a function behind a bridge" '^0000:01:03.0 0x1b36 0x0005'
expect "its configuration" '^ *00051b36'
check "no complaints" quiet
check "power-off ends with status 0" test "$status" = 0

boot big cloud 'grep RAM /proc/iomem' -M q35 -m 3G
expect "3 GiB: RAM goes on at 4 GiB" '100000000-13fffffff : System RAM'
check "and no complaints" quiet
check "power-off ends with status 0" test "$status" = 0
