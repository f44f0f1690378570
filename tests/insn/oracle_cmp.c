/* SPDX-License-Identifier: MIT */
/*
 * Compares the two sides of a case and describes what differs.
 *
 * The hosts that run this may be Intel's or AMD's. Where they differ from each other or from
 * what we offer, the comparison leaves out:
 *
 *   what                          why
 *   flags in fl_undef of the row  undefined; but OF of a shift or rotate by 1 is not, and a
 *                                 count of 0 changes nothing
 *   SHLD/SHRD with count > size   result and flags undefined (16-bit operands)
 *   POPA that faults              how many registers are loaded already
 *   CR2 of FLDENV, FXSAVE ...     which byte of a long operand faults first (the page counts)
 *   P in a #PF error code         what else is mapped in this process
 *   C1 after FCOMI and its kin    cleared by Intel's, left alone by AMD's
 *   EFLAGS of FCOMI and its kin   left alone by an unmasked #IA on Intel's, set on AMD's
 *   CVTPI2PS from memory          Intel's sets the MMX state, AMD's does not
 *   MMX state after a fault        AMD's has set it before the fault
 *   PE beside an unmasked OE, UE  we count bits lost in the masked result, the host does not
 *   flags of DPPS, DPPD with #XM  which of their steps were done
 *   #MF by CVTPI2PS from memory   Intel's raises it, AMD's does not
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/rows.h"
#include "tests/insn/oracle.h"

/* ---- What is defined --------------------------------------------------------------------- */

/* The count of a shift or rotate, as masked; -1 for other instructions. */
static int shift_count(const struct oracle_case *c, const struct x86_insn *i)
{
    const char *name = x86_rows[i->row].name;
    const struct x86_opnd *o = &i->op[i->nopnd ? i->nopnd - 1 : 0];
    uint64_t n;

    if (strcmp(name, "shl") && strcmp(name, "shr") && strcmp(name, "sar") && strcmp(name, "rol") &&
        strcmp(name, "ror") && strcmp(name, "rcl") && strcmp(name, "rcr") &&
        strcmp(name, "shld") && strcmp(name, "shrd"))
        return -1;
    n = o->kind == OPND_ONE ? 1 : o->kind == OPND_IMM ? (uint64_t)i->imm : c->in.gpr[R_RCX];
    return (int)(n & (i->op[0].size == 8 ? 63 : 31));
}

/* Flags that need not agree after the instruction. */
static uint32_t undefined_flags(const struct oracle_case *c, const struct x86_insn *i)
{
    const struct x86_row *row = &x86_rows[i->row];
    uint32_t undef = row->fl_undef;
    int count = shift_count(c, i);
    unsigned bits = i->op[0].size * 8u;

    if (count == 0)
        return 0;
    if (count == 1)
        undef &= ~FL_OF;
    if (count > 0 && (unsigned)count > bits && row->fl_undef & FL_AF)
        undef |= FL_CF;
    return undef;
}

static bool undefined_result(const struct oracle_case *c, const struct x86_insn *i, int host,
                             int ours)
{
    if (i->row == X86_popa && host >= 0)
        return true;
    if (i->row == X86_cvtpi2ps && i->op[1].kind == OPND_MEM && ours == EXC_MF)
        return true;
    return i->nopnd == 3 && shift_count(c, i) > i->op[0].size * 8;
}

/* What the peer does otherwise is taken over from it, so that it compares equal. */
static void even_out(const struct x86_insn *i, const struct machine_state *n,
                     struct machine_state *o)
{
    bool mmx_state = false;

    switch (i->row) {
    case X86_fcomi: case X86_fcomip: case X86_fucomi: case X86_fucomip:
        o->fx.fsw = (o->fx.fsw & ~0x200) | (n->fx.fsw & 0x200);
        if (n->fx.fsw & ~n->fx.fcw & 1)
            o->rflags = n->rflags;
        break;
    case X86_cvtpi2ps:
        mmx_state = i->op[1].kind == OPND_MEM;
        break;
    default:
        break;
    }
    if ((x86_rows[i->row].attr & ROW_MMX) && n->vector == o->vector &&
        (n->vector == EXC_PF || n->vector == EXC_GP || n->vector == EXC_XM))
        mmx_state = true;
    if (mmx_state) {
        o->fx.fsw = n->fx.fsw;
        o->fx.ftw = n->fx.ftw;
        memcpy(o->fx.st, n->fx.st, sizeof(o->fx.st));
    }
    if (n->vector == EXC_XM && o->vector == EXC_XM && (n->fx.mxcsr & 0x18))
        o->fx.mxcsr = (o->fx.mxcsr & ~0x20) | (n->fx.mxcsr & 0x20);
    if (n->vector == EXC_XM && o->vector == EXC_XM && (i->row == X86_dpps || i->row == X86_dppd))
        o->fx.mxcsr = n->fx.mxcsr;
    if (n->vector == EXC_PF && o->vector == EXC_PF) {
        if (i->nopnd && i->op[0].kind == OPND_MEM && !i->op[0].size && n->cr2 >> 12 == o->cr2 >> 12)
            o->cr2 = n->cr2;
    }
}

/* ---- Comparing --------------------------------------------------------------------------- */

static void diff(GString *d, const char *what, uint64_t in, uint64_t native, uint64_t ours)
{
    if (native != ours)
        g_string_append_printf(d, "  %-8s was %016" PRIx64 "  host %016" PRIx64 "  ours %016" PRIx64
                               "\n", what, in, native, ours);
}

static void diff_bytes(GString *d, const char *what, unsigned n, const uint8_t *in,
                       const uint8_t *native, const uint8_t *ours, unsigned len)
{
    if (!memcmp(native, ours, len))
        return;
    g_string_append_printf(d, "  %s%-2u", what, n);
    for (unsigned k = 0; k < 3; k++) {
        const uint8_t *p = k == 0 ? in : k == 1 ? native : ours;

        g_string_append(d, k == 0 ? " was " : k == 1 ? " host " : " ours ");
        for (unsigned b = len; b--;)
            g_string_append_printf(d, "%02x", p[b]);
    }
    g_string_append_c(d, '\n');
}

static void compare_gpr(GString *d, const struct oracle_case *c, const struct machine_state *n,
                        const struct machine_state *o)
{
    static const char names[16][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    bool wide = c->mode == X86_MODE_64;
    uint64_t mask = wide ? ~0ull : 0xffffffff;

    for (unsigned r = 0; r < (wide ? 16 : 8); r++)
        diff(d, names[r], c->in.gpr[r] & mask, n->gpr[r] & mask, o->gpr[r] & mask);
}

static void compare_fpu(GString *d, const struct oracle_case *c, const struct machine_state *n,
                        const struct machine_state *o)
{
    const struct fxstate *i = &c->in.fx;

    diff(d, "fcw", i->fcw, n->fx.fcw, o->fx.fcw);
    diff(d, "fsw", i->fsw, n->fx.fsw, o->fx.fsw);
    diff(d, "ftw", i->ftw, n->fx.ftw, o->fx.ftw);
    diff(d, "mxcsr", i->mxcsr, n->fx.mxcsr, o->fx.mxcsr);
    for (unsigned r = 0; r < 8; r++)
        diff_bytes(d, "st", r, i->st[r], n->fx.st[r], o->fx.st[r], 10);
    for (unsigned r = 0; r < (c->mode == X86_MODE_64 ? 16 : 8); r++)
        diff_bytes(d, "xmm", r, i->xmm[r], n->fx.xmm[r], o->fx.xmm[r], 16);
}

/* Control instructions leave the pointers alone; loaded ones were not (oracle_native.c). */
static bool sets_pointers(const struct x86_insn *i)
{
    static const char *const control[] = {"fwait", "fldcw", "fnstcw", "fnstsw", "fnclex", "fninit",
                                          "fldenv", "fnstenv", "frstor", "fnsave", "fneni",
                                          "fndisi", "fnsetpm"};

    for (size_t n = 0; n < G_N_ELEMENTS(control); n++)
        if (!strcmp(x86_rows[i->row].name, control[n]))
            return false;
    return x86_rows[i->row].group == GROUP_X87;
}

static void compare_pointers(GString *d, const struct x86_insn *i, const struct machine_state *n,
                             const struct machine_state *o)
{
    if (!sets_pointers(i) || n->vector >= 0)
        return;
    if (!n->x87_ip) /* lost when the host's kernel switched tasks: AMD saves them with ES only */
        return;
    diff(d, "x87 ip", 0, n->x87_ip, o->x87_ip);
    diff(d, "x87 op", 0, n->x87_op & 0x7ff, o->x87_op & 0x7ff);
    if (oracle_has_mem(i))
        diff(d, "x87 dp", 0, n->x87_dp, o->x87_dp);
}

static void compare_mem(GString *d, const struct oracle_case *c, const struct oracle_run *n,
                        const struct oracle_run *o)
{
    for (unsigned a = 0; a < MEM_SIZE; a += 16)
        diff_bytes(d, "mem+", a, c->mem + a, n->mem + a, o->mem + a, 16);
}

/* ---- Reporting --------------------------------------------------------------------------- */

static void describe(GString *d, const struct oracle_case *c)
{
    unsigned at = 0;

    while (at < c->code_len) {
        struct x86_insn i;
        char text[128];

        if (x86_decode(c->code + at, c->code_len - at, c->mode, &i) != DECODE_OK)
            break;
        x86_disasm(&i, CODE_START + at, text, sizeof(text));
        g_string_append(d, " ");
        for (unsigned n = 0; n < i.len; n++)
            g_string_append_printf(d, " %02x", c->code[at + n]);
        g_string_append_printf(d, "   %s\n", text);
        at += i.len;
    }
    for (unsigned r = 0; r < 16; r++)
        g_string_append_printf(d, "%s%s%u=%" PRIx64, r % 4 ? " " : "  ", "r", r, c->in.gpr[r]);
    g_string_append_printf(d, "\n  flags=%" PRIx64 " fcw=%x fsw=%x ftw=%x mxcsr=%x\n", c->in.rflags,
                           c->in.fx.fcw, c->in.fx.fsw, c->in.fx.ftw, c->in.fx.mxcsr);
}

char *oracle_check(const struct oracle_case *c,
                   void (*ours)(const struct oracle_case *c, struct oracle_run *r))
{
    static struct oracle_run n, o;
    struct x86_insn i;
    uint32_t undef = c->undef;
    GString *d = g_string_new(NULL), *all;

    oracle_native(c, &n);
    ours(c, &o);
    x86_decode(c->code, c->code_len, c->mode, &i);
    if (c->count == 1) {
        if (undefined_result(c, &i, n.out.vector, o.out.vector)) {
            g_string_free(d, TRUE);
            return NULL;
        }
        even_out(&i, &n.out, &o.out);
        undef = n.out.vector < 0 ? undefined_flags(c, &i) : 0;
    }
    if (n.out.vector >= 0)
        undef |= c->undef_any;
    if (n.out.vector == EXC_PF)
        o.out.error = (o.out.error & ~PF_P) | (n.out.error & PF_P);
    diff(d, "vector", 0, (uint64_t)n.out.vector, (uint64_t)o.out.vector);
    diff(d, "error", 0, n.out.error, o.out.error);
    if (n.out.vector == EXC_PF)
        diff(d, "cr2", 0, n.out.cr2, o.out.cr2);
    diff(d, "rip", CODE_START, n.out.rip, o.out.rip);
    diff(d, "rflags", c->in.rflags, n.out.rflags & ~(uint64_t)undef,
         o.out.rflags & ~(uint64_t)undef);
    compare_gpr(d, c, &n.out, &o.out);
    compare_fpu(d, c, &n.out, &o.out);
    if (c->count == 1)
        compare_pointers(d, &i, &n.out, &o.out);
    compare_mem(d, c, &n, &o);
    if (!d->len)
        return g_string_free(d, TRUE);
    all = g_string_new(NULL);
    describe(all, c);
    g_string_append(all, d->str);
    g_string_free(d, TRUE);
    return g_string_free(all, FALSE);
}
