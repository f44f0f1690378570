/* SPDX-License-Identifier: MIT */
/* Framing of gdb's remote protocol: no machine, no connection. */
#include "monitor/gdb_packet.h"

#include <string.h>

enum { IDLE, PAYLOAD, SUM_HIGH, SUM_LOW };

void gdb_parser_init(struct gdb_parser *p)
{
    p->data = g_byte_array_new();
    gdb_parser_reset(p);
}

void gdb_parser_fini(struct gdb_parser *p)
{
    g_byte_array_unref(p->data);
}

static void begin(struct gdb_parser *p)
{
    p->state = PAYLOAD;
    p->escaped = p->too_long = false;
    p->sum = 0;
    p->length = 0;
    g_byte_array_set_size(p->data, 0);
}

void gdb_parser_reset(struct gdb_parser *p)
{
    begin(p);
    p->state = IDLE;
}

static enum gdb_event idle(struct gdb_parser *p, uint8_t byte)
{
    switch (byte) {
    case '$':
        begin(p);
        return GDB_NOTHING;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NACK;
    case 3:
        return GDB_INTERRUPT;
    default:
        return GDB_NOTHING;
    }
}

static enum gdb_event payload(struct gdb_parser *p, uint8_t byte)
{
    if (byte == '#') {
        p->state = SUM_HIGH;
        return GDB_NOTHING;
    }
    if (byte == '$') { /* the end of the last one was lost */
        begin(p);
        return GDB_NOTHING;
    }
    p->sum += byte;
    if (++p->length > GDB_PACKET_MAX) {
        p->too_long = true;
        return GDB_NOTHING;
    }
    if (byte == '}' && !p->escaped) {
        p->escaped = true;
        return GDB_NOTHING;
    }
    if (p->escaped)
        byte ^= 0x20;
    p->escaped = false;
    g_byte_array_append(p->data, &byte, 1);
    return GDB_NOTHING;
}

static enum gdb_event finish(struct gdb_parser *p)
{
    static const uint8_t zero = 0;

    p->state = IDLE;
    if (p->sum != p->want || p->escaped)
        return GDB_BAD;
    if (p->too_long)
        return GDB_LONG;
    g_byte_array_append(p->data, &zero, 1);
    g_byte_array_set_size(p->data, p->data->len - 1);
    return GDB_PACKET;
}

static enum gdb_event checksum(struct gdb_parser *p, uint8_t byte)
{
    int digit = g_ascii_xdigit_value(byte);

    if (digit < 0) {
        p->state = IDLE;
        return GDB_BAD;
    }
    p->want = (uint8_t)(p->want << 4) | digit;
    if (p->state == SUM_LOW)
        return finish(p);
    p->state = SUM_LOW;
    return GDB_NOTHING;
}

enum gdb_event gdb_parser_feed(struct gdb_parser *p, uint8_t byte)
{
    switch (p->state) {
    case IDLE:
        return idle(p, byte);
    case PAYLOAD:
        return payload(p, byte);
    default:
        return checksum(p, byte);
    }
}

void gdb_frame(GString *out, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    uint8_t sum = 0;

    g_string_append_c(out, '$');
    size_t from = out->len;
    for (size_t i = 0; i < len; i++) {
        bool special = b[i] == '$' || b[i] == '#' || b[i] == '}' || b[i] == '*';

        if (special)
            g_string_append_c(out, '}');
        g_string_append_c(out, special ? b[i] ^ 0x20 : b[i]);
    }
    for (size_t i = from; i < out->len; i++)
        sum += (uint8_t)out->str[i];
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_hex(GString *out, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i++) {
        g_string_append_c(out, digits[b[i] >> 4]);
        g_string_append_c(out, digits[b[i] & 15]);
    }
}

bool gdb_unhex(const char *digits, size_t n_digits, uint8_t *bytes, size_t len)
{
    if (n_digits != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = g_ascii_xdigit_value(digits[2 * i]);
        int low = g_ascii_xdigit_value(digits[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool gdb_number(const char **p, uint64_t *value)
{
    const char *s = *p;

    for (*value = 0; g_ascii_isxdigit(*s); s++) {
        if (*value >> 60)
            return false;
        *value = *value << 4 | (unsigned)g_ascii_xdigit_value(*s);
    }
    bool any = s != *p;
    *p = s;
    return any;
}
