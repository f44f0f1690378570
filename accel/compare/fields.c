/* SPDX-License-Identifier: MIT */
/*
 * Which fields of struct x86_state differ: its table of saved fields (accel/state_fields.c), but
 * for those that cannot be equal or do not matter.
 */
#include "accel/compare/compare.h"

#include <inttypes.h>
#include <string.h>

#include "core/state.h"

/* A name that ends in '_' stands for all that begin with it. */
static const struct exemption {
    const char *name;
    bool hardware_only; /* both interpreters must agree */
    const char *why;
} exemptions[] = {
    {"nmi_pending", false, "a pin's: the chips are the machine's"},
    {"init_pending", false, "a pin's"},
    {"sipi_pending", false, "a pin's"},
    {"sipi_vector", false, "valid while a SIPI is pending"},
    {"msr.kvm_", false, "KVM's interface is not offered to guests (fit_model())"},
    {"fop", true, "FXSAVE's copy may be of the last exception only (SDM vol. 1, 8.1.9)"},
    {"fip", true, "lost when the host switches tasks (SDM vol. 1, 8.1.8, 10.5.1.1)"},
    {"fdp", true, "as FIP; some processors keep it for exceptions only (CPUID.7:EBX[6])"},
    {"fcs", true, "deprecated: processors that save 0 (CPUID.7:EBX[13])"},
    {"fds", true, "deprecated: processors that save 0 (CPUID.7:EBX[13])"},
    {"event_vector", false, "valid while an event waits"},
    {"event_has_error", false, "valid while an event waits"},
    {"event_error", false, "valid while an event waits"},
};

static bool is_named(const struct exemption *e, const char *field)
{
    size_t n = strlen(e->name);
    bool prefix = e->name[n - 1] == '_';

    return prefix ? strncmp(field, e->name, n) == 0 : strcmp(field, e->name) == 0;
}

static bool is_exempt(const struct compare *c, const char *field)
{
    bool hardware = c->side[SIDE_A].accel->hardware || c->side[SIDE_B].accel->hardware;

    for (unsigned i = 0; i < G_N_ELEMENTS(exemptions); i++)
        if (is_named(&exemptions[i], field) && (hardware || !exemptions[i].hardware_only))
            return true;
    return false;
}

void fields_init(struct compare *c)
{
    unsigned n = 0;

    while (x86_state_fields[n].name)
        n++;
    c->exempt = g_new0(bool, n);
    for (unsigned i = 0; i < n; i++)
        c->exempt[i] = is_exempt(c, x86_state_fields[i].name);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static const uint8_t *field_at(const struct side *s, const struct state_field *f)
{
    return (const uint8_t *)&s->st + f->offset;
}

/* Real-address and virtual-8086 mode do not look at the type of CS; whether loading it there makes
 * it data, as RESET does, or leaves it as it was is the processor's choice (SDM vol. 3, 9.1.1,
 * 20.1.1). */
static bool has_no_rights(const struct x86_state *st)
{
    return !(st->cr0 & CR0_PE) || (st->rflags & FL_VM);
}

/*
 * The hidden part of a data segment register with a null selector: nothing goes through it, and a
 * processor may keep what it likes there (SDM vol. 3, 3.4.2; 24.4.1 calls it undefined), but for
 * the DPL of SS, which is the CPL (64-bit mode allows SS to be null).
 */
static bool is_hidden(const struct side *a, const struct side *b, const struct state_field *f)
{
    for (unsigned n = S_ES; n <= S_LDTR; n++) {
        const struct x86_seg *sa = &a->st.seg[n], *sb = &b->st.seg[n];
        size_t at = offsetof(struct x86_state, seg) + n * sizeof(*sa);

        if (n == S_CS || sa->sel > 3 || !(a->st.cr0 & CR0_PE) || (a->st.rflags & FL_VM))
            continue;
        if (f->offset == at + offsetof(struct x86_seg, limit))
            return (sa->attr | sb->attr) & SEG_UNUSABLE;
        if (n == S_SS && f->offset == at + offsetof(struct x86_seg, attr))
            return !((sa->attr ^ sb->attr) & SEG_DPL);
    }
    return false;
}

static bool field_equal(const struct compare *c, const struct state_field *f, uint32_t undefined)
{
    const struct side *a = &c->side[SIDE_A], *b = &c->side[SIDE_B];

    if (f->offset == offsetof(struct x86_state, seg[S_CS].attr) && has_no_rights(&a->st))
        return !((a->st.seg[S_CS].attr ^ b->st.seg[S_CS].attr) & ~SEG_TYPE);
    if (is_hidden(a, b, f))
        return true;
    if (f->offset == offsetof(struct x86_state, rflags))
        return !((a->st.rflags ^ b->st.rflags) & ~(uint64_t)undefined);
    return memcmp(field_at(a, f), field_at(b, f), f->elem_size * f->count) == 0;
}

/* b's undefined flags become a's, or the next PUSHF would differ. */
static void take_undefined(struct compare *c)
{
    struct side *b = &c->side[SIDE_B];

    if (c->side[SIDE_A].st.rflags == b->st.rflags)
        return;
    b->st.rflags = c->side[SIDE_A].st.rflags;
    side_load(b, &b->st);
    c->resyncs++;
}

bool fields_equal(struct compare *c, uint32_t undefined)
{
    const struct x86_state *a = &c->side[SIDE_A].st, *b = &c->side[SIDE_B].st;

    if (memcmp(a, b, sizeof(*a)) == 0)
        return true;
    for (unsigned i = 0; x86_state_fields[i].name; i++)
        if (!c->exempt[i] && !field_equal(c, &x86_state_fields[i], undefined))
            return false;
    take_undefined(c);
    return true;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static const char *const gpr_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static uint64_t element(const uint8_t *p, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, p, size);
    return v;
}

static void describe_uint(const struct compare *c, const struct state_field *f, GString *out)
{
    const uint8_t *a = field_at(&c->side[SIDE_A], f), *b = field_at(&c->side[SIDE_B], f);
    int width = (int)f->elem_size * 2;

    for (unsigned i = 0; i < f->count; i++, a += f->elem_size, b += f->elem_size) {
        g_autofree char *name = f->count == 1 ? g_strdup(f->name)
                                : f->offset == offsetof(struct x86_state, gpr)
                                    ? g_strdup(gpr_names[i])
                                    : g_strdup_printf("%s[%u]", f->name, i);
        if (memcmp(a, b, f->elem_size) != 0)
            g_string_append_printf(out, "  %-16s %c %0*" PRIx64 "  %c %0*" PRIx64 "\n", name,
                                   c->side[SIDE_A].letter, width, element(a, f->elem_size),
                                   c->side[SIDE_B].letter, width, element(b, f->elem_size));
    }
}

/* A buffer in rows of 16 bytes, as registers have it: the last byte first. */
static void describe_bytes(const struct compare *c, const struct state_field *f, GString *out)
{
    const uint8_t *a = field_at(&c->side[SIDE_A], f), *b = field_at(&c->side[SIDE_B], f);

    for (size_t at = 0; at < f->count; at += 16) {
        if (memcmp(a + at, b + at, 16) == 0)
            continue;
        g_string_append_printf(out, "  %s+%-*zu %c ", f->name, (int)(15 - strlen(f->name)), at,
                               c->side[SIDE_A].letter);
        for (int i = 15; i >= 0; i--)
            g_string_append_printf(out, "%02x", a[at + i]);
        g_string_append_printf(out, "\n%19s%c ", "", c->side[SIDE_B].letter);
        for (int i = 15; i >= 0; i--)
            g_string_append_printf(out, "%02x", b[at + i]);
        g_string_append_c(out, '\n');
    }
}

void fields_describe(struct compare *c, uint32_t undefined, GString *out)
{
    for (unsigned i = 0; x86_state_fields[i].name; i++) {
        const struct state_field *f = &x86_state_fields[i];

        if (c->exempt[i] || field_equal(c, f, undefined))
            continue;
        if (f->kind == STATE_BYTES)
            describe_bytes(c, f, out);
        else
            describe_uint(c, f, out);
    }
}
