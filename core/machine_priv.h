/* SPDX-License-Identifier: MIT */
/* Shared by the files of core/ that make up the machine. */
#ifndef CORE_MACHINE_PRIV_H
#define CORE_MACHINE_PRIV_H

#include "core/machine.h"

enum machine_request {
    REQ_RESET = 1,
    REQ_SHUTDOWN = 2,
    REQ_POWERDOWN = 4,
    REQ_PAUSE = 8,
    REQ_EXIT = 16,
    REQ_FATAL = 32,
    REQ_RECLAIM = 64, /* free retired flat views */
    REQ_PANIC = 128,    /* pause: the guest has panicked */
    REQ_WATCHDOG = 256, /* pause: its watchdog has expired */
};

/* machine_new() with clocks of other kinds, not attached to the main loop. */
struct machine *machine_new_with_clocks(const struct machine_config *config,
                                        enum clock_kind virtual_kind, enum clock_kind host_kind,
                                        GError **err);
void machine_call_hooks(GPtrArray *list);
/* Park the vCPUs, stop the clock, enter that state. Main thread, lock held. */
void machine_stop(struct machine *m, enum run_state state);
/* Park the vCPUs, reset; if the machine was running it goes on. Main thread, lock held. */
void machine_reset_parked(struct machine *m);
void machine_set_state(struct machine *m, enum run_state state);

void machine_lock_init(struct machine *m);
void machine_lock_fini(struct machine *m);

/* The source that carries out requests on the main thread (core/request.c). */
void machine_requests_init(struct machine *m);
void machine_requests_fini(struct machine *m);
void machine_request(struct machine *m, enum machine_request bit);
/* The same, and the vCPU that asks executes nothing further before it was carried out. */
void machine_request_stop(struct machine *m, enum machine_request bit, enum run_cause cause);

/* Park all vCPUs / let them go on. Lock held; parking releases it while it waits. */
void vcpus_park(struct machine *m);
void vcpus_resume(struct machine *m);
/* End and join the threads. Lock not held. */
void vcpus_end(struct machine *m);
/* After the devices, whose local APICs point to them. */
void vcpus_free(struct machine *m);
/* Wait until each vCPU thread was out of guest mode once. Lock held. */
void vcpus_grace_period(struct machine *m);

#endif
