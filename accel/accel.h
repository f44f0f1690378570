/* SPDX-License-Identifier: MIT */
/*
 * What an accelerator is to the machine: a table of about a dozen functions.
 *
 * run() executes guest code in the vCPU's own thread, without the machine lock, until one of
 * enum vcpu_exit. It performs I/O itself through as_read/as_write (taking the machine lock
 * around it) and takes interrupts from the vCPU's pins. The loop around run() (enter, run,
 * decide, sleep when halted, park when stopped) is written once, in accel/loop.c.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "core/vcpu.h"
#include "core/vcpu_ops.h"
#include "target/x86/state.h"

struct cpu_model;

struct accel {
    const char *name;  /* "tcg-interp" */
    const char *alias; /* "tcg" */
    const char *help;
    enum accel_slot slot; /* of accel_data in machine and vCPU */
    /* Guest code runs on the host's processor, not by interpretation. */
    bool hardware;
    bool (*probe)(GError **err); /* usable here? the error says why not and what to do */
    /* Is it the one to take when the user names none? The error says why not. NULL: yes. */
    bool (*preferred)(GError **err);
    /* Fit the CPU model to what guests of this accelerator can have (cpu_model_fit()). Before
     * vm_init(); of the machine only the configuration is looked at. */
    bool (*fit_model)(const struct machine *m, struct cpu_model *model, GError **err);
    bool (*vm_init)(struct machine *m, GError **err);
    void (*vm_exit)(struct machine *m);
    /* It is to run the machine from now on, or no longer: interrupt controllers move into the
     * kernel or back (irqchip_set()). vm_init() and vm_exit() do it for m->accel; a change of
     * accelerator calls it between saving the vCPUs' states and loading them. vCPUs parked, lock
     * held. NULL: nothing to do. */
    void (*activate)(struct machine *m, bool on);
    bool (*vcpu_init)(struct vcpu *v, GError **err); /* in the vCPU's thread */
    void (*vcpu_exit)(struct vcpu *v);
    enum vcpu_exit (*run)(struct vcpu *v);
    /* Make run() look at v->pins and v->kicked; it returns VCPU_KICKED only for the latter.
     * Any thread, signal-safe, no lock. */
    void (*kick)(struct vcpu *v);
    /*
     * For -icount, where all vCPUs take turns on one thread. run_budget() is run() for at most
     * `insns` instructions (REP counts as one, and so does an instruction that ends in an
     * exception, which is delivered then): *done gets how many completed, never more than
     * asked; VCPU_KICKED with *done == insns when they were used up. executed() is how many of
     * the present run_budget() completed so far, exact whenever a device is accessed or the TSC
     * is read. What happens may depend on nothing but guest state, instruction counts and the
     * virtual clock (RDRAND included); a kick may come at any time and must not change it.
     * A device may arm a timer within the budget: the loop then kicks, and run_budget() should
     * return after the instruction that did the I/O, or soon after.
     */
    enum vcpu_exit (*run_budget)(struct vcpu *v, int64_t insns, int64_t *done);
    int64_t (*executed)(struct vcpu *v);
    /* Where in its sequence the generator behind RDRAND is then; in the vCPU's thread. */
    uint64_t *(*random_place)(struct vcpu *v);
    /*
     * The architectural state, in the vCPU's thread. save() leaves out what waits at the pins
     * (vcpu->pins stay as they are); load() adds the NMIs of *st to them, or takes them itself.
     * So a state can go from one accelerator to another while other threads raise pins. A
     * snapshot, pins included, is vcpu_save(). save() finishes an I/O instruction that is in
     * the middle.
     */
    void (*save)(struct vcpu *v, struct x86_state *st);
    void (*load)(struct vcpu *v, const struct x86_state *st);
    /*
     * machine.debug and v->debug have changed (core/debug.h); in the vCPU's thread, parked. From
     * now on run() returns VCPU_DEBUG, with the reason in v->debug, before an instruction at a
     * breakpoint, behind one that met a watchpoint, and behind a step. A vCPU that goes on from a
     * breakpoint it has returned for passes it once. The guest's own use of DR0-7 and TF is not
     * disturbed. NULL: no debugging.
     */
    void (*debug)(struct vcpu *v);
    unsigned debug_points; /* how many at a time; 0: any number */
    /* Main thread, lock held, vCPUs parked: the virtual clock is about to go, has just stopped.
     * For the clock that guests read. May be NULL. */
    void (*clocks_start)(struct machine *m);
    void (*clocks_stopped)(struct machine *m);
    /* Translate a linear address with the vCPU's present paging, without side effects.
     * False if not mapped. For the monitor and gdb. */
    bool (*translate)(struct vcpu *v, uint64_t linear, uint64_t *gpa);
    /* Lines for "info" commands: statistics of the accelerator. May be NULL. */
    void (*describe)(struct vcpu *v, GString *out);
};

extern const struct accel accel_kvm, accel_tcg_interp, accel_compare;
extern const struct accel *const accel_table[]; /* NULL-terminated, best first */

/*
 * Several accelerators can be alive on one machine, each in its slot; m->accel runs it.
 * accel_attach(): make `a` ready for v beside that one. In the vCPU's thread, without
 * the lock. The others end all that are there.
 */
bool accel_attach(struct vcpu *v, const struct accel *a, GError **err);
void accel_detach_vcpu(struct vcpu *v); /* in its thread */
void accel_detach_vm(struct machine *m);

/* Put a processor's reset state to what vcpu->boot asks for. accel/boot.c. */
void accel_boot_state(struct x86_state *st, const struct vcpu_boot *boot, unsigned phys_bits);

/* Pick from "-accel a:b" text (NULL: the best that works). *why gets the line to announce when
 * the choice is not the one asked for first or nobody asked, else NULL; owned by the caller. */
const struct accel *accel_select(const char *text, char **why, GError **err);
/*
 * The model becomes one that the machine's accelerator can offer, and that loses nothing of KVM's
 * interface to guests when the machine moves to this host's KVM (what was asked for by name is
 * given all the same). m->accel is chosen, vCPUs are not there yet.
 */
bool accel_fit_model(const struct machine *m, struct cpu_model *model, GError **err);
/* The rate, in Hz, at which every accelerator of this host runs a guest's time-stamp counter: KVM's
 * if it is usable, else 0. */
uint64_t accel_host_tsc_hz(void);
/* The accelerator of that name or alias, or NULL. */
const struct accel *accel_find(const char *name);
/* "-accel help". */
void accel_help(GString *out);

/* The loop around run(): main.c sets machine.accel and machine.vcpu_ops before
 * machine_create_vcpus(). */
extern const struct vcpu_ops accel_vcpu_ops;

/* The TSC of a vCPU whose counter follows the virtual clock, into and out of a state. Lock held
 * for accel_set_tsc_offset(): the TSC deadline moves. accel/tsc.c. */
void accel_save_tsc(struct vcpu *v, struct x86_state *st);
uint64_t accel_tsc_offset(const struct machine *m, const struct x86_state *st);
void accel_set_tsc_offset(struct vcpu *v, uint64_t offset);

/* Guest instructions executed so far under -icount. */
int64_t accel_icount(struct machine *m);

/* struct x86_state as declared fields, for saving (core/state.h). */
extern const struct state_field x86_state_fields[];

#endif
