/* SPDX-License-Identifier: MIT */
#include "migration/record.h"

#include <string.h>

#include "util/error.h"

#define STEP (1u << 20) /* a length that is a lie costs no more memory than this */

bool header_write(struct wire *s, GError **err)
{
    uint8_t h[FORMAT_HEADER] = FORMAT_MAGIC;

    put32(h + 8, FORMAT_VERSION);
    put32(h + 12, crc32c(h, 12));
    return wire_write(s, h, sizeof(h), err);
}

bool header_read(struct wire *s, GError **err)
{
    uint8_t h[FORMAT_HEADER];

    if (!wire_read(s, h, sizeof(h), err))
        return false;
    if (memcmp(h, FORMAT_MAGIC, 8) != 0)
        return error_set(err, "this is no saved machine of Hostel");
    if (get32(h + 12) != crc32c(h, 12))
        return error_set(err, "its header is damaged");
    if (get32(h + 8) != FORMAT_VERSION)
        return error_set(err, "it has format version %u; this program knows version %u",
                         get32(h + 8), FORMAT_VERSION);
    return true;
}

bool record_begin(struct wire *s, uint32_t tag, uint64_t length, uint32_t sum, GError **err)
{
    uint8_t h[FORMAT_RECORD];

    put32(h, tag);
    put32(h + 4, 0);
    put64(h + 8, length);
    put32(h + 16, sum);
    put32(h + 20, crc32c(h, 20));
    return wire_write(s, h, sizeof(h), err);
}

bool record_write(struct wire *s, uint32_t tag, const void *payload, size_t length, GError **err)
{
    return record_begin(s, tag, length, crc32c(payload, length), err) &&
           wire_write(s, payload, length, err);
}

bool record_next(struct wire *s, struct record *r, GError **err)
{
    uint8_t h[FORMAT_RECORD];
    uint64_t at = wire_pos(s);

    if (!wire_read(s, h, sizeof(h), err))
        return false;
    if (get32(h + 20) != crc32c(h, 20))
        return error_set(err, "it is damaged at byte %" G_GUINT64_FORMAT " (head of a record)", at);
    *r = (struct record){get32(h), get32(h + 4), get64(h + 8), get32(h + 16)};
    char name[5];
    return !r->flags || error_set(err, "record '%s' has flags %#x that are not known here",
                                  record_name(r, name), r->flags);
}

GByteArray *record_read(struct wire *s, const struct record *r, uint64_t max, GError **err)
{
    GByteArray *bytes = g_byte_array_new();
    uint64_t at = wire_pos(s);
    char name[5];
    bool ok = r->length <= max || error_set(err, "record '%s' is too long", record_name(r, name));

    while (ok && bytes->len < r->length) {
        guint have = bytes->len, more = (guint)MIN(r->length - have, STEP);
        g_byte_array_set_size(bytes, have + more);
        ok = wire_read(s, bytes->data + have, more, err);
    }
    if (ok && crc32c(bytes->data, bytes->len) != r->sum)
        ok = error_set(err,
                       "it is damaged: the checksum of record '%s' at byte %" G_GUINT64_FORMAT
                       " is wrong",
                       record_name(r, name), at);
    if (ok)
        return bytes;
    g_byte_array_unref(bytes);
    return NULL;
}

const char *record_name(const struct record *r, char text[5])
{
    memcpy(text, &r->tag, 4);
    text[4] = 0;
    for (int i = 0; i < 4; i++)
        if (!g_ascii_isgraph(text[i]))
            text[i] = text[i] == ' ' ? 0 : '?';
    return text;
}
