/* SPDX-License-Identifier: MIT */
/*
 * Why KVM_RUN returned, and what is done about it: one row per exit reason. API document
 * section 5 ("The kvm_run structure").
 */
#include "accel/kvm/kvm.h"

#include <inttypes.h>

struct kvm_exits {
    uint64_t count[64];
};

/* The machine lock, and whose access it is, around what a device sees. */
static void device_begin(struct kvm_cpu *k)
{
    machine_lock(k->vm->machine);
    k->vm->machine->current = k->vcpu;
}

static void device_end(struct kvm_cpu *k)
{
    k->vm->machine->current = NULL;
    machine_unlock(k->vm->machine);
}

static bool on_io(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct machine *m = k->vm->machine;
    const uint32_t count = k->run->io.count;
    const uint8_t size = k->run->io.size;
    uint8_t *data = (uint8_t *)k->run + k->run->io.data_offset;

    k->unfinished = true;
    device_begin(k);
    for (uint32_t n = 0; n < count; n++, data += size)
        if (k->run->io.direction == KVM_EXIT_IO_IN)
            as_read(&m->io, k->run->io.port, data, size);
        else
            as_write(&m->io, k->run->io.port, data, size);
    device_end(k);
    return true;
}

static bool on_mmio(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct machine *m = k->vm->machine;
    const uint32_t len = MIN(k->run->mmio.len, sizeof(k->run->mmio.data));

    k->unfinished = true;
    device_begin(k);
    if (k->run->mmio.is_write)
        as_write(&m->mem, k->run->mmio.phys_addr, k->run->mmio.data, len);
    else
        as_read(&m->mem, k->run->mmio.phys_addr, k->run->mmio.data, len);
    device_end(k);
    return true;
}

static bool on_nothing(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return true;
}

static bool on_ioapic_eoi(struct kvm_cpu *k, enum vcpu_exit *why)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;

    device_begin(k);
    if (a->eoi)
        a->eoi(a->apic, k->run->eoi.vector);
    device_end(k);
    return true;
}

static bool on_hlt(struct kvm_cpu *k, enum vcpu_exit *why)
{
    k->mp_state = MP_HALTED;
    return true;
}

static bool on_shutdown(struct kvm_cpu *k, enum vcpu_exit *why)
{
    *why = VCPU_SHUTDOWN;
    return false;
}

static bool on_debug(struct kvm_cpu *k, enum vcpu_exit *why)
{
    *why = VCPU_DEBUG;
    return false;
}

static bool fatal(struct kvm_cpu *k, enum vcpu_exit *why, const char *what, uint64_t code)
{
    log_write(&k->vm->machine->log, "hostel: CPU %u: KVM: %s (%" PRIx64 "h)\n", k->vcpu->index,
              what, code);
    *why = VCPU_FATAL;
    return false;
}

static bool on_internal_error(struct kvm_cpu *k, enum vcpu_exit *why)
{
    if (k->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
        return fatal(k, why, "an instruction that it cannot emulate", k->run->internal.suberror);
    return fatal(k, why, "internal error", k->run->internal.suberror);
}

static bool on_fail_entry(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return fatal(k, why, "the processor refuses to enter the guest",
                 k->run->fail_entry.hardware_entry_failure_reason);
}

static bool on_unknown(struct kvm_cpu *k, enum vcpu_exit *why)
{
    return fatal(k, why, "an exit for an unknown reason", k->run->exit_reason);
}

static const struct {
    const char *name;
    bool (*handle)(struct kvm_cpu *k, enum vcpu_exit *why);
} rows[] = {
    [KVM_EXIT_IO] = {"io", on_io},
    [KVM_EXIT_MMIO] = {"mmio", on_mmio},
    [KVM_EXIT_HLT] = {"hlt", on_hlt},
    [KVM_EXIT_IRQ_WINDOW_OPEN] = {"irq-window", on_nothing},
    [KVM_EXIT_SHUTDOWN] = {"shutdown", on_shutdown},
    [KVM_EXIT_DEBUG] = {"debug", on_debug},
    [KVM_EXIT_FAIL_ENTRY] = {"fail-entry", on_fail_entry},
    [KVM_EXIT_IOAPIC_EOI] = {"ioapic-eoi", on_ioapic_eoi},
    [KVM_EXIT_INTR] = {"intr", on_nothing},
    [KVM_EXIT_SET_TPR] = {"set-tpr", on_nothing}, /* taken after every exit */
    [KVM_EXIT_NMI] = {"nmi", on_nothing},
    [KVM_EXIT_INTERNAL_ERROR] = {"internal-error", on_internal_error},
};

bool kvm_exit_handle(struct kvm_cpu *k, enum vcpu_exit *why)
{
    uint32_t reason = k->run->exit_reason;

    if (reason >= G_N_ELEMENTS(rows) || !rows[reason].handle)
        return on_unknown(k, why);
    k->exits->count[reason]++;
    return rows[reason].handle(k, why);
}

bool kvm_exits_init(struct kvm_cpu *k)
{
    k->exits = g_new0(struct kvm_exits, 1);
    return true;
}

void kvm_exits_free(struct kvm_cpu *k)
{
    g_free(k->exits);
}

void kvm_exits_describe(struct kvm_vm *vm, GString *out)
{
    for (unsigned i = 0; i < vm->cpus->len; i++) {
        struct kvm_cpu *k = vm->cpus->pdata[i];

        for (unsigned r = 0; k && r < G_N_ELEMENTS(rows); r++)
            if (rows[r].name && k->exits->count[r])
                g_string_append_printf(out, "cpu %u %-16s %" PRIu64 "\n", i, rows[r].name,
                                       k->exits->count[r]);
    }
}
