/* SPDX-License-Identifier: MIT */
/* Snapshots of the machine in its disk images: at the prompt at once, over QMP as jobs. */
#include "migration/snapshot.h"

#include "core/job.h"
#include "core/machine.h"
#include "monitor/tables.h"

static bool run_savevm(struct command_call *call, GError **err)
{
    return snapshot_save(call->ctx->machine, call->arg[0].text, err);
}

static bool run_loadvm(struct command_call *call, GError **err)
{
    return snapshot_load(call->ctx->machine, call->arg[0].text, err);
}

static bool run_delvm(struct command_call *call, GError **err)
{
    return snapshot_delete(call->ctx->machine, call->arg[0].text, err);
}

static bool run_list(struct command_call *call, GError **err)
{
    snapshot_list(call->ctx->machine, call->out);
    return true;
}

/* ---- Jobs ------------------------------------------------------------------------------- */

struct task {
    struct job *job;
    bool (*fn)(struct machine *m, const struct snapshot_job *job, GError **err);
    char *name, *vmstate;
    char **disks;
    GSource *source;
};

static void task_free(void *arg)
{
    struct task *t = arg;

    if (t->source)
        g_source_destroy(t->source);
    g_free(t->name);
    g_free(t->vmstate);
    g_strfreev(t->disks);
    g_free(t);
}

/* After the reply of the command. */
static gboolean carry_out(void *arg)
{
    struct task *t = arg;
    struct machine *m = t->job->machine;
    g_autoptr(GError) err = NULL;
    struct snapshot_job what = {t->name, t->vmstate, (const char *const *)t->disks, false};

    machine_lock(m);
    machine_del_hook(m->on_exit, task_free, t);
    t->fn(m, &what, &err);
    job_conclude(t->job, err);
    t->source = NULL;
    task_free(t);
    machine_unlock(m);
    return G_SOURCE_REMOVE;
}

static char **strings_of(json_t *list)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new();
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        g_ptr_array_add(texts, g_strdup(json_string_value(v)));
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_steal(texts, NULL);
}

/* job-id, tag, [vmstate,] devices */
static bool begin(struct command_call *call, const char *type, bool vmstate,
                  bool (*fn)(struct machine *, const struct snapshot_job *, GError **),
                  GError **err)
{
    struct machine *m = call->ctx->machine;
    struct job *job = job_new(m, call->arg[0].text, type, err);

    if (!job)
        return false;
    struct task *t = g_new0(struct task, 1);
    *t = (struct task){.job = job, .fn = fn, .name = g_strdup(call->arg[1].text),
                       .vmstate = vmstate ? g_strdup(call->arg[2].text) : NULL,
                       .disks = strings_of(call->arg[vmstate ? 3 : 2].json)};
    job_run(job);
    machine_add_hook(m->on_exit, task_free, t);
    t->source = g_idle_source_new();
    g_source_set_callback(t->source, carry_out, t, NULL);
    g_source_attach(t->source, m->context);
    g_source_unref(t->source);
    return true;
}

static bool run_save(struct command_call *call, GError **err)
{
    return begin(call, "snapshot-save", true, snapshot_save_job, err);
}

static bool run_load(struct command_call *call, GError **err)
{
    return begin(call, "snapshot-load", true, snapshot_load_job, err);
}

static bool run_delete(struct command_call *call, GError **err)
{
    return begin(call, "snapshot-delete", false, snapshot_delete_job, err);
}

const struct command snapshot_commands[] = {
    {.name = "savevm", .run = run_savevm, .args = {{"name", ARG_WORD, true}},
     .help = "save the machine into its disk images, under a name"},
    {.name = "loadvm", .run = run_loadvm, .args = {{"name", ARG_WORD}},
     .help = "go back to what 'savevm' has saved under this name"},
    {.name = "delvm", .run = run_delvm, .args = {{"name", ARG_WORD}},
     .help = "delete a snapshot from all disks"},
    {.info = "snapshots", .run = run_list, .help = "snapshots in the disk images"},
    {.qmp = "snapshot-save", .run = run_save,
     .args = {{"job-id", ARG_WORD}, {"tag", ARG_WORD}, {"vmstate", ARG_WORD},
              {"devices", ARG_JSON, false, "[str]"}},
     .help = "save the machine into these disks, its state into the disk 'vmstate'"},
    {.qmp = "snapshot-load", .run = run_load,
     .args = {{"job-id", ARG_WORD}, {"tag", ARG_WORD}, {"vmstate", ARG_WORD},
              {"devices", ARG_JSON, false, "[str]"}},
     .help = "go back to a snapshot in these disks"},
    {.qmp = "snapshot-delete", .run = run_delete,
     .args = {{"job-id", ARG_WORD}, {"tag", ARG_WORD}, {"devices", ARG_JSON, false, "[str]"}},
     .help = "delete a snapshot from these disks"},
    {0}};
