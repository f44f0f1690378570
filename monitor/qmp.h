/* SPDX-License-Identifier: MIT */
/*
 * QMP on a character stream: JSON objects in, answers and events out. Any number of monitors may
 * watch one machine. Main thread and machine lock, but events come from any thread.
 *
 *   stream --bytes--> json_split --values--> requests --one at a time--> command rows
 *          <--------------- out <--- answers, events (what waits is in `held`)
 *
 * A request with "exec-oob" runs when it is read, before those that wait. While the reader takes
 * nothing, `out` stays below a limit: no request is read or run, and events wait in `held`, where
 * a later one of the same kind replaces an earlier one. So a client that never reads costs a
 * bounded amount of memory and no time.
 */
#ifndef MONITOR_QMP_H
#define MONITOR_QMP_H

#include "monitor/command.h"
#include "monitor/json_split.h"

#define QMP_OUT_MAX  (256u << 10) /* beyond: nothing new is begun. One answer may be larger */
#define QMP_HELD_MAX 256          /* events that wait for the reader */

struct qmp {
    struct machine *machine;
    struct chardev *chr;
    struct command_context ctx;
    bool pretty, open;
    bool negotiated; /* commands and events are on */
    bool oob;        /* the client asked for exec-oob */
    struct json_split split;
    GQueue requests;     /* struct qmp_request * */
    GSource *running;    /* runs them */
    GString *out;        /* for the stream */
    GQueue held;         /* struct qmp_event *: qmp_events.c */
    GHashTable *limited; /* "NAME key" -> struct qmp_limit *: qmp_events.c */
};

/* Put QMP on this stream. It lives as long as the machine. Lock held. */
bool qmp_new(struct machine *m, struct chardev *chr, bool pretty, GError **err);

/* Put a value on its way. */
void qmp_send(struct qmp *q, json_t *value);
/* Has the reader so much to read that it must not be given more? */
bool qmp_is_full(const struct qmp *q);
json_t *qmp_version(void); /* probe.c */

/* qmp_events.c */
void qmp_events_init(struct qmp *q);
void qmp_events_fini(struct qmp *q);
void qmp_events_drop(struct qmp *q); /* the client has gone */
/* The reader takes something again. */
void qmp_events_flush(struct qmp *q);

#endif
