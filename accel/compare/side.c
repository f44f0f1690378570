/* SPDX-License-Identifier: MIT */
/*
 * One side: a machine without devices around one vCPU, whose accelerator works as it would for a
 * whole machine. Beside an accelerator of hardware there is the interpreter, on the same memory,
 * for what must not run on hardware (insn.c); the state goes from one to the other and back.
 */
#include "accel/compare/compare.h"

#include "accel/tcg-interp/loan.h"
#include "util/error.h"

#define SOFT (&accel_tcg_interp)

static struct machine_config bare_config(struct side *s)
{
    const struct machine_config *c = s->compare->machine->config;
    GHashTable *opts = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTable *accel_opts = g_hash_table_new(g_str_hash, g_str_equal);

    g_hash_table_insert(opts, (void *)"kernel-irqchip", (void *)"off");
    g_hash_table_insert(accel_opts, (void *)"rescue", (void *)"off");
    return (struct machine_config){
        .name = c->name, .cpus = 1, .max_cpus = 1, .sockets = 1, .cores = 1, .threads = 1,
        .rtc_base = INT64_MIN, .machine_opts = opts, .accel_opts = accel_opts,
    };
}

static bool make_machine(struct side *s, GError **err)
{
    struct machine *m = s->compare->machine, *bare;

    s->config = bare_config(s);
    bare = s->machine = machine_new(&s->config, err);
    if (!bare)
        return false;
    bare->mem.retire = bare->io.retire = NULL; /* reclaimed between steps */
    bare->mem.unassigned = bare->io.unassigned = NULL;
    bare->log.mask = s->index == SIDE_A ? m->log.mask : 0;
    bare->cpu_model = m->cpu_model;
    bare->tsc_hz = m->tsc_hz;
    bare->accel = s->accel;
    bare->vclock.kind = CLOCK_TEST; /* moved by side_set_time() alone */
    return true;
}

bool side_init(struct side *s, struct compare *c, unsigned index, GError **err)
{
    unsigned name = index ^ c->swapped;

    *s = (struct side){.compare = c, .index = index, .accel = c->opt.accel[name], .vector = -1,
                       .letter = (char)('a' + name)};
    s->pieces = g_ptr_array_new();
    s->rams = g_ptr_array_new();
    if (!make_machine(s, err))
        return false;
    iolog_side_init(s);
    if (!s->accel->vm_init(s->machine, err))
        return false;
    s->vm_up = true;
    /* A KVM that emulates its processor runs user code natively all the same, and does not stop
     * with KVM_EXIT_DEBUG behind one instruction of it (API document section 4.87): it goes on
     * into the next one, or gives its own trap to the guest. */
    s->steps_user = !s->accel->preferred || s->accel->preferred(NULL);
    s->config.icount = true; /* the interpreter's random numbers are the same on both sides */
    return true;
}

void side_fini(struct side *s)
{
    if (!s->compare)
        return;
    if (s->vm_up)
        accel_detach_vm(s->machine);
    map_side_fini(s);
    machine_free(s->machine);
    g_ptr_array_unref(s->pieces);
    g_ptr_array_unref(s->rams);
    if (s->config.machine_opts)
        g_hash_table_unref(s->config.machine_opts);
    if (s->config.accel_opts)
        g_hash_table_unref(s->config.accel_opts);
}

bool side_vcpu_init(struct side *s, GError **err)
{
    struct vcpu *outer = s->compare->vcpu, *v = &s->vcpu;

    v->machine = s->machine;
    v->apic_id = outer->apic_id;
    v->accel = s->accel;
    v->wake_mask = UINT32_MAX;
    v->sleeper = v;
    v->thread = outer->thread;
    g_queue_init(&v->work);
    return s->accel->vcpu_init(v, err) && (!s->accel->hardware || accel_attach(v, SOFT, err));
}

void side_vcpu_exit(struct side *s)
{
    accel_detach_vcpu(&s->vcpu);
}

void side_set_time(struct side *s, int64_t now)
{
    clock_set(&s->machine->vclock, now);
}

void side_save(struct side *s)
{
    s->accel->save(&s->vcpu, &s->st);
    if (s->tf)
        s->st.rflags |= FL_TF;
    accel_save_tsc(&s->vcpu, &s->st); /* of the time that stands still */
}

void side_load(struct side *s, const struct x86_state *st)
{
    s->accel->load(&s->vcpu, st);
    s->tf = s->accel->hardware && (st->rflags & FL_TF);
}

bool side_translate(struct side *s, uint64_t la, uint64_t *gpa)
{
    return s->accel->translate(&s->vcpu, la, gpa);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void run(struct side *s, const struct accel *a, int64_t n)
{
    uint64_t faults = s->vcpu.faults;

    s->interpreting = !a->hardware;
    s->why = a->run_budget(&s->vcpu, n, &s->done);
    s->interpreting = false;
    s->faulted = s->vcpu.faults != faults;
}

void side_interpret(struct side *s, int64_t n)
{
    if (!s->accel->hardware) {
        run(s, s->accel, n);
        return;
    }
    side_save(s);
    SOFT->load(&s->vcpu, &s->st);
    tcg_loan_forget(&s->vcpu); /* hardware stores to code unseen */
    run(s, SOFT, n);
    SOFT->save(&s->vcpu, &s->st);
    side_load(s, &s->st);
}

static bool is_user(const struct x86_state *st)
{
    return (st->cr0 & CR0_PE) &&
           ((st->rflags & FL_VM) || (st->seg[S_SS].attr & SEG_DPL) == SEG_DPL);
}

/* One instruction on hardware. */
void side_run(struct side *s, int64_t n)
{
    struct compare *c = s->compare;
    struct ahead a;

    if (!s->accel->hardware) {
        run(s, s->accel, n);
        return;
    }
    insn_fetch(s, &s->st, &a);
    if (insn_by_rule(&s->st, &a) || (s->index == SIDE_B && c->side[SIDE_A].faulted) ||
        (!s->steps_user && is_user(&s->st))) {
        c->interpreted[0]++;
        side_interpret(s, n);
        return;
    }
    run(s, s->accel, n);
    if (s->why == VCPU_FATAL) { /* it cannot do this one: nothing of it was done */
        c->interpreted[1]++;
        side_interpret(s, n);
    }
}
