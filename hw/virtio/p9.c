/* SPDX-License-Identifier: MIT */
/*
 * virtio-9p: VIRTIO device 9; 9P2000.L as Linux's v9fs speaks it. A buffer has a message to read
 * and room for the reply. What may wait for a disk, data and fsync, is tried without waiting and
 * else goes to a few threads; data moves between the file and the guest's memory itself.
 */
#include "hw/virtio/p9.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

#define P9_F_MOUNT_TAG 1ull

enum { QUEUE_SIZE = 128, THREADS = 4, MAX_MESSAGE = 16384, MAX_TAG = 255 };

/* ---- Replies ----------------------------------------------------------------------------------
 */

static void reply(struct p9 *p, struct p9_request *r, uint8_t type, const void *body, size_t len,
                  size_t data)
{
    struct virtq *vq = r->e.vq;
    uint8_t head[P9_HEADER];

    pci_put32(head, (uint32_t)(P9_HEADER + len + data));
    head[4] = type;
    pci_put16(head + 5, r->tag);
    iov_write(r->e.in, r->e.nin, 0, head, P9_HEADER);
    iov_write(r->e.in, r->e.nin, P9_HEADER, body, len);
    g_free(r->iov);
    virtq_push(&r->e, P9_HEADER + len + data);
    virtq_notify(vq);
}

static void reply_error(struct p9 *p, struct p9_request *r, int rc)
{
    uint8_t code[4];

    pci_put32(code, (uint32_t)-rc);
    reply(p, r, P9_RLERROR, code, sizeof(code), 0);
}

static void reply_or_error(struct p9 *p, struct p9_request *r, int rc, const GByteArray *w)
{
    if (rc < 0)
        reply_error(p, r, rc);
    else if (P9_HEADER + w->len > r->e.in_len)
        reply_error(p, r, -EMSGSIZE);
    else
        reply(p, r, r->type + 1, w->data, w->len, 0);
}

/* ---- Data, in threads -------------------------------------------------------------------------
 */

static ssize_t transfer(const struct p9_request *r, int flags)
{
    int n = (int)MIN(r->niov, 1024);

    return r->type == P9_TREAD ? preadv2(r->fid->fd, r->iov, n, (off_t)r->off, flags)
                               : pwritev2(r->fid->fd, r->iov, n, (off_t)r->off, flags);
}

/* On a thread of the pool, without the lock. */
static void work(gpointer data, gpointer user)
{
    struct p9_request *r = data;
    struct p9 *p = user;
    int fd = r->fid->dir ? dirfd(r->fid->dir) : r->fid->fd;

    r->result = r->type == P9_TFSYNC ? fsync(fd) : transfer(r, 0);
    if (r->result < 0)
        r->result = -errno;
    g_mutex_lock(&p->mutex);
    r->job = (GList){.data = r};
    g_queue_push_tail_link(&p->done, &r->job);
    p->running--;
    g_cond_signal(&p->idle);
    g_source_set_ready_time(p->source, 0);
    g_mutex_unlock(&p->mutex);
}

static void reply_data(struct p9 *p, struct p9_request *r)
{
    uint8_t count[4];

    pci_put32(count, (uint32_t)r->result);
    if (r->result < 0)
        reply_error(p, r, (int)r->result);
    else if (r->type == P9_TFSYNC)
        reply(p, r, r->type + 1, NULL, 0, 0);
    else
        reply(p, r, r->type + 1, count, 4, r->type == P9_TREAD ? (size_t)r->result : 0);
}

int p9_start_job(struct p9 *p, struct p9_request *r, struct p9_fid *f)
{
    r->fid = f;
    if (r->type != P9_TFSYNC) {
        r->result = transfer(r, RWF_NOWAIT);
        if (r->result >= 0 || (errno != EAGAIN && errno != EOPNOTSUPP)) {
            r->result = r->result < 0 ? -errno : r->result;
            reply_data(p, r);
            return P9_LATER;
        }
    }
    f->refs++;
    p->jobs = g_list_prepend(p->jobs, r);
    g_mutex_lock(&p->mutex);
    p->running++;
    g_mutex_unlock(&p->mutex);
    g_thread_pool_push(p->pool, r, NULL);
    return P9_LATER;
}

/* Who wanted to forget this request may now. */
static void answer_flushes(struct p9 *p, uint16_t tag)
{
    for (GList *l = p->flushes, *next; l; l = next) {
        struct p9_request *r = l->data;
        next = l->next;
        if (r->old_tag != tag)
            continue;
        p->flushes = g_list_delete_link(p->flushes, l);
        reply(p, r, P9_TFLUSH + 1, NULL, 0, 0);
    }
}

static struct p9_request *take_done(struct p9 *p)
{
    g_mutex_lock(&p->mutex);
    GList *l = g_queue_pop_head_link(&p->done);
    g_mutex_unlock(&p->mutex);
    return l ? l->data : NULL;
}

static void finish_job(struct p9 *p, struct p9_request *r)
{
    uint16_t tag = r->tag;

    p->jobs = g_list_remove(p->jobs, r);
    p9_fid_unref(p, r->fid);
    reply_data(p, r);
    answer_flushes(p, tag);
}

struct p9_source {
    GSource source;
    struct machine *machine;
    struct p9 *p9;
};

static gboolean on_done(GSource *source, GSourceFunc fn, void *arg)
{
    struct p9_source *s = (struct p9_source *)source;
    struct p9_request *r;

    machine_lock(s->machine);
    g_source_set_ready_time(source, -1);
    /* Whoever destroyed the source held the lock; the device may be no more. */
    while (!g_source_is_destroyed(source) && (r = take_done(s->p9)))
        finish_job(s->p9, r);
    machine_unlock(s->machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = on_done};

/* ---- Requests ---------------------------------------------------------------------------------
 */

static void serve(struct p9 *p, struct p9_request *r)
{
    uint8_t message[MAX_MESSAGE];
    size_t len = MIN(r->e.out_len, sizeof(message));

    iov_read(r->e.out, r->e.nout, 0, message, len);
    r->type = message[4];
    r->tag = pci_get16(message + 5);
    if (r->type == P9_TWRITE)
        len = MIN(len, P9_WRITE_HEADER);
    struct p9_reader in = {message + P9_HEADER, len - P9_HEADER, false};
    if (pci_get32(message) > r->e.out_len || (r->type != P9_TWRITE && r->e.out_len > len) ||
        (r->type == P9_TWRITE && len < P9_WRITE_HEADER)) {
        reply_error(p, r, -EMSGSIZE);
        return;
    }
    g_autoptr(GByteArray) w = g_byte_array_new();
    int rc = p9_dispatch(p, r, &in, w);
    if (rc != P9_LATER)
        reply_or_error(p, r, rc, w);
}

static void on_request(struct virtq *vq)
{
    struct p9 *p = (struct p9 *)vq->dev;
    struct p9_request *r;

    while ((r = (struct p9_request *)virtq_pop(vq, sizeof(*r)))) {
        if (r->e.out_len < P9_HEADER || r->e.in_len < P9_IO_HEADER) {
            virtio_error(&p->v, "a buffer without room for a message and its reply");
            return;
        }
        serve(p, r);
    }
}

/* ---- Life -------------------------------------------------------------------------------------
 */

/* Threads end what they do; nobody hears of it. */
static void p9_reset(struct virtio_device *v)
{
    struct p9 *p = (struct p9 *)v;

    g_mutex_lock(&p->mutex);
    while (p->running)
        g_cond_wait(&p->idle, &p->mutex);
    g_queue_init(&p->done);
    g_mutex_unlock(&p->mutex);
    for (GList *l = p->jobs; l; l = l->next) {
        struct p9_request *r = l->data;
        p9_fid_unref(p, r->fid);
        g_free(r->iov);
    }
    g_clear_pointer(&p->jobs, g_list_free);
    g_clear_pointer(&p->flushes, g_list_free);
    p9_fids_clear(p);
    p->msize = P9_MIN_MSIZE;
}

static void p9_queue_reset(struct virtio_device *v, struct virtq *vq)
{
    p9_reset(v);
}

static void p9_get_config(struct virtio_device *v, uint8_t *c)
{
    const char *tag = ((struct p9 *)v)->tag;
    size_t n = strlen(tag);

    pci_put16(c, (uint16_t)n);
    memcpy(c + 2, tag, n);
}

static void p9_saving(struct virtio_device *v)
{
    p9_fids_save((struct p9 *)v);
}

static void p9_loaded(struct virtio_device *v)
{
    p9_fids_load((struct p9 *)v);
}

/* A guest opens as many files as it likes; a service's limit is often a thousand. */
static void raise_file_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static void start_threads(struct p9 *p)
{
    g_mutex_init(&p->mutex);
    g_cond_init(&p->idle);
    g_queue_init(&p->done);
    p->pool = g_thread_pool_new(work, p, THREADS, FALSE, NULL);
    p->source = g_source_new(&source_funcs, sizeof(struct p9_source));
    ((struct p9_source *)p->source)->machine = virtio_machine(&p->v);
    ((struct p9_source *)p->source)->p9 = p;
    g_source_set_name(p->source, "virtio-9p");
    g_source_attach(p->source, virtio_machine(&p->v)->context);
}

static bool p9_realize(struct virtio_device *v, GError **err)
{
    struct p9 *p = (struct p9 *)v;

    if (!p->fsdev)
        return error_set(err, "fsdev=ID is missing");
    if (!p->tag || !*p->tag || strlen(p->tag) > MAX_TAG)
        return error_set(err, "mount_tag=NAME is wanted, of 1 to %d bytes", MAX_TAG);
    p->fs = (struct fs *)object_claim(virtio_machine(v), p->fsdev, "fsdev", err);
    if (!p->fs)
        return false;
    raise_file_limit();
    start_threads(p);
    p->fids = g_hash_table_new(g_int_hash, g_int_equal);
    p->state = g_byte_array_new();
    p->msize = P9_MIN_MSIZE;
    virtio_add_queue(v, QUEUE_SIZE, on_request);
    return true;
}

static void p9_unrealize(struct virtio_device *v)
{
    struct p9 *p = (struct p9 *)v;

    g_thread_pool_free(p->pool, FALSE, TRUE);
    g_source_destroy(p->source);
    g_source_unref(p->source);
    g_hash_table_unref(p->fids);
    g_byte_array_unref(p->state);
    g_mutex_clear(&p->mutex);
    g_cond_clear(&p->idle);
    object_release(&p->fs->o);
}

static const struct prop p9_props[] = {
    VIRTIO_PROPS(struct p9, v),
    PROP(struct p9, fsdev, "fsdev", PROP_STRING, NULL, "id of an -fsdev"),
    PROP(struct p9, tag, "mount_tag", PROP_STRING, NULL,
         "what the guest mounts: mount -t 9p -o trans=virtio TAG /mnt"),
    {0}};
static const struct state_field p9_state[] = {
    VIRTIO_STATE(struct p9, v), STATE_BLOB_FIELD(struct p9, state, P9_STATE_MAX), STATE_END};
static const struct device_form p9_forms[] = VIRTIO_FORMS("virtio-9p");

const struct virtio_type virtio_9p_type = {
    .pci = {.dev = {.name = "virtio-9p-pci",
                    .alias = "virtio-9p",
                    .forms = p9_forms,
                    .help = "virtio shared folder (9P2000.L)",
                    .size = sizeof(struct p9),
                    .props = p9_props,
                    .state = p9_state,
                    VIRTIO_DEVICE_CALLS},
            .class_code = 0x00ff00,
            VIRTIO_PCI_CALLS},
    .id = VIRTIO_ID_9P,
    .legacy_id = 0x1009,
    .features = P9_F_MOUNT_TAG,
    .config_size = 2 + MAX_TAG,
    .realize = p9_realize,
    .unrealize = p9_unrealize,
    .reset = p9_reset,
    .queue_reset = p9_queue_reset,
    .get_config = p9_get_config,
    .saving = p9_saving,
    .loaded = p9_loaded,
};
