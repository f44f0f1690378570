/* SPDX-License-Identifier: MIT */
/*
 * The machine's life: creation, run states, reset, saving, the end. What other threads ask of
 * it goes through core/request.c.
 */
#include "core/machine.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "core/event.h"
#include "core/fds.h"
#include "core/job.h"
#include "core/machine_priv.h"
#include "core/object.h"
#include "core/vcpu_ops.h"
#include "util/error.h"

static const char *const state_names[] = {
    [RUN_PRELAUNCH] = "prelaunch", [RUN_RUNNING] = "running",       [RUN_PAUSED] = "paused",
    [RUN_SHUTDOWN] = "shutdown",   [RUN_FATAL] = "internal-error",
    [RUN_PANICKED] = "guest-panicked", [RUN_WATCHDOG] = "watchdog",
    [RUN_INMIGRATE] = "inmigrate", [RUN_FINISH_MIGRATE] = "finish-migrate",
    [RUN_POSTMIGRATE] = "postmigrate", [RUN_SAVE_VM] = "save-vm", [RUN_RESTORE_VM] = "restore-vm",
};

static const char *const cause_names[] = {
    [CAUSE_NONE] = "none",
    [CAUSE_HOST_QUIT] = "host-qmp-quit",
    [CAUSE_HOST_SIGNAL] = "host-signal",
    [CAUSE_HOST_UI] = "host-ui",
    [CAUSE_HOST_RESET] = "host-qmp-system-reset",
    [CAUSE_GUEST_SHUTDOWN] = "guest-shutdown",
    [CAUSE_GUEST_RESET] = "guest-reset",
    [CAUSE_GUEST_PANIC] = "guest-panic",
    [CAUSE_TRIPLE_FAULT] = "guest-reset",
};

const char *run_state_name(enum run_state s)
{
    return state_names[s];
}

const char *run_cause_name(enum run_cause c)
{
    return cause_names[c];
}

bool run_cause_is_guest(enum run_cause c)
{
    return c >= CAUSE_GUEST_SHUTDOWN;
}

void machine_add_hook(GPtrArray *list, void (*fn)(void *arg), void *arg)
{
    struct machine_hook *h = g_new(struct machine_hook, 1);
    *h = (struct machine_hook){fn, arg};
    g_ptr_array_add(list, h);
}

void machine_del_hook(GPtrArray *list, void (*fn)(void *arg), void *arg)
{
    for (unsigned i = list->len; i-- > 0;) {
        const struct machine_hook *h = list->pdata[i];
        if (h->fn == fn && h->arg == arg)
            g_ptr_array_remove_index(list, i);
    }
}

void machine_call_hooks(GPtrArray *list)
{
    for (unsigned i = 0; i < list->len; i++) {
        struct machine_hook *h = list->pdata[i];
        h->fn(h->arg);
    }
}

/* ---- Creation -------------------------------------------------------------------------------- */

static void unassigned_port(void *arg, uint64_t addr, unsigned size, bool write, uint64_t val)
{
    struct machine *m = arg;
    LOG(&m->log, LOG_IOPORT, "port %04x: %s of %u bytes, nobody there (%" PRIx64 ")\n",
        (unsigned)addr, write ? "write" : "read", size, val);
}

static void unassigned_mem(void *arg, uint64_t addr, unsigned size, bool write, uint64_t val)
{
    struct machine *m = arg;
    LOG(&m->log, LOG_UNIMP, "memory %016" PRIx64 ": %s of %u bytes, nobody there (%" PRIx64 ")\n",
        addr, write ? "write" : "read", size, val);
}

static void view_retired(void *arg)
{
    struct machine *m = arg;
    if (m->mem.retired->len + m->io.retired->len >= 16)
        machine_request(m, REQ_RECLAIM);
}

static void space_init(struct machine *m, struct address_space *as, const char *name,
                       struct region *root, uint64_t size)
{
    region_init_container(root, name, size);
    as_init(as, name, root);
    as->retire = view_retired;
    as->retire_arg = m;
    as->unassigned_arg = m;
}

static bool add_main_ram(struct machine *m, GError **err)
{
    if (m->config->ram_size == 0)
        return true;
    m->ram = ram_block_new("pc.ram", m->config->ram_size, err);
    if (!m->ram)
        return false;
    machine_add_ram(m, m->ram);
    return true;
}

void machine_add_ram(struct machine *m, struct ram_block *ram)
{
    if (m->config->no_core)
        madvise(ram->host, ram->size, MADV_DONTDUMP);
    ram->index = m->rams->len;
    g_ptr_array_add(m->rams, ram);
}

struct machine *machine_new_with_clocks(const struct machine_config *config,
                                        enum clock_kind virtual_kind, enum clock_kind host_kind,
                                        GError **err)
{
    struct machine *m = g_new0(struct machine, 1);
    m->config = config;
    memcpy(m->actions, config->actions, sizeof(m->actions));
    log_init(&m->log);
    machine_lock_init(m);
    m->context = g_main_context_ref_thread_default();
    m->rams = g_ptr_array_new();
    m->devices = g_ptr_array_new();
    m->chardevs = g_ptr_array_new();
    m->vcpus = g_ptr_array_new();
    m->on_state_change = g_ptr_array_new_with_free_func(g_free);
    m->on_powerdown = g_ptr_array_new_with_free_func(g_free);
    m->on_reset = g_ptr_array_new_with_free_func(g_free);
    m->on_a20 = g_ptr_array_new_with_free_func(g_free);
    m->on_irqchip = g_ptr_array_new_with_free_func(g_free);
    m->on_exit = g_ptr_array_new_with_free_func(g_free);
    m->listeners = g_ptr_array_new_with_free_func(g_free);
    m->notifiers = g_ptr_array_new();
    m->jobs = g_ptr_array_new_with_free_func(job_free);
    m->info = g_ptr_array_new_with_free_func(g_free);
    m->queries = g_ptr_array_new_with_free_func(g_free);
    m->take_named_fd = machine_take_fd;
    m->a20 = true;
    m->tsc_hz = NSEC_PER_SEC;
    space_init(m, &m->mem, "memory", &m->mem_root, UINT64_MAX);
    m->mem.unassigned = unassigned_mem;
    space_init(m, &m->io, "I/O", &m->io_root, 0x10000);
    m->io.unassigned = unassigned_port;
    clock_init(&m->vclock, virtual_kind, m);
    clock_init(&m->hclock, host_kind, m);
    machine_requests_init(m);
    if (!add_main_ram(m, err)) {
        machine_free(m);
        return NULL;
    }
    return m;
}

struct machine *machine_new(const struct machine_config *config, GError **err)
{
    struct machine *m = machine_new_with_clocks(config, CLOCK_VIRTUAL, CLOCK_HOST, err);
    if (!m)
        return NULL;
    if (!config->icount) { /* else the vCPUs' thread fires the timers of both */
        clock_attach(&m->vclock, m->context);
        clock_attach(&m->hclock, m->context);
    }
    return m;
}

static void free_memory(struct machine *m)
{
    region_fini(&m->mem_root);
    region_fini(&m->io_root);
    as_fini(&m->mem);
    as_fini(&m->io);
    for (unsigned i = 0; i < m->rams->len; i++)
        ram_block_free(m->rams->pdata[i]);
    g_ptr_array_unref(m->rams);
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    machine_call_hooks(m->on_exit);
    if (m->migration)
        m->migration_ops->free(m);
    vcpus_end(m);
    machine_lock(m);
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    vcpus_free(m);
    objects_free_all(m);
    if (m->net_free)
        m->net_free(m);
    if (m->audiodevs_free)
        m->audiodevs_free(m);
    if (m->block_free)
        m->block_free(m);
    if (m->chardev_free_all)
        m->chardev_free_all(m);
    if (m->ui_free) /* some chardevs have consoles */
        m->ui_free(m);
    machine_unlock(m);
    machine_requests_fini(m);
    free_memory(m);
    clock_fini(&m->vclock);
    clock_fini(&m->hclock);
    g_ptr_array_unref(m->devices);
    g_ptr_array_unref(m->chardevs);
    g_ptr_array_unref(m->vcpus);
    g_ptr_array_unref(m->on_state_change);
    g_ptr_array_unref(m->on_powerdown);
    g_ptr_array_unref(m->on_reset);
    g_ptr_array_unref(m->on_a20);
    g_ptr_array_unref(m->on_irqchip);
    g_ptr_array_unref(m->on_exit);
    g_ptr_array_unref(m->listeners);
    g_ptr_array_unref(m->info);
    g_ptr_array_unref(m->queries);
    machine_close_fds(m);
    g_ptr_array_unref(m->notifiers);
    g_ptr_array_unref(m->jobs);
    g_main_context_unref(m->context);
    machine_lock_fini(m);
    log_fini(&m->log);
    g_free(m->accel_note);
    g_free(m->debug.points);
    g_free(m);
}

void machine_set_a20(struct machine *m, bool level)
{
    if (m->a20 == level)
        return;
    m->a20 = level;
    machine_call_hooks(m->on_a20);
}

void machine_note_arrival(struct machine *m, const void *host, uint64_t len)
{
    for (unsigned i = 0; i < m->rams->len; i++) {
        struct ram_block *ram = m->rams->pdata[i];
        uint64_t off = (uint64_t)((uintptr_t)host - (uintptr_t)ram->host);

        if (off < ram->size && len <= ram->size - off)
            ram_note_write(ram, off, len);
    }
}

/* ---- Run states ------------------------------------------------------------------------------ */

void machine_set_state(struct machine *m, enum run_state state)
{
    if (m->state == state)
        return;
    m->state = state;
    machine_call_hooks(m->on_state_change);
}

static void clocks_start(struct machine *m)
{
    if (m->vcpu_ops && m->vcpu_ops->clocks_start)
        m->vcpu_ops->clocks_start(m);
    clock_start(&m->vclock);
    clock_start(&m->hclock); /* does something under -icount only */
}

static void clocks_stop(struct machine *m)
{
    clock_stop(&m->vclock);
    clock_stop(&m->hclock);
    if (m->vcpu_ops && m->vcpu_ops->clocks_stopped)
        m->vcpu_ops->clocks_stopped(m);
}

void machine_start(struct machine *m)
{
    assert(machine_is_locked(m));
    if (m->state == RUN_RUNNING)
        return;
    for (unsigned i = 0; i < m->vcpus->len; i++)
        ((struct vcpu *)m->vcpus->pdata[i])->debug.why = DEBUG_NO;
    clocks_start(m);
    machine_set_state(m, RUN_RUNNING);
    machine_event(m, "RESUME", NULL);
    vcpus_resume(m);
}

void machine_stop(struct machine *m, enum run_state state)
{
    assert(machine_is_locked(m));
    bool running = m->state == RUN_RUNNING;
    vcpus_park(m);
    if (running)
        clocks_stop(m);
    machine_set_state(m, state);
    if (running && !m->quit)
        machine_event(m, "STOP", NULL);
}

/* Time stands still meanwhile, so that all vCPUs begin with the same TSC. */
void machine_reset_parked(struct machine *m)
{
    bool running = m->state == RUN_RUNNING;
    vcpus_park(m);
    if (running)
        clocks_stop(m);
    machine_reset(m);
    if (!running)
        return;
    clocks_start(m);
    vcpus_resume(m);
}

void machine_pause(struct machine *m)
{
    if (m->state == RUN_RUNNING)
        machine_stop(m, RUN_PAUSED);
}

void machine_stop_for(struct machine *m, enum run_state state)
{
    machine_stop(m, state);
}

void machine_rename_state(struct machine *m, enum run_state state)
{
    assert(machine_is_locked(m) && m->state != RUN_RUNNING && state != RUN_RUNNING);
    machine_set_state(m, state);
}

bool machine_resume(struct machine *m, GError **err)
{
    bool later = false;

    if (m->state == RUN_SHUTDOWN || m->state == RUN_FATAL)
        return error_set(err, "Resetting the Virtual Machine is required (system_reset): it is "
                              "off (%s)", run_state_name(m->state));
    if (m->migration && !m->migration_ops->resume(m, &later, err))
        return false;
    if (!later)
        machine_start(m);
    return true;
}

void machine_outside(struct machine *m, const char *what, bool lasting)
{
    const uint32_t stopping = REQ_RESET | REQ_SHUTDOWN | REQ_PAUSE | REQ_EXIT | REQ_FATAL;

    if (!m->outside)
        return;
    bool others = m->state == RUN_RUNNING && !vcpu_current(m);
    if (others)
        vcpus_park(m);
    if (m->outside)
        m->outside(m, what, lasting);
    /* Whoever asked for a stop stays parked until that is carried out. */
    if (others && !(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST) & stopping))
        vcpus_resume(m);
}

void machine_reset(struct machine *m)
{
    assert(machine_is_locked(m));
    if (m->outside)
        m->outside(m, "the machine was reset", false);
    as_begin(&m->mem);
    as_begin(&m->io);
    for (unsigned i = 0; i < m->devices->len; i++)
        device_reset(m->devices->pdata[i]);
    as_commit(&m->io);
    as_commit(&m->mem);
    machine_call_hooks(m->on_reset);
    for (unsigned i = 0; i < m->vcpus->len; i++)
        vcpu_reset(m->vcpus->pdata[i]);
    m->resets++;
    as_reclaim(&m->mem); /* the vCPUs are parked */
    as_reclaim(&m->io);
}

/* ---- The main loop --------------------------------------------------------------------------- */

void machine_iterate(struct machine *m, bool block)
{
    g_main_context_iteration(m->context, block);
}

void machine_iterate_nested(struct machine *m)
{
    assert(machine_is_locked(m));
    unsigned depth = m->lock.depth;
    m->lock.depth = 1;
    machine_unlock(m);
    machine_iterate(m, true);
    machine_lock(m);
    m->lock.depth = depth;
}

int machine_run(struct machine *m)
{
    while (!m->quit)
        machine_iterate(m, true);
    machine_lock(m);
    machine_pause(m);
    machine_unlock(m);
    return m->exit_status;
}
