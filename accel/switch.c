/* SPDX-License-Identifier: MIT */
/*
 * A switch: the machine stops, each vCPU's state goes from the old accelerator through struct
 * x86_state into the new one, the machine goes on. The virtual clock stands still meanwhile, and
 * with it the TSC. Interrupt controllers move between saving and loading (accel.activate). The old
 * accelerator stays alive for the way back; its memory slots follow the map all the time.
 */
#include "accel/switch.h"

#include <string.h>

#include "core/machine.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

struct move {
    struct x86_state *st; /* one per vCPU */
    const struct accel *to;
    GError *err;
};

static const struct accel *find(const char *name, GError **err)
{
    for (unsigned i = 0; accel_table[i]; i++) {
        const struct accel *a = accel_table[i];
        if (strcmp(a->name, name) == 0 || (a->alias && strcmp(a->alias, name) == 0))
            return a;
    }
    error_set(err, "there is no accelerator '%s' (-accel help lists them)", name);
    return NULL;
}

/* Would the guest find all that it was told its processor has? */
static bool offers_all(struct machine *m, const struct accel *to, GError **err)
{
    struct cpu_model model = *m->cpu_model;

    model.host = false;
    model.phys_asked = true;
    for (unsigned f = 0; f < X86_F_COUNT; f++)
        model.asked[f] = model.feature[f] ? 1 : -1;
    return !to->fit_model || to->fit_model(m, &model, err);
}

static bool may_run(const struct accel *a)
{
    return a == &accel_kvm || a == &accel_tcg_interp;
}

static bool check(struct machine *m, const struct accel *to, GError **err)
{
    if (m->icount)
        return error_set(err, "-icount: a run that is counted stays on one accelerator");
    if (!may_run(m->accel) || !may_run(to))
        return error_set(err, "-accel %s: only kvm and tcg-interp can take over from each other",
                         may_run(m->accel) ? to->name : m->accel->name);
    if (m->tsc_hz != accel_host_tsc_hz() && accel_host_tsc_hz())
        return error_set(err, "the guest's TSC does not run at KVM's rate");
    return (!to->probe || to->probe(err)) && offers_all(m, to, err);
}

/* ---- In the vCPUs' threads, which are parked ------------------------------------------------- */

static void attach(struct vcpu *v, void *arg)
{
    struct move *move = arg;

    if (!move->err)
        accel_attach(v, move->to, &move->err);
}

static void save(struct vcpu *v, void *arg)
{
    struct move *move = arg;

    v->accel->save(v, &move->st[v->index]);
}

static void load(struct vcpu *v, void *arg)
{
    struct move *move = arg;

    v->accel->load(v, &move->st[v->index]);
    if (v->accel->debug)
        v->accel->debug(v);
}

static void on_all(struct machine *m, void (*fn)(struct vcpu *v, void *arg), struct move *move)
{
    for (unsigned i = 0; i < m->vcpus->len; i++)
        vcpu_run_on(m->vcpus->pdata[i], fn, move);
}

/* ---------------------------------------------------------------------------------------------- */

static void activate(struct machine *m, const struct accel *a, bool on)
{
    if (a->activate)
        a->activate(m, on);
}

static void carry_over(struct machine *m, struct move *move)
{
    on_all(m, save, move);
    if (m->accel != move->to) {
        activate(m, m->accel, false);
        m->accel = move->to;
        for (unsigned i = 0; i < m->vcpus->len; i++)
            ((struct vcpu *)m->vcpus->pdata[i])->accel = move->to;
        activate(m, m->accel, true);
    }
    on_all(m, load, move);
    m->switches++;
}

bool accel_switch(struct machine *m, const char *name, GError **err)
{
    const struct accel *to = m->accel == &accel_kvm ? &accel_tcg_interp : &accel_kvm;
    bool running = m->state == RUN_RUNNING;

    if (name && !(to = find(name, err)))
        return false;
    if (!check(m, to, err))
        return error_prefix(err, "no switch to %s", to->name);
    machine_pause(m);
    struct move move = {.to = to, .st = g_new0(struct x86_state, m->vcpus->len)};
    on_all(m, attach, &move);
    bool ok = !move.err;
    if (ok)
        carry_over(m, &move);
    else
        g_propagate_prefixed_error(err, move.err, "no switch to %s: ", to->name);
    g_free(move.st);
    if (running)
        machine_start(m);
    return ok;
}

/* ---- switch-every= --------------------------------------------------------------------------- */

struct pendulum {
    struct machine *m;
    unsigned every; /* ms */
};

static void arm(struct pendulum *p);

static gboolean swing(gpointer arg)
{
    struct pendulum *p = arg;
    g_autoptr(GError) err = NULL;

    machine_lock(p->m);
    bool ok = p->m->state != RUN_RUNNING || accel_switch(p->m, NULL, &err);
    machine_unlock(p->m);
    if (ok)
        arm(p);
    else
        log_write(&p->m->log, "hostel: switch-every: %s\n", err->message);
    return G_SOURCE_REMOVE;
}

static void arm(struct pendulum *p)
{
    GSource *s = g_timeout_source_new(g_random_int_range(0, 2 * p->every + 1));

    g_source_set_callback(s, swing, p, NULL);
    g_source_attach(s, p->m->context);
    g_source_unref(s);
}

static void stop_swinging(void *arg)
{
    struct pendulum *p = arg;
    GSource *s = g_main_context_find_source_by_user_data(p->m->context, p);

    if (s)
        g_source_destroy(s);
    g_free(p);
}

bool accel_switch_init(struct machine *m, GError **err)
{
    const char *text = m->config->accel_opts
                           ? g_hash_table_lookup(m->config->accel_opts, "switch-every") : NULL;
    guint64 every;

    if (!text)
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, 1, 3600000, &every, NULL))
        return error_set(err, "switch-every=%s: milliseconds are wanted, from 1 to 3600000", text);
    if (!check(m, m->accel == &accel_kvm ? &accel_tcg_interp : &accel_kvm, err))
        return error_prefix(err, "switch-every");
    struct pendulum *p = g_new0(struct pendulum, 1);
    p->m = m;
    p->every = every;
    machine_add_hook(m->on_exit, stop_swinging, p);
    arm(p);
    return true;
}

/* ---------------------------------------------------------------------------------------------- */

void accel_describe(struct machine *m, GString *out)
{
    g_string_append_printf(out, "running on %s, switched %" G_GUINT64_FORMAT " times\n",
                           m->accel->name, m->switches);
    for (unsigned i = 0; accel_table[i]; i++)
        if (accel_table[i] != m->accel && m->accel_data[accel_table[i]->slot])
            g_string_append_printf(out, "%s is alive beside it\n", accel_table[i]->name);
    for (unsigned i = 0; m->accel->describe && i < m->vcpus->len; i++) {
        g_string_append_printf(out, "cpu %u:\n", i);
        m->accel->describe(m->vcpus->pdata[i], out);
    }
}
