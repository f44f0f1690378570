/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the VNC server. vnc.c: servers and their options; vnc_client.c: a
 * connection's bytes; vnc_proto.c: what they mean; vnc_update.c, vnc_encode.c: pictures.
 *
 * All of it runs on the main thread. Nothing blocks: what a client has not sent yet is waited for
 * by the main loop, what it does not read stays in its queue, and while that is not empty the
 * client gets no further picture and is not listened to. A client that goes on so for long, or
 * that does not log in, is dropped.
 */
#ifndef UI_VNC_INT_H
#define UI_VNC_INT_H

#include <jansson.h>
#include <pixman.h>
#include <zlib.h>

#include "util/sockaddr.h"
#include "ui/console.h"
#include "ui/keysym.h"

enum {
    VNC_MAX_CLIENTS = 32,
    VNC_IN_MAX = 16384,       /* bytes read in one turn */
    VNC_OUT_MAX = 65536,      /* bytes that wait: the client is not listened to */
    VNC_LOGIN_SECONDS = 20,
    VNC_STALL_SECONDS = 60,   /* it reads nothing of what waits */
    VNC_UPDATE_PIXELS = 4 << 20, /* in one update */
    VNC_UPDATE_RECTS = 256,
    VNC_CHALLENGE = 16,
    VNC_PORT = 5900,
};

enum vnc_share { SHARE_ALLOW_EXCLUSIVE, SHARE_FORCE_SHARED, SHARE_IGNORE };

/* A machine's VNC server. */
struct vnc {
    struct viewer viewer; /* first */
    struct machine *machine;
    char *id;
    struct sock_where where;
    char *host, *service; /* as query-vnc has them; a unix socket's path is host */
    const char *family;
    bool auth;            /* password=on */
    char *password;       /* NULL: nobody gets in */
    int64_t expires;      /* seconds since 1970 */
    int share;            /* enum vnc_share */
    uint64_t connections; /* at most */
    int listener;
    GSource *accepting;
    GPtrArray *clients; /* struct vnc_client *, owned */
    struct keysyms *keymap; /* made when the first key has to be looked up */
    unsigned screen;        /* which console */
};

enum vnc_state {
    VNC_VERSION,
    VNC_SECURITY,
    VNC_RESPONSE, /* to the challenge */
    VNC_INIT,
    VNC_NORMAL,
    VNC_CLOSING, /* what is queued is still sent */
};

struct vnc_format {
    unsigned bytes; /* 1, 2, 4 */
    uint8_t bits, depth;
    bool big_endian, indexed;
    uint16_t max[3]; /* red, green, blue */
    uint8_t shift[3];
    bool native; /* as the surface has it */
    bool tight24; /* TPIXEL has three bytes */
};

/* What the client can take: bits of vnc_client.can. */
enum {
    CAN_TIGHT = 1 << 0,
    CAN_ZLIB = 1 << 1,
    CAN_RESIZE = 1 << 2,
    CAN_EXT_RESIZE = 1 << 3,
    CAN_EXT_KEYS = 1 << 4,
    CAN_RELATIVE = 1 << 5,
    CAN_CURSOR = 1 << 6,
    CAN_NAME = 1 << 7,
};

struct vnc_client {
    struct vnc *vnc;
    int fd;
    GSource *source;
    gpointer tag;
    char *host, *service;
    int64_t since, progress; /* us of the monotonic clock: connected; last byte taken */
    enum vnc_state state;
    unsigned minor; /* of the protocol: 3, 7, 8 */
    GByteArray *in, *out;
    size_t out_pos;
    uint32_t skip; /* bytes of a clipboard text that are still to be thrown away */
    uint8_t challenge[VNC_CHALLENGE];
    bool exclusive;
    bool dead; /* to be freed by the source's next turn */

    struct vnc_format format;
    unsigned can;
    int encoding; /* preferred */
    int level;    /* of compression */
    bool requested;
    unsigned width, height; /* of the screen that it knows */
    bool resize, say_keys, say_pointer, say_cursor, say_name, say_palette;
    bool was_absolute;
    pixman_region32_t dirty;
    z_stream *zlib, *tight[3]; /* made when first used */

    unsigned buttons;
    int x, y; /* of the pointer; -1: not known yet */
    uint16_t down[16]; /* keys it holds */
    bool ctrl, alt, caps;
};

/* vnc_client.c */
void vnc_client_new(struct vnc *v, int fd);
void vnc_client_free(void *client);
/* From any callback: it is gone once the main loop has its turn. */
void vnc_client_drop(struct vnc_client *c);
/* Have the source look soon whether there is something to send. */
void vnc_client_poke(struct vnc_client *c);
void vnc_put(struct vnc_client *c, const void *bytes, size_t len);
void vnc_put8(struct vnc_client *c, uint8_t v);
void vnc_put16(struct vnc_client *c, unsigned v);
void vnc_put32(struct vnc_client *c, uint32_t v);
json_t *vnc_client_info(const struct vnc_client *c);
void vnc_client_event(const struct vnc_client *c, const char *name);

/* vnc_proto.c: the first thing the client says is at buf. Returns its length once it is complete
 * and carried out, 0 if more bytes are needed; vnc_client_drop() for what may not be said. */
size_t vnc_receive(struct vnc_client *c, const uint8_t *buf, size_t len);
void vnc_greet(struct vnc_client *c);

/* vnc_input.c */
void vnc_key(struct vnc_client *c, uint32_t keysym, uint32_t code, bool down);
void vnc_pointer(struct vnc_client *c, unsigned buttons, unsigned x, unsigned y);
void vnc_release(struct vnc_client *c); /* what it holds */

/* vnc_update.c: queue what the client asked for, if there is anything. */
void vnc_update(struct vnc_client *c);
void vnc_set_encodings(struct vnc_client *c, const uint8_t *list, unsigned n);
void vnc_damage_all(struct vnc_client *c);

/* vnc_encode.c */
bool vnc_set_format(struct vnc_client *c, const uint8_t pixel_format[16]);
void vnc_put_format(struct vnc_client *c);
void vnc_put_palette(struct vnc_client *c);
void vnc_put_rect(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h);
void vnc_encode_fini(struct vnc_client *c);
enum { ENCODING_RAW = 0, ENCODING_ZLIB = 6, ENCODING_TIGHT = 7 };
/* A pixel as the client wants it; returns its bytes. */
unsigned vnc_pixel(const struct vnc_format *f, uint32_t rgb, uint8_t *out);

/* vnc.c */
void vnc_show(struct vnc *v, unsigned screen);
void vnc_client_count(struct vnc *v); /* clients came, went or changed: who looks? */
/* What clients call the machine: "Hostel (NAME)". The caller frees it. */
char *vnc_title(const struct vnc *v);

#endif
