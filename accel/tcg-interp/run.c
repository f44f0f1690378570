/* SPDX-License-Identifier: MIT */
/*
 * The run loop: what happens between slices of guest instructions.
 *
 *     requests of other threads -> pins (INIT, SIPI, NMI, INTR) -> debug events -> run blocks
 *
 * A slice is at most SLICE instructions, so that is how long a kick can take; an instruction
 * that enables interrupts or changes the mode ends it early. Exceptions arrive at the
 * sigsetjmp() here: op functions unwind, handlers do not hold anything.
 */
#include <string.h>

#include "accel/accel.h"
#include "accel/tcg-interp/handlers.h"
#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/loan.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

#define SLICE 3000
#define MAX_BLOCK 64 /* more than a block's instructions */

/* ---- Mode ------------------------------------------------------------------------------- */

static bool flat(const struct x86_seg *s)
{
    /* present, limit 4 GiB, writable data that does not expand down */
    return s->limit == 0xffffffff && !(s->attr & SEG_UNUSABLE) && (s->attr & SEG_P) &&
           (s->attr & (SEG_S | SEG_CODE | SEG_DC | SEG_RW)) == (SEG_S | SEG_RW);
}

static uint32_t mode_bits(const struct tcg_cpu *t)
{
    const struct x86_cpu *c = &t->x;
    uint32_t m = c->mode;

    if (c->mode == X86_MODE_64) {
        m |= M_FLAT_CS | M_FLAT_DS | M_FLAT_FS | M_FLAT_GS;
    } else {
        if (!c->seg_base[S_CS] && c->seg[S_CS].limit == 0xffffffff)
            m |= M_FLAT_CS;
        if (flat(&c->seg[S_DS]) && flat(&c->seg[S_ES]) && flat(&c->seg[S_SS]) &&
            !(c->seg_base[S_DS] | c->seg_base[S_ES] | c->seg_base[S_SS]))
            m |= M_FLAT_DS;
        if (flat(&c->seg[S_FS]))
            m |= M_FLAT_FS;
        if (flat(&c->seg[S_GS]))
            m |= M_FLAT_GS;
        if (c->stack_size == 4)
            m |= M_SS32;
    }
    if (!(c->cr0 & (CR0_EM | CR0_TS))) {
        m |= M_FP_OK;
        if (c->cr4 & CR4_OSFXSR)
            m |= M_SSE_OK;
    }
    if (!x86_mxcsr_unmasked(c))
        m |= M_SSE_MASKED;
    if ((c->cr0 & CR0_AM) && (c->eflags & FL_AC) && c->cpl == 3)
        m |= M_ALIGN;
    return m;
}

static void refresh_mode(struct tcg_cpu *t)
{
    t->mode_stale = false;
    t->mode = mode_bits(t) | (t->mode & M_ONE);
    tlb_update_watch(t);
    tlb_select(t);
}

/* ---- struct x86_host ---------------------------------------------------------------------- */

static void host_mode_changed(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    t->mode_stale = t->leave = true;
    tlb_select(t); /* the rest of a far transfer already runs with the new privilege */
}

static int64_t host_vtime(struct tcg_cpu *t)
{
    return clock_now(&t->machine->vclock);
}

static uint64_t host_tsc(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    if (t->loan)
        return t->loan->tsc(t->vcpu);
    return machine_tsc_at(t->machine, t->vcpu, host_vtime(t));
}

static void host_tsc_write(struct x86_cpu *c, uint64_t v)
{
    struct tcg_cpu *t = tcg_of(c);

    tcg_lock(t);
    accel_set_tsc_offset(t->vcpu, t->vcpu->tsc_offset + v - host_tsc(c));
    tcg_pv_tsc_changed(t);
    tcg_unlock(t);
}

static uint64_t host_io_in(struct x86_cpu *c, uint16_t port, unsigned size)
{
    struct tcg_cpu *t = tcg_of(c);
    uint64_t v = 0;

    tcg_lock(t);
    as_read(&t->machine->io, port, &v, size);
    tcg_unlock(t);
    return v;
}

static void host_io_out(struct x86_cpu *c, uint16_t port, unsigned size, uint64_t v)
{
    struct tcg_cpu *t = tcg_of(c);

    tcg_lock(t);
    as_write(&t->machine->io, port, &v, size);
    tcg_unlock(t);
}

static uint64_t host_apic_base(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);
    uint64_t v = 0;

    if (loan_hides_apic(t))
        return t->loan->apic_base;
    if (t->vcpu->lapic.get_base) {
        tcg_lock(t);
        v = t->vcpu->lapic.get_base(t->vcpu->lapic.apic);
        tcg_unlock(t);
    }
    return v;
}

static bool host_apic_set_base(struct x86_cpu *c, uint64_t v)
{
    struct tcg_cpu *t = tcg_of(c);
    bool ok = false;

    if (t->vcpu->lapic.set_base) {
        tcg_lock(t);
        ok = t->vcpu->lapic.set_base(t->vcpu->lapic.apic, v);
        tcg_unlock(t);
    }
    return ok;
}

static uint8_t host_get_cr8(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);
    uint8_t v = 0;

    if (loan_hides_apic(t))
        tcg_refuse(t);
    if (t->vcpu->lapic.get_tpr) {
        tcg_lock(t);
        v = t->vcpu->lapic.get_tpr(t->vcpu->lapic.apic);
        tcg_unlock(t);
    }
    return v;
}

static void host_set_cr8(struct x86_cpu *c, uint8_t v)
{
    struct tcg_cpu *t = tcg_of(c);

    if (loan_hides_apic(t))
        tcg_refuse(t);
    if (t->vcpu->lapic.set_tpr) {
        tcg_lock(t);
        t->vcpu->lapic.set_tpr(t->vcpu->lapic.apic, v);
        tcg_unlock(t);
    }
}

static bool host_apic_msr_read(struct x86_cpu *c, uint32_t msr, uint64_t *v)
{
    struct tcg_cpu *t = tcg_of(c);
    bool ok = false;

    if (t->vcpu->lapic.msr_read) {
        tcg_lock(t);
        ok = t->vcpu->lapic.msr_read(t->vcpu->lapic.apic, msr, v);
        tcg_unlock(t);
    }
    return ok;
}

static bool host_apic_msr_write(struct x86_cpu *c, uint32_t msr, uint64_t v)
{
    struct tcg_cpu *t = tcg_of(c);
    bool ok = false;

    if (t->vcpu->lapic.msr_write) {
        tcg_lock(t);
        ok = t->vcpu->lapic.msr_write(t->vcpu->lapic.apic, msr, v);
        tcg_unlock(t);
    }
    return ok;
}

static void host_halt(struct x86_cpu *c)
{
    tcg_of(c)->leave = true;
}

static void host_pause(struct x86_cpu *c)
{
    (void)c;
}

static const struct x86_host tcg_host = {
    .tsc = host_tsc,
    .tsc_write = host_tsc_write,
    .io_in = host_io_in,
    .io_out = host_io_out,
    .apic_base = host_apic_base,
    .apic_set_base = host_apic_set_base,
    .get_cr8 = host_get_cr8,
    .set_cr8 = host_set_cr8,
    .apic_msr_read = host_apic_msr_read,
    .apic_msr_write = host_apic_msr_write,
    .flush_all = tlb_hook_flush_all,
    .flush_nonglobal = tlb_hook_flush_nonglobal,
    .flush_page = tlb_hook_flush_page,
    .flush_pcid = tlb_hook_flush_pcid,
    .flush_all_nonglobal = tlb_hook_flush_all_nonglobal,
    .cr3_changed = tlb_hook_cr3,
    .mode_changed = host_mode_changed,
    .halt = host_halt,
    .pause = host_pause,
    .pv = &tcg_pv_host,
};

/* ---- Pins ------------------------------------------------------------------------------- */

static uint32_t pins(const struct tcg_cpu *t)
{
    return __atomic_load_n(&t->vcpu->pins, __ATOMIC_ACQUIRE);
}

static void pin_taken(struct tcg_cpu *t, uint32_t pin)
{
    __atomic_fetch_and(&t->vcpu->pins, ~pin, __ATOMIC_ACQ_REL);
}

static void take_init(struct tcg_cpu *t)
{
    bool bsp;

    pin_taken(t, VCPU_INIT | VCPU_NMI | VCPU_NMI_SECOND | VCPU_UNHALT);
    if (t->vcpu->lapic.init) {
        tcg_lock(t);
        t->vcpu->lapic.init(t->vcpu->lapic.apic);
        tcg_unlock(t);
    }
    bsp = host_apic_base(&t->x) & 0x100;
    x86_mxcsr_leave(&t->x);
    x86_cpu_init(&t->x, bsp);
    x86_mxcsr_enter(&t->x);
    tlb_flush_all(t);
    t->mode_stale = true;
}

static void take_sipi(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    uint8_t vector = t->vcpu->sipi_vector;

    pin_taken(t, VCPU_SIPI);
    if (c->mp_state != MP_WAIT_SIPI)
        return;
    x86_cpu_sipi(c, vector);
}

/* Which pins end the present halt. */
static uint32_t wake_mask(const struct x86_cpu *c)
{
    uint32_t m = VCPU_INIT | VCPU_SMI;

    if (c->mp_state == MP_WAIT_SIPI)
        return m | VCPU_SIPI;
    if (c->mp_state == MP_WAIT_INIT)
        return m;
    m |= VCPU_UNHALT;
    return m | (c->nmi_masked ? 0 : VCPU_NMI) | (c->eflags & FL_IF ? VCPU_INTR : 0);
}

static void log_interrupt(struct tcg_cpu *t, const char *what, int vector)
{
    LOG(&t->machine->log, LOG_INT, "cpu %u: %s %02x at %04x:%016llx\n", t->vcpu->index, what,
        vector, t->x.seg[S_CS].sel, (unsigned long long)t->x.rip);
}

/* One NMI is taken; a second one waits in its place. */
static void nmi_taken(struct tcg_cpu *t)
{
    uint32_t *p = &t->vcpu->pins, before = pins(t), after;

    do {
        after = before & ~(uint32_t)(before & VCPU_NMI_SECOND ? VCPU_NMI_SECOND : VCPU_NMI);
    } while (!__atomic_compare_exchange_n(p, &before, after, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
}

/* Deliver what may be delivered before the next instruction. False: shutdown. */
static bool take_pins(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    uint32_t p = pins(t);

    if (p & VCPU_INIT)
        take_init(t);
    if (p & VCPU_SIPI)
        take_sipi(t);
    if (c->nmi_masked && (p & VCPU_NMI_SECOND))
        pin_taken(t, VCPU_NMI_SECOND);
    if (c->mp_state == MP_HALTED && (pins(t) & wake_mask(c))) {
        c->mp_state = MP_RUNNABLE;
        pin_taken(t, VCPU_UNHALT);
    }
    if (c->mp_state != MP_RUNNABLE || c->inhibit_movss)
        return true;
    if (t->debug.step && !t->debug.step_irq)
        return true;
    if ((p & VCPU_NMI) && !c->nmi_masked && !c->inhibit_irq) {
        nmi_taken(t);
        log_interrupt(t, "NMI", EXC_NMI);
        c->nmi_masked = true;
        return x86_deliver_interrupt(c, EXC_NMI, INT_HW);
    }
    if ((p & VCPU_INTR) && (c->eflags & FL_IF) && !c->inhibit_irq && t->vcpu->lapic.ack) {
        int vector;

        tcg_lock(t);
        vector = t->vcpu->lapic.ack(t->vcpu->lapic.apic);
        tcg_unlock(t);
        if (vector >= 0) {
            log_interrupt(t, "interrupt", vector);
            return x86_deliver_interrupt(c, vector, INT_HW);
        }
    }
    return true;
}

/* ---- Debug ------------------------------------------------------------------------------ */

/* DR6 bits of enabled execution breakpoints at the next instruction. */
static uint64_t exec_breakpoints(const struct x86_cpu *c)
{
    uint64_t la = c->mode == X86_MODE_64 ? c->rip : (uint32_t)(c->seg_base[S_CS] + c->rip);
    uint64_t hit = 0;

    for (unsigned n = 0; n < 4; n++)
        if ((c->dr[7] >> (n * 2) & 3) && !(c->dr[7] >> (16 + n * 4) & 3) && c->dr[n] == la)
            hit |= 1u << n;
    return hit;
}

static bool exec_breakpoints_on(const struct x86_cpu *c)
{
    for (unsigned n = 0; n < 4; n++)
        if ((c->dr[7] >> (n * 2) & 3) && !(c->dr[7] >> (16 + n * 4) & 3))
            return true;
    return false;
}

/* ---- Running ---------------------------------------------------------------------------- */

/* Settle what the last run of blocks has used. */
static void count(struct tcg_cpu *t)
{
    t->icount += t->slice - t->bud;
    t->slice = t->bud = 0;
}

uint64_t tcg_icount_now(const struct tcg_cpu *t)
{
    return t->icount + (t->slice - t->bud - t->rem);
}

/* After an instruction that began with TF set: is its trap due? With DEBUGCTL.BTF only if it
 * was a branch that was taken (SDM vol. 3 section 17.4.3). */
static bool step_due(const struct x86_cpu *c, uint64_t next)
{
    return !c->step_dropped && !((c->msr.debugctl & DEBUGCTL_BTF) && c->rip == next);
}

/* What covers the next instruction only. */
static void save_shadow(struct tcg_cpu *t)
{
    t->shadow_irq = t->x.inhibit_irq;
    t->shadow_movss = t->x.inhibit_movss;
    t->shadow_rf = t->x.eflags & FL_RF;
}

static void restore_shadow(struct tcg_cpu *t)
{
    t->x.inhibit_irq = t->shadow_irq;
    t->x.inhibit_movss = t->shadow_movss;
    t->x.eflags |= t->shadow_rf;
}

/* Run blocks until something has to be looked at, at most `max` instructions. */
static void run_blocks(struct tcg_cpu *t, int64_t max)
{
    struct x86_cpu *c = &t->x;
    bool tf = c->eflags & FL_TF;
    bool one = c->inhibit_irq || c->inhibit_movss || tf || (c->eflags & FL_RF) ||
               exec_breakpoints_on(c) || t->debug.step || max < MAX_BLOCK;
    const struct x86_op *o;
    uint64_t next;

    save_shadow(t);
    if (one) { /* shadows and RF cover this one instruction; it may cast a new one */
        c->inhibit_irq = c->inhibit_movss = false;
        c->eflags &= ~FL_RF;
        max = 1;
    }
    t->slice = t->bud = max;
    if (one != !!(t->mode & M_ONE)) {
        t->mode ^= M_ONE;
        tlb_select(t); /* the jump cache's tags hold the mode */
    }
    c->step_dropped = false;
    t->leave = false; /* tcg_entry() says by it that there is something to do first */
    o = tcg_entry(t);
    t->leave |= one;
    if (!o) { /* nothing ran */
        restore_shadow(t);
        return;
    }
    next = c->rip + block_of(o)->len;
    t->debug.ran = true;
    tcg_enter(t, o);
    if (tf && t->bud < max && step_due(c, next))
        c->db_pending |= DR6_BS;
}

/* An op function unwound: give back what was paid for and did not run, then deliver. */
static bool take_exception(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;

    t->bud += t->rem;
    t->rem = 0;
    if (t->bud > 0) /* what faulted counts (a fetch may fault with the budget used up) */
        t->bud--;
    t->vcpu->faults++;
    t->debug.ran = true;
    count(t);
    LOG(&t->machine->log, LOG_INT, "cpu %u: exception %02x error %x at %04x:%016llx\n",
        t->vcpu->index, c->exc.vector, c->exc.has_error ? c->exc.error : 0, c->seg[S_CS].sel,
        (unsigned long long)c->rip);
    c->db_pending = 0;
    return x86_deliver_exception(c);
}

/* The instruction that was begun is not for us: as if it had not been. */
static void step_back(struct tcg_cpu *t)
{
    t->bud += t->rem;
    t->rem = 0;
    count(t);
    if (t->mode & M_ONE)
        restore_shadow(t);
}

static void report_late_code(struct tcg_cpu *t)
{
    t->code_late = false;
    code_stored(t, t->late_code.ram, t->late_code.off, t->late_code.len);
}

static enum vcpu_exit run_loop(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    uint64_t hit;

    c->unwind = &t->jb;
    if (sigsetjmp(t->jb, 0)) {
        if (t->refused) {
            step_back(t);
            return VCPU_KICKED;
        }
        if (!take_exception(t))
            return VCPU_SHUTDOWN;
    }
    for (;;) {
        count(t);
        if (unlikely(t->code_late))
            report_late_code(t);
        sync_pause_point(t);
        if (unlikely(t->flush_blocks))
            block_flush(t);
        if (unlikely(t->forget))
            tcg_forget(t);
        if (unlikely(c->event) && c->mp_state == MP_RUNNABLE && !x86_deliver_event(c))
            return VCPU_SHUTDOWN;
        if (unlikely(c->db_pending) && !c->inhibit_movss &&
            !x86_deliver_debug(c, c->db_pending))
            return VCPU_SHUTDOWN;
        if (unlikely(t->debug.on) && tcg_debug_stop(t))
            return VCPU_DEBUG;
        if (unlikely(t->loan)) {
            if (loan_over(t))
                return VCPU_KICKED;
        } else if (unlikely(pins(t)) && !take_pins(t)) {
            return VCPU_SHUTDOWN;
        }
        if (unlikely(c->mp_state != MP_RUNNABLE)) {
            t->vcpu->wake_mask = wake_mask(c);
            t->vcpu->no_spin = !c->msr.kvm_poll_control;
            return VCPU_HALTED;
        }
        if (unlikely(__atomic_load_n(&t->vcpu->kicked, __ATOMIC_ACQUIRE)) && !t->loan)
            return VCPU_KICKED;
        if (t->mode_stale)
            refresh_mode(t);
        if (unlikely(c->dr[7] & 0xff) && !(c->eflags & FL_RF) && !c->inhibit_movss &&
            (hit = exec_breakpoints(c))) {
            if (!x86_deliver_debug(c, hit))
                return VCPU_SHUTDOWN;
            continue;
        }
        if (unlikely(t->icount >= t->limit))
            return VCPU_KICKED;
        run_blocks(t, MIN(SLICE, (int64_t)(t->limit - t->icount)));
    }
}

static enum vcpu_exit run_until(struct tcg_cpu *t, uint64_t limit)
{
    enum vcpu_exit e;

    t->limit = limit;
    tcg_debug_begin(t);
    sync_begin_running(t);
    x86_mxcsr_enter(&t->x);
    e = run_loop(t);
    count(t);
    x86_mxcsr_leave(&t->x);
    sync_end_running(t);
    return e;
}

static enum vcpu_exit tcg_run(struct vcpu *v)
{
    return run_until(v->accel_data[ACCEL_TCG], INT64_MAX);
}

enum vcpu_exit tcg_loop(struct tcg_cpu *t, int64_t insns)
{
    t->budget_start = t->icount;
    return run_until(t, t->icount + insns);
}

static enum vcpu_exit tcg_run_budget(struct vcpu *v, int64_t insns, int64_t *done)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];
    enum vcpu_exit e = tcg_loop(t, insns);

    *done = t->icount - t->budget_start;
    return e;
}

static int64_t tcg_executed(struct vcpu *v)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    return tcg_icount_now(t) - t->budget_start;
}

static uint64_t *tcg_random_place(struct vcpu *v)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    return &t->x.rng_state;
}

static void tcg_kick(struct vcpu *v)
{
    (void)v; /* vcpu->kicked is looked at after each slice */
}

/* ---- Life ------------------------------------------------------------------------------- */

static void map_changed(struct region_listener *l)
{
    struct tcg_vm *vm = (struct tcg_vm *)((char *)l - offsetof(struct tcg_vm, listener));

    for (unsigned n = 0; n < vm->cpus->len; n++)
        sync_post(vm->cpus->pdata[n], REQ_FLUSH);
    sync_wait(vm, NULL, 0xff);
}

static void watch_dirty(struct region_listener *l, struct ram_block *ram, uint64_t off,
                        uint64_t len)
{
    struct tcg_vm *vm = (struct tcg_vm *)((char *)l - offsetof(struct tcg_vm, listener));
    struct code_req r = {.ram = ram, .off = off, .len = len, .drop_w = true};

    for (unsigned n = 0; n < vm->cpus->len; n++)
        sync_post_code(vm->cpus->pdata[n], r);
    sync_wait(vm, NULL, 0xff);
}

static bool tcg_probe(GError **err)
{
    const char *missing = host_fp_missing();

    if (missing)
        return error_set(err, "this host's CPU has no %s, which tcg-interp needs", missing);
    return true;
}

static bool tcg_fit_model(const struct machine *m, struct cpu_model *model, GError **err)
{
    bool offered[X86_F_COUNT];

    (void)m;
    cpu_model_software(offered);
    return cpu_model_fit(model, offered, accel_tcg_interp.name, err);
}

static bool tcg_vm_init(struct machine *m, GError **err)
{
    struct tcg_vm *vm = g_new0(struct tcg_vm, 1);

    (void)err;
    vm->machine = m;
    vm->cpus = g_ptr_array_sized_new(256);
    g_mutex_init(&vm->code_lock);
    g_mutex_init(&vm->sync_lock);
    g_cond_init(&vm->sync_cond);
    g_rec_mutex_init(&vm->exclusive);
    emit_init(vm);
    vm->listener.commit = map_changed;
    vm->listener.watch_dirty = watch_dirty;
    m->accel_data[ACCEL_TCG] = vm;
    as_add_listener(&m->mem, &vm->listener);
    return true;
}

static void tcg_vm_exit(struct machine *m)
{
    struct tcg_vm *vm = m->accel_data[ACCEL_TCG];

    as_del_listener(&m->mem, &vm->listener);
    for (unsigned n = 0; n < MAX_RAMS; n++) {
        struct tcg_ram *r = vm->ram[n];

        if (!r)
            continue;
        r->ram->code_written = NULL;
        g_free(r->lines);
        g_free(r->writers);
        g_free(r);
    }
    g_ptr_array_free(vm->cpus, TRUE);
    g_mutex_clear(&vm->code_lock);
    g_mutex_clear(&vm->sync_lock);
    g_cond_clear(&vm->sync_cond);
    g_rec_mutex_clear(&vm->exclusive);
    g_free(vm->fast);
    g_free(vm);
    m->accel_data[ACCEL_TCG] = NULL;
}

static bool tcg_vcpu_init(struct vcpu *v, GError **err)
{
    struct tcg_vm *vm = v->machine->accel_data[ACCEL_TCG];
    struct tcg_cpu *t;

    (void)err;
    t = aligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63);
    g_assert(t);
    memset(t, 0, sizeof(*t));
    t->vcpu = v;
    t->vm = vm;
    t->machine = v->machine;
    t->x.host = &tcg_host;
    t->x.engine = t;
    t->x.model = v->machine->cpu_model;
    t->x.log = &v->machine->log;
    t->x.as = &v->machine->mem;
    t->x.apic_id = v->apic_id;
    if (v->machine->config->icount) /* a repeatable run has repeatable random numbers */
        t->x.rng_state = 1 + v->index;
    t->x.unwind = &t->jb;
    g_mutex_init(&t->req_lock);
    t->req = g_array_new(FALSE, FALSE, sizeof(struct code_req));
    block_init(t);
    tlb_init(t);
    tlb_select(t);
    v->accel_data[ACCEL_TCG] = t;
    g_mutex_lock(&vm->sync_lock);
    g_ptr_array_add(vm->cpus, t);
    g_mutex_unlock(&vm->sync_lock);
    return true;
}

static void tcg_vcpu_exit(struct vcpu *v)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    if (!t)
        return;
    g_mutex_lock(&t->vm->sync_lock);
    g_ptr_array_remove(t->vm->cpus, t);
    g_mutex_unlock(&t->vm->sync_lock);
    block_fini(t);
    tlb_fini(t);
    tcg_debug_fini(t);
    g_mutex_clear(&t->req_lock);
    g_array_free(t->req, TRUE);
    v->accel_data[ACCEL_TCG] = NULL;
    free(t);
}

static void tcg_save(struct vcpu *v, struct x86_state *st)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    x86_cpu_save(&t->x, st);
    accel_save_tsc(v, st);
    machine_lock(v->machine);
    if (v->lapic.get_tpr)
        st->cr8 = v->lapic.get_tpr(v->lapic.apic);
    machine_unlock(v->machine);
    tcg_pv_save(t, st);
}

static void tcg_load(struct vcpu *v, const struct x86_state *st)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    x86_cpu_load(&t->x, st);
    machine_lock(v->machine);
    accel_set_tsc_offset(v, accel_tsc_offset(t->machine, st));
    if (v->lapic.set_tpr && v->lapic.get_tpr(v->lapic.apic) != st->cr8)
        v->lapic.set_tpr(v->lapic.apic, st->cr8); /* TPR has bits that CR8 lacks */
    tcg_pv_load(t, st);
    machine_unlock(v->machine);
    for (unsigned n = 0; n < st->nmi_pending; n++)
        vcpu_pin(v, VCPU_NMI, 1);
    t->debug.pass = false;
    t->forget = true; /* memory may be another accelerator's work */
    tlb_flush_all(t);
    t->mode_stale = true;
}

static bool tcg_translate(struct vcpu *v, uint64_t linear, uint64_t *gpa)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];
    struct x86_walk w;

    if (!x86_walk_probe(&t->x, linear, &w))
        return false;
    *gpa = w.gpa;
    return true;
}

static void tcg_describe(struct vcpu *v, GString *out)
{
    const struct tcg_cpu *t = v->accel_data[ACCEL_TCG];

    g_string_append_printf(out,
                           "instructions %" G_GUINT64_FORMAT "\nblocks built %" G_GUINT64_FORMAT
                           ", dropped %" G_GUINT64_FORMAT ", lookups %" G_GUINT64_FORMAT
                           "\nTLB fills %" G_GUINT64_FORMAT ", flushes %" G_GUINT64_FORMAT
                           "\nslow instructions %" G_GUINT64_FORMAT "\ncode %u KiB of %u\n",
                           t->icount, t->st_blocks, t->st_smc, t->st_lookups, t->st_fills,
                           t->st_flushes, t->st_slow, t->arena_used / 64, ARENA_OPS / 64);
}

const struct accel accel_tcg_interp = {
    .name = "tcg-interp",
    .alias = "tcg",
    .slot = ACCEL_TCG,
    .help = "interpreter: runs anywhere, needs nothing of the host",
    .probe = tcg_probe,
    .fit_model = tcg_fit_model,
    .vm_init = tcg_vm_init,
    .vm_exit = tcg_vm_exit,
    .vcpu_init = tcg_vcpu_init,
    .vcpu_exit = tcg_vcpu_exit,
    .run = tcg_run,
    .run_budget = tcg_run_budget,
    .executed = tcg_executed,
    .random_place = tcg_random_place,
    .kick = tcg_kick,
    .clocks_start = tcg_pv_clocks_start,
    .save = tcg_save,
    .load = tcg_load,
    .debug = tcg_debug,
    .translate = tcg_translate,
    .describe = tcg_describe,
};
