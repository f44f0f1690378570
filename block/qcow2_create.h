/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_QCOW2_CREATE_H
#define BLOCK_QCOW2_CREATE_H

#include "block/node.h"

/* A temporary qcow2 image (in $TMPDIR or /var/tmp, deleted at once) that takes the writes;
 * `backing` is read. Takes over the reference, also when it fails: NULL with *err. CO. */
struct node *qcow2_temporary_overlay(struct node *backing, GError **err);

#endif
