#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Debian's cloud kernel to user space, on one and on four CPUs; power-off and reboot.
. "$(dirname "$0")/lib-linux.sh"

boot one cloud 'echo cpus=$(nproc); uname -m; cat /proc/interrupts; echo sum=$(sha256sum </bin/busybox)' -m 512
want=$(sha256sum <"$GUEST/busybox")
expect "reaches /init" '^Hostel: /init started'
expect "one CPU" '^cpus=1$'
expect "64-bit" '^x86_64$'
expect "right checksum of a file" "^sum=${want%% *} "
expect "serial interrupts" 'ttyS0'
check "power-off ends with status 0" test "$status" = 0

boot four cloud 'echo cpus=$(nproc); grep -c ^processor /proc/cpuinfo; for c in 0 1 2 3; do taskset $((1 << c)) sha256sum /bin/busybox; done' \
    -m 512 -smp 4
expect "four CPUs" '^cpus=4$'
check "right checksums on each CPU" test "$(grep -c "^${want%% *}" "$log")" = 4
check "four CPUs power off with status 0" test "$status" = 0

APPEND='reboot=a' boot reboot cloud 'busybox reboot -f' -m 256 -no-reboot
check "-no-reboot ends a reboot with status 0" test "$status" = 0
check "after one boot" test "$(grep -c 'init started' "$log")" = 1
