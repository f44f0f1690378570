/* SPDX-License-Identifier: MIT */
/* What the back ends of chardev/ share. Everything runs under the machine lock. */
#ifndef CHARDEV_INT_H
#define CHARDEV_INT_H

#include <glib-unix.h>

#include "chardev/chardev.h"
#include "util/keyval.h"

struct chardev_ops {
    const char *name;
    size_t (*write)(struct chardev *chr, const void *buf, size_t len);
    /* The front end has room, or was attached. */
    void (*accept_input)(struct chardev *chr);
    void (*free)(struct chardev *chr); /* what the back end holds; not chr itself */
    /* A mux keeps its own list of front ends; NULL: one, in struct chardev. */
    bool (*attach)(struct chardev *chr, const struct chr_frontend *fe, GError **err);
    void (*detach)(struct chardev *chr, void *arg);
    void (*describe)(struct chardev *chr, GString *out);
    void (*yank)(struct chardev *chr); /* NULL: no connection that could hang */
    bool (*add_client)(struct chardev *chr, int fd); /* NULL: none can come */
    int (*take_fd)(struct chardev *chr); /* NULL: none are passed here */
    bool (*in_use)(const struct chardev *chr); /* NULL: as has_fe says */
    void (*set_busy)(struct chardev *chr, const void *text, size_t len);
};

struct chardev { /* first member of each back end's struct */
    const struct chardev_ops *ops;
    struct machine *machine;
    char *id;
    bool open;        /* somebody is at the other end */
    bool interactive; /* a person types: losing input beats not hearing Ctrl-A X */
    bool has_fe;
    struct chr_frontend fe;
};

/* Allocate `size` bytes and enter the machine's list. */
void *chardev_alloc(struct machine *m, const struct chardev_ops *ops, size_t size, const char *id);

/* Towards the front end; harmless without one. */
size_t chr_room(struct chardev *chr);
void chr_tell_input(struct chardev *chr, const struct chr_frontend *fe); /* before receive() */
void chr_deliver(struct chardev *chr, const uint8_t *buf, size_t len);
void chr_event(struct chardev *chr, enum chr_event ev);
void chr_tell_writable(struct chardev *chr);
void chr_set_open(struct chardev *chr, bool open);

/* ---- A pair of file descriptors on the main loop -------------------------------------------- */

#define CHR_FDS_MAX 16    /* passed descriptors that nobody has taken yet */
#define CHR_OUT_MAX 65536 /* bytes that wait for a slow reader before the guest does */

struct chr_stream {
    struct chardev *chr;
    int rfd, wfd; /* -1: none; may be the same */
    bool is_socket;
    GSource *reading, *writing;
    GByteArray *out;
    size_t out_pos;
    bool refused; /* the front end waits for writable() */
    int fds[CHR_FDS_MAX]; /* passed with what was read, oldest first */
    unsigned nfds;
    /* The other end is gone (end of file, error). Called last: it may close the stream. */
    void (*gone)(struct chr_stream *s);
};

/* The descriptors are non-blocking, or regular files. The stream closes them. */
void stream_open(struct chr_stream *s, struct chardev *chr, int rfd, int wfd,
                 void (*gone)(struct chr_stream *s));
void stream_close(struct chr_stream *s);
static inline bool stream_is_open(const struct chr_stream *s)
{
    return s->out != NULL;
}
size_t stream_write(struct chr_stream *s, const void *buf, size_t len);
/* Read while the front end has room. */
void stream_accept_input(struct chr_stream *s);
int stream_take_fd(struct chr_stream *s);
/* Stop reading for good (end of file on a stream that is still written). */
void stream_stop_reading(struct chr_stream *s);

/* A source on the machine's main loop; fn runs without the lock and returns G_SOURCE_*. */
GSource *chr_watch_fd(struct machine *m, int fd, GIOCondition cond, GUnixFDSourceFunc fn,
                      void *arg);
void chr_unwatch(GSource **source);

/* ---- Constructors of the back ends; options are checked by chardev/parse.c ------------------- */

typedef struct chardev *chardev_make(struct machine *m, const char *id, const struct keyvals *kv,
                                     GError **err);
chardev_make chardev_make_null, chardev_make_stdio, chardev_make_pty, chardev_make_file,
    chardev_make_pipe, chardev_make_socket, chardev_make_ringbuf;

#endif
