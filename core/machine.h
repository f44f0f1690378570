/* SPDX-License-Identifier: MIT */
/*
 * The machine: everything hangs from here; two can live in one process.
 *
 * Threads: one main thread (GLib main context: timers, fds, monitor, UI) and one thread per
 * vCPU. The machine lock serialises all device code. A vCPU thread takes it around I/O and
 * never holds it while it executes guest code.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"
#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/irqchip.h"
#include "core/region.h"
#include "core/vcpu.h"
#include "util/log.h"

struct accel;
struct apic_bus; /* hw/intc/lapic.h */
struct blk;
struct block;    /* block/engine.h */
struct chardev;
struct object_type;
struct vcpu_ops;
struct icount;
struct keyvals;  /* util/keyval.h */
struct net;      /* net/net.h */
struct net_client;
struct pci_bus;
struct fw_cfg;
struct history; /* accel/history.h */
struct gdb; /* monitor/gdb.h */
struct ui;
struct vga; /* hw/display/vga.h */
struct board; /* hw/pc: the wiring; opaque here */
struct cpu_model; /* target/x86/cpuid.h */

/* -boot: what firmware is told. */
struct machine_boot {
    char *order, *once;     /* letters, or NULL: the usual order */
    bool menu, strict;
    char *splash;           /* picture file, or NULL */
    int splash_ms, reboot_ms; /* -1: not said */
};

/* What the options asked for. Strings are owned by the config. Filled by main.c's option
 * table; machine_new() copies what it needs by keeping the pointer (config outlives it). */
struct machine_config {
    char *name, *uuid;
    char *machine_type;     /* "pc", "q35", "none" */
    GHashTable *machine_opts; /* -machine key=value leftovers for the board: string -> string */
    uint64_t ram_size;      /* bytes; default 128 MiB */
    unsigned cpus, max_cpus, sockets, cores, threads; /* -smp */
    char *cpu;              /* -cpu text: "max,+feature,-feature" */
    char *accel;            /* -accel text: "tcg-interp", "kvm:tcg" ... */
    GHashTable *accel_opts; /* -accel NAME,key=value: string -> string; NULL: none */
    char *keymap;           /* -k, or NULL */
    char *kernel, *initrd, *append, *bios;
    bool icount;
    unsigned icount_shift;
    bool icount_sleep;      /* default on: an idle guest waits in real time */
    enum action actions[ACTION_EVENTS]; /* -action */
    bool start_paused;      /* -S */
    bool no_core;           /* guest memory is not part of a core dump */
    bool no_defaults;
    bool rtc_localtime;     /* -rtc base=localtime */
    int64_t rtc_base;       /* seconds since 1970, or INT64_MIN: now */
    int rtc_clock;          /* 0 host, 1 vm (virtual) */
    bool acpi, hpet, smm;   /* -machine acpi=,hpet= ; smm is refused */
    struct machine_boot boot;
    char *vga;              /* "std", "none"; NULL: none */
    bool graphics;          /* firmware need not use the serial port */
    char *firmware_path;    /* directories of firmware images, separated by ':'; NULL: none */
    char *debugcon;         /* -debugcon chardev description or NULL */
    GPtrArray *smbios, *fw_cfg; /* char *: texts of -smbios, -fw_cfg; NULL: none */
    GPtrArray *globals;     /* -global: struct machine_global *; NULL: none */
};

/* -global DRIVER.PROPERTY=VALUE */
struct machine_global {
    char *driver, *property, *value;
    bool used; /* some device had it: main.c warns about the others */
};

enum run_state {
    RUN_PRELAUNCH, RUN_RUNNING, RUN_PAUSED, RUN_SHUTDOWN, RUN_FATAL, RUN_PANICKED, RUN_WATCHDOG,
    /* migration/: waiting for a machine to come in; the last of it is being sent; it is gone;
     * being saved to a snapshot; being restored from one. */
    RUN_INMIGRATE, RUN_FINISH_MIGRATE, RUN_POSTMIGRATE, RUN_SAVE_VM, RUN_RESTORE_VM,
};

/* Why the machine stops or resets; QEMU's names through run_cause_name(). */
enum run_cause {
    CAUSE_NONE,
    CAUSE_HOST_QUIT,       /* host-qmp-quit */
    CAUSE_HOST_SIGNAL,     /* host-signal */
    CAUSE_HOST_UI,         /* host-ui */
    CAUSE_HOST_RESET,      /* host-qmp-system-reset */
    CAUSE_GUEST_SHUTDOWN,  /* guest-shutdown: ACPI soft off, isa-debug-exit */
    CAUSE_GUEST_RESET,     /* guest-reset: 0xcf9, i8042, port 92h */
    CAUSE_GUEST_PANIC,     /* guest-panic */
    CAUSE_TRIPLE_FAULT,    /* guest-reset of a shut-down CPU */
};

/* The machine lock: recursive; spins shortly before it sleeps, because device callbacks are
 * short and waking a thread is not. */
struct machine_lock {
    pthread_mutex_t mutex;
    pthread_cond_t cond; /* machine_wait(), machine_notify() */
    GThread *owner;
    unsigned depth;
    unsigned waiters;  /* atomic: threads that want it and do not have it */
    unsigned sleepers; /* in machine_wait(), not notified yet */
    unsigned notices;
};

struct machine {
    const struct machine_config *config;
    struct log log;

    struct machine_lock lock;
    GMainContext *context;
    GSource *request_source;   /* carries out `requests` on the main thread */

    struct address_space mem;  /* guest-physical */
    struct address_space io;   /* 64 KiB of ports */
    struct region mem_root, io_root;
    GPtrArray *rams;           /* struct ram_block *, owned */
    struct ram_block *ram;     /* main memory */
    bool a20;                  /* level of the A20 gate: machine_set_a20() */

    struct clock vclock;       /* guest time */
    struct clock hclock;       /* wall time */

    GPtrArray *devices;        /* struct device *, realize order, owned */
    GPtrArray *chardevs;       /* struct chardev *, owned; chardev/ keeps the list and sets: */
    struct chardev *(*chardev_find)(struct machine *m, const char *id);
    void (*chardev_free_all)(struct machine *m);
    /* A terminal on a console (ui/vc.h), for chardev/, or NULL. */
    struct chardev *(*make_vc)(struct machine *m, const char *id, const struct keyvals *kv,
                               GError **err);
    GPtrArray *audiodevs;      /* struct audiodev *, owned, or NULL; audio/ sets both */
    void (*audiodevs_free)(struct machine *m);
    struct block *block;       /* block/'s, or NULL; it sets both: */
    void (*block_free)(struct machine *m);
    struct blk *(*drive_claim)(struct machine *m, const char *id, GError **err);
    GPtrArray *objects;        /* struct object *, owned, or NULL: core/object.h */
    const struct object_type *const *object_types; /* set by main.c, or NULL: none */
    struct net *net;           /* net/'s, or NULL; it sets both: */
    void (*net_free)(struct machine *m);
    struct net_client *(*net_claim)(struct machine *m, const char *id, GError **err);
    GPtrArray *vcpus;          /* struct vcpu *, owned */
    struct vcpu *running;      /* under -icount: the vCPU whose turn it is */
    struct icount *icount;     /* accel/icount.c; NULL: time is the host's */
    const struct vcpu_ops *vcpu_ops; /* how vCPUs run: set before machine_create_vcpus() */
    const struct accel *accel;
    char *accel_note;          /* what to say about the choice of it, or NULL; owned */
    void *accel_data[ACCEL_SLOTS];
    /* The CPU whose I/O access is being served: accelerators set it, under the machine lock,
     * around the access; NULL otherwise. Only for what is per CPU on the bus: the local APIC. */
    struct vcpu *current;
    /* The clock that paravirtual guests read is machine_pvclock_at(). Their pages say what it
     * was when the virtual clock stood at pvclock_anchor; pvclock_moved asks the accelerator to
     * write them anew, with a new anchor, before vCPUs run. */
    int64_t pvclock_offset;
    int64_t pvclock_anchor;
    bool pvclock_moved;
    uint64_t tsc_hz;           /* TSC = vclock ns * tsc_hz / 1e9 + vcpu->tsc_offset */
    const struct cpu_model *cpu_model; /* what CPUID says; set before vCPUs exist */
    struct board *board;
    struct irq_line isa_irq[16]; /* what an ISA device's interrupt pin drives; by the board */
    struct irq_line gsi[24];     /* I/O APIC pins (0-15 with the PIC's input too); by the board */
    struct apic_bus *apic_bus;   /* what connects the local APICs, or NULL */
    const struct irqchip_ops *irqchip; /* the host kernel's controllers; NULL: all are ours */
    GPtrArray *notifiers;        /* struct irq_notifier *: core/notifier.h */
    struct pci_bus *pci;         /* root bus, or NULL; hw/pci/pci.h */
    struct fw_cfg *fw_cfg;       /* or NULL; hw/misc/fw_cfg.h */
    struct vga *vga;             /* the display adapter with the VGA's addresses, or NULL */
    struct ui *ui;               /* screens and input, or NULL; ui/ui.h */
    void (*ui_free)(struct machine *m); /* set with it */

    enum action actions[ACTION_EVENTS]; /* the configuration's, then as the monitor says */

    struct machine_debug debug; /* core/debug.h */
    struct history *history; /* accel/history.c, or NULL; with it comes: */
    void (*outside)(struct machine *m, const char *what, bool lasting);
    bool replaying; /* the vCPUs do once more what they did: nobody outside is to see it */
    struct gdb *gdb; /* the debugger's server, or NULL; monitor/gdb.h */

    enum run_state state;
    enum run_cause cause;      /* of the last shutdown or reset request */
    int exit_status;           /* of the process, when it ends through this machine */
    bool quit;                 /* the loop was told to end */
    uint32_t requests;         /* atomic: enum machine_request bits, handled on main */
    uint64_t resets;           /* how often the machine was reset */
    uint64_t switches;         /* how often it went from one accelerator to another */
    /* Notifiers; each entry is struct machine_hook * */
    GPtrArray *on_state_change;
    GPtrArray *on_powerdown;   /* ACPI power button */
    GPtrArray *on_a20;         /* m->a20 has changed: the board remaps, accelerators flush */
    GPtrArray *on_irqchip;     /* m->irqchip has changed: irqchip_set() */
    GPtrArray *on_reset;       /* board pieces that are not devices (kernel loader, ROM copies) */
    GPtrArray *listeners;      /* struct event_listener *: core/event.h */
    GPtrArray *jobs;           /* struct job *: core/job.h */
    GPtrArray *info;           /* struct machine_info *: core/inspect.h */
    struct migration *migration; /* migration/'s, or NULL; it sets both: */
    const struct migration_ops *migration_ops;
    unsigned throttle;           /* atomic: per cent of the time that vCPUs are kept from running */
    GSource *throttling;         /* what kicks them, or NULL */
    /* A descriptor that a monitor was given under that name (getfd), which is the caller's from
     * now on, or -1. NULL: no monitor can be given any. */
    int (*take_named_fd)(struct machine *m, const char *name);
    /* Its set of devices and memory must stay: why, or NULL (a migration is under way). */
    const char *frozen;
    GPtrArray *queries;        /* struct machine_query *: core/inspect.h */
    GHashTable *fds;           /* core/fds.h, or NULL */
    const struct device_catalogue *catalogue; /* set by main.c, or NULL */
    const struct cpu_inspect *inspect; /* set by main.c, or NULL */
    const struct program_inspect *program; /* set by main.c, or NULL; core/inspect.h */
    GPtrArray *on_exit;        /* machine_free(), first thing: terminals, pid files */
};

/* What can be plugged in: main.c lends hw/'s table to those who know no chips (the monitor). */
struct device_catalogue {
    const struct device_type *const *types; /* NULL-terminated */
    /* A realized device from "driver", "id", "bus" and its properties (the -device list). */
    struct device *(*add)(struct machine *m, const struct keyvals *kv, GError **err);
};

/* What migration/ does for others that do not know it. Lock held, main thread. */
struct migration;
struct migration_ops {
    /* The machine is about to go on (machine_resume()). False with *err: it may not. *later: not
     * now; it will, once it has come in. */
    bool (*resume)(struct machine *m, bool *later, GError **err);
    void (*free)(struct machine *m);
};

struct machine_hook {
    void (*fn)(void *arg);
    void *arg;
};
void machine_add_hook(GPtrArray *list, void (*fn)(void *), void *arg);
void machine_del_hook(GPtrArray *list, void (*fn)(void *), void *arg);

/* Change the A20 gate; the hooks of on_a20 run if the level is new. Lock held. */
void machine_set_a20(struct machine *m, bool level);

/* A vCPU's time-stamp counter at virtual time ns. */
static inline uint64_t machine_tsc_at(const struct machine *m, const struct vcpu *v, int64_t ns)
{
    return muldiv64((uint64_t)ns, m->tsc_hz, NSEC_PER_SEC) + v->tsc_offset;
}

/*
 * The paravirtual clock at virtual time ns: of the last tick of the TSC, so that a guest that
 * computes it from the TSC is never ahead, however often it is given new numbers.
 */
static inline int64_t machine_pvclock_at(const struct machine *m, int64_t ns)
{
    uint64_t ticks = muldiv64((uint64_t)ns, m->tsc_hz, NSEC_PER_SEC);
    return (int64_t)muldiv64(ticks, NSEC_PER_SEC, m->tsc_hz) + m->pvclock_offset;
}

/* Create an empty machine: locks, address spaces, clocks, main RAM (not yet mapped). */
struct machine *machine_new(const struct machine_config *config, GError **err);
/* Stop and join vCPU threads, unrealize devices in reverse, free everything. */
void machine_free(struct machine *m);

/* The machine owns the block from now on; its place in the list names it in saved state. */
void machine_add_ram(struct machine *m, struct ram_block *ram);

void machine_lock(struct machine *m);
void machine_unlock(struct machine *m);
/* Release the lock (all its levels), sleep until machine_notify(), take it again. Spurious
 * wake-ups happen: call it in a loop around the condition. Lock held. */
void machine_wait(struct machine *m);
void machine_notify(struct machine *m); /* lock held */
bool machine_is_locked(struct machine *m); /* by this thread */
/* Let go of the lock, all its levels, until those who wait for it now have had it. For a thread
 * that holds it for long. Lock held. */
void machine_lock_yield(struct machine *m);

/* Create the vCPUs' threads. They wait, stopped, until machine_start(). m->vcpu_ops is set. */
bool machine_create_vcpus(struct machine *m, unsigned n, GError **err);
/* Running: clocks go, vCPUs run. Lock held. */
void machine_start(struct machine *m);
/* What a user's 'cont' does: machine_start(), unless the machine is off or its disks are another
 * process's. Main thread, lock held. */
bool machine_resume(struct machine *m, GError **err);
/* Clocks stop; returns when every vCPU is parked. Main thread, lock held (released meanwhile). */
void machine_pause(struct machine *m);
static inline bool machine_running(const struct machine *m)
{
    return m->state == RUN_RUNNING;
}
const char *run_state_name(enum run_state s);
const char *run_cause_name(enum run_cause c);
bool run_cause_is_guest(enum run_cause c);

/* Requests: any thread; carried out on the main thread at the next iteration. A vCPU that asks
 * (through a device it wrote to) executes no further guest instruction before that. */
void machine_request_reset(struct machine *m, enum run_cause cause);
void machine_request_shutdown(struct machine *m, enum run_cause cause);
void machine_request_powerdown(struct machine *m);
/* Pause the machine (guest panic, breakpoint). */
void machine_request_pause(struct machine *m);
/* End the process's loop with this status at once (isa-debug-exit, quit). */
void machine_request_exit(struct machine *m, int status, enum run_cause cause);
/* The accelerator cannot go on; it said why. */
void machine_request_fatal(struct machine *m);

/* Carry out now what was requested so far, not at the next iteration. Main thread, lock held. */
void machine_carry_out_requests(struct machine *m);

/*
 * Something from outside is about to reach the guest, or to be done for it: input, an answer of a
 * disk, a command. `what` is static ("a byte came in"). lasting: what lies outside is different
 * afterwards, so that a machine of before would not fit to it. Call it before, and keep the lock
 * until it has happened; the vCPUs do not run meanwhile. Costs nothing unless somebody keeps a
 * history (accel/history.h). Any thread, lock held.
 */
void machine_outside(struct machine *m, const char *what, bool lasting);

/* Reset now: devices in realize order, then the on_reset hooks (which place ROM copies and a
 * directly booted kernel, and set vcpu->boot), then the vCPUs. Main thread, lock held, vCPUs
 * parked. */
void machine_reset(struct machine *m);

/* Run the main loop until the machine is told to end; returns the exit status. Main thread,
 * lock not held. */
int machine_run(struct machine *m);
/* The same for one step: handle what is pending; with `block`, wait for something. */
void machine_iterate(struct machine *m, bool block);

/* All devices' state, then all vCPUs'. The machine is paused, the lock held. RAM is not
 * included. */
void machine_save(struct machine *m, GByteArray *out);
/* Checked before anything is changed: after an error the machine is as it was. */
bool machine_load(struct machine *m, const uint8_t *data, size_t len, GError **err);
/* The check alone. */
bool machine_load_check(struct machine *m, const uint8_t *data, size_t len, GError **err);
/* The machine stops and is in that state: core/'s machine_stop() for migration/. */
void machine_stop_for(struct machine *m, enum run_state state);
/* A stopped machine is in another state from now on. */
void machine_rename_state(struct machine *m, enum run_state state);
/* machine_iterate() from within a callback: the lock is released meanwhile, all its levels. */
void machine_iterate_nested(struct machine *m);
/* Data has arrived at [host, host + len) past as_ptr(): if that is guest memory, its pages are
 * dirty and code in them is stale. Lock held. */
void machine_note_arrival(struct machine *m, const void *host, uint64_t len);

#endif
