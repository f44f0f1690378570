/* SPDX-License-Identifier: MIT */
/*
 * The KVM accelerator: guest code runs on the host's processor, through /dev/kvm.
 * Linux, Documentation/virt/kvm/api.rst ("the API document" in this folder).
 *
 *   kvm.c     probe, the VM            state.c msrs.c xsave.c events.c
 *   costs.c   which registers exits are for
 *   memory.c  memory slots                        struct x86_state <-> KVM's structures
 *   vcpu.c    entering, kicks, pins    cpuid.c    what the guest's CPUID says
 *   step.c    an exact number of instructions
 *   exits.c   what an exit asks for    irqchip.c  interrupt controllers in the kernel
 *   ioeventfd.c  doorbells             lapic.c    its local APICs <-> hw/intc/lapic.c
 *
 * Threads: the ioctls of a vCPU are made by its own thread, except while it is parked. Those of
 * the VM may come from any thread. `struct kvm_cpu` belongs to its vCPU's thread but for
 * `guest`, `run->immediate_exit` and the counters, which others may look at.
 */
#ifndef ACCEL_KVM_KVM_H
#define ACCEL_KVM_KVM_H

#include <linux/kvm.h>
#include <signal.h>
#include <sys/types.h>

#include "accel/accel.h"
#include "core/machine.h"

/* Where the interrupt controllers are. OFF: all are ours, in hw/intc. */
enum kvm_irqchip_mode { KVM_IRQCHIP_OFF, KVM_IRQCHIP_SPLIT, KVM_IRQCHIP_ON };

struct kvm_memory; /* memory.c */
struct kvm_exits;  /* exits.c */
struct kvm_chip;   /* irqchip.c */
struct kvm_state;  /* state.h */
struct kvm_doorbells; /* ioeventfd.c */
struct kvm_rescue; /* rescue.c */

struct kvm_tsc_pair {
    uint64_t host; /* time-stamp counter of the host */
    int64_t vtime; /* the virtual clock at that moment */
};

struct kvm_vm { /* machine->accel_data[ACCEL_KVM] */
    struct machine *machine;
    int sys;          /* /dev/kvm */
    int fd;           /* of the VM */
    size_t run_size;  /* bytes of kvm_cpu.run */
    enum kvm_irqchip_mode irqchip;
    GPtrArray *cpus;  /* struct kvm_cpu *, by vcpu index; NULL where none is yet */
    struct kvm_memory *memory;
    void *shadow_page; /* NULL: the processor has nested paging */
    struct kvm_chip *chip; /* NULL: OFF */
    struct kvm_doorbells *doorbells;
    struct kvm_tsc_pair tsc_pair; /* tsc.c, under the machine lock */
};

struct kvm_cpu { /* vcpu->accel_data[ACCEL_KVM] */
    struct vcpu *vcpu;
    struct kvm_vm *vm;
    int fd;
    struct kvm_run *run; /* shared with the kernel */
    pid_t tid;           /* of the vCPU's thread */
    uint32_t guest;      /* atomic, enum kvm_guest in vcpu.c: is there something to interrupt? */
    /* The last exit is to be finished by the next KVM_RUN (API document, "KVM_RUN"): until then
     * the vCPU's state is that of the middle of an instruction. kvm_finish(). */
    bool unfinished;
    uint8_t mp_state;    /* enum x86_mp_state; MP_RUNNABLE with a LAPIC in the kernel */
    bool stepping;       /* KVM_GUESTDBG_SINGLESTEP is on */
    int64_t stepped;     /* instructions of the present or last run_budget() */
    uint64_t map_generation; /* of machine->mem when guest mode was entered last */
    struct kvm_exits *exits;
    struct kvm_state *state;
    struct kvm_rescue *rescue; /* NULL: there was none */
    bool ran; /* since the last save or load: set by whoever calls KVM_RUN */
};

static inline struct kvm_cpu *kvm_cpu_of(const struct vcpu *v)
{
    return v->accel_data[ACCEL_KVM];
}

/* ioctl(), repeated while a signal interrupts it. The result, or -errno. Any thread. */
int kvm_call(int fd, unsigned long request, void *arg);

/* ---- kvm.c ----------------------------------------------------------------------------------- */

/* Can the device at `path` ("/dev/kvm") be used? The error says why not and what to do. */
bool kvm_probe_path(const char *path, GError **err);
/* A descriptor of /dev/kvm, or -1 with *err set when it cannot be used. The caller closes it. */
int kvm_open(GError **err);
/* A VM with KVM's own pages in their place, or -1 with *err set. The caller closes it. */
int kvm_new_vm(int sys, GError **err);
/* Hz of the time-stamp counter that a guest gets, 0 if KVM cannot be used. */
uint64_t kvm_host_tsc_hz(void);
/* Does the kernel have this capability? Its value, 0 if it is missing. */
int kvm_capability(const struct kvm_vm *vm, unsigned cap);

/* ---- memory.c -------------------------------------------------------------------------------- */

/* Slots follow the flat view of the machine's memory from now on. Lock held or no vCPU yet. */
bool kvm_memory_init(struct kvm_vm *vm, GError **err);
void kvm_memory_fini(struct kvm_vm *vm);
/* The number of a slot that the map does not use. */
unsigned kvm_memory_last_slot(const struct kvm_vm *vm);

/* ---- shadow.c -------------------------------------------------------------------------------- */

bool kvm_shadow_init(struct kvm_vm *vm, GError **err);
void kvm_shadow_fini(struct kvm_vm *vm);
/* A CPU that is not KVM's has stored to guest memory, maybe to page tables. Any thread. */
void kvm_shadow_drop(struct kvm_vm *vm);

/* ---- vcpu.c: on the vCPU's thread ------------------------------------------------------------ */

bool kvm_cpu_init(struct vcpu *v, GError **err);
void kvm_cpu_exit(struct vcpu *v);
void kvm_cpu_free(struct kvm_cpu *k); /* when no thread can kick it any more */
enum vcpu_exit kvm_cpu_run(struct vcpu *v);
/* The two halves of its loop. Hand over what the pins ask for and be ready for kicks; true: enter.
 * Then KVM_RUN and its exit. False: run() returns *why. */
bool kvm_prepare(struct kvm_cpu *k, enum vcpu_exit *why);
bool kvm_enter(struct kvm_cpu *k, enum vcpu_exit *why);
void kvm_cpu_kick(struct vcpu *v);    /* any thread, signal-safe */
/* The signal that gets a thread out of guest mode has a handler now. Returns its number. */
int kvm_kick_signal_init(void);
/*
 * Finish the instruction whose I/O the last exit was, so that the vCPU's state can be read or
 * replaced. Takes the machine lock if there is more I/O. False: *why is to be returned by
 * run(), as after any exit.
 */
bool kvm_finish(struct kvm_cpu *k, enum vcpu_exit *why);
/* kvm_load() calls this last: what struct kvm_run and struct kvm_cpu say follows *st. */
void kvm_cpu_loaded(struct kvm_cpu *k, const struct x86_state *st);

/* ---- step.c: on the vCPU's thread ------------------------------------------------------------ */

/* accel.run_budget and accel.executed by single steps. Not with a LAPIC in the kernel. */
enum vcpu_exit kvm_run_budget(struct vcpu *v, int64_t insns, int64_t *done);
bool kvm_set_stepping(struct kvm_cpu *k, bool on);
int64_t kvm_executed(struct vcpu *v);

/* ---- exits.c --------------------------------------------------------------------------------- */

/* From now on MSRs that the kernel does not have, and those of a local APIC that is ours, exit.
 * vm->irqchip is set, no vCPU exists. */
bool kvm_msr_exits_init(struct kvm_vm *vm, GError **err);
void kvm_exits_init(struct kvm_cpu *k);
void kvm_exits_free(struct kvm_cpu *k);
/* Carry out what k->run->exit_reason asks for and count it. True: enter the guest again;
 * false: run() returns *why. On the vCPU's thread, without the lock. */
bool kvm_exit_handle(struct kvm_cpu *k, enum vcpu_exit *why);
/* How often all vCPUs left for that reason (KVM_EXIT_*). Any thread. */
uint64_t kvm_exits_count(const struct kvm_vm *vm, uint32_t reason);
/* "info exits". Lock held. */
void kvm_exits_describe(struct kvm_vm *vm, GString *out);

/* ---- state.c --------------------------------------------------------------------------------- */

/* After kvm_cpuid_set(), by which the kernel knows which registers there are. */
void kvm_state_init(struct kvm_cpu *k);
void kvm_state_free(struct kvm_cpu *k);
/*
 * accel->save and load, on the vCPU's thread or while it is parked. They finish a pending exit
 * first. The registers of a local APIC in the kernel travel through irqchip.c.
 */
void kvm_save(struct vcpu *v, struct x86_state *st);
void kvm_load(struct vcpu *v, const struct x86_state *st);
/* The same for a rescue of a vCPU that was running: a local APIC in the kernel stays as it is, CR8
 * included, and so does IA32_APIC_BASE. */
void kvm_state_get(struct kvm_cpu *k, struct x86_state *st);
void kvm_state_put(struct kvm_cpu *k, const struct x86_state *st);

/* ---- tsc.c -------------------------------------------------------------------------------- */

/* vcpu->tsc_offset as the guest's counter has it now; the machine runs. Lock held. */
void kvm_tsc_resync(struct kvm_cpu *k);
/* A hook of machine.on_state_change; the argument is the machine. */
void kvm_tsc_machine_changed(void *machine);

/* ---- irqchip.c ------------------------------------------------------------------------------- */

/* Is the kernel to have them, if it can? */
bool kvm_irqchip_wanted(const struct machine_config *config);
/* -machine kernel-irqchip=, or the best this kernel has. Before there are vCPUs. */
bool kvm_irqchip_init(struct kvm_vm *vm, GError **err);
void kvm_irqchip_fini(struct kvm_vm *vm);
/* The machine's local APICs are the kernel's from now on, or no longer, while KVM is the active
 * accelerator: see irqchip_set(). Nothing happens when kernel-irqchip is off. */
void kvm_irqchip_activate(struct kvm_vm *vm, bool on);
/* A message to this vCPU's local APIC, delivery mode as in the ICR. */
void kvm_irqchip_send(struct kvm_cpu *k, unsigned delivery_mode, uint8_t vector);

/* ---- lapic.c: on the vCPU's thread or while it is parked, lock held -------------------------- */

/* The kernel's local APIC -> hw/intc/lapic.c, and back (after the TSC and IA32_APIC_BASE). */
void kvm_lapic_save(struct kvm_cpu *k);
void kvm_lapic_load(struct kvm_cpu *k);
/* st->mp_state as the kernel has it; load() comes last of all. */
void kvm_mp_state_save(struct kvm_cpu *k, struct x86_state *st);
void kvm_mp_state_load(struct kvm_cpu *k, const struct x86_state *st);
/* Is a rise of LINT1 an NMI? */
bool kvm_lapic_takes_nmi(struct kvm_cpu *k);

/* ---- ioeventfd.c ----------------------------------------------------------------------------- */

/* Doorbells of the machine's devices ring in the kernel from now on. */
void kvm_doorbells_init(struct kvm_vm *vm);
void kvm_doorbells_fini(struct kvm_vm *vm);

/* ---- pvclock.c: accel.clocks_start, accel.clocks_stopped ------------------------------------ */

void kvm_clocks_start(struct machine *m);
void kvm_clocks_stopped(struct machine *m);

/* ---- hypercall.c ----------------------------------------------------------------------------- */

/* KVM is not to replace VMCALL or VMMCALL in the guest's memory by the other one, but to raise
 * #UD. False: this kernel cannot. */
bool kvm_keep_hypercall_insn(int vm);
/* Can a guest that takes itself for Intel's or AMD's call KVM? sys: /dev/kvm. Bounded. */
bool kvm_hypercalls_work(int sys, bool amd);

/* ---- rescue.c: on the vCPU's thread ---------------------------------------------------------- */

/* Have KVM tell of every instruction it cannot emulate, unless rescue=off. A new VM. */
void kvm_rescue_init(struct kvm_vm *vm);

/* The last exit was an instruction that KVM cannot emulate: have it executed. True: enter the
 * guest again; false: run() returns *why. Without the lock. */
bool kvm_rescue(struct kvm_cpu *k, enum vcpu_exit *why);
/* Rescues of this vCPU, for "info exits". */
void kvm_rescue_describe(const struct kvm_cpu *k, GString *out);
void kvm_rescue_free(struct kvm_cpu *k);

/* ---- cpuid.c --------------------------------------------------------------------------------- */

/* accel.fit_model: the model's features and address width become those that KVM supports, too; the
 * model "host" becomes the host's processor. */
bool kvm_cpuid_fit(const struct machine *m, struct cpu_model *model, GError **err);
/* A machine that may move to KVM later: the model loses what of KVM's interface to guests this
 * host's KVM lacks, but for what was asked for by name. Nothing if KVM is not usable. */
void kvm_cpuid_fit_pv(const struct machine *m, struct cpu_model *model);
/* Tell the kernel what CPUID says on this vCPU (machine->cpu_model). */
bool kvm_cpuid_set(struct kvm_cpu *k, GError **err);

#endif
