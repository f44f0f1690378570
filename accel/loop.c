/* SPDX-License-Identifier: MIT */
/*
 * The guest execution loop of a vCPU thread, the same for every accelerator:
 *
 *     attend (work for this thread, parking) -> run -> decide -> sleep if halted -> attend ...
 *
 * A halted vCPU spins for a moment before it sleeps when its last halts were short: waking a
 * sleeping thread can cost 180 us, most of a guest's wake-up by another CPU. Each halt that
 * outlasts the spin halves it, so an idle guest does not spin at all.
 */
#include "accel/accel.h"

#include "accel/icount.h"
#include "core/machine.h"
#include "core/vcpu_ops.h"
#include "target/x86/cpuid.h"

#define SPIN_MAX 100000 /* ns */
#define SPIN_MIN 5000

void accel_decide(struct vcpu *v, enum vcpu_exit why)
{
    struct machine *m = v->machine;
    switch (why) {
    case VCPU_RESET:
        machine_request_reset(m, CAUSE_GUEST_RESET);
        break;
    case VCPU_SHUTDOWN:
        LOG(&m->log, LOG_CPU_RESET, "CPU %u: triple fault\n", v->index);
        machine_request_reset(m, CAUSE_TRIPLE_FAULT);
        break;
    case VCPU_DEBUG:
        machine_request_pause(m);
        break;
    case VCPU_FATAL:
        machine_request_fatal(m);
        break;
    case VCPU_KICKED:
    case VCPU_HALTED:
        break;
    }
}

/* How long the next halt may spin, given how long this one lasted. */
static int64_t next_spin(int64_t spin, int64_t lasted)
{
    if (lasted > SPIN_MAX)
        return spin / 2 < SPIN_MIN ? 0 : spin / 2;
    return MIN(MAX(spin * 2, SPIN_MIN), SPIN_MAX);
}

static void halt(struct vcpu *v, int64_t *spin)
{
    int64_t begin = g_get_monotonic_time();
    vcpu_sleep(v, v->no_spin ? 0 : *spin, INT64_MAX);
    *spin = next_spin(*spin, (g_get_monotonic_time() - begin) * 1000);
}

/* Throttled: rest for as long as makes the time that it ran its share. Whoever wants the vCPU
 * to attend ends that. *since: when it began to run. */
static void rest(struct vcpu *v, int64_t *since)
{
    unsigned percent = __atomic_load_n(&v->machine->throttle, __ATOMIC_RELAXED);
    int64_t now = g_get_monotonic_time(), ran = now - *since;

    if (percent && ran > 0) {
        int64_t until = now + MIN(ran, 50000) * percent / (100 - MIN(percent, 99));
        while (!vcpu_wanted(v) && g_get_monotonic_time() < until)
            g_usleep((gulong)CLAMP(until - g_get_monotonic_time(), 1, 1000));
    }
    *since = g_get_monotonic_time();
}

static void *vcpu_thread(void *arg)
{
    struct vcpu *v = arg;
    GError *err = NULL;
    bool ok = v->accel->vcpu_init(v, &err);
    vcpu_ready(v, err);
    /* Spinning takes a core from somebody who computes if there are fewer cores than vCPUs. */
    bool may_spin = v->machine->vcpus->len > 1 && g_get_num_processors() > 1;
    int64_t spin = 0, since = 0;
    while (vcpu_attend(v)) {
        if (__atomic_load_n(&v->machine->throttle, __ATOMIC_RELAXED))
            rest(v, &since);
        enum vcpu_exit why = v->accel->run(v);
        if (why == VCPU_HALTED)
            halt(v, &spin);
        else
            accel_decide(v, why);
        if (!may_spin)
            spin = 0;
    }
    if (ok)
        accel_detach_vcpu(v);
    return NULL;
}

static void *icount_thread(void *arg)
{
    struct machine *m = arg;
    bool ok[m->vcpus->len];
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        GError *err = NULL;
        ok[i] = v->accel->vcpu_init(v, &err);
        vcpu_ready(v, err);
    }
    icount_loop(m);
    for (unsigned i = 0; i < m->vcpus->len; i++)
        if (ok[i])
            m->accel->vcpu_exit(m->vcpus->pdata[i]);
    return NULL;
}

static bool ops_vm_init(struct machine *m, GError **err)
{
    if (m->accel->vm_init && !m->accel->vm_init(m, err))
        return false;
    if (m->config->icount)
        icount_init(m);
    return true;
}

static void ops_vm_exit(struct machine *m)
{
    icount_fini(m);
    accel_detach_vm(m);
}

static void ops_kick(struct vcpu *v)
{
    v->accel->kick(v);
}

static void ops_reset(struct vcpu *v)
{
    struct x86_state *st = g_new0(struct x86_state, 1);
    const struct cpu_model *model = v->machine->cpu_model;
    x86_state_reset(st, v->index == 0, model ? model->signature : 0);
    if (v->boot)
        accel_boot_state(st, v->boot, v->machine->cpu_model->phys_bits);
    st->tsc_vtime = clock_now(&v->machine->vclock);
    v->accel->load(v, st);
    g_free(st);
}

/* Pins are levels that chips drive, but these are events that nobody would raise again. */
static void ops_save(struct vcpu *v, struct x86_state *st)
{
    uint32_t pins = vcpu_pins(v);

    v->accel->save(v, st);
    st->nmi_pending = MIN(2, st->nmi_pending + !!(pins & VCPU_NMI) + !!(pins & VCPU_NMI_SECOND));
    st->init_pending = !!(pins & VCPU_INIT);
    st->sipi_pending = !!(pins & VCPU_SIPI);
    st->sipi_vector = st->sipi_pending ? v->sipi_vector : 0;
}

static void ops_load(struct vcpu *v, const struct x86_state *st)
{
    vcpu_pin(v, VCPU_NMI | VCPU_NMI_SECOND | VCPU_INIT | VCPU_SIPI, 0);
    v->accel->load(v, st);
    if (v->machine->irqchip) /* INIT and SIPI went into the kernel with the rest */
        return;
    if (st->init_pending)
        vcpu_init_signal(v);
    if (st->sipi_pending)
        vcpu_sipi(v, st->sipi_vector);
}

static void ops_debug(struct vcpu *v)
{
    if (v->accel->debug)
        v->accel->debug(v);
}

static void ops_clocks_start(struct machine *m)
{
    if (m->accel->clocks_start)
        m->accel->clocks_start(m);
}

static void ops_clocks_stopped(struct machine *m)
{
    if (m->accel->clocks_stopped)
        m->accel->clocks_stopped(m);
}

static uint32_t ops_apic_id(const struct machine *m, unsigned index)
{
    return m->cpu_model ? cpu_model_apic_id(m->cpu_model, index) : index;
}

static json_t *ops_describe_cpu(const struct machine *m)
{
    const struct cpu_model *model = m->cpu_model;
    json_t *features = json_array();

    if (!model)
        return features;
    for (unsigned f = 1; f < X86_F_COUNT; f++)
        if (model->feature[f])
            json_array_append_new(features, json_string(x86_feature_name(f)));
    return json_pack("{s:s, s:s, s:I, s:i, s:i, s:I, s:i, s:i, s:i, s:o}", "vendor", model->vendor,
                     "brand", model->brand, "signature", (json_int_t)model->signature, "phys-bits",
                     model->phys_bits, "lin-bits", model->lin_bits, "tsc-hz",
                     (json_int_t)m->tsc_hz, "sockets", model->sockets, "cores", model->cores,
                     "threads", model->threads, "features", features);
}

const struct vcpu_ops accel_vcpu_ops = {
    .vm_init = ops_vm_init,
    .vm_exit = ops_vm_exit,
    .thread = vcpu_thread,
    .thread_all = icount_thread,
    .kick = ops_kick,
    .clocks_start = ops_clocks_start,
    .clocks_stopped = ops_clocks_stopped,
    .apic_id = ops_apic_id,
    .reset = ops_reset,
    .save = ops_save,
    .load = ops_load,
    .debug = ops_debug,
    .check = x86_state_check,
    .describe_cpu = ops_describe_cpu,
    .state_size = sizeof(struct x86_state),
    .state_fields = x86_state_fields,
};
