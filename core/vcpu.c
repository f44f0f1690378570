/* SPDX-License-Identifier: MIT */
/*
 * vCPU threads: kicks, pins, parking, work sent to them.
 *
 * Two ways to wait:
 *   halted   the guest executed HLT: a futex (vcpu.sleeping), woken without a lock
 *   parked   the machine is stopped: on the machine lock's condition, like everything rare
 *
 * No wake-up is lost: a waker first sets the pin or `kicked`, then looks at `sleeping`; the
 * sleeper first sets `sleeping`, then looks at pins and `kicked`; all sequentially consistent.
 */
#define _GNU_SOURCE
#include "core/vcpu.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/machine.h"
#include "core/machine_priv.h"
#include "core/vcpu_ops.h"

struct vcpu_work {
    void (*fn)(struct vcpu *v, void *arg);
    void *arg;
    bool done;
};

/* ---- Waking and sleeping --------------------------------------------------------------------- */

static void wake(struct vcpu *v)
{
    uint32_t *sleeping = &v->sleeper->sleeping;
    uint32_t s = __atomic_load_n(sleeping, __ATOMIC_SEQ_CST);
    if (s == VCPU_AWAKE) {
        if (__atomic_load_n(&v->ready, __ATOMIC_ACQUIRE))
            v->machine->vcpu_ops->kick(v);
    } else if (s == VCPU_ASLEEP &&
               __atomic_compare_exchange_n(sleeping, &s, VCPU_SPINNING, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST)) {
        syscall(SYS_futex, sleeping, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void vcpu_kick(struct vcpu *v)
{
    __atomic_store_n(&v->kicked, 1, __ATOMIC_SEQ_CST);
    wake(v);
}

void vcpu_pin(struct vcpu *v, enum vcpu_pin pin, int level)
{
    if (!level) {
        __atomic_fetch_and(&v->pins, ~(uint32_t)pin, __ATOMIC_SEQ_CST);
        return;
    }
    /* In one step: an NMI that is taken meanwhile is not one that this could stand behind. */
    uint32_t before = __atomic_load_n(&v->pins, __ATOMIC_SEQ_CST), after;
    do {
        after = before | pin;
        if (pin == VCPU_NMI && (before & VCPU_NMI))
            after |= VCPU_NMI_SECOND;
    } while (!__atomic_compare_exchange_n(&v->pins, &before, after, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    if (!(before & pin))
        wake(v);
}

void vcpu_init_signal(struct vcpu *v)
{
    vcpu_pin(v, VCPU_INIT, 1);
}

void vcpu_sipi(struct vcpu *v, uint8_t vector)
{
    __atomic_store_n(&v->sipi_vector, vector, __ATOMIC_RELEASE);
    vcpu_pin(v, VCPU_SIPI, 1);
}

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The vCPUs of one thread, which sleeps on the first one's futex. */
struct group {
    struct vcpu **v;
    unsigned n;
};

static bool has_reason(struct group g)
{
    for (unsigned i = 0; i < g.n; i++)
        if (vcpu_has_reason(g.v[i]))
            return true;
    return false;
}

/* True: there is a reason to go on. */
static bool spin(struct group g, int64_t until)
{
    do {
        for (unsigned i = 0; i < 32; i++) {
            if (has_reason(g))
                return true;
            __builtin_ia32_pause();
        }
    } while (monotonic_ns() < until);
    return has_reason(g);
}

/* Until a reason comes or, at host time `until`, the time is up. */
static bool doze(struct group g, int64_t until)
{
    uint32_t *sleeping = &g.v[0]->sleeping;
    struct timespec ts = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};
    for (;;) {
        __atomic_store_n(sleeping, VCPU_ASLEEP, __ATOMIC_SEQ_CST);
        if (has_reason(g))
            return true;
        long r = syscall(SYS_futex, sleeping, FUTEX_WAIT_BITSET_PRIVATE, VCPU_ASLEEP,
                         until == INT64_MAX ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
        if (r < 0 && errno == ETIMEDOUT)
            return has_reason(g);
    }
}

static bool group_sleep(struct group g, int64_t spin_ns, int64_t timeout_ns)
{
    uint32_t *sleeping = &g.v[0]->sleeping;
    if (timeout_ns <= 0)
        return has_reason(g);
    int64_t now = monotonic_ns();
    int64_t until = timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    __atomic_store_n(sleeping, VCPU_SPINNING, __ATOMIC_SEQ_CST);
    bool reason = spin_ns > 0 ? spin(g, now + MIN(spin_ns, timeout_ns)) : has_reason(g);
    if (!reason)
        reason = doze(g, until);
    __atomic_store_n(sleeping, VCPU_AWAKE, __ATOMIC_SEQ_CST);
    return reason;
}

bool vcpu_sleep(struct vcpu *v, int64_t spin_ns, int64_t timeout_ns)
{
    return group_sleep((struct group){&v, 1}, spin_ns, timeout_ns);
}

bool vcpu_sleep_all(struct machine *m, int64_t timeout_ns)
{
    struct group g = {(struct vcpu **)m->vcpus->pdata, m->vcpus->len};
    return group_sleep(g, 0, timeout_ns);
}

/* ---- Work and parking, under the machine lock ------------------------------------------------ */

struct vcpu *vcpu_current(struct machine *m)
{
    GThread *self = g_thread_self();
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        if (v->thread == self)
            return m->running ? m->running : v;
    }
    return NULL;
}

static void do_work(struct vcpu *v)
{
    struct vcpu_work *w;
    while ((w = g_queue_pop_head(&v->work))) {
        w->fn(v, w->arg);
        w->done = true;
        machine_notify(v->machine);
    }
}

void vcpu_run_on(struct vcpu *v, void (*fn)(struct vcpu *v, void *arg), void *arg)
{
    struct machine *m = v->machine;
    struct vcpu *self = vcpu_current(m);
    if (self && self->thread == v->thread) {
        machine_lock(m);
        fn(v, arg);
        machine_unlock(m);
        return;
    }
    struct vcpu_work w = {fn, arg, false};
    g_queue_push_tail(&v->work, &w);
    vcpu_kick(v);
    machine_notify(m);
    while (!w.done) {
        machine_wait(m);
        if (self) /* two vCPUs may be waiting for each other */
            do_work(self);
    }
}

static bool attend(struct machine *m, struct group g)
{
    machine_lock(m);
    bool stop = true, end = false;
    while (stop && !end) {
        stop = false;
        for (unsigned i = 0; i < g.n; i++) {
            do_work(g.v[i]);
            stop |= g.v[i]->stop;
            end |= g.v[i]->exit;
        }
        for (unsigned i = 0; i < g.n; i++)
            g.v[i]->stopped = stop || end;
        if (stop || end)
            machine_notify(m);
        if (stop && !end)
            machine_wait(m);
    }
    machine_unlock(m);
    return !end;
}

bool vcpu_wanted(struct vcpu *v)
{
    machine_lock(v->machine);
    bool wanted = v->stop || v->exit || v->work.length;
    machine_unlock(v->machine);
    return wanted;
}

bool vcpu_attend(struct vcpu *v)
{
    if (!__atomic_load_n(&v->kicked, __ATOMIC_ACQUIRE))
        return true;
    __atomic_store_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
    return attend(v->machine, (struct group){&v, 1});
}

bool vcpu_attend_all(struct machine *m)
{
    bool kicked = false;
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        kicked |= __atomic_exchange_n(&v->kicked, 0, __ATOMIC_SEQ_CST) != 0;
    }
    return !kicked ||
           attend(m, (struct group){(struct vcpu **)m->vcpus->pdata, m->vcpus->len});
}

void vcpu_ready(struct vcpu *v, GError *err)
{
    machine_lock(v->machine);
    v->thread = g_thread_self();
    v->tid = (int)gettid();
    v->error = err;
    __atomic_store_n(&v->ready, true, __ATOMIC_RELEASE);
    machine_notify(v->machine);
    machine_unlock(v->machine);
}

void vcpus_park(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        assert(v->thread != g_thread_self());
        v->stop = true;
        if (!v->stopped)
            vcpu_kick(v);
    }
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        while (!v->stopped)
            machine_wait(m);
    }
}

void vcpus_resume(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        if (v->debug.held && !m->icount) /* accel/icount.c passes it over itself */
            continue;
        v->stop = false;
        v->stopped = false;
    }
    machine_notify(m);
}

static void nothing(struct vcpu *v, void *arg)
{
}

void vcpus_grace_period(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        if (!v->stopped)
            vcpu_run_on(v, nothing, NULL);
    }
}

/* ---- Architectural state --------------------------------------------------------------------- */

static void do_save(struct vcpu *v, void *arg)
{
    v->machine->vcpu_ops->save(v, arg);
}

static void do_load(struct vcpu *v, void *arg)
{
    v->machine->vcpu_ops->load(v, arg);
    v->halted = false;
}

static void do_reset(struct vcpu *v, void *arg)
{
    __atomic_store_n(&v->pins, 0, __ATOMIC_SEQ_CST);
    v->machine->vcpu_ops->reset(v);
    v->halted = false;
}

void vcpu_save(struct vcpu *v, struct x86_state *st)
{
    vcpu_run_on(v, do_save, st);
}

void vcpu_load(struct vcpu *v, const struct x86_state *st)
{
    vcpu_run_on(v, do_load, (void *)st);
}

void vcpu_reset(struct vcpu *v)
{
    vcpu_run_on(v, do_reset, NULL);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static struct vcpu *vcpu_new(struct machine *m, unsigned index)
{
    struct vcpu *v = g_new0(struct vcpu, 1);
    v->machine = m;
    v->index = index;
    v->apic_id = m->vcpu_ops->apic_id ? m->vcpu_ops->apic_id(m, index) : index;
    v->accel = m->accel;
    v->wake_mask = UINT32_MAX;
    v->sleeper = index && m->config->icount ? m->vcpus->pdata[0] : v;
    v->stop = true;
    v->kicked = 1; /* the first vcpu_attend() parks */
    g_queue_init(&v->work);
    return v;
}

/* Threads that were started end. */
static void join_all(struct machine *m)
{
    machine_lock(m);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        v->exit = true;
        vcpu_kick(v);
    }
    machine_notify(m);
    machine_unlock(m);
    GThread *joined = NULL;
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        if (v->thread && v->thread != joined)
            g_thread_join(joined = v->thread);
        __atomic_store_n(&v->ready, false, __ATOMIC_RELEASE); /* kicks go nowhere now */
    }
    m->running = NULL;
}

void vcpus_free(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        g_clear_error(&v->error);
        g_free(v);
    }
    g_ptr_array_set_size(m->vcpus, 0);
}

void vcpus_end(struct machine *m)
{
    if (m->vcpus->len == 0)
        return;
    machine_lock(m);
    vcpus_park(m);
    machine_unlock(m);
    join_all(m);
    if (m->vcpu_ops->vm_exit)
        m->vcpu_ops->vm_exit(m);
}

static bool wait_ready(struct machine *m, GError **err)
{
    bool ok = true;
    machine_lock(m);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        while (!v->ready)
            machine_wait(m);
        if (v->error && ok)
            g_propagate_error(err, g_error_copy(v->error));
        ok = ok && !v->error;
    }
    machine_unlock(m);
    return ok;
}

bool machine_create_vcpus(struct machine *m, unsigned n, GError **err)
{
    const struct vcpu_ops *ops = m->vcpu_ops;
    assert(ops && m->vcpus->len == 0 && n > 0);
    if (ops->vm_init && !ops->vm_init(m, err))
        return false;
    for (unsigned i = 0; i < n; i++)
        g_ptr_array_add(m->vcpus, vcpu_new(m, i));
    bool together = m->config->icount && ops->thread_all;
    for (unsigned i = 0; i < (together ? 1 : n); i++) {
        g_autofree char *name = g_strdup_printf("CPU %u", i);
        if (together)
            g_thread_new(name, ops->thread_all, m);
        else
            g_thread_new(name, ops->thread, m->vcpus->pdata[i]);
    }
    if (wait_ready(m, err))
        return true;
    join_all(m);
    vcpus_free(m);
    if (ops->vm_exit)
        ops->vm_exit(m);
    return false;
}
