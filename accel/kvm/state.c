/* SPDX-License-Identifier: MIT */
/*
 * struct x86_state <-> KVM's structures: general, segment, control and debug registers, and in
 * which order all of the state goes. API document sections 4.11 to 4.14 (KVM_GET/SET_REGS and
 * SREGS), 4.33, 4.34 (DEBUGREGS), 4.131, 4.132 (SREGS2), section 6 ("Capabilities that can be
 * enabled on vCPUs": KVM_CAP_SYNC_REGS).
 *
 * Registers, special registers and events have a place in struct kvm_run: one KVM_RUN that
 * enters nothing (immediate_exit) reads or writes the three, and finishes an I/O instruction.
 *
 *     save   [mp_state]  KVM_RUN  [SREGS2]  XSAVE  [XCRS]  MSRS  DEBUGREGS  [LAPIC]
 *     load   the same, but only what differs from what the kernel has; mp_state last
 *
 * [ ]: when there is such a thing. mp_state and the local APIC are in lapic.c.
 */
#include "accel/kvm/state.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define SYNC_ALL (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

void kvm_state_refused(struct kvm_cpu *k, const char *what, int error)
{
    log_write(&k->vm->machine->log, "hostel: CPU %u: KVM refuses %s: %s\n", k->vcpu->index, what,
              strerror(-error));
}

/* ---- General registers ----------------------------------------------------------------------- */

static void regs_from(struct x86_state *st, const struct kvm_regs *r)
{
    const uint64_t gpr[16] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                              r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

    memcpy(st->gpr, gpr, sizeof(gpr));
    st->rip = r->rip;
    st->rflags = r->rflags;
}

static struct kvm_regs regs_to(const struct x86_state *st)
{
    const uint64_t *g = st->gpr;

    return (struct kvm_regs){
        .rax = g[0], .rcx = g[1], .rdx = g[2], .rbx = g[3], .rsp = g[4], .rbp = g[5],
        .rsi = g[6], .rdi = g[7], .r8 = g[8], .r9 = g[9], .r10 = g[10], .r11 = g[11],
        .r12 = g[12], .r13 = g[13], .r14 = g[14], .r15 = g[15], .rip = st->rip,
        .rflags = st->rflags,
    };
}

/* ---- Special registers ----------------------------------------------------------------------- */

/* To a processor with VMX a segment that is not present and one that is unusable are the same. */
static struct x86_seg seg_from(const struct kvm_segment *s)
{
    bool usable = s->present && !s->unusable;

    return (struct x86_seg){
        .sel = s->selector,
        .base = s->base,
        .limit = s->limit,
        .attr = s->type | s->s << 4 | s->dpl << 5 | s->avl << 12 | s->l << 13 | s->db << 14 |
                s->g << 15 | (usable ? SEG_P : SEG_UNUSABLE),
    };
}

static struct kvm_segment seg_to(const struct x86_seg *s)
{
    bool usable = (s->attr & (SEG_P | SEG_UNUSABLE)) == SEG_P;

    return (struct kvm_segment){
        .selector = s->sel,
        .base = s->base,
        .limit = s->limit,
        .type = s->attr & 15,
        .s = s->attr >> 4 & 1,
        .dpl = s->attr >> 5 & 3,
        .present = usable,
        .avl = s->attr >> 12 & 1,
        .l = s->attr >> 13 & 1,
        .db = s->attr >> 14 & 1,
        .g = s->attr >> 15 & 1,
        .unusable = !usable,
    };
}

/* struct kvm_sregs and kvm_sregs2 begin with the same members, up to apic_base. */
_Static_assert(offsetof(struct kvm_sregs, apic_base) == offsetof(struct kvm_sregs2, apic_base),
               "special registers");

static void sregs_from(struct kvm_cpu *k, struct x86_state *st, const struct kvm_sregs *s)
{
    const struct kvm_segment *seg[] = {&s->es, &s->cs, &s->ss,  &s->ds,
                                       &s->fs, &s->gs, &s->ldt, &s->tr};

    for (unsigned i = 0; i < G_N_ELEMENTS(seg); i++)
        st->seg[i] = seg_from(seg[i]);
    st->gdtr = (struct x86_dtable){.base = s->gdt.base, .limit = s->gdt.limit};
    st->idtr = (struct x86_dtable){.base = s->idt.base, .limit = s->idt.limit};
    st->cr0 = s->cr0;
    st->cr2 = s->cr2;
    st->cr3 = s->cr3;
    st->cr4 = s->cr4;
    st->cr8 = s->cr8;
    st->msr.efer = s->efer;
    k->state->apic_base = s->apic_base;
}

static struct kvm_sregs sregs_to(struct kvm_cpu *k, const struct x86_state *st)
{
    return (struct kvm_sregs){
        .es = seg_to(&st->seg[S_ES]), .cs = seg_to(&st->seg[S_CS]), .ss = seg_to(&st->seg[S_SS]),
        .ds = seg_to(&st->seg[S_DS]), .fs = seg_to(&st->seg[S_FS]), .gs = seg_to(&st->seg[S_GS]),
        .ldt = seg_to(&st->seg[S_LDTR]), .tr = seg_to(&st->seg[S_TR]),
        .gdt = {.base = st->gdtr.base, .limit = st->gdtr.limit},
        .idt = {.base = st->idtr.base, .limit = st->idtr.limit},
        .cr0 = st->cr0, .cr2 = st->cr2, .cr3 = st->cr3, .cr4 = st->cr4, .cr8 = st->cr8,
        .efer = st->msr.efer, .apic_base = k->state->apic_base,
    };
}

/* Only here do the page directory pointers say something that is not in memory. */
static bool pae_paging(const struct x86_state *st)
{
    return (st->cr0 & CR0_PG) && (st->cr4 & CR4_PAE) && !(st->msr.efer & EFER_LMA);
}

static void pdptes_get(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_sregs2 s;

    if (k->state->sregs2 && pae_paging(st) && kvm_call(k->fd, KVM_GET_SREGS2, &s) == 0 &&
        (s.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID))
        memcpy(st->pdpte, s.pdptrs, sizeof(st->pdpte));
}

static int pdptes_put(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_sregs s = sregs_to(k, st);
    struct kvm_sregs2 s2 = {.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID};

    if (!k->state->sregs2 || !pae_paging(st))
        return 0;
    memcpy(&s2, &s, offsetof(struct kvm_sregs, apic_base) + sizeof(s.apic_base));
    memcpy(s2.pdptrs, st->pdpte, sizeof(s2.pdptrs));
    return kvm_call(k->fd, KVM_SET_SREGS2, &s2);
}

/* ---- The three together ---------------------------------------------------------------------- */

/* KVM_RUN without entering the guest: 0, or -errno when the kernel refuses what it was given. */
static int run_sync(struct kvm_cpu *k)
{
    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    int r = ioctl(k->fd, KVM_RUN, NULL) < 0 ? -errno : 0;
    return r == -EINTR || r == -EAGAIN ? 0 : r;
}

static void basic_get(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_vcpu_events e;
    struct kvm_sregs s;
    struct kvm_regs r;
    enum vcpu_exit why;
    bool done = k->unfinished;

    if (!k->state->sync) {
        kvm_finish(k, &why);
        kvm_call(k->fd, KVM_GET_REGS, &r);
        kvm_call(k->fd, KVM_GET_SREGS, &s);
        kvm_call(k->fd, KVM_GET_VCPU_EVENTS, &e);
        regs_from(st, &r);
        sregs_from(k, st, &s);
        kvm_events_from(st, &e);
        return;
    }
    k->run->kvm_valid_regs = SYNC_ALL;
    kvm_finish(k, &why);
    if (!done)
        run_sync(k);
    k->run->kvm_valid_regs = 0;
    regs_from(st, &k->run->s.regs.regs);
    sregs_from(k, st, &k->run->s.regs.sregs);
    kvm_events_from(st, &k->run->s.regs.events);
}

/* One by one, so that a refusal has a name. */
static void basic_put_singly(struct kvm_cpu *k, struct kvm_regs *r, struct kvm_sregs *s,
                             struct kvm_vcpu_events *e)
{
    const struct {
        unsigned long request;
        void *arg;
        const char *what;
    } parts[] = {
        {KVM_SET_SREGS, s, "the segment and control registers"},
        {KVM_SET_REGS, r, "the general registers"},
        {KVM_SET_VCPU_EVENTS, e, "pending events"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        int error = kvm_call(k->fd, parts[i].request, parts[i].arg);
        if (error < 0)
            kvm_state_refused(k, parts[i].what, error);
    }
}

static bool basic_differ(const struct x86_state *a, const struct x86_state *b)
{
    return memcmp(a, b, offsetof(struct x86_state, pdpte)) || a->msr.efer != b->msr.efer ||
           (pae_paging(a) && memcmp(a->pdpte, b->pdpte, sizeof(a->pdpte))) ||
           kvm_events_differ(a, b);
}

static void basic_put(struct kvm_cpu *k, const struct x86_state *st)
{
    const struct x86_state *known = k->state->complete ? &k->state->known : NULL;
    struct kvm_regs r = regs_to(st);
    struct kvm_sregs s = sregs_to(k, st);
    struct kvm_vcpu_events e;
    int error = -ENOSYS;

    if (known && !basic_differ(st, known))
        return;
    kvm_events_to(&e, st, known);
    if (k->state->sync) {
        k->run->s.regs.regs = r;
        k->run->s.regs.sregs = s;
        k->run->s.regs.events = e;
        k->run->kvm_dirty_regs = SYNC_ALL;
        k->run->cr8 = st->cr8; /* what KVM_RUN believes if the local APIC is ours */
        error = run_sync(k);
        if (k->run->kvm_dirty_regs) /* not looked at: a vCPU that waits for INIT */
            error = -EAGAIN;
        k->run->kvm_dirty_regs = 0;
    }
    if (error)
        basic_put_singly(k, &r, &s, &e);
    error = pdptes_put(k, st);
    if (error < 0)
        kvm_state_refused(k, "the page directory pointers", error);
}

/* ---- Debug registers ------------------------------------------------------------------------- */

static void debug_get(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_debugregs d = {0};

    kvm_call(k->fd, KVM_GET_DEBUGREGS, &d);
    memcpy(st->dr, d.db, sizeof(d.db));
    st->dr[6] = d.dr6;
    st->dr[7] = d.dr7;
}

static uint64_t dr6(const struct x86_state *st)
{
    return st->dr[6] | st->db_pending;
}

static void debug_put(struct kvm_cpu *k, const struct x86_state *st)
{
    const struct kvm_state *s = k->state;
    struct kvm_debugregs d = {.dr6 = dr6(st), .dr7 = st->dr[7]};

    if (s->complete && !memcmp(st->dr, s->known.dr, sizeof(st->dr)) && dr6(st) == dr6(&s->known))
        return;
    memcpy(d.db, st->dr, sizeof(d.db));
    int error = kvm_call(k->fd, KVM_SET_DEBUGREGS, &d);
    if (error < 0)
        kvm_state_refused(k, "the debug registers", error);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Now the kernel has *st. A register that it refused is as good as there: see `refused`. */
static void is_known(struct kvm_cpu *k, const struct x86_state *st)
{
    k->state->known = *st;
    k->state->complete = true;
    k->ran = false;
}

static void get(struct kvm_cpu *k, struct x86_state *st)
{
    basic_get(k, st);
    pdptes_get(k, st);
    kvm_xsave_get(k, st);
    kvm_msrs_get(k, st);
    debug_get(k, st);
    kvm_tsc_get(k, st);
    is_known(k, st);
}

void kvm_state_get(struct kvm_cpu *k, struct x86_state *st)
{
    memset(st, 0, sizeof(*st));
    st->mp_state = k->mp_state; /* it was running */
    get(k, st);
}

static void put_most(struct kvm_cpu *k, const struct x86_state *st)
{
    enum vcpu_exit why;

    kvm_finish(k, &why);
    if (k->ran)
        k->state->complete = false;
    basic_put(k, st);
    kvm_xsave_put(k, st);
    kvm_msrs_put(k, st);
    debug_put(k, st);
    kvm_tsc_put(k, st);
}

/* What comes last, when the local APIC is right. */
static void put_rest(struct kvm_cpu *k, const struct x86_state *st)
{
    if (!k->state->complete || k->state->known.mp_state != st->mp_state)
        kvm_mp_state_load(k, st);
    is_known(k, st);
    kvm_cpu_loaded(k, st);
}

void kvm_state_put(struct kvm_cpu *k, const struct x86_state *st)
{
    put_most(k, st);
    put_rest(k, st);
}

void kvm_save(struct vcpu *v, struct x86_state *st)
{
    struct kvm_cpu *k = kvm_cpu_of(v);

    memset(st, 0, sizeof(*st));
    st->mp_state = k->mp_state;
    kvm_mp_state_save(k, st); /* carries out INIT and SIPI that wait */
    get(k, st);
    machine_lock(v->machine);
    kvm_lapic_save(k);
    machine_unlock(v->machine);
}

void kvm_load(struct vcpu *v, const struct x86_state *st)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    const struct vcpu_apic *a = &v->lapic;

    machine_lock(v->machine);
    if (a->get_base && a->get_base(a->apic) != k->state->apic_base) {
        k->state->apic_base = a->get_base(a->apic);
        k->state->complete = false;
    }
    if (a->get_tpr && a->get_tpr(a->apic) != st->cr8) /* TPR has bits that CR8 lacks */
        a->set_tpr(a->apic, st->cr8);
    put_most(k, st);
    kvm_lapic_load(k);
    k->state->complete = false; /* so that what waits at the local APIC is sent there */
    put_rest(k, st);
    vcpu_pin(v, VCPU_UNHALT, 0);
    machine_unlock(v->machine);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void kvm_state_init(struct kvm_cpu *k)
{
    struct kvm_state *s = g_new0(struct kvm_state, 1);

    k->state = s;
    s->sync = (kvm_capability(k->vm, KVM_CAP_SYNC_REGS) & SYNC_ALL) == SYNC_ALL;
    s->sregs2 = kvm_capability(k->vm, KVM_CAP_SREGS2) > 0;
    kvm_xsave_init(k);
    kvm_msrs_init(k);
    kvm_tsc_init(k);
}

void kvm_state_free(struct kvm_cpu *k)
{
    if (!k->state)
        return;
    g_free(k->state->xsave);
    g_free(k->state->msr);
    g_free(k->state->msr_buf);
    g_free(k->state);
}
