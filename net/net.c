/* SPDX-License-Identifier: MIT */
/* Clients, cables, queues: how a frame gets from one end to the other. */
#include "net/net.h"

#include <jansson.h>
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "net/dump.h"
#include "net/offload.h"
#include "util/error.h"
#include "util/iov.h"

struct net_packet {
    size_t len;
    unsigned queue;
    struct net_offload off;
    uint8_t data[];
};

/* ---- Queues ------------------------------------------------------------------------------ */

static void enqueue(struct net_client *to, const struct net_frame *f)
{
    struct net_queue *q = &to->queue;

    if (q->bytes + f->len > NET_QUEUE_BYTES || q->frames.length >= NET_QUEUE_FRAMES) {
        q->lost++;
        return;
    }
    struct net_packet *p = g_malloc(sizeof(*p) + f->len);
    *p = (struct net_packet){.len = f->len, .queue = f->queue, .off = f->off};
    iov_read(f->iov, f->niov, 0, p->data, f->len);
    g_queue_push_tail(&q->frames, p);
    q->bytes += f->len;
}

void net_purge(struct net_client *c)
{
    g_queue_clear_full(&c->queue.frames, g_free);
    c->queue.bytes = 0;
}

/* ---- Receiving --------------------------------------------------------------------------- */

/* A guest that stands still takes nothing: its memory is not to change. */
static bool stands_still(const struct net_client *c)
{
    const struct machine *m = c->machine;

    return c->model && m->vcpus->len && !machine_running(m);
}

static bool may_receive(struct net_client *c)
{
    if (c->queue.frames.length || stands_still(c) ||
        (c->ops->can_receive && !c->ops->can_receive(c))) {
        c->starved = true;
        return false;
    }
    return true;
}

static bool receive(struct net_client *to, const struct net_frame *f)
{
    to->busy = true;
    bool taken = to->ops->receive(to, f);
    to->busy = false;
    if (!taken)
        to->starved = true;
    return taken;
}

struct pieces {
    struct net_client *to;
    bool queueing; /* one had no room: those behind it wait too */
};

static void receive_piece(void *arg, const struct net_frame *f)
{
    struct pieces *p = arg;

    if (!p->queueing && !receive(p->to, f))
        p->queueing = true;
    if (p->queueing)
        enqueue(p->to, f);
}

/* As whole as the receiver takes it. The pieces of a cut frame are all taken if one is. */
static bool finish_and_receive(struct net_client *to, const struct net_frame *f)
{
    struct pieces p = {.to = to};

    if (net_offload_fits(f, to->takes))
        return receive(to, f);
    net_offload_finish(f, to->takes, receive_piece, &p);
    return true;
}

static void show(struct net_client *c, const struct net_frame *f)
{
    for (unsigned i = 0; c->taps && i < c->taps->len; i++) {
        struct net_tap *t = c->taps->pdata[i];
        t->frame(t, f);
    }
}

/* ---- Sending ----------------------------------------------------------------------------- */

bool net_link_up(const struct net_client *c)
{
    return !c->link_down && !(c->peer && c->peer->link_down);
}

static bool is_lost(const struct net_client *from, const struct net_frame *f)
{
    return !from->peer || !net_link_up(from) || from->peer->busy || f->len < NET_ETH_HEADER ||
           f->len > NET_FRAME_MAX;
}

bool net_send(struct net_client *from, const struct net_frame *f)
{
    struct net_client *to = from->peer;

    if (is_lost(from, f))
        return true;
    if (!may_receive(to) || !finish_and_receive(to, f)) {
        to->peer_waits = true;
        return false;
    }
    show(from, f);
    show(to, f);
    return true;
}

void net_post(struct net_client *from, const struct net_frame *f)
{
    struct net_client *to = from->peer;

    if (is_lost(from, f))
        return;
    show(from, f);
    show(to, f);
    if (!may_receive(to) || !finish_and_receive(to, f)) {
        to->peer_waits = true;
        enqueue(to, f);
    }
}

void net_post_buffer(struct net_client *from, const void *buf, size_t len, bool checked)
{
    struct iovec iov = {(void *)buf, len};
    struct net_frame f = {.iov = &iov, .niov = 1, .len = len, .off.checked = checked};

    net_post(from, &f);
}

bool net_can_send(const struct net_client *from)
{
    struct net_client *to = from->peer;

    if (!to || !net_link_up(from) || may_receive(to))
        return true;
    to->peer_waits = true;
    return false;
}

size_t net_backlog(const struct net_client *from)
{
    return from->peer ? from->peer->queue.bytes : 0;
}

/* ---- Room again -------------------------------------------------------------------------- */

static bool deliver_queue(struct net_client *c)
{
    struct net_packet *p;

    while ((p = g_queue_peek_head(&c->queue.frames))) {
        struct iovec iov = {p->data, p->len};
        struct net_frame f = {
            .iov = &iov, .niov = 1, .len = p->len, .queue = p->queue, .off = p->off};

        if (stands_still(c) || (c->ops->can_receive && !c->ops->can_receive(c)) || c->busy)
            return false;
        /* Off the queue first: the pieces of a cut frame may go back on it. */
        g_queue_pop_head(&c->queue.frames);
        c->queue.bytes -= p->len;
        if (!finish_and_receive(c, &f)) {
            g_queue_push_head(&c->queue.frames, p);
            c->queue.bytes += p->len;
            return false;
        }
        g_free(p);
        if (c->starved && c->queue.frames.length)
            return false;
    }
    return true;
}

static void wake_one(struct net_client *c)
{
    c->starved = false;
    if (!deliver_queue(c)) {
        c->starved = true;
        return;
    }
    if (c->peer_waits && c->peer) {
        c->peer_waits = false;
        if (c->peer->ops->writable)
            c->peer->ops->writable(c->peer);
    }
}

static void wake_all(void *arg)
{
    struct net *net = arg;

    while (net->waking->len) {
        struct net_client *c = net->waking->pdata[0];

        g_ptr_array_remove_index(net->waking, 0);
        wake_one(c);
    }
}

void net_accept(struct net_client *c)
{
    struct net *net = c->machine->net;

    if (!c->starved || !net || g_ptr_array_find(net->waking, c, NULL))
        return;
    g_ptr_array_add(net->waking, c);
    timer_set(net->wake, clock_now(&c->machine->vclock));
}

/* ---- Cables ------------------------------------------------------------------------------ */

void net_connect(struct net_client *a, struct net_client *b)
{
    a->peer = b;
    b->peer = a;
}

static void client_init(struct net_client *c, const struct net_client_ops *ops, struct machine *m,
                        const char *id)
{
    c->ops = ops;
    c->machine = m;
    c->id = g_strdup(id);
    c->queues = 1;
    g_queue_init(&c->queue.frames);
    g_ptr_array_add(net_of(m)->clients, c);
}

static void client_fini(struct net_client *c)
{
    struct net *net = c->machine->net;
    struct net_client *peer = c->peer;

    net_dump_forget(net, c);
    g_ptr_array_remove(net->waking, c);
    g_ptr_array_remove(net->clients, c);
    net_purge(c);
    c->peer = NULL;
    if (peer) {
        peer->peer = NULL;
        net_purge(peer);
        if (peer->ops->link_changed)
            peer->ops->link_changed(peer);
    }
    if (c->taps)
        g_ptr_array_free(c->taps, TRUE);
    g_free(c->id);
}

void *net_client_new(struct machine *m, const struct net_client_ops *ops, size_t size,
                     const char *id)
{
    struct net_client *c = g_malloc0(size);

    client_init(c, ops, m, id);
    return c;
}

void net_client_free(struct net_client *c)
{
    void (*last)(struct net_client *c) = c->ops->free;

    client_fini(c);
    if (last)
        last(c);
    g_free(c);
}

/* 52:54:00:12:34:56 and those after it, as QEMU numbers its cards. */
static void next_mac(struct net *net, uint8_t mac[6])
{
    static const uint8_t first[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    memcpy(mac, first, sizeof(first));
    mac[5] = (uint8_t)(mac[5] + net->cards);
}

static bool good_mac(struct net_client *c, GError **err)
{
    static const uint8_t none[6];
    struct net *net = net_of(c->machine);

    if (c->mac[0] & 1)
        return error_set(err, "mac: the address of a card is not a multicast one (the lowest bit "
                              "of its first byte is 0)");
    if (!memcmp(c->mac, none, sizeof(none)))
        next_mac(net, c->mac);
    net->cards++;
    return true;
}

bool net_card_init(struct net_client *c, const struct net_client_ops *ops, struct machine *m,
                   const char *name, const char *model, struct net_client *backend, GError **err)
{
    c->machine = m;
    if (backend && backend->peer)
        return error_set(err, "netdev=%s: '%s' has it already; each card needs one of its own",
                         backend->id, backend->peer->id);
    if (!good_mac(c, err))
        return false;
    client_init(c, ops, m, name);
    c->model = model;
    if (backend) {
        c->queues = backend->queues;
        net_connect(c, backend);
        net_accept(backend);
        if (backend->ops->link_changed)
            backend->ops->link_changed(backend);
    }
    return true;
}

void net_card_fini(struct net_client *c)
{
    client_fini(c);
    c->id = NULL;
    c->taps = NULL;
}

struct net_client *net_find(struct machine *m, const char *id)
{
    for (unsigned i = 0; m->net && i < m->net->clients->len; i++) {
        struct net_client *c = m->net->clients->pdata[i];

        if (c->id && !strcmp(c->id, id))
            return c;
    }
    return NULL;
}

struct net_client *net_claim(struct machine *m, const char *id, GError **err)
{
    struct net_client *c = net_find(m, id);

    if (c && !c->model)
        return c;
    error_set(err, "there is no network '%s'; -netdev user,id=%s makes one", id, id);
    return NULL;
}

/* ---- The machine's list ------------------------------------------------------------------ */

/* The guest goes on: cards take what waited meanwhile. */
static void state_changed(void *arg)
{
    struct net *net = arg;

    for (unsigned i = 0; machine_running(net->machine) && i < net->clients->len; i++)
        net_accept(net->clients->pdata[i]);
}

static void print_network(void *arg, GString *out)
{
    net_describe(((struct net *)arg)->machine, out);
}

/* Cards are devices and are gone already. */
static void free_net(struct machine *m)
{
    struct net *net = m->net;

    net_dump_free_all(net);
    while (net->clients->len)
        net_client_free(net->clients->pdata[net->clients->len - 1]);
    timer_del(net->wake);
    g_free(net->wake);
    machine_del_hook(m->on_state_change, state_changed, net);
    g_ptr_array_free(net->clients, TRUE);
    g_ptr_array_free(net->waking, TRUE);
    g_ptr_array_free(net->dumps, TRUE);
    g_free(net);
    m->net = NULL;
}

struct net *net_of(struct machine *m)
{
    struct net *net = m->net;

    if (net)
        return net;
    net = m->net = g_new0(struct net, 1);
    net->machine = m;
    net->clients = g_ptr_array_new();
    net->dumps = g_ptr_array_new();
    net->waking = g_ptr_array_new();
    net->wake = g_new0(struct timer, 1);
    timer_init(net->wake, &m->vclock, "net", wake_all, net);
    m->net_free = free_net;
    m->net_claim = net_claim;
    machine_add_hook(m->on_state_change, state_changed, net);
    machine_add_info(m, "network", "cards, back ends and hubs", print_network, net);
    return net;
}

/* ---- Looking on -------------------------------------------------------------------------- */

void net_add_tap(struct net_client *c, struct net_tap *t)
{
    if (!c->taps)
        c->taps = g_ptr_array_new();
    g_ptr_array_add(c->taps, t);
}

void net_del_tap(struct net_client *c, struct net_tap *t)
{
    if (c->taps)
        g_ptr_array_remove(c->taps, t);
}
