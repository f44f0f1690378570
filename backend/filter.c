/* SPDX-License-Identifier: MIT */
/* filter-dump: -object's way to net/dump.c. It must come after the network it looks at. */
#include "backend/filter.h"

#include "net/dump.h"
#include "util/keyval.h"

struct filter_dump {
    struct object o;
    char *netdev, *file, *maxlen, *queue, *status;
};

static void add(struct keyvals *kv, const char *key, const char *value)
{
    if (value)
        keyvals_add(kv, key, value);
}

static bool dump_realize(struct object *o, GError **err)
{
    struct filter_dump *d = (struct filter_dump *)o;
    struct keyvals *kv = keyvals_new();

    add(kv, "id", o->id);
    add(kv, "netdev", d->netdev);
    add(kv, "file", d->file);
    add(kv, "maxlen", d->maxlen);
    add(kv, "queue", d->queue);
    add(kv, "status", d->status);
    bool ok = net_dump_new(o->machine, kv, err) != NULL;
    keyvals_free(kv);
    return ok;
}

static void dump_unrealize(struct object *o)
{
    if (o->id)
        net_dump_del(o->machine, o->id);
}

static const struct prop dump_props[] = {
    PROP(struct filter_dump, netdev, "netdev", PROP_STRING, NULL, "id of a -netdev"),
    PROP(struct filter_dump, file, "file", PROP_STRING, NULL, "the pcap file to write"),
    PROP(struct filter_dump, maxlen, "maxlen", PROP_STRING, NULL,
         "bytes of each frame that are kept (65536)"),
    PROP(struct filter_dump, queue, "queue", PROP_STRING, NULL, "all: both directions"),
    PROP(struct filter_dump, status, "status", PROP_STRING, NULL, "on"),
    {0}};

const struct object_type filter_dump_type = {
    .name = "filter-dump",
    .kind = "filter",
    .help = "what goes over a network's cable, as a pcap file",
    .size = sizeof(struct filter_dump),
    .props = dump_props,
    .realize = dump_realize,
    .unrealize = dump_unrealize,
};
