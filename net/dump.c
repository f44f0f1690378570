/* SPDX-License-Identifier: MIT */
/*
 * filter-dump. The file follows "PCAP Capture File Format" (draft-ietf-opsawg-pcap): version 2.4,
 * microseconds, LINKTYPE_ETHERNET, the host's byte order. Times are the guest's: its clock when
 * the file was begun, going on as the virtual clock does. A frame that is yet to be cut into
 * pieces is one record.
 */
#include "net/dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/machine.h"
#include "util/error.h"
#include "util/iov.h"
#include "util/keyval.h"

enum { PCAP_MAGIC = 0xa1b2c3d4, LINKTYPE_ETHERNET = 1, DEFAULT_MAXLEN = 65536 };

struct net_dump {
    struct net_tap tap;
    struct net_client *client; /* NULL: it is gone */
    char *id;
    FILE *file;
    size_t maxlen;
    int64_t start; /* microseconds since 1970 when the virtual clock stood at 0 */
};

static void dump_frame(struct net_tap *t, const struct net_frame *f)
{
    struct net_dump *d = (struct net_dump *)t;
    uint32_t kept = (uint32_t)MIN(f->len, d->maxlen);
    int64_t us = d->start + clock_now(&d->client->machine->vclock) / 1000;
    uint32_t header[4] = {(uint32_t)(us / 1000000), (uint32_t)(us % 1000000), kept,
                          (uint32_t)f->len};

    if (!d->file)
        return;
    g_autofree uint8_t *data = g_malloc(kept);
    iov_read(f->iov, f->niov, 0, data, kept);
    /* A full disk ends the dump, not the machine. */
    if (fwrite(header, sizeof(header), 1, d->file) != 1 ||
        fwrite(data, 1, kept, d->file) != kept || fflush(d->file) != 0) {
        log_write(&d->client->machine->log, "hostel: filter-dump %s: %s; it ends here\n", d->id,
                  strerror(errno));
        fclose(d->file);
        d->file = NULL;
    }
}

static bool begin_file(struct net_dump *d, const char *path, GError **err)
{
    struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, snaplen, linktype;
    } header = {PCAP_MAGIC, 2, 4, 0, 0, (uint32_t)d->maxlen, LINKTYPE_ETHERNET};

    d->file = fopen(path, "wbe");
    if (!d->file || fwrite(&header, sizeof(header), 1, d->file) != 1 || fflush(d->file) != 0)
        return error_set(err, "file=%s: %s", path, strerror(errno));
    return true;
}

static void dump_free(struct net_dump *d)
{
    if (d->client)
        net_del_tap(d->client, &d->tap);
    if (d->file)
        fclose(d->file);
    g_free(d->id);
    g_free(d);
}

static struct net_dump *find(struct net *net, const char *id)
{
    for (unsigned i = 0; net && i < net->dumps->len; i++) {
        struct net_dump *d = net->dumps->pdata[i];

        if (!strcmp(d->id, id))
            return d;
    }
    return NULL;
}

static bool check(struct machine *m, const struct keyvals *kv, uint64_t *maxlen, GError **err)
{
    static const char *const valid[] = {"qom-type", "id", "netdev", "file", "maxlen", "status",
                                        "queue", NULL};
    static const char *const needed[] = {"id", "netdev", "file", NULL};
    const char *queue = keyvals_get(kv, "queue");
    bool on = true;

    if (!keyvals_check(kv, valid, err) || !keyvals_uint(kv, "maxlen", 1, 1 << 20, maxlen, err))
        return false;
    for (unsigned i = 0; needed[i]; i++)
        if (!keyvals_get(kv, needed[i]))
            return error_set(err, "%s= is missing", needed[i]);
    const char *status = keyvals_get(kv, "status");
    on = !status || !strcmp(status, "on");
    if (!on || (queue && strcmp(queue, "all") != 0))
        return error_set(err, "a dump always has both directions (queue=all,status=on)");
    if (find(m->net, keyvals_get(kv, "id")))
        return error_set(err, "there is a filter-dump with id=%s already", keyvals_get(kv, "id"));
    return true;
}

struct net_dump *net_dump_new(struct machine *m, const struct keyvals *kv, GError **err)
{
    uint64_t maxlen = DEFAULT_MAXLEN;

    if (!check(m, kv, &maxlen, err))
        return NULL;
    struct net_client *c = net_claim(m, keyvals_get(kv, "netdev"), err);
    if (!c)
        return NULL;
    struct net_dump *d = g_new0(struct net_dump, 1);
    d->tap.frame = dump_frame;
    d->id = g_strdup(keyvals_get(kv, "id"));
    d->maxlen = maxlen;
    d->start = g_get_real_time() - clock_now(&m->vclock) / 1000;
    if (!begin_file(d, keyvals_get(kv, "file"), err)) {
        dump_free(d);
        return NULL;
    }
    d->client = c;
    net_add_tap(c, &d->tap);
    g_ptr_array_add(net_of(m)->dumps, d);
    return d;
}

bool net_dump_del(struct machine *m, const char *id)
{
    struct net_dump *d = find(m->net, id);

    if (!d)
        return false;
    g_ptr_array_remove(m->net->dumps, d);
    dump_free(d);
    return true;
}

void net_dump_forget(struct net *net, struct net_client *c)
{
    for (unsigned i = 0; i < net->dumps->len; i++) {
        struct net_dump *d = net->dumps->pdata[i];

        if (d->client == c) {
            net_del_tap(c, &d->tap);
            d->client = NULL;
        }
    }
}

void net_dump_free_all(struct net *net)
{
    for (unsigned i = 0; i < net->dumps->len; i++)
        dump_free(net->dumps->pdata[i]);
    g_ptr_array_set_size(net->dumps, 0);
}
