/* SPDX-License-Identifier: MIT */
/*
 * The vCPU thread around KVM_RUN: pins, entering, leaving, kicks. API document section 4.10 and
 * section 5 ("The kvm_run structure").
 *
 * No kick is lost. A vCPU thread does, in this order:
 *
 *     immediate_exit = 0;  guest = IN;  look at pins and kicked;  KVM_RUN;  guest = OUT
 *
 * and who wants its attention
 *
 *     set a pin or kicked;  guest: IN -> KICKED, and if it was IN: immediate_exit = 1;  signal
 *
 * where each of `guest`, pins and kicked is sequentially consistent. If the kicker finds OUT, its
 * look at `guest` came before the thread's "guest = IN", so the thread's look at pins, which comes
 * after that, sees the pin. If it finds IN, immediate_exit is set after the thread cleared it. A
 * signal that arrives before KVM_RUN has then done nothing, but the kernel sees immediate_exit
 * and returns at once; one that arrives later ends KVM_RUN with EINTR. KICKED means that both are
 * on their way, so a second kicker need not repeat them. A signal or a store of immediate_exit
 * that comes after the thread has left costs one more turn of the loop, nothing else.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/x86/cpuid.h"
#include "util/error.h"

#define KICK_SIGNAL (SIGRTMIN + 3)

enum kvm_guest { GUEST_OUT, GUEST_IN, GUEST_KICKED };

/* ---- Kicks ----------------------------------------------------------------------------------- */

/* That it was caught is all: KVM_RUN returns EINTR. */
static void on_kick(int sig)
{
}

int kvm_kick_signal_init(void)
{
    struct sigaction sa = {.sa_handler = on_kick, .sa_flags = SA_RESTART};

    sigaction(KICK_SIGNAL, &sa, NULL);
    return KICK_SIGNAL;
}

void kvm_cpu_kick(struct vcpu *v)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    uint32_t in = GUEST_IN;

    if (!k || !__atomic_compare_exchange_n(&k->guest, &in, GUEST_KICKED, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
        return;
    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    tgkill(getpid(), k->tid, KICK_SIGNAL);
}

static void enter_begin(struct kvm_cpu *k)
{
    __atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&k->guest, GUEST_IN, __ATOMIC_SEQ_CST);
}

static void enter_end(struct kvm_cpu *k)
{
    __atomic_store_n(&k->guest, GUEST_OUT, __ATOMIC_SEQ_CST);
}

/* ---- The local APIC, where it is ours -------------------------------------------------------- */

/* Only this thread changes its CPU's TPR while it runs, so looking needs no lock. */
static void give_tpr(struct kvm_cpu *k)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    if (k->vm->irqchip == KVM_IRQCHIP_OFF && a->get_tpr)
        k->run->cr8 = a->get_tpr(a->apic);
}

/* What the guest wrote to CR8 and IA32_APIC_BASE, which KVM keeps but does not act upon. */
static void take_tpr(struct kvm_cpu *k)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    if (k->vm->irqchip != KVM_IRQCHIP_OFF || !a->get_tpr)
        return;
    if (k->run->cr8 != a->get_tpr(a->apic)) {
        machine_lock(k->vm->machine);
        a->set_tpr(a->apic, k->run->cr8);
        machine_unlock(k->vm->machine);
    }
    if (k->run->apic_base != a->get_base(a->apic)) {
        machine_lock(k->vm->machine);
        a->set_base(a->apic, k->run->apic_base);
        machine_unlock(k->vm->machine);
    }
}

/* ---- KVM_RUN --------------------------------------------------------------------------------- */

/* 0 after an exit that is to be handled; EINTR: somebody wants attention; else the error. */
static int enter(struct kvm_cpu *k)
{
    give_tpr(k);
    k->map_generation = __atomic_load_n(&k->vm->machine->mem.generation, __ATOMIC_ACQUIRE);
    int error = ioctl(k->fd, KVM_RUN, NULL) < 0 ? errno : 0;
    take_tpr(k);
    k->unfinished = false;
    k->ran = true;
    /* EAGAIN: a vCPU that waits for SIPI in the kernel was woken. */
    return error == EAGAIN ? EINTR : error;
}

static bool enter_failed(struct kvm_cpu *k, int error, enum vcpu_exit *why)
{
    log_write(&k->vm->machine->log, "hostel: CPU %u: KVM_RUN: %s\n", k->vcpu->index,
              strerror(error));
    *why = VCPU_FATAL;
    return false;
}

bool kvm_finish(struct kvm_cpu *k, enum vcpu_exit *why)
{
    while (k->unfinished) {
        __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
        int error = enter(k);
        if (error == EINTR)
            return true;
        if (error)
            return enter_failed(k, error, why);
        if (!kvm_exit_handle(k, why))
            return false;
    }
    return true;
}

/* ---- Pins ------------------------------------------------------------------------------------ */

/* Lower the pins; returns those of them that were up. */
static uint32_t pin_taken(struct kvm_cpu *k, uint32_t pins)
{
    return __atomic_fetch_and(&k->vcpu->pins, ~pins, __ATOMIC_SEQ_CST) & pins;
}

/* KVM holds a second NMI back itself until the first one's IRET. */
static void take_nmi(struct kvm_cpu *k)
{
    uint32_t pins = pin_taken(k, VCPU_NMI | VCPU_NMI_SECOND);

    kvm_call(k->fd, KVM_NMI, NULL);
    if (pins & VCPU_NMI_SECOND)
        kvm_call(k->fd, KVM_NMI, NULL);
}

static void take_init(struct kvm_cpu *k)
{
    struct vcpu *v = k->vcpu;
    const struct cpu_model *model = v->machine->cpu_model;
    struct x86_state st;
    bool bsp = v->index == 0;

    pin_taken(k, VCPU_INIT | VCPU_NMI | VCPU_NMI_SECOND);
    if (v->lapic.init) {
        machine_lock(v->machine);
        v->lapic.init(v->lapic.apic);
        bsp = v->lapic.get_base(v->lapic.apic) & 0x100;
        machine_unlock(v->machine);
    }
    kvm_save(v, &st);
    x86_state_init(&st, bsp, model ? model->signature : 0);
    kvm_load(v, &st);
}

/* SDM vol. 3 section 8.4.3: execution begins at vector * 4 KiB. */
static void take_sipi(struct kvm_cpu *k)
{
    struct x86_state st;

    pin_taken(k, VCPU_SIPI);
    if (k->mp_state != MP_WAIT_SIPI)
        return;
    kvm_save(k->vcpu, &st);
    st.seg[S_CS].sel = k->vcpu->sipi_vector << 8;
    st.seg[S_CS].base = (uint64_t)k->vcpu->sipi_vector << 12;
    st.rip = 0;
    st.mp_state = MP_RUNNABLE;
    kvm_load(k->vcpu, &st);
}

/* Which pins end the present halt. *now: an NMI does, which the kernel held back until IRET and
 * had not delivered yet when HLT came. */
static uint32_t wake_mask(struct kvm_cpu *k, bool *now)
{
    struct kvm_vcpu_events e;

    *now = false;
    if (k->mp_state == MP_WAIT_SIPI)
        return VCPU_INIT | VCPU_SIPI;
    if (k->mp_state == MP_WAIT_INIT)
        return VCPU_INIT;
    if (kvm_call(k->fd, KVM_GET_VCPU_EVENTS, &e) < 0)
        e.nmi.masked = e.nmi.pending = 0;
    *now = e.nmi.pending && !e.nmi.masked;
    return VCPU_INIT | (e.nmi.masked ? 0 : VCPU_NMI) | (k->run->if_flag ? VCPU_INTR : 0);
}

/* Hand over the interrupt that waits, or ask to be told when the guest would take it. */
static void offer_interrupt(struct kvm_cpu *k)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    if (k->run->ready_for_interrupt_injection && k->run->if_flag && a->ack) {
        machine_lock(k->vm->machine);
        int vector = a->ack(a->apic);
        machine_unlock(k->vm->machine);
        struct kvm_interrupt irq = {.irq = vector};
        if (vector >= 0) {
            LOG(&k->vm->machine->log, LOG_INT, "cpu %u: interrupt %02x\n", k->vcpu->index, vector);
            kvm_call(k->fd, KVM_INTERRUPT, &irq);
        }
    }
    k->run->request_interrupt_window = (vcpu_pins(k->vcpu) & VCPU_INTR) != 0;
}

/* What the pins ask for. False: the vCPU sleeps until a pin of wake_mask. */
static bool take_pins(struct kvm_cpu *k)
{
    uint32_t pins = vcpu_pins(k->vcpu);

    pin_taken(k, pins & VCPU_SMI); /* there is no system management mode */
    if (pins & VCPU_INIT)
        take_init(k);
    if (pins & VCPU_SIPI)
        take_sipi(k);
    if (k->mp_state != MP_RUNNABLE) {
        bool now;
        k->vcpu->wake_mask = wake_mask(k, &now);
        if (k->mp_state != MP_HALTED || (!now && !(vcpu_pins(k->vcpu) & k->vcpu->wake_mask)))
            return false;
        k->mp_state = MP_RUNNABLE;
    }
    if (pins & VCPU_NMI)
        take_nmi(k);
    if (k->run->request_interrupt_window || (pins & VCPU_INTR))
        offer_interrupt(k);
    return true;
}

/* ---- run() ----------------------------------------------------------------------------------- */

/* Between two instructions an interrupt can be handed over; in the middle of one it cannot. */
static bool must_finish(const struct kvm_cpu *k)
{
    return k->unfinished && vcpu_pins(k->vcpu);
}

bool kvm_prepare(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct vcpu *v = k->vcpu;

    for (;;) {
        if (must_finish(k) && !kvm_finish(k, why))
            return false;
        enter_begin(k);
        *why = VCPU_KICKED;
        if (__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST))
            break;
        if (must_finish(k)) { /* a pin came after the look above */
            enter_end(k);
            continue;
        }
        *why = VCPU_HALTED;
        if ((k->mp_state != MP_RUNNABLE || vcpu_pins(v) || k->run->request_interrupt_window) &&
            !take_pins(k))
            break;
        return true;
    }
    enter_end(k);
    return false;
}

bool kvm_enter(struct kvm_cpu *k, enum vcpu_exit *why)
{
    int error = enter(k);

    enter_end(k);
    if (error)
        return error == EINTR || enter_failed(k, error, why);
    return kvm_exit_handle(k, why);
}

enum vcpu_exit kvm_cpu_run(struct vcpu *v)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    enum vcpu_exit why = VCPU_FATAL;

    if (!kvm_set_stepping(k, false))
        return why;
    while (kvm_prepare(k, &why) && kvm_enter(k, &why))
        ;
    return why;
}

void kvm_cpu_loaded(struct kvm_cpu *k, const struct x86_state *st)
{
    k->mp_state = k->vm->irqchip == KVM_IRQCHIP_OFF ? st->mp_state : MP_RUNNABLE;
    k->run->if_flag = (st->rflags & FL_IF) != 0;
    k->run->ready_for_interrupt_injection = 0; /* the kernel says it anew after KVM_RUN */
    k->run->request_interrupt_window = 1;
    if (k->stepping) { /* KVM steps from the RIP that it was told at (kvm_is_linear_rip()) */
        k->stepping = false;
        kvm_set_stepping(k, true);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

bool kvm_cpu_init(struct vcpu *v, GError **err)
{
    struct kvm_vm *vm = v->machine->accel_data[ACCEL_KVM];
    struct kvm_cpu *k = g_new0(struct kvm_cpu, 1);

    k->vcpu = v;
    k->vm = vm;
    k->tid = gettid();
    k->fd = kvm_call(vm->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)v->apic_id);
    vm->cpus->pdata[v->index] = k;
    if (k->fd < 0)
        return error_set(err, "KVM cannot create CPU %u: %s", v->index, strerror(-k->fd));
    k->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
    if (k->run == MAP_FAILED) {
        k->run = NULL;
        return error_set(err, "KVM: CPU %u cannot be mapped: %s", v->index, strerror(errno));
    }
    kvm_exits_init(k);
    v->accel_data[ACCEL_KVM] = k;
    if (!kvm_cpuid_set(k, err))
        return false;
    kvm_state_init(k);
    return true;
}

/* The mapping stays until kvm_cpu_free(): a kick may be on its way. */
void kvm_cpu_exit(struct vcpu *v)
{
}

void kvm_cpu_free(struct kvm_cpu *k)
{
    k->vcpu->accel_data[ACCEL_KVM] = NULL;
    if (k->run)
        munmap(k->run, k->vm->run_size);
    if (k->fd >= 0)
        close(k->fd);
    kvm_state_free(k);
    kvm_rescue_free(k);
    kvm_exits_free(k);
    g_free(k);
}
