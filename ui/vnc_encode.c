/* SPDX-License-Identifier: MIT */
/*
 * Pixels for VNC clients: pixel formats (RFB protocol 7.4), raw, zlib and Tight encodings (7.7).
 *
 * Tight: rectangles of one colour, of two, of up to 256 (a palette), and full colour through
 * zlib, as 24-bit pixels where the format allows it; gradients and JPEG are not used.
 */
#include <endian.h>
#include <string.h>

#include "ui/vnc_int.h"

enum {
    TIGHT_FILL = 8 << 4,
    TIGHT_FILTER = 1 << 6, /* with a filter's number */
    TIGHT_PALETTE = 1,     /* filter */
    TIGHT_PALETTE_MAX = 256,
    TIGHT_MIN = 12,        /* bytes: fewer are not compressed */
    STREAM_FULL = 0, STREAM_MONO, STREAM_INDEXED,
    LEVEL_MAX = 6,         /* beyond it time is spent and nothing gained */
    LEVEL_DEFAULT = 1,
};

/* ---- Formats ---------------------------------------------------------------------------- */

static unsigned get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool format_is_sane(const struct vnc_format *f)
{
    for (int i = 0; i < 3; i++)
        if (!f->max[i] || f->shift[i] >= f->bits || (f->max[i] & (f->max[i] + 1u)))
            return false;
    return true;
}

/* A client that wants colours by number gets 3 bits of red and green and 2 of blue. */
static void by_number(struct vnc_format *f)
{
    static const uint16_t max[3] = {7, 7, 3};
    static const uint8_t shift[3] = {0, 3, 6};

    f->indexed = true;
    memcpy(f->max, max, sizeof(max));
    memcpy(f->shift, shift, sizeof(shift));
}

bool vnc_set_format(struct vnc_client *c, const uint8_t pf[16])
{
    struct vnc_format f = {.bits = pf[0], .depth = pf[1], .bytes = pf[0] / 8u,
                           .big_endian = pf[2] != 0,
                           .max = {get16(pf + 4), get16(pf + 6), get16(pf + 8)},
                           .shift = {pf[10], pf[11], pf[12]}};

    if (f.bits != 8 && f.bits != 16 && f.bits != 32)
        return false;
    if (!pf[3] && f.bits != 8)
        return false;
    if (!pf[3])
        by_number(&f);
    else if (!format_is_sane(&f))
        return false;
    bool full = f.bits == 32 && f.max[0] == 255 && f.max[1] == 255 && f.max[2] == 255;
    f.native = full && !f.big_endian && f.shift[0] == 16 && f.shift[1] == 8 && f.shift[2] == 0 &&
               G_BYTE_ORDER == G_LITTLE_ENDIAN;
    f.tight24 = full && f.depth == 24;
    c->format = f;
    c->say_palette = f.indexed;
    return true;
}

/* The server's own, which is the one until the client says otherwise. */
void vnc_put_format(struct vnc_client *c)
{
    static const uint8_t pf[16] = {32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0};

    vnc_set_format(c, pf);
    vnc_put(c, pf, sizeof(pf));
}

void vnc_put_palette(struct vnc_client *c)
{
    enum { SET_COLOUR_MAP_ENTRIES = 1 };

    vnc_put16(c, SET_COLOUR_MAP_ENTRIES << 8);
    vnc_put16(c, 0);
    vnc_put16(c, 256);
    for (unsigned i = 0; i < 256; i++) {
        vnc_put16(c, (i & 7) * 65535 / 7);
        vnc_put16(c, (i >> 3 & 7) * 65535 / 7);
        vnc_put16(c, (i >> 6) * 65535 / 3);
    }
}

unsigned vnc_pixel(const struct vnc_format *f, uint32_t rgb, uint8_t *out)
{
    uint32_t v = 0;

    for (int i = 0; i < 3; i++) {
        uint32_t part = rgb >> (16 - 8 * i) & 0xff;
        v |= (part * f->max[i] + 127) / 255 << f->shift[i];
    }
    for (unsigned i = 0; i < f->bytes; i++)
        out[i] = (uint8_t)(v >> 8 * (f->big_endian ? f->bytes - 1 - i : i));
    return f->bytes;
}

static void put_row(const struct vnc_format *f, const uint32_t *row, unsigned n, uint8_t *out)
{
    if (f->native) {
        memcpy(out, row, n * 4);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        out += vnc_pixel(f, row[i], out);
}

/* ---- zlib -------------------------------------------------------------------------------- */

static z_stream *stream_of(struct vnc_client *c, z_stream **s)
{
    if (!*s) {
        *s = g_new0(z_stream, 1);
        if (deflateInit(*s, c->level) != Z_OK)
            g_error("out of memory for a compressor");
    }
    return *s;
}

static void stream_free(z_stream **s)
{
    if (*s)
        deflateEnd(*s);
    g_clear_pointer(s, g_free);
}

void vnc_encode_fini(struct vnc_client *c)
{
    stream_free(&c->zlib);
    for (unsigned i = 0; i < G_N_ELEMENTS(c->tight); i++)
        stream_free(&c->tight[i]);
}

/* All of it, so that the client can undo it. */
static GByteArray *compress_bytes(z_stream *z, const uint8_t *bytes, size_t len)
{
    GByteArray *out = g_byte_array_new();
    size_t used = 0;

    z->next_in = (uint8_t *)bytes;
    z->avail_in = (uInt)len;
    do {
        g_byte_array_set_size(out, (guint)(used + len / 2 + 256));
        z->next_out = out->data + used;
        z->avail_out = out->len - (uInt)used;
        deflate(z, Z_SYNC_FLUSH);
        used = out->len - z->avail_out;
    } while (!z->avail_out);
    g_byte_array_set_size(out, (guint)used);
    return out;
}

/* ---- Raw and zlib ------------------------------------------------------------------------ */

static GByteArray *pixels_of(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
    const struct surface *s = &c->vnc->viewer.console->surface;
    size_t row = (size_t)w * c->format.bytes;
    GByteArray *out = g_byte_array_sized_new((guint)(row * h));

    g_byte_array_set_size(out, (guint)(row * h));
    for (unsigned i = 0; i < h; i++)
        put_row(&c->format, s->pixels + (size_t)(y + i) * s->stride + x, w, out->data + i * row);
    return out;
}

static void put_header(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h,
                       int encoding)
{
    vnc_put16(c, x);
    vnc_put16(c, y);
    vnc_put16(c, w);
    vnc_put16(c, h);
    vnc_put32(c, (uint32_t)encoding);
}

static void put_plain(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
    g_autoptr(GByteArray) pixels = pixels_of(c, x, y, w, h);

    put_header(c, x, y, w, h, c->encoding == ENCODING_ZLIB ? ENCODING_ZLIB : ENCODING_RAW);
    if (c->encoding != ENCODING_ZLIB) {
        vnc_put(c, pixels->data, pixels->len);
        return;
    }
    g_autoptr(GByteArray) packed = compress_bytes(stream_of(c, &c->zlib), pixels->data,
                                                  pixels->len);
    vnc_put32(c, packed->len);
    vnc_put(c, packed->data, packed->len);
}

/* ---- Tight ------------------------------------------------------------------------------- */

struct palette {
    unsigned n;
    uint32_t colour[TIGHT_PALETTE_MAX];
    uint16_t slot[1024]; /* hash: index + 1 of a colour */
};

static unsigned slot_of(const struct palette *p, uint32_t rgb)
{
    unsigned i = (rgb * 2654435761u) >> 22;

    while (p->slot[i] && p->colour[p->slot[i] - 1] != rgb)
        i = (i + 1) % G_N_ELEMENTS(p->slot);
    return i;
}

/* Its colours; false: there are too many. */
static bool find_colours(struct palette *p, const uint32_t *pixels, size_t n, unsigned max)
{
    memset(p->slot, 0, sizeof(p->slot));
    p->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && pixels[i] == pixels[i - 1])
            continue;
        unsigned s = slot_of(p, pixels[i]);
        if (p->slot[s])
            continue;
        if (p->n == max)
            return false;
        p->colour[p->n++] = pixels[i];
        p->slot[s] = (uint16_t)p->n;
    }
    return true;
}

static void append_tpixel(const struct vnc_client *c, uint32_t rgb, GByteArray *out)
{
    uint8_t bytes[4] = {(uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb};

    g_byte_array_append(out, bytes, c->format.tight24 ? 3 : vnc_pixel(&c->format, rgb, bytes));
}

static void put_length(struct vnc_client *c, size_t len)
{
    vnc_put8(c, (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0)));
    if (len > 0x7f)
        vnc_put8(c, (uint8_t)((len >> 7 & 0x7f) | (len > 0x3fff ? 0x80 : 0)));
    if (len > 0x3fff)
        vnc_put8(c, (uint8_t)(len >> 14));
}

static void put_packed(struct vnc_client *c, unsigned stream, const GByteArray *data)
{
    if (data->len < TIGHT_MIN) {
        vnc_put(c, data->data, data->len);
        return;
    }
    g_autoptr(GByteArray) packed = compress_bytes(stream_of(c, &c->tight[stream]), data->data,
                                                  data->len);
    put_length(c, packed->len);
    vnc_put(c, packed->data, packed->len);
}

static void put_indexed(struct vnc_client *c, const struct palette *p, const uint32_t *pixels,
                        unsigned w, unsigned h)
{
    unsigned stream = p->n == 2 ? STREAM_MONO : STREAM_INDEXED;
    g_autoptr(GByteArray) colours = g_byte_array_new(), data = g_byte_array_new();

    for (unsigned i = 0; i < p->n; i++)
        append_tpixel(c, p->colour[i], colours);
    for (unsigned y = 0; y < h; y++) {
        uint8_t byte = 0;
        for (unsigned x = 0; x < w; x++) {
            uint8_t index = (uint8_t)(p->slot[slot_of(p, pixels[(size_t)y * w + x])] - 1);
            bool last = p->n == 2 && (x % 8 == 7 || x == w - 1);
            byte = p->n == 2 ? (uint8_t)(byte | index << (7 - x % 8)) : index;
            if (p->n == 2 && !last)
                continue;
            g_byte_array_append(data, &byte, 1);
            byte = 0;
        }
    }
    vnc_put8(c, (uint8_t)(TIGHT_FILTER | stream << 4));
    vnc_put8(c, TIGHT_PALETTE);
    vnc_put8(c, (uint8_t)(p->n - 1));
    vnc_put(c, colours->data, colours->len);
    put_packed(c, stream, data);
}

static void put_tight(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
    const struct surface *s = &c->vnc->viewer.console->surface;
    g_autofree uint32_t *pixels = g_new(uint32_t, (size_t)w * h);
    g_autofree struct palette *p = g_new(struct palette, 1);
    g_autoptr(GByteArray) data = g_byte_array_new();

    for (unsigned i = 0; i < h; i++)
        for (unsigned k = 0; k < w; k++)
            pixels[(size_t)i * w + k] = s->pixels[(size_t)(y + i) * s->stride + x + k] & 0xffffff;
    put_header(c, x, y, w, h, ENCODING_TIGHT);
    unsigned max = c->format.bytes == 1 ? 2 : TIGHT_PALETTE_MAX;
    if (!find_colours(p, pixels, (size_t)w * h, max)) {
        for (size_t i = 0; i < (size_t)w * h; i++)
            append_tpixel(c, pixels[i], data);
        vnc_put8(c, STREAM_FULL << 4);
        put_packed(c, STREAM_FULL, data);
    } else if (p->n == 1) {
        append_tpixel(c, p->colour[0], data);
        vnc_put8(c, TIGHT_FILL);
        vnc_put(c, data->data, data->len);
    } else {
        put_indexed(c, p, pixels, w, h);
    }
}

void vnc_put_rect(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
    if (c->encoding == ENCODING_TIGHT)
        put_tight(c, x, y, w, h);
    else
        put_plain(c, x, y, w, h);
}
