/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: reading descriptors, and the two bits the processor writes back. Intel SDM
 * vol. 3 sections 3.5 and 7.2.2. The writes are locked: another processor may load from the
 * same table.
 */
#include "core/region.h"
#include "target/x86/segment.h"

/* Linear address of bytes [sel & ~7, + len) of sel's table; false if outside. */
static bool locate(const struct x86_cpu *c, uint16_t sel, unsigned len, uint64_t *la)
{
    uint32_t limit = c->gdtr.limit;
    uint64_t base = c->gdtr.base;

    if (sel & 4) {
        if (c->seg[S_LDTR].attr & SEG_UNUSABLE)
            return false;
        limit = c->seg[S_LDTR].limit;
        base = c->seg[S_LDTR].base;
    }
    if ((sel & ~7u) + len - 1 > limit)
        return false;
    *la = x86_sys_la(c, base + (sel & ~7u));
    return true;
}

bool x86_desc_read(struct x86_cpu *c, uint16_t sel, uint64_t *d)
{
    uint64_t la;

    if (!locate(c, sel, 8, &la))
        return false;
    *d = x86_sys_read(c, la, 8);
    return true;
}

bool x86_desc_read_high(struct x86_cpu *c, uint16_t sel, uint64_t *high)
{
    uint64_t la;

    if (!locate(c, sel, 16, &la))
        return false;
    *high = x86_sys_read(c, la + 8, 8);
    return true;
}

/* A locked read-modify-write of one byte of a system structure. */
static void sys_update8(struct x86_cpu *c, uint64_t la, uint8_t set, uint8_t clear)
{
    struct x86_walk w;
    uint8_t *p = NULL;

    x86_sys_probe(c, la, 1, ACC_WRITE);
    if (x86_walk(c, la, ACC_WRITE, false, true, &w))
        p = as_ptr(c->as, w.gpa, 1, true);
    if (!p) {
        x86_sys_write(c, la, 1, (x86_sys_read(c, la, 1) | set) & ~clear);
        return;
    }
    if (set)
        __atomic_fetch_or(p, set, __ATOMIC_SEQ_CST);
    if (clear)
        __atomic_fetch_and(p, (uint8_t)~clear, __ATOMIC_SEQ_CST);
}

void x86_desc_accessed(struct x86_cpu *c, uint16_t sel, uint64_t *d)
{
    uint64_t la;

    if ((*d >> 40 & SEG_ACCESSED) || !locate(c, sel, 8, &la))
        return;
    sys_update8(c, la + 5, SEG_ACCESSED, 0);
    *d |= (uint64_t)SEG_ACCESSED << 40;
}

void x86_desc_busy(struct x86_cpu *c, uint16_t sel, bool busy)
{
    uint64_t la;

    if (locate(c, sel, 8, &la))
        sys_update8(c, la + 5, busy ? 2 : 0, busy ? 0 : 2);
}
