/* SPDX-License-Identifier: MIT */
/*
 * Character streams: a back end on the host (terminal, socket, file) and a front end in the
 * machine (a UART, the monitor).
 *
 *     front end --chr_write()--------------------------> back end
 *     front end <-receive() as many bytes as can_receive() says-- back end
 *     front end <-event(): opened, closed, break; writable() when room came back
 *
 * Everything here is called, and calls back, under the machine lock; the callbacks come on
 * the main thread (or from within chr_attach(), chr_write() and chr_accept_input() on the
 * caller's). The machine owns its chardevs.
 */
#ifndef CHARDEV_CHARDEV_H
#define CHARDEV_CHARDEV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct chardev;
struct keyvals;

enum chr_event {
    CHR_OPENED,  /* somebody is at the other end */
    CHR_CLOSED,
    CHR_BREAK,   /* a break condition was sent to the guest */
    CHR_FOCUS,   /* mux: input goes to this front end from now on */
    CHR_UNFOCUS, /* mux: input goes elsewhere */
};

/* What a front end registers. Any member but can_receive and receive may be NULL. */
struct chr_frontend {
    size_t (*can_receive)(void *arg); /* room in bytes; 0 stops the back end's reading */
    void (*receive)(void *arg, const uint8_t *buf, size_t len);
    void (*event)(void *arg, enum chr_event ev);
    void (*writable)(void *arg); /* chr_write() took less than all; now try again */
    void *arg;
    bool tool;    /* its input is not for the guest */
    bool monitor; /* on a mux: gets the input only when the user switches to it */
};

/* Register a front end. The table is copied. An error if the chardev has one already (a mux
 * takes several). CHR_OPENED comes at once if the other end is there. */
bool chr_attach(struct chardev *chr, const struct chr_frontend *fe, GError **err);
/* Remove the front end that was registered with this arg; no-op if there is none. */
void chr_detach(struct chardev *chr, void *arg);

/* Never blocks. Returns how many bytes were taken: all, unless the back end's buffer is full,
 * in which case writable() follows. With nobody at the other end bytes are taken and lost. */
size_t chr_write(struct chardev *chr, const void *buf, size_t len);
/* The front end has room again (can_receive() rose from 0). */
void chr_accept_input(struct chardev *chr);
/* Is somebody at the other end? */
bool chr_is_open(const struct chardev *chr);
/* A socket server tells this to whoever else connects while somebody is there, and closes.
 * Without it they wait for their turn. The bytes are copied; other back ends ignore it. */
void chr_set_busy(struct chardev *chr, const void *text, size_t len);
/*
 * Back ends from the command line. -serial and friends give the short form:
 *   null  stdio  mon:stdio  pty  file:PATH  pipe:PATH  vc[:80Cx24C]  chardev:ID
 *   unix:PATH[,server=on|off][,wait=on|off][,reconnect=SECONDS]
 *   tcp:[HOST]:PORT[,server=on|off][,wait=on|off][,nodelay=on|off][,reconnect=SECONDS]
 * `mon:X` makes a mux on X; *wants_monitor (may be NULL) is set so that the caller adds one.
 * The new chardev belongs to the machine. NULL on error.
 */
struct chardev *chardev_new_from_text(struct machine *m, const char *id, const char *text,
                                      bool *wants_monitor, GError **err);
/* -chardev BACKEND,id=ID[,key=value...]: null stdio pty file pipe socket vc ringbuf; mux=on. */
struct chardev *chardev_new_from_options(struct machine *m, const char *options, GError **err);
/* The same from keys that are parsed already: backend, id, ... */
struct chardev *chardev_new_from_keyvals(struct machine *m, const struct keyvals *kv,
                                         GError **err);
/* "-chardev help". */
void chardev_help(GString *out);
/* Several front ends on one back end, with Ctrl-A to switch. Takes over `base`, which must have
 * no front end yet, and its id: `base` becomes ID-base. */
struct chardev *chardev_mux_new(struct machine *m, struct chardev *base);
bool chardev_is_mux(const struct chardev *chr);
struct chardev *chardev_find(struct machine *m, const char *id);
const char *chardev_id(const struct chardev *chr);
/* One line about each: "info chardev". */
void chardev_describe(struct machine *m, GString *out);
/* The n-th of the machine; NULL behind the last. */
struct chardev *chardev_nth(struct machine *m, unsigned n);
/* Where it leads, as "info chardev" has it: "pty:/dev/pts/3", "unix:PATH,server=on". Owned by the
 * caller. */
char *chardev_filename(struct chardev *chr);
/* Somebody in the machine listens. */
bool chardev_in_use(const struct chardev *chr);
/* The name of the n-th kind of back end; NULL behind the last. */
const char *chardev_backend_nth(unsigned n);
/* End the connection, as if the other end had; false: this is none. */
bool chr_yank(struct chardev *chr);
bool chr_can_yank(const struct chardev *chr);
/* The oldest descriptor that the other end passed along with its bytes (SCM_RIGHTS), or -1. The
 * caller's from now on. */
int chr_take_fd(struct chardev *chr);
/* This connected socket is the other end. False: the chardev is no socket, or has one; the
 * descriptor stays the caller's. */
bool chr_add_client(struct chardev *chr, int fd, GError **err);
/* What was written to a ring buffer, at most `size` bytes, which it forgets. NULL: it is none. */
GByteArray *chardev_ringbuf_read(struct chardev *chr, size_t size);
bool chardev_is_ringbuf(const struct chardev *chr);
/* Close and free all of a machine's; part of machine_free(). */
void chardev_free_all(struct machine *m);
void chardev_free(struct chardev *chr);

/* A back end in memory, for tests: what the front end wrote, and bytes to send to it. */
struct chardev *chardev_memory_new(struct machine *m, const char *id);
/* Bytes written since the last call; owned by the caller. */
GByteArray *chardev_memory_take(struct chardev *chr);
/* Offer bytes to the front end; what it has no room for waits for chr_accept_input(). */
void chardev_memory_send(struct chardev *chr, const void *buf, size_t len);
/* Take no more than this many bytes until raised again: exercises backpressure. */
void chardev_memory_set_room(struct chardev *chr, size_t room);

#endif
