/* SPDX-License-Identifier: MIT */
/*
 * Finishing frames: Internet checksums (RFC 1071) and cutting large TCP segments (RFC 793) into
 * frames that fit a wire. Pure functions; frames may come from a hostile guest and may lie in
 * memory that changes meanwhile. A frame whose headers make no sense is dropped.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include "net/net.h"

enum {
    NET_IOV_MAX = 1024,    /* buffers of one frame */
    NET_HEADERS_MAX = 512, /* bytes of all headers of a frame that is to be finished */
    NET_MSS_MIN = 48,      /* bytes in a piece */
};

/* Can a client that takes these receive the frame as it is? */
bool net_offload_fits(const struct net_frame *f, uint8_t takes);
/* Do what is missing; each() gets the finished frame, or its pieces in order. */
void net_offload_finish(const struct net_frame *f, uint8_t takes,
                        void (*each)(void *arg, const struct net_frame *f), void *arg);

/* One's complement sum of bytes [off, off + len) of a frame, added to `sum`, not folded. */
uint64_t net_sum(const struct net_frame *f, size_t off, size_t len, uint64_t sum);
uint16_t net_sum_fold(uint64_t sum);

/* Where a frame's headers are. */
struct net_headers {
    uint8_t bytes[NET_HEADERS_MAX]; /* a copy of the beginning */
    size_t len;                     /* how much of it there is */
    unsigned l3;                    /* IP header; 0: not IP */
    unsigned l4;                    /* what it carries; 0: not known, or a fragment */
    size_t end;                     /* of the IP packet, in the frame */
    bool v6;
    uint8_t proto;
};
void net_headers_parse(struct net_headers *h, const struct net_frame *f);
/* The pseudo header's sum for `len` bytes of h->proto. */
uint64_t net_pseudo_sum(const struct net_headers *h, size_t len);

/* What a card with checksum offload finds out about a frame. */
struct net_checks {
    bool ip, ip_bad; /* IPv4 header: it was checked; it is wrong */
    bool l4, l4_bad; /* TCP or UDP */
    bool udp;
};
void net_offload_check(const struct net_frame *f, struct net_checks *c);

#endif
