/* SPDX-License-Identifier: MIT */
/* Disks and nodes as QMP describes them. Results are the caller's. Main thread, lock held. */
#ifndef MONITOR_BLOCK_INFO_H
#define MONITOR_BLOCK_INFO_H

#include <jansson.h>

struct blk;
struct device;
struct machine;
struct node;

json_t *block_device_info(struct node *n); /* BlockDeviceInfo */
/* The device that has this disk, or NULL. */
struct device *block_owner(struct machine *m, const struct blk *blk);

#endif
