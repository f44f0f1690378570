#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Guest programs of tests/guest on the interpreter twice in lock step, with what they print; and a
# kernel's first million instructions.
cd "$(dirname "$0")/../.." || exit 2
. tests/lockstep/lib.sh

for name in real_32 gates_32 paging_32 vm86_32 task_32 long_64 debug_64 x2apic_64 odds_64; do
    run $name a=tcg-interp,b=tcg-interp &&
        diff -u "tests/guest/$name.expected" "$out/$name.out" >>"$out/$name.log"
    verdict $? "$name, twice in lock step" "$out/$name.log"
done

boot() { # keys
    timeout -k 5 100 "$HOSTEL" -accel "compare,a=tcg,b=tcg,$1" -m 128 -display none -serial none \
        -monitor none -kernel "$GUEST/vmlinuz-cloud" >"$out/boot.log" 2>&1
}
boot limit=1000000 && grep -q 'are equal after 1000000 instructions' "$out/boot.log"
verdict $? "a million instructions of a kernel's start" "$out/boot.log"
boot every=1000,from=20000500,limit=20001000 &&
    grep -q 'are equal after 20001000 instructions' "$out/boot.log"
verdict $? "twenty million, by steps of a thousand, the last ones singly" "$out/boot.log"

refuse() { # keys, what it says
    timeout 20 "$HOSTEL" -accel "$1" -display none -serial none -monitor none -smp "${3:-1}" \
        >"$out/refuse.log" 2>&1
    [ $? = 1 ] && grep -q "$2" "$out/refuse.log"
    verdict $? "refused: -accel $1 -smp ${3:-1}" "$out/refuse.log"
}
refuse compare 'wants both sides'
refuse compare,a=tcg 'wants both sides'
refuse compare,a=tcg,b=tgc 'no such accelerator'
refuse compare,a=compare,b=tcg 'no such accelerator'
refuse compare,a=tcg,b=tcg,every=0 'every'
refuse compare,a=tcg,b=tcg 'one CPU' 2
echo "1..$n"
exit $bad
