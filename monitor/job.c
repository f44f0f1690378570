/* SPDX-License-Identifier: MIT */
/* Jobs (core/job.h) over QMP. */
#include "core/job.h"

#include "core/machine.h"
#include "monitor/tables.h"

static bool run_query(struct command_call *call, GError **err)
{
    GPtrArray *jobs = call->ctx->machine->jobs;

    call->ret = json_array();
    for (unsigned i = 0; i < jobs->len; i++) {
        const struct job *job = jobs->pdata[i];
        json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:i}", "id", job->id, "type", job->type,
                              "status", job_status_name(job->status), "current-progress",
                              job->status == JOB_CONCLUDED, "total-progress", 1);

        if (job->error)
            json_object_set_new(j, "error", json_string(job->error));
        json_array_append_new(call->ret, j);
    }
    return true;
}

static bool run_dismiss(struct command_call *call, GError **err)
{
    return job_dismiss(call->ctx->machine, call->arg[0].text, err);
}

const struct command job_commands[] = {
    {.qmp = "query-jobs", .returns = "[JobInfo]", .run = run_query,
     .help = "what runs in the background, or has ended and was not dismissed"},
    {.qmp = "job-dismiss", .run = run_dismiss, .args = {{"id", ARG_WORD}},
     .help = "forget a job that has ended"},
    {0}};
