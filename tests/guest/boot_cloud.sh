#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Debian's cloud kernel to user space, on one and on four CPUs; power-off and reboot.
. "$(dirname "$0")/lib-linux.sh"

quiet() { # the kernel has nothing to complain about
    ! grep -qE 'WARNING|Call Trace|unchecked MSR|\[Firmware Bug\]|clocksource.*(unstable|skew)' "$log"
}

boot one cloud 'echo cpus=$(nproc); dmesg | grep -iE "kvm|clocksource"; uname -m; cat /proc/interrupts; echo sum=$(sha256sum </bin/busybox)' -m 512
want=$(sha256sum <"$GUEST/busybox")
expect "reaches /init" '^Hostel: /init started'
expect "one CPU" '^cpus=1$'
expect "64-bit" '^x86_64$'
expect "right checksum of a file" "^sum=${want%% *} "
expect "serial interrupts" 'ttyS0'
expect "finds itself on KVM" 'Hypervisor detected: KVM'
expect "reads KVM's clock" 'kvm-clock: Using msrs 4b564d01 and 4b564d00'
expect "and uses it" 'Switched to clocksource kvm-clock'
check "no complaints" quiet
check "power-off ends with status 0" test "$status" = 0

boot four cloud 'echo cpus=$(nproc); grep -c ^processor /proc/cpuinfo; for c in 0 1 2 3; do taskset $((1 << c)) sha256sum /bin/busybox; done' \
    -m 512 -smp 4 -cpu max,+kvm-pv-unhalt,+kvm-pv-ipi
expect "interrupts between CPUs by hypercall" 'kvm-guest: setup PV IPIs'
expect "spin locks that halt" 'kvm-guest: PV spinlocks enabled'
check "no complaints from four CPUs" quiet
expect "four CPUs" '^cpus=4$'
check "right checksums on each CPU" test "$(grep -c "^${want%% *}" "$log")" = 4
check "four CPUs power off with status 0" test "$status" = 0

boot plain cloud 'dmesg | grep -iE "kvm|clocksource"' -m 256 -smp 2 -cpu max,kvm=off
check "kvm=off: no sign of KVM" sh -c '! grep -qE "Hypervisor detected|kvm-clock|kvm-guest" "$1"' sh "$log"
expect "kvm=off: the TSC is the clock" 'Switched to clocksource tsc'
check "kvm=off: no complaints" quiet
check "kvm=off powers off with status 0" test "$status" = 0

APPEND='reboot=a' boot reboot cloud 'busybox reboot -f' -m 256 -no-reboot
check "-no-reboot ends a reboot with status 0" test "$status" = 0
check "after one boot" test "$(grep -c 'init started' "$log")" = 1
