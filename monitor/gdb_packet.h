/* SPDX-License-Identifier: MIT */
/*
 * Packets of gdb's remote protocol as bytes of a stream. GDB manual, appendix E.1.
 *
 *     $ payload # checksum      payload with } escapes
 *     +  -                      the last packet arrived well, or is to be sent again
 *     03                        stop the machine
 */
#ifndef MONITOR_GDB_PACKET_H
#define MONITOR_GDB_PACKET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x10000 /* bytes of a payload, as it is sent */

enum gdb_event {
    GDB_NOTHING, /* go on */
    GDB_PACKET,  /* `data` has a whole one; until the next byte is fed */
    GDB_BAD,     /* one with a wrong checksum went by */
    GDB_LONG,    /* one longer than GDB_PACKET_MAX went by */
    GDB_ACK,
    GDB_NACK,
    GDB_INTERRUPT,
};

struct gdb_parser {
    int state;
    bool escaped, too_long;
    uint8_t sum, want;
    unsigned length;  /* as sent */
    GByteArray *data; /* the payload, escapes resolved; zero-terminated (not counted) */
};

void gdb_parser_init(struct gdb_parser *p);
void gdb_parser_fini(struct gdb_parser *p);
/* A new stream begins. */
void gdb_parser_reset(struct gdb_parser *p);
enum gdb_event gdb_parser_feed(struct gdb_parser *p, uint8_t byte);

/* Append $payload#checksum, escaped as needed. */
void gdb_frame(GString *out, const void *payload, size_t len);
/* Append bytes as hex digits, and the reverse: false unless there are just 2 * len of them. */
void gdb_hex(GString *out, const void *bytes, size_t len);
bool gdb_unhex(const char *digits, size_t n_digits, uint8_t *bytes, size_t len);
/* A hex number at *p, which moves behind it. False: there is none, or it has more than 64 bits. */
bool gdb_number(const char **p, uint64_t *value);

#endif
