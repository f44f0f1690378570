/* SPDX-License-Identifier: MIT */
/*
 * 9P2000.L: messages are little-endian, size[4] type[1] tag[2] and fields; a string is len[2] and
 * bytes. A reader that runs out of bytes gives zeros and is `bad`.
 */
#ifndef HW_VIRTIO_P9_WIRE_H
#define HW_VIRTIO_P9_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* T of requests; the reply is one more. */
enum {
    P9_RLERROR = 7,
    P9_TSTATFS = 8,
    P9_TLOPEN = 12,
    P9_TLCREATE = 14,
    P9_TSYMLINK = 16,
    P9_TMKNOD = 18,
    P9_TRENAME = 20,
    P9_TREADLINK = 22,
    P9_TGETATTR = 24,
    P9_TSETATTR = 26,
    P9_TXATTRWALK = 30,
    P9_TXATTRCREATE = 32,
    P9_TREADDIR = 40,
    P9_TFSYNC = 50,
    P9_TLOCK = 52,
    P9_TGETLOCK = 54,
    P9_TLINK = 70,
    P9_TMKDIR = 72,
    P9_TRENAMEAT = 74,
    P9_TUNLINKAT = 76,
    P9_TVERSION = 100,
    P9_TATTACH = 104,
    P9_TFLUSH = 108,
    P9_TWALK = 110,
    P9_TREAD = 116,
    P9_TWRITE = 118,
    P9_TCLUNK = 120,
    P9_TREMOVE = 122,
};
enum { P9_HEADER = 7, P9_QID = 13, P9_IO_HEADER = 11, P9_WRITE_HEADER = 23, P9_MAX_WALK = 16 };

struct p9_reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static inline uint64_t p9_get(struct p9_reader *r, unsigned bytes)
{
    uint64_t v = 0;

    if (r->left < bytes) {
        r->bad = true;
        r->left = 0;
        return 0;
    }
    memcpy(&v, r->p, bytes);
    r->p += bytes;
    r->left -= bytes;
    return GUINT64_FROM_LE(v);
}
static inline uint32_t p9_get32(struct p9_reader *r)
{
    return (uint32_t)p9_get(r, 4);
}
/* Owned by the caller; never NULL. One with a NUL in it is bad. */
static inline char *p9_get_string(struct p9_reader *r)
{
    size_t n = (size_t)p9_get(r, 2);

    if (n > r->left || memchr(r->p, 0, n)) {
        r->bad = true;
        r->left = 0;
        return g_strdup("");
    }
    char *s = g_strndup((const char *)r->p, n);
    r->p += n;
    r->left -= n;
    return s;
}
static inline void p9_put(GByteArray *w, uint64_t v, unsigned bytes)
{
    uint64_t le = GUINT64_TO_LE(v);

    g_byte_array_append(w, (const guint8 *)&le, bytes);
}
static inline void p9_put_string(GByteArray *w, const char *s, size_t len)
{
    p9_put(w, len, 2);
    g_byte_array_append(w, (const guint8 *)s, (guint)len);
}

#endif
