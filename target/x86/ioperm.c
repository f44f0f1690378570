/* SPDX-License-Identifier: MIT */
/*
 * May this program touch an I/O port? IOPL, then the permission bitmap of a 32- or 64-bit TSS.
 * Intel SDM vol. 1 section 19.5. And is there a breakpoint on it? Vol. 3 section 17.2.5.
 *
 * The map starts at the offset in the word at TSS + 102, one bit per port, set = refused. Two
 * bytes are always read, because an access may straddle a byte; both must lie within the TSS.
 */
#include "target/x86/segment.h"

bool x86_io_allowed(struct x86_cpu *c, uint16_t port, unsigned size)
{
    const struct x86_seg *tr = &c->seg[S_TR];
    uint32_t base, bits;

    if (!c->pe || (!c->vm86 && c->cpl <= (c->eflags & FL_IOPL) >> 12))
        return true;
    if ((tr->attr & SEG_UNUSABLE) || (tr->attr & SEG_TYPE) < SYS_TSS32 || tr->limit < 103)
        return false;
    base = x86_sys_read(c, x86_sys_la(c, tr->base + 102), 2) + port / 8u;
    if (base + 1 > tr->limit)
        return false;
    bits = x86_sys_read(c, x86_sys_la(c, tr->base + base), 2) >> (port & 7);
    return !(bits & ((1u << size) - 1));
}

void x86_io_breakpoint(struct x86_cpu *c, uint16_t port, unsigned size)
{
    if (!(c->cr4 & CR4_DE) || !(c->dr[7] & 0xff))
        return;
    for (unsigned n = 0; n < 4; n++) {
        unsigned len = (c->dr[7] >> (18 + 4 * n) & 3) + 1, mask = len == 3 ? 7 : len - 1;
        uint64_t first = c->dr[n] & ~(uint64_t)mask;

        if ((c->dr[7] >> (2 * n) & 3) && (c->dr[7] >> (16 + 4 * n) & 3) == 2 &&
            first < port + size && port <= first + mask)
            c->db_pending |= 1u << n;
    }
}
