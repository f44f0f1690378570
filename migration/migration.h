/* SPDX-License-Identifier: MIT */
/*
 * A machine that goes from one process to another, or to a file and back. One goes out, or one
 * comes in, at a time. All calls on the main thread, lock held.
 *
 * What goes out does so on a thread of its own: memory while the machine runs, again and again
 * what was written meanwhile; then the machine stops, and the rest follows.
 */
#ifndef MIGRATION_MIGRATION_H
#define MIGRATION_MIGRATION_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct machine;

/* Addresses: migration/channel.h. Returns at once. */
bool migration_start(struct machine *m, const char *uri, GError **err);
void migration_cancel(struct machine *m);
/* Run the main loop until what goes out has gone, failed (false with *err) or the machine ends. */
bool migration_wait(struct machine *m, GError **err);

/* -incoming: the machine is not started but waits, for migration_incoming() or, with a uri, for
 * what comes from there. */
bool migration_expect(struct machine *m, const char *uri, GError **err);
/* Begin to take it in, in a machine that waits for it. After a failure another one may come. */
bool migration_incoming(struct machine *m, const char *uri, GError **err);

/* QMP's query-migrate, -parameters, -capabilities. The caller's. */
json_t *migration_query(struct machine *m);
json_t *migration_parameters(struct machine *m);
json_t *migration_capabilities(struct machine *m);
/* By QMP's names; the value as it is typed. All or nothing is the caller's affair. */
bool migration_set_parameter(struct machine *m, const char *name, const char *value, GError **err);
bool migration_set_capability(struct machine *m, const char *name, bool on, GError **err);

#endif
