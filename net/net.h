/* SPDX-License-Identifier: MIT */
/*
 * Networks: cables between the cards of the guest and back ends of the host.
 *
 *     card (hw/net/) <----- peers -----> back end (user, socket, stream, dgram, tap)
 *     card <--> port of a hub,  port of the same hub <--> back end, another card ...
 *
 * A client is one end of a cable. net_send() gives a frame to the other end, or says that there
 * is no room: then the sender keeps it and is told by writable() when to try again. Those who
 * cannot keep a frame (a hub, libslirp) use net_post(): what the other end has no room for waits
 * in its queue, which is bounded; beyond that it is lost, as on any wire.
 *
 * A frame may be unfinished: its checksum is not filled in, or it is a large TCP segment that is
 * to be cut into many. Who receives says what it takes so; the rest is finished on the way
 * (net/offload.c).
 *
 * Everything here needs the machine lock. Any thread, unless said otherwise; receive() runs on
 * the sender's thread, writable() where timers of the virtual clock fire. The lists and buffers
 * of a frame are the sender's, and may lie in guest memory, which can change at any moment.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct json_t;
struct keyvals;
struct machine;
struct net_client;

enum {
    NET_ETH_HEADER = 14,
    NET_FRAME_MIN = 60,       /* without the frame check sequence, which nobody carries */
    NET_FRAME_MAX = 65536 + 4096, /* of a frame that is to be cut */
    NET_QUEUE_BYTES = 1 << 20,
    NET_QUEUE_FRAMES = 2048,
};

/* What a client takes unfinished; also what a frame wants done. */
enum {
    NET_CSUM = 1,  /* checksum of TCP or UDP */
    NET_TSO4 = 2,  /* cutting TCP over IPv4 */
    NET_TSO6 = 4,  /* ... over IPv6 */
    NET_ECN = 8,   /* ... with CWR set, which goes to the first piece only */
};

struct net_offload {
    uint8_t todo;         /* NET_CSUM, and one of NET_TSO4 and NET_TSO6 */
    bool checked;         /* the checksums are known to be right */
    uint16_t csum_start;  /* what it covers, to the end of the frame */
    uint16_t csum_offset; /* where it goes, from csum_start; the pseudo header's sum is there */
    uint16_t hdr_len;     /* TSO: all headers */
    uint16_t gso_size;    /* TSO: bytes of data in each piece */
};

struct net_frame {
    const struct iovec *iov;
    unsigned niov;
    size_t len;           /* of the list */
    unsigned queue;       /* of a card or back end with several; a hint */
    struct net_offload off;
};

struct net_client_ops {
    const char *kind;     /* "nic", "user", "tap" ... */
    /* Is there room, as far as can be told before the frame is there? NULL: always. */
    bool (*can_receive)(struct net_client *c);
    /* Take a frame, or drop it: true. False: no room; net_accept() follows when there is. */
    bool (*receive)(struct net_client *c, const struct net_frame *f);
    /* The other end has room again. NULL: nobody to tell. */
    void (*writable)(struct net_client *c);
    /* The link went up or down (net_link_up()), or the other end takes other things. May be
     * NULL. */
    void (*link_changed)(struct net_client *c);
    /* "restrict=off,net=10.0.2.0" for `info network`. May be NULL. */
    void (*describe)(struct net_client *c, GString *out);
    /* The RX filter of a card as QMP's RxFilterInfo, a new reference. NULL: there is none. */
    struct json_t *(*rx_filter)(struct net_client *c);
    /* Back ends: give up what they hold, and the memory. */
    void (*free)(struct net_client *c);
};

/* Frames that wait for room. */
struct net_queue {
    GQueue frames;        /* struct net_packet * */
    size_t bytes;
    uint64_t lost;
};

/* First member of each end's struct. */
struct net_client {
    const struct net_client_ops *ops;
    struct machine *machine;
    struct net_client *peer;  /* NULL: the cable hangs loose, frames vanish */
    char *id;                 /* of the back end, or the card's name; unique */
    const char *model;        /* cards: the device's type; NULL: a back end */
    uint8_t mac[6];           /* cards */
    unsigned queues;          /* at least 1 */
    uint8_t takes;            /* NET_CSUM ...: what receive() takes unfinished */
    bool link_down;           /* set_link */
    bool busy;                /* within receive(): a loop of hubs ends here */
    bool starved;             /* it said there was no room */
    bool peer_waits;          /* the other end is owed a writable() */
    struct net_queue queue;   /* what it had no room for */
    GPtrArray *taps;          /* struct net_tap *: who looks at its frames; NULL: nobody */
};

/* ---- Sending ---------------------------------------------------------------------------- */

/* To the other end. False: no room, nothing was taken, writable() follows. */
bool net_send(struct net_client *from, const struct net_frame *f);
/* To the other end, now or later; lost if too much waits already. */
void net_post(struct net_client *from, const struct net_frame *f);
/* One buffer that is finished. */
void net_post_buffer(struct net_client *from, const void *buf, size_t len, bool checked);
/* Would net_send() be worth trying? */
bool net_can_send(const struct net_client *from);
/* Bytes that wait at the other end: for those who can slow down whoever sends to them. */
size_t net_backlog(const struct net_client *from);

/* A client has room again. Nothing is received from within the call: that comes by a timer. */
void net_accept(struct net_client *c);
/* Forget what waits for a client (a card that is reset). */
void net_purge(struct net_client *c);

bool net_link_up(const struct net_client *c);

/* ---- Cables ------------------------------------------------------------------------------ */

/* A new back end in the machine's list, which owns it: net_free_all() and netdev_del() free it.
 * `size` bytes, zeroed. id must be free. */
void *net_client_new(struct machine *m, const struct net_client_ops *ops, size_t size,
                     const char *id);
/* A card's client, embedded in the device, which owns it. mac all zero: the machine's next. Takes
 * the cable to `backend` (NULL: none), which must be free. */
bool net_card_init(struct net_client *c, const struct net_client_ops *ops, struct machine *m,
                   const char *name, const char *model, struct net_client *backend, GError **err);
void net_card_fini(struct net_client *c);
void net_client_free(struct net_client *c);
void net_connect(struct net_client *a, struct net_client *b);

/* By the id of a back end or the name of a card; NULL: there is none. */
struct net_client *net_find(struct machine *m, const char *id);
/* What netdev=ID of a device means: a back end. NULL with *err. */
struct net_client *net_claim(struct machine *m, const char *id, GError **err);

/* ---- For the monitor --------------------------------------------------------------------- */

/* Plug or unplug the cable of a back end or a card. */
bool net_set_link(struct machine *m, const char *id, bool up, GError **err);
/* "info network" is registered by this module; the same text. */
void net_describe(struct machine *m, GString *out);
/* An array of RxFilterInfo, of one card (or all with NULL). NULL with *err. */
struct json_t *net_query_rx_filter(struct machine *m, const char *name, GError **err);
/* hostfwd_add, hostfwd_remove: `rule` as after hostfwd=; id NULL: the first user network. */
bool net_hostfwd_add(struct machine *m, const char *id, const char *rule, GError **err);
bool net_hostfwd_remove(struct machine *m, const char *id, const char *rule, GError **err);

/* ---- Looking on ------------------------------------------------------------------------- */

/* Called with each frame that the client sends or receives. */
struct net_tap {
    void (*frame)(struct net_tap *t, const struct net_frame *f);
};
void net_add_tap(struct net_client *c, struct net_tap *t);
void net_del_tap(struct net_client *c, struct net_tap *t);

/* ---- The machine's list ----------------------------------------------------------------- */

struct net {
    struct machine *machine;
    GPtrArray *clients;   /* struct net_client *, in order of creation; back ends are owned */
    GPtrArray *dumps;     /* struct net_dump *: net/dump.h */
    GPtrArray *waking;    /* clients that said net_accept() */
    struct timer *wake;
    unsigned cards;       /* how many were made: the next one's address */
};
struct net *net_of(struct machine *m); /* made when it is first asked for */

#endif
