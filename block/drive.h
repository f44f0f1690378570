/* SPDX-License-Identifier: MIT */
/*
 * -drive and -blockdev: from the text of an option to an open disk that a device finds by the
 * name of its interface and its index there, or by its id. Main thread, machine lock held.
 */
#ifndef BLOCK_DRIVE_H
#define BLOCK_DRIVE_H

#include "block/block.h"

enum drive_if { DRIVE_IDE, DRIVE_NONE, DRIVE_VIRTIO, DRIVE_SCSI, DRIVE_FLOPPY, DRIVE_PFLASH };

struct drive {
    struct blk *blk;     /* empty when there is no medium */
    enum drive_if iface;
    unsigned index;
    bool cdrom;
    bool used;           /* a device has it */
};

/* Drives of if=ide on each bus: 2, or 1 (AHCI). Before the first drive_add(). */
void drive_set_ide_units(struct machine *m, unsigned units);
/* -drive TEXT; with `snapshot` (-snapshot) writes go to a temporary file. */
bool drive_add(struct machine *m, const char *text, bool snapshot, GError **err);
/* -blockdev TEXT: key=value or a JSON object. The node waits for a device that names it. */
bool blockdev_add(struct machine *m, const char *text, GError **err);

/* The same from keys that are parsed already. */
bool blockdev_add_keys(struct machine *m, const struct keyvals *kv, GError **err);
/* Close a node that nobody uses. */
bool blockdev_del(struct machine *m, const char *name, GError **err);

/* Another size for a node; the device whose disk it is is told. */
bool block_resize(struct machine *m, const char *node, uint64_t size, GError **err);

/* The n-th -drive, NULL behind the last. */
struct drive *drive_nth(struct machine *m, unsigned n);
/* What -device ...,drive=ID means: the disk of a -drive, else a -blockdev node. It is the
 * device's from now on. NULL with *err. */
struct blk *drive_claim(struct machine *m, const char *id, GError **err);
/* Every -drive but if=none has found its device. */
bool drives_all_used(struct machine *m, GError **err);

#endif
