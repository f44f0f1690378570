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
#include "target/x86/state.h"

struct accel {
    const char *name;  /* "tcg-interp" */
    const char *alias; /* "tcg" */
    const char *help;
    bool (*probe)(GError **err); /* usable here? the error says why not and what to do */
    bool (*vm_init)(struct machine *m, GError **err);
    void (*vm_exit)(struct machine *m);
    bool (*vcpu_init)(struct vcpu *v, GError **err); /* in the vCPU's thread */
    void (*vcpu_exit)(struct vcpu *v);
    enum vcpu_exit (*run)(struct vcpu *v);
    void (*kick)(struct vcpu *v); /* any thread, signal-safe, no lock */
    void (*save)(struct vcpu *v, struct x86_state *st);
    void (*load)(struct vcpu *v, const struct x86_state *st);
    /* Translate a linear address with the vCPU's present paging, without side effects.
     * False if not mapped. For the monitor and gdb. */
    bool (*translate)(struct vcpu *v, uint64_t linear, uint64_t *gpa);
    /* Lines for "info" commands: statistics of the accelerator. May be NULL. */
    void (*describe)(struct vcpu *v, GString *out);
};

extern const struct accel accel_tcg_interp;
extern const struct accel *const accel_table[]; /* NULL-terminated, best first */

/* Put the boot processor's reset state to what vcpu->boot asks for. accel/boot.c. */
void accel_boot_state(struct x86_state *st, const struct vcpu_boot *boot);

/* Pick from "-accel a:b" text (NULL: the best that works); *why gets one line to announce. */
const struct accel *accel_select(const char *text, char **why, GError **err);

/* The thread function of every vCPU (arg: struct vcpu *); used by core through the machine's
 * table so that core does not include accel/. See core/vcpu_ops.h. */
void *accel_vcpu_thread(void *arg);

#endif
