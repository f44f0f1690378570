/* SPDX-License-Identifier: MIT */
/*
 * -cpu max,kvm=off: nothing of KVM's interface shows, but the processor says that it has a
 * hypervisor. VMCALL and VMMCALL are undefined.
 *
 * options: -cpu max,kvm=off
 *
 * QEMU's software CPU does not know kvm=off and shows a leaf of its own: MANUAL.
 */
#include "pv.h"

DO(time) { wrmsr(TIME, 0); }
DO(old_time) { rdmsr(OLD_TIME); }
DO(eoi) { rdmsr(PV_EOI); }
DO(poll) { rdmsr(POLL); }
DO(vmcall) { asm volatile("vmcall" : : "a"(1) : "memory"); }
DO(vmmcall) { asm volatile("vmmcall" : : "a"(1) : "memory"); }

int main(void)
{
    uint32_t r[4];

    cpuid(1, 0, r);
    print("hypervisor %u\n", r[2] >> 31);
    for (unsigned n = 0; n < 2; n++) {
        cpuid(0x40000000 + n, 0, r);
        print(MANUAL "leaf %u: %x %x %x %x\n", n, r[0], r[1], r[2], r[3]);
    }
    SHOW(MANUAL "time", time);
    SHOW(MANUAL "old time", old_time);
    SHOW(MANUAL "EOI", eoi);
    SHOW(MANUAL "polling", poll);
    SHOW(MANUAL "VMCALL", vmcall);
    SHOW(MANUAL "VMMCALL", vmmcall);
    return 0;
}
