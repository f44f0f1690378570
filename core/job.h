/* SPDX-License-Identifier: MIT */
/*
 * Jobs: what a program has begun over QMP and asks about later. Whoever does the work says how it
 * goes; each change is a JOB_STATUS_CHANGE event. Main thread, machine lock held.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include <glib.h>
#include <stdbool.h>

struct machine;

enum job_status { JOB_CREATED, JOB_RUNNING, JOB_WAITING, JOB_PENDING, JOB_ABORTING, JOB_CONCLUDED };

struct job {
    struct machine *machine;
    char *id;
    const char *type; /* "snapshot-save" */
    enum job_status status;
    char *error; /* why it failed, or NULL */
};

/* The machine's; NULL with *err if the id is not possible or taken. */
struct job *job_new(struct machine *m, const char *id, const char *type, GError **err);
void job_run(struct job *job);
/* It is over: well, or with this error. It stays until it is dismissed. */
void job_conclude(struct job *job, const GError *error);
bool job_dismiss(struct machine *m, const char *id, GError **err);
const char *job_status_name(enum job_status status);
void job_free(void *job); /* with the machine */

#endif
