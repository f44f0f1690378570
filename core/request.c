/* SPDX-License-Identifier: MIT */
/*
 * Requests to the machine: bits set by any thread, carried out by a source on the main thread.
 */
#include "core/event.h"
#include "core/machine_priv.h"

#include "core/vcpu.h"

struct request_source {
    GSource source;
    struct machine *machine;
};

/* A vCPU that asked must not go on before it was heard. */
static void stop_current(struct machine *m)
{
    machine_lock(m);
    struct vcpu *v = vcpu_current(m);
    if (v) {
        v->stop = true;
        vcpu_kick(v);
    }
    machine_unlock(m);
}

void machine_request(struct machine *m, enum machine_request bit)
{
    uint32_t before = __atomic_fetch_or(&m->requests, bit, __ATOMIC_SEQ_CST);
    if (!(before & bit))
        g_main_context_wakeup(m->context);
}

void machine_request_stop(struct machine *m, enum machine_request bit, enum run_cause cause)
{
    machine_lock(m);
    m->cause = cause;
    machine_unlock(m);
    stop_current(m);
    machine_request(m, bit);
}

void machine_request_reset(struct machine *m, enum run_cause cause)
{
    bool end = machine_action(m, ON_REBOOT) == ACTION_SHUTDOWN;

    machine_request_stop(m, end ? REQ_SHUTDOWN : REQ_RESET, cause);
}

void machine_request_shutdown(struct machine *m, enum run_cause cause)
{
    machine_request_stop(m, REQ_SHUTDOWN, cause);
}

void machine_request_powerdown(struct machine *m)
{
    machine_request(m, REQ_POWERDOWN);
}

void machine_request_pause(struct machine *m)
{
    stop_current(m);
    machine_request(m, REQ_PAUSE);
}

void machine_request_exit(struct machine *m, int status, enum run_cause cause)
{
    machine_lock(m);
    m->exit_status = status;
    machine_unlock(m);
    machine_request_stop(m, REQ_EXIT, cause);
}

void machine_request_fatal(struct machine *m)
{
    stop_current(m);
    machine_request(m, REQ_FATAL);
}

/* ---- On the main thread, under the lock ------------------------------------------------------ */

static bool host_asked(enum run_cause cause)
{
    return cause == CAUSE_HOST_QUIT || cause == CAUSE_HOST_SIGNAL || cause == CAUSE_HOST_UI;
}

/* SHUTDOWN, RESET */
static void tell(struct machine *m, const char *event)
{
    machine_event(m, event, json_pack("{s:b, s:s}", "guest", run_cause_is_guest(m->cause),
                                      "reason", run_cause_name(m->cause)));
}

static void quit(struct machine *m)
{
    tell(m, "SHUTDOWN");
    m->quit = true;
    machine_stop(m, RUN_SHUTDOWN);
}

static void do_shutdown(struct machine *m)
{
    tell(m, "SHUTDOWN");
    m->quit |= machine_action(m, ON_SHUTDOWN) != ACTION_PAUSE || host_asked(m->cause);
    if (m->quit && m->cause == CAUSE_GUEST_PANIC &&
        machine_action(m, ON_PANIC) == ACTION_EXIT_FAILURE)
        m->exit_status = 1;
    machine_stop(m, RUN_SHUTDOWN);
}

static void do_fatal(struct machine *m)
{
    if (machine_action(m, ON_SHUTDOWN) != ACTION_PAUSE) {
        m->exit_status = 1;
        m->quit = true;
    }
    machine_stop(m, RUN_FATAL);
}

static void do_reset(struct machine *m)
{
    machine_reset_parked(m);
    tell(m, "RESET");
    if (m->state != RUN_RUNNING)
        machine_set_state(m, RUN_PRELAUNCH);
}

static void do_powerdown(struct machine *m)
{
    machine_event(m, "POWERDOWN", NULL);
    machine_call_hooks(m->on_powerdown);
}

static void do_reclaim(struct machine *m)
{
    GPtrArray *mem = as_take_retired(&m->mem);
    GPtrArray *io = as_take_retired(&m->io);
    vcpus_grace_period(m);
    g_ptr_array_unref(mem);
    g_ptr_array_unref(io);
}

static void carry_out(struct machine *m, uint32_t bits)
{
    if (bits & REQ_EXIT) {
        quit(m);
        return;
    }
    if (bits & REQ_FATAL)
        do_fatal(m);
    if (bits & REQ_SHUTDOWN)
        do_shutdown(m);
    else if (bits & REQ_RESET)
        do_reset(m);
    if (bits & REQ_POWERDOWN)
        do_powerdown(m);
    if (bits & REQ_PAUSE)
        machine_pause(m);
    if (bits & (REQ_PANIC | REQ_WATCHDOG) && m->state == RUN_RUNNING)
        machine_stop(m, bits & REQ_PANIC ? RUN_PANICKED : RUN_WATCHDOG);
    if (bits & REQ_RECLAIM)
        do_reclaim(m);
}

void machine_carry_out_requests(struct machine *m)
{
    carry_out(m, __atomic_exchange_n(&m->requests, 0, __ATOMIC_SEQ_CST));
}

static gboolean request_prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return __atomic_load_n(&((struct request_source *)source)->machine->requests,
                           __ATOMIC_ACQUIRE) != 0;
}

static gboolean request_check(GSource *source)
{
    gint timeout;
    return request_prepare(source, &timeout);
}

static gboolean request_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
    struct machine *m = ((struct request_source *)source)->machine;
    machine_lock(m);
    machine_carry_out_requests(m);
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs request_funcs = {
    .prepare = request_prepare, .check = request_check, .dispatch = request_dispatch};

void machine_requests_init(struct machine *m)
{
    m->request_source = g_source_new(&request_funcs, sizeof(struct request_source));
    ((struct request_source *)m->request_source)->machine = m;
    g_source_set_name(m->request_source, "requests");
    g_source_attach(m->request_source, m->context);
}

void machine_requests_fini(struct machine *m)
{
    g_source_destroy(m->request_source);
    g_source_unref(m->request_source);
}
