/* SPDX-License-Identifier: MIT */
/*
 * core/machine.h and core/vcpu.h with a toy accelerator: "guest code" is a C function that
 * counts. Run states, requests, parking, work sent to vCPUs, halting without lost wake-ups.
 */
#include <check.h>
#include <string.h>

#include "core/machine.h"
#include "core/machine_test.h"
#include "core/state.h"
#include "core/vcpu_ops.h"
#include "util/error.h"

struct x86_state { /* the toy's */
    uint64_t count;
};

struct toy {
    uint64_t count;  /* atomic: "instructions" executed */
    uint32_t attend; /* atomic: leave the loop */
    uint32_t hlt;    /* atomic: halt after each pin */
    uint64_t wakes;
    unsigned resets;
};

static const struct state_field toy_state[] = {STATE_FIELD(struct x86_state, count), STATE_END};
static struct toy toys[8];
static unsigned fail_init; /* index + 1 of the vCPU whose initialisation fails */

static void *toy_thread(void *arg)
{
    struct vcpu *v = arg;
    struct toy *t = &toys[v->index];
    GError *err = NULL;
    if (fail_init == v->index + 1)
        error_set(&err, "vCPU %u does not want", v->index);
    vcpu_ready(v, err);
    while (vcpu_attend(v)) {
        while (!__atomic_exchange_n(&t->attend, 0, __ATOMIC_SEQ_CST)) {
            __atomic_fetch_add(&t->count, 1, __ATOMIC_RELAXED);
            if (__atomic_load_n(&t->hlt, __ATOMIC_SEQ_CST))
                break;
        }
        if (__atomic_load_n(&t->hlt, __ATOMIC_SEQ_CST)) {
            vcpu_sleep(v, t->count & 1 ? 2000 : 0, INT64_MAX);
            if (vcpu_pins(v) & VCPU_INTR) {
                vcpu_pin(v, VCPU_INTR, 0);
                __atomic_fetch_add(&t->wakes, 1, __ATOMIC_SEQ_CST);
            }
        }
    }
    return NULL;
}

static void toy_kick(struct vcpu *v)
{
    __atomic_store_n(&toys[v->index].attend, 1, __ATOMIC_SEQ_CST);
}
static void toy_reset(struct vcpu *v)
{
    ck_assert_ptr_eq(v->thread, g_thread_self());
    toys[v->index].resets++;
    __atomic_store_n(&toys[v->index].count, 0, __ATOMIC_SEQ_CST);
}
static void toy_save(struct vcpu *v, struct x86_state *st)
{
    st->count = toys[v->index].count;
}
static void toy_load(struct vcpu *v, const struct x86_state *st)
{
    toys[v->index].count = st->count;
}

static const struct vcpu_ops toy_ops = {.thread = toy_thread,
                                        .kick = toy_kick,
                                        .reset = toy_reset,
                                        .save = toy_save,
                                        .load = toy_load,
                                        .state_size = sizeof(struct x86_state),
                                        .state_fields = toy_state};

static struct machine_config config;
static struct machine *m;

static void setup(void)
{
    memset(toys, 0, sizeof(toys));
    fail_init = 0;
    config = (struct machine_config){.ram_size = 1 << 20, .cpus = 3};
    m = machine_new(&config, NULL);
    ck_assert_ptr_nonnull(m);
    m->vcpu_ops = &toy_ops;
}

static void teardown(void)
{
    machine_free(m);
}

static void create_and_start(void)
{
    ck_assert(machine_create_vcpus(m, 3, NULL));
    machine_lock(m);
    machine_reset(m);
    machine_start(m);
    machine_unlock(m);
}

static uint64_t count_of(unsigned i)
{
    return __atomic_load_n(&toys[i].count, __ATOMIC_SEQ_CST);
}

static void await_progress(unsigned i)
{
    uint64_t from = count_of(i);
    for (int n = 0; n < 5000 && count_of(i) == from; n++)
        g_usleep(1000);
    ck_assert_uint_ne(count_of(i), from);
}

START_TEST(start_pause_start)
{
    ck_assert(machine_create_vcpus(m, 3, NULL));
    g_usleep(5000);
    ck_assert_uint_eq(count_of(0), 0); /* created, not started */
    machine_lock(m);
    machine_reset(m);
    ck_assert_uint_eq(toys[2].resets, 1);
    machine_start(m);
    machine_unlock(m);
    for (unsigned i = 0; i < 3; i++)
        await_progress(i);
    for (int round = 0; round < 50; round++) {
        machine_lock(m);
        machine_pause(m);
        ck_assert_int_eq(m->state, RUN_PAUSED);
        uint64_t c = count_of(1);
        int64_t at = clock_now(&m->vclock);
        machine_unlock(m);
        g_usleep(200);
        ck_assert_uint_eq(count_of(1), c);
        ck_assert_int_eq(clock_now(&m->vclock), at);
        machine_lock(m);
        machine_start(m);
        machine_unlock(m);
    }
    await_progress(1);
}
END_TEST

START_TEST(initialisation_fails)
{
    GError *err = NULL;
    fail_init = 2;
    ck_assert(!machine_create_vcpus(m, 3, &err));
    ck_assert_str_eq(err->message, "vCPU 1 does not want");
    g_error_free(err);
    ck_assert_uint_eq(m->vcpus->len, 0);
}
END_TEST

static void which_thread(struct vcpu *v, void *arg)
{
    ck_assert_ptr_eq(v->thread, g_thread_self());
    ck_assert(machine_is_locked(v->machine));
    ck_assert_ptr_eq(vcpu_current(v->machine), v);
    (*(unsigned *)arg)++;
}

START_TEST(run_on)
{
    unsigned n = 0;
    create_and_start();
    machine_lock(m);
    machine_lock(m); /* also at a depth of two */
    for (int i = 0; i < 300; i++)
        vcpu_run_on(m->vcpus->pdata[i % 3], which_thread, &n);
    machine_pause(m);
    for (int i = 0; i < 30; i++)
        vcpu_run_on(m->vcpus->pdata[i % 3], which_thread, &n);
    ck_assert(machine_is_locked(m));
    machine_unlock(m);
    ck_assert(machine_is_locked(m));
    machine_unlock(m);
    ck_assert_uint_eq(n, 330);
}
END_TEST

static void cross(struct vcpu *v, void *arg)
{
    unsigned *n = arg;
    if ((*n)++ < 20) /* vCPU to vCPU, back and forth */
        vcpu_run_on(m->vcpus->pdata[(v->index + 1) % 3], cross, arg);
}

START_TEST(run_on_each_other)
{
    unsigned n = 0;
    create_and_start();
    machine_lock(m);
    vcpu_run_on(m->vcpus->pdata[0], cross, &n);
    machine_unlock(m);
    ck_assert_uint_eq(n, 21);
}
END_TEST

/* Each pin raised at a halted vCPU is seen, whatever the moment. */
START_TEST(no_lost_wake_up)
{
    toys[0].hlt = 1;
    create_and_start();
    struct vcpu *v = m->vcpus->pdata[0];
    GRand *rnd = g_rand_new_with_seed(1);
    for (unsigned i = 0; i < 3000; i++) {
        for (int n = g_rand_int_range(rnd, 0, 300); n; n--)
            __builtin_ia32_pause();
        vcpu_pin(v, VCPU_INTR, 1);
        int64_t begin = g_get_monotonic_time();
        while (vcpu_pins(v) & VCPU_INTR)
            ck_assert_int_lt(g_get_monotonic_time() - begin, 5000000);
    }
    g_rand_free(rnd);
    /* taken, one by one; the last may not be counted yet */
    ck_assert_uint_ge(__atomic_load_n(&toys[0].wakes, __ATOMIC_SEQ_CST), 2999);
}
END_TEST

START_TEST(masked_pins_do_not_wake)
{
    struct vcpu v = {.machine = m, .wake_mask = VCPU_NMI};
    v.sleeper = &v;
    vcpu_pin(&v, VCPU_INTR, 1);
    ck_assert(!vcpu_sleep(&v, 0, 1000000));
    vcpu_pin(&v, VCPU_NMI, 1);
    ck_assert(vcpu_sleep(&v, 0, 1000000));
    vcpu_pin(&v, VCPU_NMI, 0);
    vcpu_kick(&v);
    ck_assert(vcpu_sleep(&v, 1000, INT64_MAX));
}
END_TEST

static void ask_reset(struct vcpu *v, void *arg)
{
    machine_request_reset(m, CAUSE_GUEST_RESET);
}

static void hook(void *arg)
{
    ck_assert(machine_is_locked(m));
    (*(unsigned *)arg)++;
}

START_TEST(reset_request)
{
    unsigned hooks = 0;
    machine_add_hook(m->on_reset, hook, &hooks);
    create_and_start();
    machine_lock(m);
    vcpu_run_on(m->vcpus->pdata[1], ask_reset, NULL); /* as its device access would */
    machine_unlock(m);
    while (m->resets < 2)
        machine_iterate(m, true);
    ck_assert_uint_eq(hooks, 2);
    ck_assert_uint_eq(toys[0].resets, 2);
    ck_assert_int_eq(m->cause, CAUSE_GUEST_RESET);
    for (unsigned i = 0; i < 3; i++)
        await_progress(i);
}
END_TEST

START_TEST(no_reboot_ends_it)
{
    m->actions[ON_REBOOT] = ACTION_SHUTDOWN;
    create_and_start();
    machine_request_reset(m, CAUSE_TRIPLE_FAULT);
    ck_assert_int_eq(machine_run(m), 0);
    ck_assert_int_eq(m->state, RUN_SHUTDOWN);
    ck_assert_str_eq(run_cause_name(m->cause), "guest-reset");
}
END_TEST

START_TEST(exit_with_status)
{
    create_and_start();
    machine_request_exit(m, 33, CAUSE_GUEST_SHUTDOWN);
    ck_assert_int_eq(machine_run(m), 33);
}
END_TEST

START_TEST(no_shutdown_stays)
{
    unsigned changes = 0;
    m->actions[ON_SHUTDOWN] = ACTION_PAUSE;
    create_and_start();
    machine_add_hook(m->on_state_change, hook, &changes);
    machine_request_shutdown(m, CAUSE_GUEST_SHUTDOWN);
    while (m->state != RUN_SHUTDOWN)
        machine_iterate(m, true);
    ck_assert(!m->quit);
    ck_assert_uint_eq(changes, 1);
    machine_request_shutdown(m, CAUSE_HOST_SIGNAL); /* but the host may always end it */
    ck_assert_int_eq(machine_run(m), 0);
}
END_TEST

START_TEST(powerdown_and_pause_requests)
{
    unsigned presses = 0;
    machine_add_hook(m->on_powerdown, hook, &presses);
    create_and_start();
    machine_request_powerdown(m);
    machine_request_pause(m);
    while (m->state != RUN_PAUSED)
        machine_iterate(m, true);
    ck_assert_uint_eq(presses, 1);
}
END_TEST

/* Old views are freed while vCPUs run, and only after each was out of guest mode. */
START_TEST(views_are_reclaimed)
{
    struct region r;
    create_and_start();
    region_init_ram(&r, "r", m->ram, 0, 0x1000, false);
    machine_lock(m);
    region_add(&m->mem_root, 0, &r, 0);
    for (unsigned i = 1; i < 40; i++)
        region_set_addr(&r, i * 0x1000);
    machine_unlock(m);
    ck_assert_uint_ge(m->mem.retired->len, 40);
    for (int i = 0; i < 100 && m->mem.retired->len; i++)
        machine_iterate(m, false);
    ck_assert_uint_eq(m->mem.retired->len, 0);
    machine_lock(m);
    region_fini(&r);
    machine_unlock(m);
}
END_TEST

START_TEST(save_load)
{
    GByteArray *a = g_byte_array_new(), *b = g_byte_array_new();
    GError *err = NULL;
    create_and_start();
    await_progress(0);
    machine_lock(m);
    machine_pause(m);
    machine_save(m, a);
    uint64_t count = toys[0].count;
    int64_t now = clock_now(&m->vclock);
    machine_start(m);
    machine_unlock(m);
    await_progress(0);
    machine_lock(m);
    machine_pause(m);
    ck_assert(machine_load(m, a->data, a->len, &err));
    ck_assert_uint_eq(toys[0].count, count);
    ck_assert_int_eq(clock_now(&m->vclock), now);
    machine_save(m, b);
    ck_assert_uint_eq(a->len, b->len);
    ck_assert_mem_eq(a->data, b->data, a->len);
    ck_assert(!machine_load(m, a->data, a->len - 1, &err));
    g_clear_error(&err);
    g_byte_array_append(a, (const guint8 *)"x", 1);
    ck_assert(!machine_load(m, a->data, a->len, &err));
    g_clear_error(&err);
    machine_unlock(m);
    g_byte_array_unref(a);
    g_byte_array_unref(b);
}
END_TEST

START_TEST(two_machines)
{
    struct machine *t = machine_new_test();
    create_and_start();
    as_st32(&t->mem, 0x100, 0x11223344);
    ck_assert_uint_eq(as_ld32(&t->mem, 0x100), 0x11223344);
    ck_assert_uint_eq(as_ld32(&m->mem, 0x100), 0xffffffff);
    machine_free(t);
    await_progress(0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("machine");
    TCase *t = tcase_create("machine");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, start_pause_start);
    tcase_add_test(t, initialisation_fails);
    tcase_add_test(t, run_on);
    tcase_add_test(t, run_on_each_other);
    tcase_add_test(t, no_lost_wake_up);
    tcase_add_test(t, masked_pins_do_not_wake);
    tcase_add_test(t, reset_request);
    tcase_add_test(t, no_reboot_ends_it);
    tcase_add_test(t, exit_with_status);
    tcase_add_test(t, no_shutdown_stays);
    tcase_add_test(t, powerdown_and_pause_requests);
    tcase_add_test(t, views_are_reclaimed);
    tcase_add_test(t, save_load);
    tcase_add_test(t, two_machines);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
