/* SPDX-License-Identifier: MIT */
/*
 * accel/: the choice of an accelerator, and -icount with a toy one whose instructions only
 * count: timers come exactly at their instruction, and what the host does changes nothing.
 */
#include <check.h>
#include <string.h>

#include "accel/accel.h"
#include "core/machine.h"

/* ---- Choosing -------------------------------------------------------------------------------- */

START_TEST(chosen)
{
    static const char *const good[] = {"tcg", "tcg-interp", "tcg:kvm", "tcg:hvf"};
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        char *why = NULL;
        ck_assert_ptr_eq(accel_select(good[i], &why, NULL), &accel_tcg_interp);
        ck_assert_ptr_null(why);
    }
    g_autofree char *why = NULL;
    ck_assert_ptr_eq(accel_select("hvf:tcg", &why, NULL), &accel_tcg_interp);
    ck_assert_ptr_nonnull(strstr(why, "hvf"));
    ck_assert_ptr_nonnull(strstr(why, "using tcg-interp"));
    GString *help = g_string_new(NULL);
    accel_help(help);
    ck_assert_ptr_nonnull(strstr(help->str, "tcg-interp"));
    g_string_free(help, TRUE);
}
END_TEST

/* Nobody names one: what is taken works here, and is said with the reason. */
START_TEST(by_itself)
{
    g_autofree char *why = NULL;
    GError *err = NULL;
    const struct accel *a = accel_select(NULL, &why, &err);
    bool kvm = accel_kvm.probe(NULL) && accel_kvm.preferred(&err);
    ck_assert_ptr_eq(a, kvm ? &accel_kvm : &accel_tcg_interp);
    ck_assert_ptr_nonnull(strstr(why, kvm ? "using kvm: " : "using tcg-interp: "));
    if (err)
        ck_assert_ptr_nonnull(strstr(why, err->message));
    g_clear_error(&err);
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"hvf", "not in this build"},
        {"tgc", "did you mean 'tcg'"},
        {"kvm:tgc", "did you mean 'tcg'"},
        {"", "accel"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *err = NULL;
        ck_assert_msg(!accel_select(bad[i].text, NULL, &err), "%s", bad[i].text);
        ck_assert_msg(strstr(err->message, bad[i].says), "%s -> %s", bad[i].text, err->message);
        g_error_free(err);
    }
}
END_TEST

/* ---- -icount --------------------------------------------------------------------------------- */

struct toy {
    int64_t total, in_run; /* instructions; those of the present run */
    uint32_t kick;
};

static bool toy_init(struct vcpu *v, GError **err)
{
    v->accel_data[ACCEL_TCG] = g_new0(struct toy, 1);
    v->wake_mask = VCPU_INTR;
    return true;
}
static void toy_exit(struct vcpu *v)
{
    g_free(v->accel_data[ACCEL_TCG]);
}

/* Every 7001 instructions (more on later vCPUs): HLT until the next timer's pin. */
static enum vcpu_exit toy_run(struct vcpu *v, int64_t insns, int64_t *done)
{
    struct toy *t = v->accel_data[ACCEL_TCG];
    enum vcpu_exit why = VCPU_KICKED;
    for (t->in_run = 0; t->in_run < insns;) {
        if (__atomic_exchange_n(&t->kick, 0, __ATOMIC_SEQ_CST) && v->kicked)
            break;
        t->in_run++;
        t->total++;
        if (t->total % (7001 + 1000 * v->index) == 0) {
            vcpu_pin(v, VCPU_INTR, 0);
            why = VCPU_HALTED;
            break;
        }
    }
    *done = t->in_run;
    t->in_run = 0;
    return why;
}
static int64_t toy_executed(struct vcpu *v)
{
    return ((struct toy *)v->accel_data[ACCEL_TCG])->in_run;
}
static void toy_kick(struct vcpu *v)
{
    __atomic_store_n(&((struct toy *)v->accel_data[ACCEL_TCG])->kick, 1, __ATOMIC_SEQ_CST);
}
static void toy_load(struct vcpu *v, const struct x86_state *st)
{
}
static void toy_save(struct vcpu *v, struct x86_state *st)
{
}

static const struct accel toy_accel = {.name = "toy",
                                       .vcpu_init = toy_init,
                                       .vcpu_exit = toy_exit,
                                       .run_budget = toy_run,
                                       .executed = toy_executed,
                                       .kick = toy_kick,
                                       .load = toy_load,
                                       .save = toy_save};

struct event {
    int64_t now, icount, each[2];
};
struct world {
    struct machine *m;
    struct timer t;
    GArray *events;
    unsigned long exact;
};

enum { EVENTS = 400, PERIOD = 12345 };

static void tick(void *arg)
{
    struct world *w = arg;
    struct event e = {.now = clock_now(&w->m->vclock), .icount = accel_icount(w->m)};
    for (unsigned i = 0; i < 2; i++) {
        struct vcpu *v = w->m->vcpus->pdata[i];
        e.each[i] = ((struct toy *)v->accel_data[ACCEL_TCG])->total;
        vcpu_pin(v, VCPU_INTR, 1);
    }
    int64_t planned = (int64_t)(w->events->len + 1) * PERIOD;
    w->exact += e.now - planned < 4; /* ns per instruction: 1 << 2 */
    ck_assert_int_ge(e.now, planned);
    g_array_append_val(w->events, e);
    if (w->events->len < EVENTS)
        timer_set(&w->t, planned + PERIOD);
    else
        machine_request_exit(w->m, 0, CAUSE_HOST_QUIT);
}

static gboolean disturb(void *arg)
{
    struct world *w = arg;
    machine_lock(w->m);
    for (unsigned i = 0; i < 2; i++)
        vcpu_kick(w->m->vcpus->pdata[i]);
    machine_unlock(w->m);
    return G_SOURCE_CONTINUE;
}

static GArray *counted_run(bool disturbed, bool sleeps)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2, .icount = true,
                                    .icount_shift = 2, .icount_sleep = sleeps};
    struct world w = {.m = machine_new(&config, NULL),
                      .events = g_array_new(FALSE, FALSE, sizeof(struct event))};
    w.m->accel = &toy_accel;
    w.m->vcpu_ops = &accel_vcpu_ops;
    ck_assert(machine_create_vcpus(w.m, 2, NULL));
    machine_lock(w.m);
    timer_init(&w.t, &w.m->vclock, "tick", tick, &w);
    timer_set(&w.t, PERIOD);
    machine_reset(w.m);
    machine_start(w.m);
    machine_unlock(w.m);
    guint id = disturbed ? g_idle_add(disturb, &w) : 0;
    ck_assert_int_eq(machine_run(w.m), 0);
    if (id)
        g_source_remove(id);
    ck_assert_uint_eq(w.exact, EVENTS);
    machine_free(w.m);
    return w.events;
}

START_TEST(runs_repeat)
{
    g_autoptr(GArray) plain = counted_run(false, true), kicked = counted_run(true, true),
                      no_sleep = counted_run(true, false);
    ck_assert_uint_eq(plain->len, EVENTS);
    for (unsigned i = 0; i < EVENTS; i++) {
        struct event *a = &g_array_index(plain, struct event, i);
        ck_assert_int_eq(a->icount, a->each[0] + a->each[1]);
        ck_assert_mem_eq(a, &g_array_index(kicked, struct event, i), sizeof(*a));
        ck_assert_mem_eq(a, &g_array_index(no_sleep, struct event, i), sizeof(*a));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accel");
    TCase *t = tcase_create("accel");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, chosen);
    tcase_add_test(t, by_itself);
    tcase_add_test(t, refused);
    tcase_add_test(t, runs_repeat);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
