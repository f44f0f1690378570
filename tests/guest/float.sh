#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# The same floating-point program on the host and, as /init of a Debian kernel, on one and on two
# virtual CPUs: every printed bit is the same.
. "$(dirname "$0")/lib-linux.sh"

if ! ${CC:-cc} -O2 -frounding-math -static -o "$work/float" "$(dirname "$0")/float.c" -lm \
    2>"$work/cc.log"; then
    skip "floating point as on the host" "no static C library to build the program with"
    exit 0
fi
(cd "$work" && echo float | cpio -o -H newc 2>cpio.log | gzip -1 >float.cpio.gz)
"$work/float" | sort >"$work/host.txt"
log=$work/host.txt
check "the program runs on the host" test "$(wc -l <"$log")" = 12

for n in 1 2; do
    log=$work/guest$n.log
    "${HOSTEL:-build/hostel}" -nodefaults -display none -monitor none -serial file:"$log" -m 256 \
        -smp $n -kernel "$GUEST/vmlinuz-cloud" -initrd "$work/float.cpio.gz" \
        -append "console=ttyS0 panic=-1 quiet rdinit=/float" -no-reboot </dev/null
    check "powers off with status 0 ($n CPUs)" test $? = 0
    tr -d '\r' <"$log" | grep -E 'si_code|alone|together' | sort >"$work/guest.txt"
    check "floating point as on the host ($n CPUs)" cmp -s "$work/host.txt" "$work/guest.txt"
done
