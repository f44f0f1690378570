#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# -icount: two runs print the same bytes.
. "$(dirname "$0")/lib-linux.sh"

for n in first second; do
    boot $n cloud 'cat /proc/interrupts /proc/stat /proc/uptime; dmesg | tail -n 3' \
        -m 256 -icount shift=1
    expect "$n run reaches /init" '^Hostel: /init started'
    check "$n run powers off" test "$status" = 0
done
check "both print the same" cmp -s "$work/first.log.raw" "$work/second.log.raw"
