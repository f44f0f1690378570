/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng: VIRTIO 1.2, 5.4, entropy device. The bytes come from an object (backend/rng.h); a
 * request for which it has none waits, and so does what exceeds max-bytes in a period.
 */
#include "hw/virtio/rng.h"

#include "backend/rng.h"
#include "core/machine.h"
#include "util/error.h"

enum { MAX_REQUEST = 65536, NSEC_PER_MSEC = 1000000 };

struct virtio_rng {
    struct virtio_device v;
    char *rng_id;
    uint64_t max_bytes; /* per period */
    uint32_t period;    /* ms */

    uint64_t quota; /* bytes left of it */
    struct timer refill;
    struct object *source;
    bool own_source; /* nobody named one */
};

/* A driver takes less than it asked for, if it is something. */
static size_t fill(struct virtio_rng *r, const struct virtq_elem *e)
{
    size_t want = MIN(MIN(e->in_len, MAX_REQUEST), r->quota), got = 0;

    for (unsigned i = 0; i < e->nin && got < want; i++) {
        size_t n = MIN(e->in[i].iov_len, want - got), now;
        now = rng_read(r->source, e->in[i].iov_base, n);
        got += now;
        if (now < n)
            break;
    }
    return got;
}

static void on_request(struct virtq *vq)
{
    struct virtio_rng *r = (struct virtio_rng *)vq->dev;
    struct virtq_elem *e;

    while (r->quota && (e = virtq_pop(vq, sizeof(*e)))) {
        size_t n = fill(r, e);
        if (!n) { /* on_ready() */
            virtq_unpop(e);
            break;
        }
        r->quota -= n;
        virtq_push(e, n);
    }
    virtq_notify(vq);
    if (!r->quota && !timer_pending(&r->refill))
        timer_set(&r->refill, clock_now(r->refill.clock) + (int64_t)r->period * NSEC_PER_MSEC);
}

static void on_refill(void *arg)
{
    struct virtio_rng *r = arg;

    r->quota = r->max_bytes;
    virtq_schedule(r->v.vq[0]);
}

static void on_ready(void *arg)
{
    virtq_schedule(((struct virtio_rng *)arg)->v.vq[0]);
}

static void rng_reset(struct virtio_device *v)
{
    struct virtio_rng *r = (struct virtio_rng *)v;

    timer_del(&r->refill);
    r->quota = r->max_bytes;
}

static void rng_loaded(struct virtio_device *v)
{
    struct virtio_rng *r = (struct virtio_rng *)v;

    r->quota = MIN(r->quota, r->max_bytes);
}

static bool choose_source(struct virtio_rng *r, GError **err)
{
    struct machine *m = virtio_machine(&r->v);

    if (r->rng_id) {
        r->source = object_claim(m, r->rng_id, "rng", err);
    } else {
        r->source = object_new(m, &rng_builtin_type, err);
        r->own_source = true;
    }
    if (r->source)
        rng_add_user(r->source, on_ready, r);
    return r->source != NULL;
}

static void rng_unrealize(struct virtio_device *v)
{
    struct virtio_rng *r = (struct virtio_rng *)v;

    rng_del_user(r->source, on_ready, r);
    if (r->own_source)
        object_free(r->source);
    else
        object_release(r->source);
}

static bool rng_realize(struct virtio_device *v, GError **err)
{
    struct virtio_rng *r = (struct virtio_rng *)v;

    if (!r->max_bytes || !r->period)
        return error_set(err, "max-bytes and period must not be 0");
    if (!choose_source(r, err))
        return false;
    timer_init(&r->refill, &virtio_machine(v)->vclock, "virtio-rng", on_refill, r);
    r->quota = r->max_bytes;
    virtio_add_queue(v, 8, on_request);
    return true;
}

static const struct prop rng_props[] = {
    VIRTIO_PROPS(struct virtio_rng, v),
    PROP(struct virtio_rng, rng_id, "rng", PROP_STRING, NULL,
         "id of an -object rng-...; default: an rng-builtin"),
    PROP(struct virtio_rng, max_bytes, "max-bytes", PROP_U64, "0x7fffffffffffffff",
         "bytes in a period, at most"),
    PROP(struct virtio_rng, period, "period", PROP_U32, "65536", "milliseconds"),
    {0}};
static const struct state_field rng_state[] = {
    VIRTIO_STATE(struct virtio_rng, v), STATE_FIELD(struct virtio_rng, quota),
    STATE_TIMER_FIELD(struct virtio_rng, refill), STATE_END};
static const struct device_form rng_forms[] = VIRTIO_FORMS("virtio-rng");

const struct virtio_type virtio_rng_type = {
    .pci = {.dev = {.name = "virtio-rng-pci",
                    .alias = "virtio-rng",
                    .forms = rng_forms,
                    .help = "virtio source of entropy",
                    .size = sizeof(struct virtio_rng),
                    .props = rng_props,
                    .state = rng_state,
                    VIRTIO_DEVICE_CALLS},
            .class_code = 0x00ff00,
            VIRTIO_PCI_CALLS},
    .id = VIRTIO_ID_ENTROPY,
    .legacy_id = 0x1005,
    .realize = rng_realize,
    .unrealize = rng_unrealize,
    .reset = rng_reset,
    .loaded = rng_loaded,
};
