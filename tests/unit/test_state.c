/* SPDX-License-Identifier: MIT */
/*
 * struct x86_state there and back: random valid states through each accelerator, compared field
 * by field; and that the table of fields, by which states are saved and compared, has them all.
 */
#include <check.h>

#include "accel/kvm/state.h"
#include "tests/unit/state_bed.h"
#include "tests/unit/state_random.h"

/* ---- Fields --------------------------------------------------------------------------------- */

static bool field_equal(const struct state_field *f, const void *a, const void *b)
{
    return !memcmp((const char *)a + f->offset, (const char *)b + f->offset,
                   f->elem_size * f->count);
}

START_TEST(every_byte_is_a_field)
{
    uint8_t seen[sizeof(struct x86_state)] = {0};
    const struct {
        size_t offset, size;
    } pads[] = {
#define PAD(f) {offsetof(struct x86_state, f), sizeof(((struct x86_state *)0)->f)}
        PAD(gdtr.pad), PAD(idtr.pad), PAD(ext.pad),
        PAD(fpr[0].pad), PAD(fpr[1].pad), PAD(fpr[2].pad), PAD(fpr[3].pad),
        PAD(fpr[4].pad), PAD(fpr[5].pad), PAD(fpr[6].pad), PAD(fpr[7].pad),
#undef PAD
    };

    for (const struct state_field *f = x86_state_fields; f->name; f++)
        for (size_t k = 0; k < f->elem_size * f->count; k++)
            ck_assert_msg(!seen[f->offset + k]++, "%s overlaps another field", f->name);
    for (unsigned n = 0; n < G_N_ELEMENTS(pads); n++)
        memset(seen + pads[n].offset, 1, pads[n].size);
    for (size_t k = 0; k < sizeof(seen); k++)
        ck_assert_msg(seen[k], "byte %zu of struct x86_state is in no field of x86_state_fields "
                      "(accel/state_fields.c)", k);
}
END_TEST

/* The random states vary every element of every field; pins are added by vcpu_save(). */
START_TEST(every_field_is_varied)
{
    static const char *const constant[] = {
        "init_pending", "sipi_pending", "sipi_vector", "tsc_vtime", /* not accel->save()'s */
        "msr.platform_id", "msr.feature_control", "msr.bios_sign_id", "msr.smm_monitor_ctl",
    };
    struct rnd r = {.x = 1, .cr4 = 0x37ffff, .efer = ~0ull, .xcr0 = 2, .phys_bits = 40};
    struct x86_state *a = g_new0(struct x86_state, 1), *b = g_new0(struct x86_state, 1);
    bool varied[512] = {0};

    for (unsigned n = 0; n < 400; n++) {
        rnd_state(&r, a, n % RND_MODES);
        rnd_state(&r, b, n % RND_MODES);
        for (unsigned k = 0; x86_state_fields[k].name; k++)
            varied[k] |= !field_equal(&x86_state_fields[k], a, b);
    }
    for (unsigned k = 0; x86_state_fields[k].name; k++) {
        const char *name = x86_state_fields[k].name;
        bool fixed = false;

        for (unsigned n = 0; n < G_N_ELEMENTS(constant); n++)
            fixed |= !strcmp(name, constant[n]);
        ck_assert_msg(varied[k] != fixed, "%s is %svaried by tests/unit/state_random.h", name,
                      varied[k] ? "" : "not ");
    }
    g_free(a);
    g_free(b);
}
END_TEST

/* A saved state that no processor can be in is refused, and says why. */
START_TEST(impossible_states)
{
    struct rnd r = {.x = 7, .cr4 = 0x370fff, .efer = ~0ull, .xcr0 = 2, .phys_bits = 40};
    struct x86_state st;

    for (unsigned n = 0; n < 100 * RND_MODES; n++) {
        GError *err = NULL;
        rnd_state(&r, &st, n % RND_MODES);
        ck_assert_msg(x86_state_check(&st, &err), "state %u: %s", n, err ? err->message : "");
    }
#define REFUSED(change, says)                                                                      \
    do {                                                                                           \
        GError *err = NULL;                                                                        \
        rnd_state(&r, &st, RND_PROT32);                                                            \
        change;                                                                                    \
        ck_assert(!x86_state_check(&st, &err));                                                    \
        ck_assert_msg(strstr(err->message, says), "%s", err->message);                             \
        g_error_free(err);                                                                         \
    } while (0)
    REFUSED(st.cr0 = CR0_PG | CR0_ET, "paging without");
    REFUSED(st.cr0 = CR0_PE | CR0_NW, "CR0.NW");
    REFUSED(st.msr.efer |= EFER_LMA, "EFER.LMA");
    REFUSED(st.cr4 |= CR4_PCIDE, "CR4.PCIDE");
    REFUSED(st.cr0 = CR0_ET; st.rflags |= FL_VM, "virtual-8086");
    REFUSED(st.rflags = 0, "bit 1");
    REFUSED(st.mxcsr = 0x10000, "mxcsr");
    REFUSED(st.mp_state = 4, "mp_state");
    REFUSED(st.event = EVENT_EXC; st.event_vector = 2, "vector");
    REFUSED(st.event = 4, "event");
    REFUSED(st.nmi_pending = 3, "NMIs");
    REFUSED(st.dr[7] |= 1ull << 32, "dr[7]");
    REFUSED(st.tsc_vtime = -1, "tsc_vtime");
    REFUSED(st.seg[S_FS].attr |= 0x200, "seg[4].attr");
    REFUSED(st.xcr0 = 2, "XCR0");
#undef REFUSED
}
END_TEST

/* ---- Comparing ------------------------------------------------------------------------------ */

static void print_field(GString *out, const struct state_field *f, const void *base)
{
    const uint8_t *p = (const uint8_t *)base + f->offset;

    for (size_t k = 0; k < MIN(f->elem_size * f->count, 64); k++)
        g_string_append_printf(out, "%02x%s", p[k], (k + 1) % f->elem_size ? "" : " ");
}

static void expect_equal(const struct x86_state *want, const struct x86_state *got, unsigned run)
{
    for (const struct state_field *f = x86_state_fields; f->name; f++) {
        if (field_equal(f, want, got))
            continue;
        GString *text = g_string_new(NULL);
        print_field(text, f, want);
        g_string_append(text, "became ");
        print_field(text, f, got);
        ck_abort_msg("state %u: %s: %s", run, f->name, text->str);
    }
}

/* Fields that are valid only together: those of the member whose name begins so. */
static const struct {
    const char *prefix;
    size_t begin, end;
} together[] = {
#define UPTO(f) offsetof(struct x86_state, f) + sizeof(((struct x86_state *)0)->f)
    {"fpr", offsetof(struct x86_state, fpr), UPTO(ftw)},
    {"ftw", offsetof(struct x86_state, fpr), UPTO(ftw)},
    {"cr3", offsetof(struct x86_state, cr3), UPTO(cr4)},
    {"cr4", offsetof(struct x86_state, cr3), UPTO(cr4)},
    {"inhibit", offsetof(struct x86_state, inhibit_irq), sizeof(struct x86_state)},
    {"nmi", offsetof(struct x86_state, inhibit_irq), sizeof(struct x86_state)},
    {"event", offsetof(struct x86_state, inhibit_irq), sizeof(struct x86_state)},
    {"db_pending", offsetof(struct x86_state, inhibit_irq), sizeof(struct x86_state)},
#undef UPTO
};

static void copy_element(struct x86_state *to, const struct x86_state *from,
                         const struct state_field *f, size_t element)
{
    size_t begin = f->offset + element * f->elem_size, end = begin + f->elem_size;

    if (begin >= offsetof(struct x86_state, seg) && begin < offsetof(struct x86_state, gdtr)) {
        begin -= (begin - offsetof(struct x86_state, seg)) % sizeof(struct x86_seg);
        end = begin + sizeof(struct x86_seg);
    }
    for (unsigned n = 0; n < G_N_ELEMENTS(together); n++)
        if (g_str_has_prefix(f->name, together[n].prefix)) {
            begin = together[n].begin;
            end = together[n].end;
        }
    memcpy((char *)to + begin, (const char *)from + begin, end - begin);
}

/* Load a state, then the same with one element of a field changed: a load that writes only what it
 * finds changed must find each. */
static void one_field_at_a_time(struct bed *b, struct rnd *r, enum rnd_mode mode,
                                void (*expected)(struct x86_state *, const struct x86_state *))
{
    struct x86_state *base = g_new0(struct x86_state, 1), *other = g_new0(struct x86_state, 1),
                     *want = g_new0(struct x86_state, 1), *got = g_new0(struct x86_state, 1);

    rnd_state(r, base, mode);
    rnd_state(r, other, mode);
    for (const struct state_field *f = x86_state_fields; f->name; f++)
        for (size_t k = 0; k < f->count; k += 1 + f->count / 17) {
            b->v.pins = 0;
            b->accel[0]->load(&b->v, base);
            b->accel[0]->save(&b->v, want);
            copy_element(want, other, f, k);
            b->v.pins = 0;
            b->accel[0]->load(&b->v, want);
            b->accel[0]->save(&b->v, got);
            expected(want, got);
            expect_equal(want, got, k);
        }
    g_free(base);
    g_free(other);
    g_free(want);
    g_free(got);
}

/* ---- The interpreter ------------------------------------------------------------------------- */

static unsigned nmi_pins(const struct vcpu *v)
{
    return !!(v->pins & VCPU_NMI) + !!(v->pins & VCPU_NMI_SECOND);
}

static void nmis_at_the_pin(struct x86_state *st, const struct x86_state *got)
{
    st->nmi_pending = 0;
}

START_TEST(through_the_interpreter)
{
    struct bed *b = bed_new(&accel_tcg_interp, NULL, "off");
    struct rnd r = rnd_new(b->m->cpu_model);
    struct x86_state *a = g_new0(struct x86_state, 1), *got = g_new0(struct x86_state, 1);

    for (unsigned n = 0; n < 5000; n++) {
        rnd_state(&r, a, n % RND_MODES);
        b->v.pins = 0;
        b->accel[0]->load(&b->v, a);
        b->accel[0]->save(&b->v, got);
        ck_assert_uint_eq(nmi_pins(&b->v), a->nmi_pending); /* they wait at the pin */
        nmis_at_the_pin(a, got);
        expect_equal(a, got, n);
    }
    for (unsigned n = 0; n < 4 * RND_MODES; n++)
        one_field_at_a_time(b, &r, n % RND_MODES, nmis_at_the_pin);
    g_free(a);
    g_free(got);
    bed_free(b);
}
END_TEST

/* ---- KVM ------------------------------------------------------------------------------------- */

static void lose_selectors(struct x86_state *st, const struct x86_state *got)
{
    st->fcs = st->fds = 0;
}

static void lose_pointers(struct x86_state *st, const struct x86_state *got)
{
    if (got->fop | got->fip | got->fdp)
        return;
    st->fop = 0;
    st->fip = st->fdp = 0;
}

static void early_debug(struct x86_state *st, const struct x86_state *got)
{
    st->dr[6] |= st->db_pending;
    if (st->db_pending && st->event == EVENT_NONE) {
        st->event = EVENT_EXC;
        st->event_vector = 1;
    }
    st->db_pending = 0;
}

static void no_kick(struct x86_state *st, const struct x86_state *got)
{
    if (st->pv_unhalt && got->pv_unhalt && st->mp_state == MP_HALTED)
        st->mp_state = MP_RUNNABLE;
    st->pv_unhalt = got->pv_unhalt;
}

static void no_branch_trap(struct x86_state *st, const struct x86_state *got)
{
    st->msr.debugctl &= got->msr.debugctl;
}

/* What KVM gives back in another form, and why. */
static const struct {
    const char *why;
    void (*apply)(struct x86_state *st, const struct x86_state *got);
} normalised[] = {
    {"fcs, fds: KVM's XSAVE image is that of 64-bit mode, which has no place for them",
     lose_selectors},
    {"fop, fip, fdp: many processors keep them over a task switch of the host only while an "
     "exception is pending", lose_pointers},
    {"db_pending: KVM has no #DB that MOV SS holds back; it is given one that is on its way",
     early_debug},
    {"pv_unhalt: KVM does not tell whether a kick waits; with one, a halt is over", no_kick},
    {"msr.debugctl: without virtual LBRs KVM ignores LBR and BTF", no_branch_trap},
};

static void normalise(struct x86_state *st, const struct x86_state *got)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(normalised); n++)
        normalised[n].apply(st, got);
}

/* A KVM without hardware support may lack modes: the bits that select them do not stay. */
static bool has_mode(struct bed *b, struct rnd *r, enum rnd_mode mode)
{
    static const char *const names[RND_MODES] = {[RND_PAE] = "paging outside of long mode",
                                                 [RND_VM86] = "virtual-8086 mode"};
    struct x86_state want, got;

    rnd_state(r, &want, mode);
    b->accel[0]->load(&b->v, &want);
    b->accel[0]->save(&b->v, &got);
    if (!((want.cr0 ^ got.cr0) & CR0_PG) && !((want.rflags ^ got.rflags) & FL_VM))
        return true;
    ck_assert_msg(names[mode], "mode %d", mode);
    printf("# SKIP states with %s: this KVM does not have it\n", names[mode]);
    return false;
}

static void through_kvm(const char *irqchip)
{
    struct bed *b = bed_new(&accel_kvm, NULL, irqchip);
    struct rnd r = rnd_new(b->m->cpu_model);
    struct x86_state *a = g_new0(struct x86_state, 1), *got = g_new0(struct x86_state, 1);
    bool has[RND_MODES];

    for (unsigned mode = 0; mode < RND_MODES; mode++)
        has[mode] = has_mode(b, &r, mode);
    for (unsigned n = 0; n < 60 * RND_MODES; n++) {
        if (!has[n % RND_MODES])
            continue;
        rnd_state(&r, a, n % RND_MODES);
        b->accel[0]->load(&b->v, a);
        b->accel[0]->save(&b->v, got);
        normalise(a, got);
        expect_equal(a, got, n);
    }
    for (unsigned mode = 0; mode < RND_MODES; mode++)
        if (has[mode])
            one_field_at_a_time(b, &r, mode, normalise);
    g_free(a);
    g_free(got);
    bed_free(b);
}

START_TEST(through_kvm_irqchip_off)
{
    if (bed_have_kvm())
        through_kvm("off");
}
END_TEST

START_TEST(through_kvm_irqchip_split)
{
    if (bed_have_kvm())
        through_kvm("split");
}
END_TEST

/* Registers that are constants say the same on both. */
START_TEST(constant_registers)
{
    static const uint32_t indices[] = {X86_MSR_PLATFORM_INFO, 0x179 /* IA32_MCG_CAP */};
    sigjmp_buf unwind;

    if (!bed_have_kvm())
        return;
    struct bed *b = bed_new(&accel_kvm, NULL, "off");
    struct x86_cpu c = {.model = b->model, .unwind = &unwind};
    for (unsigned n = 0; n < G_N_ELEMENTS(indices); n++) {
        uint64_t value;
        ck_assert(!sigsetjmp(unwind, 0));
        ck_assert(kvm_msr_read(kvm_cpu_of(&b->v), indices[n], &value));
        ck_assert_uint_eq(value, x86_rdmsr(&c, indices[n]));
    }
    bed_free(b);
}
END_TEST

/* The components of XSAVE that this host's kernel takes, whatever it would offer to guests. */
START_TEST(wide_vectors_through_kvm)
{
    static const uint16_t features[] = {X86_F_XSAVE, X86_F_AVX, X86_F_AVX512F, X86_F_PKU};
    static const uint32_t comps[] = {2, 5, 6, 7, 9};
    g_autofree struct x86_state *a = g_new0(struct x86_state, 1);
    g_autofree struct x86_state *got = g_new0(struct x86_state, 1);

    if (!bed_have_kvm())
        return;
    struct bed *b = bed_prepare(&accel_kvm, NULL, "off");
    struct rnd r = rnd_new(b->model);
    for (unsigned n = 0; n < G_N_ELEMENTS(features); n++)
        b->model->feature[features[n]] = true;
    bed_begin(b);
    for (unsigned n = 0; n < 100; n++) {
        rnd_state(&r, a, RND_LONG);
        rnd_bytes(&r, &a->ext, offsetof(struct x86_xext, pad));
        b->accel[0]->load(&b->v, a);
        b->accel[0]->save(&b->v, got);
        normalise(a, got);
        expect_equal(a, got, n);
    }
    for (unsigned n = 0; n < G_N_ELEMENTS(comps); n++)
        if (!(kvm_cpu_of(&b->v)->state->xcomps >> comps[n] & 1))
            printf("# SKIP XSAVE component %u: this host does not have it\n", comps[n]);
    bed_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *t = tcase_create("state");
    SRunner *r = srunner_create(suite);

    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_byte_is_a_field);
    tcase_add_test(t, every_field_is_varied);
    tcase_add_test(t, impossible_states);
    tcase_add_test(t, through_the_interpreter);
    tcase_add_test(t, through_kvm_irqchip_off);
    tcase_add_test(t, through_kvm_irqchip_split);
    tcase_add_test(t, constant_registers);
    tcase_add_test(t, wide_vectors_through_kvm);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
