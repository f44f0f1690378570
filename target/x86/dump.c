/* SPDX-License-Identifier: MIT */
/* struct x86_state as text, and registers by name. */
#include "target/x86/dump.h"

#include <inttypes.h>
#include <string.h>

static const char *const gpr_names[16] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "8",
                                          "9",  "10", "11", "12", "13", "14", "15"};
static const char *const sreg_names[8] = {"es", "cs", "ss", "ds", "fs", "gs", "ldt", "tr"};

static bool is_long(const struct x86_state *st)
{
    return (st->msr.efer & EFER_LMA) && (st->seg[S_CS].attr & SEG_L);
}

static unsigned privilege(const struct x86_state *st)
{
    return st->rflags & FL_VM ? 3 : (st->seg[S_SS].attr & SEG_DPL) >> 5;
}

static void describe_gprs(const struct x86_state *st, GString *out)
{
    static const uint8_t order[8] = {R_RAX, R_RBX, R_RCX, R_RDX, R_RSI, R_RDI, R_RBP, R_RSP};
    bool wide = is_long(st);

    for (int i = 0; i < (wide ? 16 : 8); i++) {
        int r = i < 8 ? order[i] : i;
        g_autofree char *name = g_ascii_strup(gpr_names[r], -1);

        if (wide)
            g_string_append_printf(out, "R%-2s=%016" PRIx64, name, st->gpr[r]);
        else
            g_string_append_printf(out, "E%s=%08x", name, (uint32_t)st->gpr[r]);
        g_string_append_c(out, i % 4 == 3 ? '\n' : ' ');
    }
}

static void describe_flags(const struct x86_state *st, GString *out)
{
    static const struct {
        uint32_t bit;
        char letter;
    } flags[] = {{FL_DF, 'D'}, {FL_OF, 'O'}, {FL_SF, 'S'}, {FL_ZF, 'Z'},
                 {FL_AF, 'A'}, {FL_PF, 'P'}, {FL_CF, 'C'}};

    if (is_long(st))
        g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08x [", st->rip, (uint32_t)st->rflags);
    else
        g_string_append_printf(out, "EIP=%08x EFL=%08x [", (uint32_t)st->rip,
                               (uint32_t)st->rflags);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        g_string_append_c(out, st->rflags & flags[i].bit ? flags[i].letter : '-');
    g_string_append_printf(out, "] CPL=%u II=%d HLT=%d\n", privilege(st),
                           st->inhibit_irq || st->inhibit_movss, st->mp_state == MP_HALTED);
}

static void describe_segments(const struct x86_state *st, GString *out)
{
    int width = is_long(st) ? 16 : 8;

    for (int i = 0; i < 8; i++) {
        const struct x86_seg *s = &st->seg[i];
        g_autofree char *name = g_ascii_strup(sreg_names[i], -1);

        g_string_append_printf(out, "%-3s=%04x %0*" PRIx64 " %08x %08x", name, s->sel, width,
                               s->base, s->limit, (uint32_t)s->attr << 8);
        if (s->attr & SEG_P)
            g_string_append_printf(out, " DPL=%d %s%s", (s->attr & SEG_DPL) >> 5,
                                   !(s->attr & SEG_S)     ? "system"
                                   : s->attr & SEG_CODE ? "code"
                                                        : "data",
                                   s->attr & SEG_L    ? "64"
                                   : s->attr & SEG_DB ? "32"
                                                      : "16");
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, "GDT=     %0*" PRIx64 " %08x\n", width, st->gdtr.base,
                           st->gdtr.limit);
    g_string_append_printf(out, "IDT=     %0*" PRIx64 " %08x\n", width, st->idtr.base,
                           st->idtr.limit);
}

static void describe_control(const struct x86_state *st, GString *out)
{
    g_string_append_printf(out, "CR0=%08x CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08x\n",
                           (uint32_t)st->cr0, st->cr2, st->cr3, (uint32_t)st->cr4);
    g_string_append_printf(out, "DR0=%016" PRIx64 " DR1=%016" PRIx64 " DR2=%016" PRIx64
                                " DR3=%016" PRIx64 "\n", st->dr[0], st->dr[1], st->dr[2],
                           st->dr[3]);
    g_string_append_printf(out, "DR6=%016" PRIx64 " DR7=%016" PRIx64 "\n", st->dr[6], st->dr[7]);
    g_string_append_printf(out, "EFER=%016" PRIx64 "\n", st->msr.efer);
}

/* The tag word as FXSAVE has it: one bit per physical register, set when it holds something. */
static unsigned abridged_tags(uint16_t ftw)
{
    unsigned bits = 0;

    for (int i = 0; i < 8; i++)
        if (((ftw >> (2 * i)) & 3) != 3)
            bits |= 1u << i;
    return bits;
}

static void describe_fpu(const struct x86_state *st, GString *out)
{
    g_string_append_printf(out, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", st->fcw,
                           st->fsw, (st->fsw >> 11) & 7, abridged_tags(st->ftw), st->mxcsr);
    for (int i = 0; i < 8; i++)
        g_string_append_printf(out, "FPR%d=%016" PRIx64 " %04x%c", i, st->fpr[i].mant,
                               st->fpr[i].se, i % 2 ? '\n' : ' ');
    for (int i = 0; i < (is_long(st) ? 16 : 8); i++) {
        uint64_t half[2];

        memcpy(half, st->xmm[i], sizeof(half));
        g_string_append_printf(out, "XMM%02d=%016" PRIx64 "%016" PRIx64 "%c", i, half[1], half[0],
                               i % 2 ? '\n' : ' ');
    }
}

void x86_state_describe(const struct x86_state *st, bool fpu, GString *out)
{
    describe_gprs(st, out);
    describe_flags(st, out);
    describe_segments(st, out);
    describe_control(st, out);
    if (fpu)
        describe_fpu(st, out);
}

/* ---- By name ------------------------------------------------------------------------- */

/* rax eax ax; r8 r8d r8w r8b. */
static bool general(const struct x86_state *st, const char *name, uint64_t *value)
{
    for (int i = 0; i < 16; i++) {
        const char *n = gpr_names[i];
        const char *at = *name == 'r' || (*name == 'e' && i < 8) ? name + 1 : name;
        size_t len = strlen(n);

        if (strncmp(at, n, len) != 0 || (i >= 8 && *name != 'r'))
            continue;
        const char *suffix = at + len;
        if (*suffix && (i < 8 || suffix[1]))
            continue;
        char width = i < 8 ? (at == name ? 'w' : *name) : *suffix;
        *value = st->gpr[i];
        switch (width) {
        case 'r': case 0: return true;
        case 'e': case 'd': *value &= UINT32_MAX; return true;
        case 'w': *value &= UINT16_MAX; return true;
        case 'b': *value &= UINT8_MAX; return true;
        }
    }
    return false;
}

static bool bytes(const struct x86_state *st, const char *name, uint64_t *value)
{
    static const char *const low[8] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    static const char *const high[4] = {"ah", "ch", "dh", "bh"};

    for (int i = 0; i < 8; i++) {
        if (strcmp(name, low[i]) == 0)
            *value = st->gpr[i] & 0xff;
        else if (i < 4 && strcmp(name, high[i]) == 0)
            *value = st->gpr[i] >> 8 & 0xff;
        else
            continue;
        return true;
    }
    return false;
}

static bool segment(const struct x86_state *st, const char *name, uint64_t *value)
{
    for (int i = 0; i < 8; i++) {
        size_t n = strlen(sreg_names[i]);

        if (strncmp(name, sreg_names[i], n) != 0)
            continue;
        if (!name[n])
            *value = st->seg[i].sel;
        else if (strcmp(name + n, "_base") == 0)
            *value = st->seg[i].base;
        else if (strcmp(name + n, "_limit") == 0)
            *value = st->seg[i].limit;
        else
            continue;
        return true;
    }
    return false;
}

static bool special(const struct x86_state *st, const char *name, uint64_t *value)
{
    const struct {
        const char *name;
        uint64_t value;
    } table[] = {
        {"rip", st->rip},         {"eip", st->rip & UINT32_MAX},
        {"pc", st->rip},          {"rflags", st->rflags},
        {"eflags", st->rflags},   {"cr0", st->cr0},
        {"cr2", st->cr2},         {"cr3", st->cr3},
        {"cr4", st->cr4},         {"cr8", st->cr8},
        {"dr0", st->dr[0]},       {"dr1", st->dr[1]},
        {"dr2", st->dr[2]},       {"dr3", st->dr[3]},
        {"dr6", st->dr[6]},       {"dr7", st->dr[7]},
        {"efer", st->msr.efer},   {"gdt", st->gdtr.base},
        {"idt", st->idtr.base},   {"tsc", st->tsc},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (strcmp(name, table[i].name) == 0) {
            *value = table[i].value;
            return true;
        }
    }
    return false;
}

bool x86_state_register(const struct x86_state *st, const char *name, uint64_t *value)
{
    return special(st, name, value) || segment(st, name, value) || bytes(st, name, value) ||
           general(st, name, value);
}
