/* SPDX-License-Identifier: MIT */
/* Processors: which there are, which one is looked at, what -cpu knows. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "monitor/tables.h"
#include "util/error.h"

static bool run_cpu(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    int64_t n = call->arg[0].num;

    if (n < 0 || n >= (int64_t)m->vcpus->len)
        return error_set(err, "there is no CPU %" G_GINT64_FORMAT " (0 to %u)", n,
                         m->vcpus->len - 1);
    call->ctx->vcpu = m->vcpus->pdata[n];
    return true;
}

/* Where the n-th CPU sits. */
static json_t *place(const struct machine *m, unsigned n)
{
    const struct machine_config *c = m->config;

    return json_pack("{s:i, s:i, s:i}", "core-id", n / c->threads % c->cores, "thread-id",
                     n % c->threads, "socket-id", n / c->threads / c->cores);
}

static char *path_of(unsigned n)
{
    return g_strdup_printf("/machine/unattached/device[%u]", n);
}

static bool run_query_cpus(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    call->ret = json_array();
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        const struct vcpu *v = m->vcpus->pdata[i];
        g_autofree char *path = path_of(i);

        json_array_append_new(call->ret,
                              json_pack("{s:i, s:s, s:i, s:o, s:s}", "cpu-index", i, "qom-path",
                                        path, "thread-id", (int)v->tid, "props", place(m, i),
                                        "target", "x86_64"));
    }
    return true;
}

static bool run_info_cpus(struct command_call *call, GError **err)
{
    GPtrArray *vcpus = call->ctx->machine->vcpus;

    for (unsigned i = 0; i < vcpus->len; i++) {
        const struct vcpu *v = vcpus->pdata[i];
        bool sleeps = __atomic_load_n(&v->sleeping, __ATOMIC_ACQUIRE) != VCPU_AWAKE;

        g_string_append_printf(call->out, "%c CPU #%u: apic_id=%u thread_id=%d%s\n",
                               v == call->ctx->vcpu ? '*' : ' ', i, v->apic_id, (int)v->tid,
                               sleeps ? " (halted)" : "");
    }
    return true;
}

static bool run_hotpluggable(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    if (!m->board)
        return error_set(err, "The feature 'query-hotpluggable-cpus' is not enabled");
    call->ret = json_array();
    for (unsigned i = m->vcpus->len; i-- > 0;) {
        g_autofree char *path = path_of(i), *type = NULL;

        if (m->program)
            type = m->program->cpu_type(m);
        json_array_append_new(call->ret, json_pack("{s:o, s:i, s:s, s:s}", "props", place(m, i),
                                                   "vcpus-count", 1, "qom-path", path, "type",
                                                   type ? type : "x86_64-cpu"));
    }
    return true;
}

static bool run_definitions(struct command_call *call, GError **err)
{
    const struct program_inspect *p = call->ctx->machine->program;

    call->ret = p ? p->cpu_definitions(call->ctx->machine) : json_array();
    return true;
}

static bool run_expansion(struct command_call *call, GError **err)
{
    const struct program_inspect *p = call->ctx->machine->program;
    json_t *model = call->arg[1].json;
    const char *name = json_string_value(json_object_get(model, "name"));
    json_t *props = json_object_get(model, "props");

    if (props && !json_is_object(props))
        return error_set(err, "Invalid parameter type for 'model.props', expected: object");
    if (!p)
        return error_set(err, "there are no CPU models here");
    json_t *full = p->cpu_expansion(call->ctx->machine, name, props, err);
    if (!full)
        return false;
    /* A static model is a name that never changes its meaning, and what is changed about it. */
    const char *as = strcmp(call->arg[0].text, "static") == 0 ? "base" : name;
    call->ret = json_pack("{s:{s:s, s:o}}", "model", "name", as, "props", full);
    return true;
}

const struct command cpu_commands[] = {
    {.name = "cpu", .args = {{"number", ARG_INT}}, .run = run_cpu,
     .help = "look at this CPU from now on"},
    {.info = "cpus", .run = run_info_cpus, .help = "CPUs; '*' is the one that is looked at"},
    {.qmp = "query-cpus-fast", .returns = "[CpuInfoFast]", .run = run_query_cpus,
     .help = "CPUs, and the host's threads that run them"},
    {.qmp = "query-hotpluggable-cpus", .info = "hotpluggable-cpus",
     .returns = "[HotpluggableCPU]", .run = run_hotpluggable,
     .help = "where CPUs sit; all are there from the start"},
    {.qmp = "query-cpu-definitions", .returns = "[CpuDefinitionInfo]", .run = run_definitions,
     .help = "what -cpu knows"},
    {.qmp = "query-cpu-model-expansion", .returns = "CpuModelExpansionInfo",
     .run = run_expansion,
     .args = {{"type", ARG_WORD, false, "CpuModelExpansionType"},
              {"model", ARG_JSON, false, "CpuModelInfo"}},
     .help = "what a CPU model comes to on this machine's accelerator"},
    {0}};
