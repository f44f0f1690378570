/* SPDX-License-Identifier: MIT */
/*
 * The machine as a tree of objects with properties, as QMP's qom- commands show it:
 *
 *   /machine                        type, and what -machine was given
 *     unattached/device[N]          CPUs
 *     unattached/PATH               parts of the board
 *     peripheral/ID                 devices that were added with an id
 *     peripheral-anon/PATH          ... without one
 *   /objects/ID                     -object
 *   /chardevs/ID
 *
 * Names of nodes without an id are device.path. The tree is made of what is there at the moment of
 * the question; nothing is kept. Main thread, lock held.
 */
#ifndef MONITOR_QOM_H
#define MONITOR_QOM_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct machine;

enum qom_kind {
    QOM_ROOT, QOM_MACHINE, QOM_UNATTACHED, QOM_PERIPHERAL, QOM_PERIPHERAL_ANON, QOM_OBJECTS,
    QOM_CHARDEVS, QOM_CPU, QOM_DEVICE, QOM_OBJECT, QOM_CHARDEV,
};

struct qom_node {
    enum qom_kind kind;
    void *it; /* vCPU, device, chardev */
};

/* The node of a path, or of a device's id. False: DeviceNotFound. */
bool qom_find(struct machine *m, const char *path, struct qom_node *node, GError **err);
/* Call fn with the name and the node of each child. */
void qom_children(struct machine *m, const struct qom_node *node,
                  void (*fn)(void *arg, const char *name, const struct qom_node *child),
                  void *arg);
char *qom_type(struct machine *m, const struct qom_node *node);
/* An object: the properties with their values; a null is one without a value. */
json_t *qom_values(struct machine *m, const struct qom_node *node);
bool qom_set(struct machine *m, const struct qom_node *node, const char *name, json_t *value,
             GError **err);

#endif
