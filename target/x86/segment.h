/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, code transfers and stack frames: what segment.c, far.c, iret.c, except.c, task.c
 * and the segment instructions share. Intel SDM vol. 3 chapters 3, 5, 6 and 7.
 *
 * Descriptor (8 bytes, as one little-endian number):
 *   63..56      55..52     51..48        47..40            39..16       15..0
 *   base 31:24  G DB L AVL limit 19:16   P DPL S type      base 23:0    limit 15:0
 */
#ifndef TARGET_X86_SEGMENT_H
#define TARGET_X86_SEGMENT_H

#include "target/x86/cpu.h"

/* System segment and gate types (S = 0). */
enum {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4, SYS_TASK = 5, SYS_INT16 = 6,
    SYS_TRAP16 = 7, SYS_TSS32 = 9, SYS_TSS32_BUSY = 11, SYS_CALL32 = 12, SYS_INT32 = 14,
    SYS_TRAP32 = 15,
};

static inline unsigned desc_attr(uint64_t d)
{
    return d >> 40 & 0xf0ff;
}
static inline unsigned desc_type(uint64_t d)
{
    return d >> 40 & 15;
}
static inline unsigned desc_dpl(uint64_t d)
{
    return d >> 45 & 3;
}
static inline uint64_t desc_base(uint64_t d)
{
    return (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000u);
}
static inline uint32_t desc_limit(uint64_t d)
{
    uint32_t l = (d & 0xffff) | (d >> 32 & 0xf0000);

    return d >> 55 & 1 ? l << 12 | 0xfff : l;
}
static inline bool attr_is_code(unsigned attr)
{
    return (attr & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}
static inline bool attr_is_conforming(unsigned attr)
{
    return (attr & (SEG_S | SEG_CODE | SEG_DC)) == (SEG_S | SEG_CODE | SEG_DC);
}
static inline bool attr_is_writable(unsigned attr) /* data only */
{
    return (attr & (SEG_S | SEG_CODE | SEG_RW)) == (SEG_S | SEG_RW);
}
static inline bool attr_is_readable(unsigned attr) /* data, or readable code */
{
    return (attr & SEG_S) && (attr & (SEG_CODE | SEG_RW)) != SEG_CODE;
}
static inline bool sel_is_null(uint16_t sel)
{
    return !(sel & ~3);
}
static inline bool x86_canonical(uint64_t la)
{
    return (uint64_t)((int64_t)(la << 16) >> 16) == la;
}
/* Real and virtual-8086 mode: selectors are paragraphs. */
static inline bool x86_real_segs(const struct x86_cpu *c)
{
    return !c->pe || c->vm86;
}

/* ---- Descriptor tables (desc.c) --------------------------------------------------------- */
/* The descriptor of sel; false if it lies outside its table. */
bool x86_desc_read(struct x86_cpu *c, uint16_t sel, uint64_t *d);
/* Its upper eight bytes, for 16-byte descriptors; false if outside the table. */
bool x86_desc_read_high(struct x86_cpu *c, uint16_t sel, uint64_t *high);
/* Set the accessed bit in memory and in *d if it is clear; locked. */
void x86_desc_accessed(struct x86_cpu *c, uint16_t sel, uint64_t *d);
/* Set or clear the busy bit of a TSS descriptor in the GDT; locked. */
void x86_desc_busy(struct x86_cpu *c, uint16_t sel, bool busy);
/* A linear address of a system structure: 32 bits wide outside IA-32e mode. */
static inline uint64_t x86_sys_la(const struct x86_cpu *c, uint64_t la)
{
    return c->lma ? la : (uint32_t)la;
}

/* ---- Segment registers (segment.c) ------------------------------------------------------ */
/* Load without checks. x86_update_mode() is the caller's duty for CS and SS. */
void x86_seg_set(struct x86_cpu *c, unsigned seg, uint16_t sel, uint64_t desc);
void x86_seg_set_null(struct x86_cpu *c, unsigned seg, uint16_t sel);
void x86_seg_set_real(struct x86_cpu *c, unsigned seg, uint16_t sel);
/* #GP(err) unless ip lies in a code segment of these attributes and limit. */
void x86_check_ip(struct x86_cpu *c, unsigned attr, uint32_t limit, uint64_t ip, uint32_t err);
uint64_t x86_sp(const struct x86_cpu *c);          /* cut to the stack size */
void x86_set_sp(struct x86_cpu *c, uint64_t sp);   /* bits above the stack size stay */
/* Is [off, off+len) inside a segment for reading or writing (not 64-bit mode)? */
bool x86_seg_covers(const struct x86_seg *s, uint64_t off, unsigned len);

/* ---- Stack frames (frame.c) ------------------------------------------------------------- */
/* A frame in the making: pushes are checked and remembered; x86_frame_commit() first proves
 * that all bytes can be written, then writes them. SP itself is set by the caller. */
struct x86_frame {
    struct x86_cpu *c;
    struct x86_seg ss;   /* the stack's segment, base included */
    uint64_t sp;
    uint32_t error;      /* of the #SS when there is no room */
    uint8_t sp_size;
    bool system;         /* supervisor access whatever the CPL */
    unsigned n;
    struct {
        uint64_t la, value;
        uint8_t size;
    } item[48];
};
void x86_frame_begin(struct x86_frame *f, struct x86_cpu *c, uint32_t error); /* present stack */
/* The stack the TSS holds for ring `cpl` (raises #TS, #SS with `ext` in the error code). *ss and
 * *desc are what x86_frame_load_ss() needs. */
void x86_frame_begin_inner(struct x86_frame *f, struct x86_cpu *c, unsigned cpl, uint32_t ext,
                           uint16_t *ss, uint64_t *desc);
/* Interrupt stack table entry `ist` (1..7), or RSP0..2 for ist = 0. */
uint64_t x86_tss_rsp(struct x86_cpu *c, unsigned cpl, unsigned ist, uint32_t ext);
void x86_frame_push(struct x86_frame *f, unsigned size, uint64_t value);
void x86_frame_commit(struct x86_frame *f);
/* Make SS the inner stack segment of ring `cpl`. */
void x86_frame_load_ss(struct x86_cpu *c, unsigned cpl, uint16_t ss, uint64_t desc);

/* ---- Returns (far.c): shared by RETF and IRET -------------------------------------------- */
/* Check the return code segment; returns its descriptor. */
uint64_t x86_check_return_cs(struct x86_cpu *c, uint16_t cs);
/* Check the return stack segment for ring rpl, returning to code with attributes cs_attr. For a
 * permitted null selector *null is set. */
uint64_t x86_check_return_ss(struct x86_cpu *c, uint16_t ss, unsigned rpl, unsigned cs_attr,
                             bool *null);
/* Data segments that the outer ring may not keep become null. */
void x86_drop_inner_segs(struct x86_cpu *c);

/* ---- Tasks (task.c) ---------------------------------------------------------------------- */
/* Checks of a TSS selector before a switch (vec is #GP, or #TS for IRET), then the switch.
 * ret_ip is what the old task resumes at; ext the EXT bit of error codes; has_error/error is
 * pushed on the new task's stack. */
void x86_task_enter(struct x86_cpu *c, uint16_t tss, enum x86_task_src src, uint64_t ret_ip,
                    uint32_t ext, bool has_error, uint32_t error);

/* ---- Control registers (sysreg.c) -------------------------------------------------------- */
/* PAE paging: read the four PDPTEs at cr3; false if one has a reserved bit set. */
bool x86_read_pdptes(struct x86_cpu *c, uint64_t cr3, uint64_t out[4]);

#endif
