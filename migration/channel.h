/* SPDX-License-Identifier: MIT */
/*
 * Where a saved machine goes or comes from:
 *
 *   exec:COMMAND   its standard input, or output
 *   file:PATH      a file, which is replaced when it is complete; in: [,lazy=on]
 *   fd:NUMBER|NAME a descriptor of this process, or one that was passed by name (getfd)
 *   unix:PATH      tcp:HOST:PORT   the other side listens
 */
#ifndef MIGRATION_CHANNEL_H
#define MIGRATION_CHANNEL_H

#include <glib.h>
#include <stdbool.h>

struct machine;

enum channel_kind { CHANNEL_EXEC, CHANNEL_FILE, CHANNEL_FD, CHANNEL_UNIX, CHANNEL_TCP };

struct channel {
    enum channel_kind kind;
    char *rest; /* of the address, behind the colon */
    bool lazy;
    int fd;          /* -1: not open */
    int listener;    /* -1: there is none */
    GPid pid;        /* exec: the command; 0: none */
    char *temporary; /* file: written to first */
};

/* Nothing is opened, but for fd:, whose descriptor is taken over. Main thread, lock held. */
bool channel_parse(struct channel *c, struct machine *m, const char *uri, bool incoming,
                   GError **err);
/* Out. May wait: without the lock. */
bool channel_connect(struct channel *c, GError **err);
/* In, in two steps: what can fail at once, and what waits (without the lock; cancel_fd ends it). */
bool channel_listen(struct channel *c, GError **err);
bool channel_accept(struct channel *c, int cancel_fd, GError **err);
/* c->fd was closed by its stream. ok: all went well so far; the command must have too, and a file
 * takes its place. Clears c. */
bool channel_end(struct channel *c, bool ok, GError **err);

#endif
