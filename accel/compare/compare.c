/* SPDX-License-Identifier: MIT */
/* The accelerator "compare": its keys, its loop, its life. compare.h has the picture. */
#include "accel/compare/compare.h"

#include <string.h>

#include "target/x86/cpuid.h"
#include "util/error.h"
#include "util/parse.h"

#define EVERY_MAX 100000 /* a kick waits as long, with the machine lock held */
#define LAST_MAX 100000

static struct compare *compare_of(const struct vcpu *v)
{
    return v->machine->accel_data[ACCEL_COMPARE];
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const char *key(const struct machine *m, const char *name)
{
    GHashTable *opts = m->config->accel_opts;

    return opts ? g_hash_table_lookup(opts, name) : NULL;
}

static bool side_key(const struct machine *m, const char *name, const struct accel **out,
                     GError **err)
{
    const char *text = key(m, name);
    const struct accel *a = text ? accel_find(text) : NULL;

    if (!text)
        return error_set(err, "-accel compare wants both sides: a=kvm,b=tcg-interp");
    if (!a || a == &accel_compare)
        return error_set(err, "-accel compare,%s=%s: there is no such accelerator (-accel help "
                              "lists them)", name, text);
    *out = a;
    return (!a->probe || a->probe(err)) || error_prefix(err, "-accel compare,%s=%s", name, text);
}

static bool number_key(const struct machine *m, const char *name, uint64_t min, uint64_t max,
                       uint64_t *out, GError **err)
{
    const char *text = key(m, name);

    return !text || parse_uint(text, min, max, out, err) ||
           error_prefix(err, "-accel compare,%s", name);
}

static bool read_keys(const struct machine *m, struct compare_options *o, GError **err)
{
    uint64_t last = 16;

    *o = (struct compare_options){.every = 1, .from = UINT64_MAX, .limit = UINT64_MAX};
    if (!side_key(m, "a", &o->accel[SIDE_A], err) || !side_key(m, "b", &o->accel[SIDE_B], err) ||
        !number_key(m, "every", 1, EVERY_MAX, &o->every, err) ||
        !number_key(m, "from", 0, UINT64_MAX, &o->from, err) ||
        !number_key(m, "limit", 1, UINT64_MAX, &o->limit, err) ||
        !number_key(m, "last", 1, LAST_MAX, &last, err))
        return false;
    o->last = (unsigned)last;
    return true;
}

/* What both have, but not KVM's interface to guests: the host writes its clock into guest memory
 * when it likes. */
static bool fit_model(const struct machine *m, struct cpu_model *model, GError **err)
{
    struct compare_options o;
    bool offered[X86_F_COUNT];

    if (!read_keys(m, &o, err))
        return false;
    for (unsigned f = 0; f < X86_F_COUNT; f++)
        offered[f] = f < X86_F_KVM || f > X86_F_KVM_HINT_DEDICATED;
    /* The local APICs are ours on both sides: see kvm_cpuid_fit(). */
    if (o.accel[SIDE_A] == &accel_kvm || o.accel[SIDE_B] == &accel_kvm)
        offered[X86_F_TSC_DEADLINE] = false;
    return cpu_model_fit(model, offered, "compare", err) &&
           o.accel[SIDE_A]->fit_model(m, model, err) && o.accel[SIDE_B]->fit_model(m, model, err);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void end_at_limit(struct compare *c)
{
    g_autoptr(GString) out = g_string_new(NULL);

    c->over = true;
    if (!memory_equal(c, out))
        report_difference(c, out->str);
    else
        machine_request_exit(c->machine, 0, CAUSE_HOST_QUIT);
}

static bool is_kicked(const struct compare *c)
{
    return __atomic_load_n(&c->vcpu->kicked, __ATOMIC_ACQUIRE);
}

static int64_t step_size(const struct compare *c)
{
    uint64_t n = c->count >= c->opt.from ? 1 : MIN(c->opt.every, c->opt.from - c->count);

    return (int64_t)MIN(n, c->opt.limit - c->count);
}

/* Up to `insns` instructions. The lock is held. */
static enum vcpu_exit run_locked(struct compare *c, int64_t insns)
{
    enum vcpu_exit why;

    for (;;) {
        if (__atomic_load_n(&c->machine->lock.waiters, __ATOMIC_RELAXED))
            machine_lock_yield(c->machine);
        if (c->over || is_kicked(c))
            return VCPU_KICKED;
        if (vcpu_pins(c->vcpu))
            step_events(c);
        if (c->over)
            return VCPU_KICKED;
        if (c->side[SIDE_A].st.mp_state != MP_RUNNABLE) {
            c->vcpu->wake_mask = step_wake_mask(c);
            return VCPU_HALTED;
        }
        if (c->run_done >= insns)
            return VCPU_KICKED;
        why = step_run(c, MIN(step_size(c), insns - c->run_done));
        if (!c->over && c->count >= c->opt.limit)
            end_at_limit(c);
        if (why != VCPU_KICKED && why != VCPU_HALTED)
            return c->over && why != VCPU_FATAL ? VCPU_KICKED : why;
    }
}

static enum vcpu_exit compare_run_budget(struct vcpu *v, int64_t insns, int64_t *done)
{
    struct compare *c = compare_of(v);
    enum vcpu_exit why;

    machine_lock(c->machine);
    c->run_done = 0;
    why = run_locked(c, insns);
    *done = c->run_done;
    machine_unlock(c->machine);
    return why;
}

static enum vcpu_exit compare_run(struct vcpu *v)
{
    int64_t done;

    return compare_run_budget(v, INT64_MAX, &done);
}

/* Asked by devices, of an instruction of side a's. */
static int64_t compare_executed(struct vcpu *v)
{
    struct compare *c = compare_of(v);
    struct side *a = &c->side[SIDE_A];
    bool within = c->phase == PHASE_A && a->accel->executed && !a->accel->hardware;

    return c->run_done + (within ? a->accel->executed(&a->vcpu) : 0);
}

/* Steps are short. */
static void compare_kick(struct vcpu *v)
{
}

/* ---- State ----------------------------------------------------------------------------------- */

static void compare_save(struct vcpu *v, struct x86_state *st)
{
    struct side *a = &compare_of(v)->side[SIDE_A];

    side_set_time(a, clock_now(&v->machine->vclock));
    side_save(a);
    *st = a->st;
}

/* A reset, or a state from a file: memory may be another one altogether. */
static void compare_load(struct vcpu *v, const struct x86_state *st)
{
    struct compare *c = compare_of(v);
    int64_t now = clock_now(&v->machine->vclock);

    for (unsigned i = 0; i < SIDES; i++) {
        struct side *s = &c->side[i];

        side_set_time(s, now);
        side_load(s, st);
        s->vcpu.pins = 0;
        side_save(s);
    }
    for (unsigned n = 0; n < st->nmi_pending; n++)
        vcpu_pin(v, VCPU_NMI, 1);
    c->whole = false;
}

static bool compare_translate(struct vcpu *v, uint64_t linear, uint64_t *gpa)
{
    return side_translate(&compare_of(v)->side[SIDE_A], linear, gpa);
}

static void compare_describe(struct vcpu *v, GString *out)
{
    struct compare *c = compare_of(v);

    g_string_append_printf(out, "a %s, b %s\ninstructions %" G_GUINT64_FORMAT
                                "\ninterrupts %" G_GUINT64_FORMAT
                                "\ndevice accesses %" G_GUINT64_FORMAT "\n",
                           c->opt.accel[0]->name, c->opt.accel[1]->name, c->count,
                           c->events, c->accesses);
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* The guest has ended: a last look at all of memory, while it may still change the exit status. */
static void state_changed(void *arg)
{
    struct machine *m = arg;
    struct compare *c = m->accel_data[ACCEL_COMPARE];
    g_autoptr(GString) out = g_string_new(NULL);

    if (!c || m->state != RUN_SHUTDOWN || c->over || !c->whole)
        return;
    c->over = true;
    map_copy_dma(c);
    if (memory_equal(c, out))
        return;
    report_difference(c, out->str);
}

static bool check_options(const struct machine *m, const struct compare_options *o, GError **err)
{
    if (m->config->cpus > 1)
        return error_set(err, "-accel compare runs one CPU; use -smp 1");
    for (unsigned i = 0; i < SIDES; i++) {
        const struct accel *a = o->accel[i];

        if (!a->run_budget)
            return error_set(err, "-accel compare: %s cannot run a given number of instructions",
                             a->name);
        if (a->hardware && o->every > 1)
            return error_set(err, "-accel compare,every=%" G_GUINT64_FORMAT ": %s is "
                                  "single-stepped; leave every=1", o->every, a->name);
    }
    return true;
}

static void compare_vm_exit(struct machine *m)
{
    struct compare *c = m->accel_data[ACCEL_COMPARE];

    if (!c)
        return;
    report_summary(c);
    map_fini(c);
    for (unsigned i = 0; i < SIDES; i++)
        side_fini(&c->side[i]);
    iolog_fini(c);
    g_free(c->exempt);
    g_free(c->past);
    m->accel_data[ACCEL_COMPARE] = NULL;
    g_free(c);
}

bool compare_vm_init(struct machine *m, const struct compare_options *o, GError **err)
{
    struct compare *c;

    if (!check_options(m, o, err))
        return false;
    m->accel_data[ACCEL_COMPARE] = c = g_new0(struct compare, 1);
    c->machine = m;
    c->opt = *o;
    c->swapped = o->accel[SIDE_A]->hardware && !o->accel[SIDE_B]->hardware;
    c->past = g_new0(struct past, MAX(o->last, 1));
    iolog_init(c);
    if (!side_init(&c->side[SIDE_A], c, SIDE_A, err) ||
        !side_init(&c->side[SIDE_B], c, SIDE_B, err)) {
        c->failed = true;
        compare_vm_exit(m);
        return false;
    }
    fields_init(c);
    map_init(c);
    machine_add_hook(m->on_state_change, state_changed, m);
    return true;
}

static bool vm_init(struct machine *m, GError **err)
{
    struct compare_options o;

    return read_keys(m, &o, err) && compare_vm_init(m, &o, err);
}

static bool compare_vcpu_init(struct vcpu *v, GError **err)
{
    struct compare *c = compare_of(v);

    c->vcpu = v;
    v->thread = g_thread_self();
    for (unsigned i = 0; i < SIDES; i++)
        if (!side_vcpu_init(&c->side[i], err))
            return false;
    return true;
}

static void compare_vcpu_exit(struct vcpu *v)
{
    for (unsigned i = 0; i < SIDES; i++)
        side_vcpu_exit(&compare_of(v)->side[i]);
}

/* Never the best choice: it is there to be asked for. */
static bool preferred(GError **err)
{
    return error_set(err, "compare runs everything twice");
}

const struct accel accel_compare = {
    .name = "compare",
    .slot = ACCEL_COMPARE,
    .help = "runs a guest on two others in lock step (a=NAME,b=NAME) and stops where they differ",
    .preferred = preferred,
    .fit_model = fit_model,
    .vm_init = vm_init,
    .vm_exit = compare_vm_exit,
    .vcpu_init = compare_vcpu_init,
    .vcpu_exit = compare_vcpu_exit,
    .run = compare_run,
    .run_budget = compare_run_budget,
    .executed = compare_executed,
    .kick = compare_kick,
    .save = compare_save,
    .load = compare_load,
    .translate = compare_translate,
    .describe = compare_describe,
};
