/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE image and XCR0. API document sections 4.42, 4.43, 4.134 (KVM_GET/SET_XSAVE,
 * KVM_GET_XSAVE2), 4.44, 4.45 (KVM_GET/SET_XCRS). Intel SDM vol. 1 sections 10.5.1, 13.4.
 *
 * The image is in the standard form with the host's offsets (CPUID leaf 0Dh) and has 64-bit FIP
 * and FDP, so there is no place for FCS and FDS. A component in its initial state is marked so:
 * the processor then need not keep it, which is what makes wide vectors cheap while unused. AMX
 * tiles are never asked for, so the guest does not have them.
 */
#include "accel/kvm/state.h"

#include <cpuid.h>
#include <string.h>

#include "target/x86/cpuid.h"
#include "target/x86/fpu.h"
#include "util/error.h"

struct image {
    uint16_t fcw, fsw;
    uint8_t ftw, zero;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct x86_f80 st[8];
    uint8_t xmm[16][16];
    uint8_t reserved[96];
    uint64_t xstate_bv, xcomp_bv;
};
_Static_assert(offsetof(struct image, xstate_bv) == XSAVE_HEADER, "XSAVE image");

static const struct {
    uint8_t number;
    uint16_t offset; /* in struct x86_xext */
    uint16_t size;
    uint16_t feature; /* who does not have it does not reach the component */
} comps[] = {
#define COMP(n, f, feat)                                                                           \
    {n, offsetof(struct x86_xext, f), sizeof(((struct x86_xext *)0)->f), X86_F_##feat}
    COMP(2, ymmh, AVX), COMP(5, opmask, AVX512F), COMP(6, zmmh, AVX512F),
    COMP(7, zmm16, AVX512F), COMP(9, pkru, PKU),
#undef COMP
};

/* What the kernel takes: its own word for it, or what the host's XCR0 has (Linux before 5.17). */
static uint64_t supported(const struct kvm_vm *vm)
{
    uint64_t mask = 0;
    struct kvm_device_attr attr = {
        .attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uint64_t)(uintptr_t)&mask};
    unsigned a, b, c, d;

    if (kvm_call(vm->sys, KVM_GET_DEVICE_ATTR, &attr) == 0)
        return mask;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return XSTATE_X87 | XSTATE_SSE;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

static void find_component(struct kvm_state *s, unsigned i, uint64_t mask, size_t room)
{
    unsigned n = comps[i].number, size, offset, c, d;

    if (!(mask >> n & 1) || !__get_cpuid_count(0xd, n, &size, &offset, &c, &d))
        return;
    if (size < comps[i].size || offset < XSAVE_EXTENDED || offset + comps[i].size > room)
        return;
    s->xcomps |= 1ull << n;
    s->xoffset[n] = offset;
}

void kvm_xsave_init(struct kvm_cpu *k)
{
    struct kvm_state *s = k->state;
    int size = kvm_capability(k->vm, KVM_CAP_XSAVE2);
    size_t room = MAX((size_t)size, sizeof(struct kvm_xsave));
    uint64_t mask = supported(k->vm);
    const struct cpu_model *model = k->vm->machine->cpu_model;

    s->xsave_get = size ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
    s->xsave = g_malloc0(room);
    for (unsigned i = 0; i < G_N_ELEMENTS(comps); i++)
        if (!model || model->feature[comps[i].feature])
            find_component(s, i, mask, room);
    s->xcrs = !model || model->feature[X86_F_XSAVE];
}

static void get_xcr0(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_xcrs x = {0};

    kvm_call(k->fd, KVM_GET_XCRS, &x);
    for (unsigned i = 0; i < x.nr_xcrs && i < G_N_ELEMENTS(x.xcrs); i++)
        if (x.xcrs[i].xcr == 0)
            st->xcr0 = x.xcrs[i].value;
}

void kvm_xsave_get(struct kvm_cpu *k, struct x86_state *st)
{
    const struct kvm_state *s = k->state;
    const struct image *im = (const struct image *)s->xsave;

    kvm_call(k->fd, s->xsave_get, s->xsave);
    st->fcw = im->fcw;
    st->fsw = im->fsw;
    st->fop = im->fop & 0x7ff;
    st->fip = im->fip;
    st->fdp = im->fdp;
    st->mxcsr = im->mxcsr;
    for (unsigned n = 0; n < 8; n++) {
        struct x86_f80 *r = &st->fpr[((im->fsw >> 11) + n) & 7];
        r->mant = im->st[n].mant;
        r->se = im->st[n].se;
    }
    st->ftw = x86_ftw_full(st->fpr, im->ftw);
    memcpy(st->xmm, im->xmm, sizeof(st->xmm));
    st->ext = s->known.ext;
    for (unsigned i = 0; i < G_N_ELEMENTS(comps); i++) {
        unsigned n = comps[i].number;
        uint8_t *to = (uint8_t *)&st->ext + comps[i].offset;

        if (!(s->xcomps >> n & 1))
            continue;
        if (im->xstate_bv >> n & 1)
            memcpy(to, (const uint8_t *)s->xsave + s->xoffset[n], comps[i].size);
        else
            memset(to, 0, comps[i].size);
    }
    st->xcr0 = s->known.xcr0;
    if (s->xcrs)
        get_xcr0(k, st);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return !*p && !memcmp(p, p + 1, n - 1);
}

static void put_image(struct kvm_state *s, const struct x86_state *st)
{
    struct image *im = (struct image *)s->xsave;

    memset(s->xsave, 0, sizeof(*s->xsave));
    im->fcw = st->fcw;
    im->fsw = st->fsw;
    im->ftw = x86_ftw_abridge(st->ftw);
    im->fop = st->fop;
    im->fip = st->fip;
    im->fdp = st->fdp;
    im->mxcsr = st->mxcsr;
    for (unsigned n = 0; n < 8; n++)
        im->st[n] = st->fpr[((st->fsw >> 11) + n) & 7];
    memcpy(im->xmm, st->xmm, sizeof(im->xmm));
    im->xstate_bv = XSTATE_X87 | XSTATE_SSE;
    for (unsigned i = 0; i < G_N_ELEMENTS(comps); i++) {
        unsigned n = comps[i].number;
        const uint8_t *from = (const uint8_t *)&st->ext + comps[i].offset;

        if (!(s->xcomps >> n & 1) || all_zero(from, comps[i].size))
            continue;
        im->xstate_bv |= 1ull << n;
        memcpy((uint8_t *)s->xsave + s->xoffset[n], from, comps[i].size);
    }
}

static bool same_xsave(const struct x86_state *a, const struct x86_state *b)
{
    return !memcmp(&a->fpr, &b->fpr, offsetof(struct x86_state, ext) -
                                         offsetof(struct x86_state, fpr)) &&
           !memcmp(&a->ext, &b->ext, sizeof(a->ext));
}

void kvm_xsave_put(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_state *s = k->state;
    int r = 0;

    if (s->xcrs && (!s->complete || s->known.xcr0 != st->xcr0)) {
        struct kvm_xcrs x = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = st->xcr0}}};
        r = kvm_call(k->fd, KVM_SET_XCRS, &x);
        if (r < 0)
            kvm_state_refused(k, "XCR0", r);
    }
    if (s->complete && same_xsave(st, &s->known))
        return;
    put_image(s, st);
    r = kvm_call(k->fd, KVM_SET_XSAVE, s->xsave);
    if (r < 0)
        kvm_state_refused(k, "the x87 and vector registers", r);
}
