/* SPDX-License-Identifier: MIT */
#include "core/job.h"

#include <string.h>

#include "core/event.h"
#include "core/machine.h"
#include "util/error.h"

static const char *const names[] = {
    [JOB_CREATED] = "created", [JOB_RUNNING] = "running",   [JOB_WAITING] = "waiting",
    [JOB_PENDING] = "pending", [JOB_ABORTING] = "aborting", [JOB_CONCLUDED] = "concluded",
};

const char *job_status_name(enum job_status status)
{
    return names[status];
}

static void tell(const struct job *job, const char *status)
{
    machine_event(job->machine, "JOB_STATUS_CHANGE",
                  json_pack("{s:s, s:s}", "id", job->id, "status", status));
}

static void set_status(struct job *job, enum job_status status)
{
    job->status = status;
    tell(job, names[status]);
}

void job_free(void *p)
{
    struct job *job = p;

    g_free(job->id);
    g_free(job->error);
    g_free(job);
}

static struct job *find(struct machine *m, const char *id)
{
    for (unsigned i = 0; i < m->jobs->len; i++) {
        struct job *job = m->jobs->pdata[i];
        if (strcmp(job->id, id) == 0)
            return job;
    }
    return NULL;
}

struct job *job_new(struct machine *m, const char *id, const char *type, GError **err)
{
    if (!g_ascii_isalpha(*id) ||
        strspn(id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-._") != strlen(id)) {
        error_set(err, "Invalid job ID '%s'", id);
        return NULL;
    }
    if (find(m, id)) {
        error_set(err, "Job ID '%s' already in use", id);
        return NULL;
    }
    struct job *job = g_new0(struct job, 1);
    job->machine = m;
    job->id = g_strdup(id);
    job->type = type;
    g_ptr_array_add(m->jobs, job);
    set_status(job, JOB_CREATED);
    return job;
}

void job_run(struct job *job)
{
    set_status(job, JOB_RUNNING);
}

void job_conclude(struct job *job, const GError *error)
{
    if (error) {
        job->error = g_strdup(error->message);
        set_status(job, JOB_ABORTING);
    } else {
        set_status(job, JOB_WAITING);
        set_status(job, JOB_PENDING);
    }
    set_status(job, JOB_CONCLUDED);
}

bool job_dismiss(struct machine *m, const char *id, GError **err)
{
    struct job *job = find(m, id);

    if (!job)
        return error_set(err, "Job not found");
    if (job->status != JOB_CONCLUDED)
        return error_set(err, "Job '%s' in state '%s' cannot accept command verb 'dismiss'", id,
                         names[job->status]);
    tell(job, "null");
    g_ptr_array_remove(m->jobs, job);
    return true;
}
