/* SPDX-License-Identifier: MIT */
/*
 * A line editor over a byte stream, for terminals that send VT100 keys: bytes in, echo out,
 * complete lines to the owner.
 *
 *   Left Right Home End  Ctrl-B F A E     move          Backspace Ctrl-H, Delete Ctrl-D
 *   Up Down  Ctrl-P N                     history       Ctrl-K to the end, Ctrl-U to the start,
 *   Tab                                   complete      Ctrl-W the word before; Ctrl-C drops all
 */
#ifndef MONITOR_READLINE_H
#define MONITOR_READLINE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READLINE_MAX     1024 /* bytes of a line; more are not taken */
#define READLINE_HISTORY 64

struct readline {
    const char *prompt;
    void (*write)(void *arg, const char *text, size_t len);
    void (*line)(void *arg, const char *line);
    /* Append to `out` the words (char *) that `word` may be completed to; `start` is the text
     * of the line before it. May be NULL. */
    void (*complete)(void *arg, const char *start, const char *word, GPtrArray *out);
    void *arg;

    GString *buf;
    size_t cursor;
    GPtrArray *history; /* char *, oldest first */
    unsigned browsing;  /* index in the history, or its length: the line being typed */
    char *typed;        /* that line, while browsing */
    uint8_t escape;     /* state within an escape sequence */
    unsigned escape_arg;
};

void readline_init(struct readline *r);
void readline_fini(struct readline *r);
/* Show the prompt and what is typed so far. */
void readline_show(struct readline *r);
void readline_input(struct readline *r, const uint8_t *bytes, size_t len);

#endif
