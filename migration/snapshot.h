/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of the whole machine in its disk images: all disks at one moment, and in one of them
 * the machine's state. Main thread, lock held. The machine stands still meanwhile.
 */
#ifndef MIGRATION_SNAPSHOT_H
#define MIGRATION_SNAPSHOT_H

#include <glib.h>
#include <stdbool.h>

struct machine;

/* savevm: one of the same name is replaced. NULL: a name made of the date. */
bool snapshot_save(struct machine *m, const char *name, GError **err);
/* loadvm: it goes on if it was running. Until the snapshot was read and checked, nothing changes.
 */
bool snapshot_load(struct machine *m, const char *name, GError **err);
/* delvm: from all disks that have it. */
bool snapshot_delete(struct machine *m, const char *name, GError **err);
/* info snapshots. */
void snapshot_list(struct machine *m, GString *out);

/* With a choice of disks, as QMP's snapshot-save and -load have it: labels (or node names) of the
 * disks, NULL: all writable ones; vmstate: which of them has the state, NULL: the first. */
struct snapshot_job {
    const char *name, *vmstate;
    const char *const *disks; /* NULL-terminated, or NULL */
    bool replace;             /* save: one of that name is replaced, not refused */
};
bool snapshot_save_job(struct machine *m, const struct snapshot_job *job, GError **err);
bool snapshot_load_job(struct machine *m, const struct snapshot_job *job, GError **err);
bool snapshot_delete_job(struct machine *m, const struct snapshot_job *job, GError **err);

#endif
