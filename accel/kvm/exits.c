/* SPDX-License-Identifier: MIT */
/*
 * Why KVM_RUN returned, and what is done about it: one row per exit reason. API document
 * section 5 ("The kvm_run structure").
 *
 * I/O goes to the same address spaces as everybody's. Unknown MSRs come here because
 * KVM_CAP_X86_USER_SPACE_MSR is on: those of a local APIC that is ours are answered, all others
 * fault, as on a processor that does not have them.
 */
#include "accel/kvm/kvm.h"

#include <inttypes.h>
#include <string.h>

#include "accel/kvm/costs.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

enum { MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800, MSR_X2APIC_END = 0x900 };
#define HYPERCALL_ENOSYS 1000 /* KVM_ENOSYS of linux/kvm_para.h */

#define EXIT_REASONS (KVM_EXIT_NOTIFY + 1)

struct kvm_exits {
    uint64_t count[EXIT_REASONS];
    uint64_t unknown;
    struct kvm_costs costs;
};

/* ---- Devices --------------------------------------------------------------------------------- */

/* The machine lock, and whose access it is, around what a device sees. */
static uint64_t device_begin(struct kvm_cpu *k)
{
    uint64_t start = __builtin_ia32_rdtsc();

    machine_lock(k->vm->machine);
    k->vm->machine->current = k->vcpu;
    return start;
}

static void device_end(struct kvm_cpu *k, enum kvm_cost_kind kind, bool write, uint64_t where,
                       uint64_t start)
{
    k->vm->machine->current = NULL;
    machine_unlock(k->vm->machine);
    kvm_costs_add(&k->exits->costs, kind, write, where, __builtin_ia32_rdtsc() - start);
}

/* `count` is more than 1 for a repeated string instruction. */
static bool on_io(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct machine *m = k->vm->machine;
    const uint32_t count = k->run->io.count;
    const uint16_t port = k->run->io.port;
    const uint8_t size = k->run->io.size;
    const bool in = k->run->io.direction == KVM_EXIT_IO_IN;
    uint8_t *data = (uint8_t *)k->run + k->run->io.data_offset;

    k->unfinished = true;
    uint64_t start = device_begin(k);
    for (uint32_t n = 0; n < count; n++, data += size)
        if (in)
            as_read(&m->io, port, data, size);
        else
            as_write(&m->io, port, data, size);
    device_end(k, COST_PORT, !in, port, start);
    return true;
}

static bool on_mmio(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct machine *m = k->vm->machine;
    const uint64_t gpa = k->run->mmio.phys_addr;
    const uint32_t len = MIN(k->run->mmio.len, sizeof(k->run->mmio.data));

    k->unfinished = true;
    uint64_t start = device_begin(k);
    if (k->run->mmio.is_write)
        as_write(&m->mem, gpa, k->run->mmio.data, len);
    else
        as_read(&m->mem, gpa, k->run->mmio.data, len);
    device_end(k, COST_MMIO, k->run->mmio.is_write, gpa, start);
    return true;
}

/* A level-triggered interrupt has ended at a local APIC in the kernel. */
static bool on_ioapic_eoi(struct kvm_cpu *k, enum vcpu_exit *why)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    machine_lock(k->vm->machine);
    if (a->eoi)
        a->eoi(a->apic, k->run->eoi.vector);
    machine_unlock(k->vm->machine);
    return true;
}

/* ---- MSRs ------------------------------------------------------------------------------------ */

/* Without a local APIC the kernel swallows writes of IA32_TSC_DEADLINE. API document sections
 * 4.97 (KVM_X86_SET_MSR_FILTER), 7.21 (KVM_CAP_X86_USER_SPACE_MSR). */
bool kvm_msr_exits_init(struct kvm_vm *vm, GError **err)
{
    uint8_t denied = 1; /* the one MSR of the range */
    struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
        .ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
                    .base = MSR_TSC_DEADLINE, .nmsrs = 1, .bitmap = &denied}},
    };
    struct kvm_enable_cap cap = {
        .cap = KVM_CAP_X86_USER_SPACE_MSR,
        .args = {KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL |
                 KVM_MSR_EXIT_REASON_FILTER},
    };
    int r = kvm_call(vm->fd, KVM_ENABLE_CAP, &cap);

    if (r == 0 && vm->irqchip == KVM_IRQCHIP_OFF)
        r = kvm_call(vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
    return r == 0 || error_set(err, "KVM refuses to hand over MSRs: %s", strerror(-r));
}

static bool is_apic_msr(const struct kvm_cpu *k, uint32_t index)
{
    const struct cpu_model *model = k->vm->machine->cpu_model;

    if (k->vm->irqchip != KVM_IRQCHIP_OFF || !model || !k->vcpu->lapic.msr_read)
        return false;
    if (index == MSR_TSC_DEADLINE)
        return model->feature[X86_F_TSC_DEADLINE];
    return index >= MSR_X2APIC && index < MSR_X2APIC_END && model->feature[X86_F_X2APIC];
}

static bool unknown_msr(struct kvm_cpu *k, const char *what)
{
    LOG(&k->vm->machine->log, LOG_UNIMP, "cpu %u: %s of MSR %x\n", k->vcpu->index, what,
        k->run->msr.index);
    k->run->msr.error = 1; /* #GP(0) */
    return true;
}

static bool on_rdmsr(struct kvm_cpu *k, enum vcpu_exit *why)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;
    uint64_t value = 0;

    k->unfinished = true;
    if (!is_apic_msr(k, k->run->msr.index))
        return unknown_msr(k, "read");
    uint64_t start = device_begin(k);
    k->run->msr.error = !a->msr_read(a->apic, k->run->msr.index, &value);
    k->run->msr.data = value;
    device_end(k, COST_MSR, false, k->run->msr.index, start);
    return true;
}

static bool on_wrmsr(struct kvm_cpu *k, enum vcpu_exit *why)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    k->unfinished = true;
    if (!is_apic_msr(k, k->run->msr.index))
        return unknown_msr(k, "write");
    uint64_t start = device_begin(k);
    k->run->msr.error = !a->msr_write(a->apic, k->run->msr.index, k->run->msr.data);
    device_end(k, COST_MSR, true, k->run->msr.index, start);
    return true;
}

/* ---- The others ------------------------------------------------------------------------------ */

static bool on_nothing(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return true;
}

static bool leave(enum vcpu_exit *why, enum vcpu_exit as)
{
    *why = as;
    return false;
}

/* Where the local APIC is ours, so is the halt; run() goes to sleep. */
static bool on_hlt(struct kvm_cpu *k, enum vcpu_exit *why)
{
    k->mp_state = MP_HALTED;
    return true;
}

static bool on_shutdown(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return leave(why, VCPU_SHUTDOWN);
}

static bool on_debug(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return leave(why, VCPU_DEBUG);
}

static bool on_hypercall(struct kvm_cpu *k, enum vcpu_exit *why)
{
    k->unfinished = true;
    k->run->hypercall.ret = -HYPERCALL_ENOSYS;
    return true;
}

static bool on_system_event(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct machine *m = k->vm->machine;

    if (k->run->system_event.type == KVM_SYSTEM_EVENT_RESET)
        return leave(why, VCPU_RESET);
    machine_request_shutdown(m, k->run->system_event.type == KVM_SYSTEM_EVENT_CRASH
                                    ? CAUSE_GUEST_PANIC
                                    : CAUSE_GUEST_SHUTDOWN);
    return true;
}

static bool fatal(struct kvm_cpu *k, enum vcpu_exit *why, const char *what, uint64_t code)
{
    struct kvm_regs r = {0};

    kvm_call(k->fd, KVM_GET_REGS, &r);
    log_write(&k->vm->machine->log, "hostel: CPU %u at %" PRIx64 "h: KVM reports %s (%" PRIx64
              "h)\n", k->vcpu->index, (uint64_t)r.rip, what, code);
    return leave(why, VCPU_FATAL);
}

/* While another vCPU's change of the memory map replaces a slot, its memory is away for a moment;
 * an instruction fetched just then cannot be emulated. It is there again now. */
static bool map_has_changed(struct kvm_cpu *k)
{
    uint64_t now = __atomic_load_n(&k->vm->machine->mem.generation, __ATOMIC_ACQUIRE);

    return now != k->map_generation;
}

static bool on_internal_error(struct kvm_cpu *k, enum vcpu_exit *why)
{
    if (k->run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION &&
        k->run->internal.suberror != KVM_INTERNAL_ERROR_DELIVERY_EV)
        return fatal(k, why, "an internal error", k->run->internal.suberror);
    return map_has_changed(k) || kvm_rescue(k, why);
}

static bool on_fail_entry(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return fatal(k, why, "that the processor refuses to enter the guest",
                 k->run->fail_entry.hardware_entry_failure_reason);
}

static bool on_unknown(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return fatal(k, why, "an exit of a kind that the processor alone knows",
                 k->run->hw.hardware_exit_reason);
}

/* Each of these has to be switched on, and is not: the dirty log is the bitmap, for one. */
static bool on_unasked(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return fatal(k, why, "an exit that nobody asked for", k->run->exit_reason);
}

static const struct {
    const char *name;
    bool (*handle)(struct kvm_cpu *k, enum vcpu_exit *why);
} rows[EXIT_REASONS] = {
    [KVM_EXIT_UNKNOWN] = {"unknown", on_unknown},
    [KVM_EXIT_IO] = {"io", on_io},
    [KVM_EXIT_HYPERCALL] = {"hypercall", on_hypercall},
    [KVM_EXIT_DEBUG] = {"debug", on_debug},
    [KVM_EXIT_HLT] = {"hlt", on_hlt},
    [KVM_EXIT_MMIO] = {"mmio", on_mmio},
    [KVM_EXIT_IRQ_WINDOW_OPEN] = {"irq-window", on_nothing}, /* run() hands it over */
    [KVM_EXIT_SHUTDOWN] = {"shutdown", on_shutdown},
    [KVM_EXIT_FAIL_ENTRY] = {"fail-entry", on_fail_entry},
    [KVM_EXIT_INTR] = {"intr", on_nothing},
    [KVM_EXIT_SET_TPR] = {"set-tpr", on_nothing}, /* taken after every exit */
    [KVM_EXIT_TPR_ACCESS] = {"tpr-access", on_unasked},
    [KVM_EXIT_NMI] = {"nmi", on_nothing},
    [KVM_EXIT_INTERNAL_ERROR] = {"internal-error", on_internal_error},
    [KVM_EXIT_SYSTEM_EVENT] = {"system-event", on_system_event},
    [KVM_EXIT_IOAPIC_EOI] = {"ioapic-eoi", on_ioapic_eoi},
    [KVM_EXIT_X86_RDMSR] = {"rdmsr", on_rdmsr},
    [KVM_EXIT_X86_WRMSR] = {"wrmsr", on_wrmsr},
    [KVM_EXIT_DIRTY_RING_FULL] = {"dirty-ring-full", on_unasked},
    [KVM_EXIT_X86_BUS_LOCK] = {"bus-lock", on_unasked},
    [KVM_EXIT_NOTIFY] = {"notify", on_unasked},
};

bool kvm_exit_handle(struct kvm_cpu *k, enum vcpu_exit *why)
{
    uint32_t reason = k->run->exit_reason;

    if (reason >= EXIT_REASONS || !rows[reason].handle) {
        k->exits->unknown++;
        return fatal(k, why, "an exit that this program does not know", reason);
    }
    __atomic_store_n(&k->exits->count[reason], k->exits->count[reason] + 1, __ATOMIC_RELAXED);
    return rows[reason].handle(k, why);
}

/* ---- Counters -------------------------------------------------------------------------------- */

void kvm_exits_init(struct kvm_cpu *k)
{
    k->exits = g_new0(struct kvm_exits, 1);
}

void kvm_exits_free(struct kvm_cpu *k)
{
    g_free(k->exits);
    k->exits = NULL;
}

static uint64_t count_of(const struct kvm_cpu *k, unsigned reason)
{
    return __atomic_load_n(&k->exits->count[reason], __ATOMIC_RELAXED);
}

static struct kvm_cpu *cpu_at(const struct kvm_vm *vm, unsigned i)
{
    struct kvm_cpu *k = vm->cpus->pdata[i];

    return k && k->exits ? k : NULL;
}

uint64_t kvm_exits_count(const struct kvm_vm *vm, uint32_t reason)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < vm->cpus->len; i++)
        n += cpu_at(vm, i) ? count_of(cpu_at(vm, i), reason) : 0;
    return n;
}

void kvm_exits_describe(struct kvm_vm *vm, GString *out)
{
    struct kvm_costs *all = g_new0(struct kvm_costs, 1);

    for (unsigned r = 0; r < EXIT_REASONS; r++)
        if (rows[r].name && kvm_exits_count(vm, r))
            g_string_append_printf(out, "%-16s %12" PRIu64 "\n", rows[r].name,
                                   kvm_exits_count(vm, r));
    for (unsigned i = 0; i < vm->cpus->len; i++)
        if (cpu_at(vm, i))
            kvm_costs_merge(all, &cpu_at(vm, i)->exits->costs);
    kvm_costs_describe(all, vm->machine, out);
    g_free(all);
    for (unsigned i = 0; i < vm->cpus->len; i++)
        if (cpu_at(vm, i))
            kvm_rescue_describe(cpu_at(vm, i), out);
}
