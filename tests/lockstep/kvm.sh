#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: kvm
# timeout: 400
# Guest programs on KVM and the interpreter in lock step. Left out are those that need what a KVM
# without VMX or SVM does otherwise than the manual (32-bit paging, TF, virtual-8086 mode).
cd "$(dirname "$0")/../.." || exit 2
. tests/lockstep/lib.sh

if [ ! -w /dev/kvm ]; then
    echo "ok 1 - lock step with KVM # SKIP /dev/kvm cannot be used"
    echo "1..1"
    exit 0
fi
for name in triple_32 segment_32 amd_64 long_64 misc_64 x2apic_64; do
    run $name a=kvm,b=tcg-interp
    verdict $? "$name, KVM and interpreter in lock step" "$out/$name.log"
done
echo "1..$n"
exit $bad
