/* SPDX-License-Identifier: MIT */
/*
 * Framebuffer updates (RFB protocol 7.6.1). What changed is a region per client; it is sent when
 * the client has asked and its queue is empty, in portions, so that a client that reads slowly
 * gets the latest picture and not all those before it.
 *
 * Pseudo encodings: DesktopSize, ExtendedDesktopSize (7.8.2, and the community's list for the
 * second), QEMU's extended key events and pointer motion change, desktop name.
 */
#include <string.h>

#include "core/machine.h"
#include "ui/input.h"
#include "ui/vnc_int.h"

enum {
    FRAMEBUFFER_UPDATE = 0,
    PSEUDO_DESKTOP_SIZE = -223,
    PSEUDO_CURSOR = -239,
    PSEUDO_POINTER_CHANGE = -257,
    PSEUDO_EXT_KEY = -258,
    PSEUDO_NAME = -307,
    PSEUDO_EXT_DESKTOP_SIZE = -308,
    PSEUDO_LEVEL_FIRST = -256, PSEUDO_LEVEL_LAST = -247,
    TIGHT_MAX_WIDTH = 2048,
    TIGHT_MAX_PIXELS = 1 << 16,
    PLAIN_MAX_PIXELS = 1 << 20,
};

/* ---- What the client can take ------------------------------------------------------------ */

static void note_encoding(struct vnc_client *c, int32_t e)
{
    static const struct {
        int32_t encoding;
        unsigned can;
    } pseudo[] = {
        {ENCODING_TIGHT, CAN_TIGHT},          {ENCODING_ZLIB, CAN_ZLIB},
        {PSEUDO_DESKTOP_SIZE, CAN_RESIZE},    {PSEUDO_EXT_DESKTOP_SIZE, CAN_EXT_RESIZE},
        {PSEUDO_EXT_KEY, CAN_EXT_KEYS},       {PSEUDO_POINTER_CHANGE, CAN_RELATIVE},
        {PSEUDO_CURSOR, CAN_CURSOR},          {PSEUDO_NAME, CAN_NAME},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(pseudo); i++)
        if (pseudo[i].encoding == e)
            c->can |= pseudo[i].can;
    if (e >= PSEUDO_LEVEL_FIRST && e <= PSEUDO_LEVEL_LAST)
        c->level = CLAMP(e - PSEUDO_LEVEL_FIRST, 1, 6);
    /* The first of those that we have is the one it likes best. */
    if (c->encoding < 0 && (e == ENCODING_RAW || e == ENCODING_ZLIB || e == ENCODING_TIGHT))
        c->encoding = e;
}

void vnc_set_encodings(struct vnc_client *c, const uint8_t *list, unsigned n)
{
    unsigned before = c->can;

    c->can = 0;
    c->encoding = -1;
    for (unsigned i = 0; i < n; i++, list += 4)
        note_encoding(c, (int32_t)((uint32_t)list[0] << 24 | list[1] << 16 | list[2] << 8 |
                                   list[3]));
    if (c->encoding < 0)
        c->encoding = ENCODING_RAW;
    unsigned more = c->can & ~before;
    c->say_keys |= (more & CAN_EXT_KEYS) != 0;
    c->say_pointer |= (more & CAN_RELATIVE) != 0;
    c->say_cursor |= (more & CAN_CURSOR) != 0;
    c->resize |= (more & CAN_EXT_RESIZE) != 0;
    vnc_client_poke(c);
}

/* ---- Pieces of an update ------------------------------------------------------------------ */

static void put_pseudo(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h,
                       int32_t encoding)
{
    vnc_put16(c, x);
    vnc_put16(c, y);
    vnc_put16(c, w);
    vnc_put16(c, h);
    vnc_put32(c, (uint32_t)encoding);
}

static void begin(struct vnc_client *c, unsigned rects)
{
    vnc_put16(c, FRAMEBUFFER_UPDATE << 8);
    vnc_put16(c, rects);
}

static void single(struct vnc_client *c, unsigned x, unsigned y, unsigned w, unsigned h,
                   int32_t encoding)
{
    begin(c, 1);
    put_pseudo(c, x, y, w, h, encoding);
}

/* One screen, as large as the desktop. libvncclient takes number 0 for none. */
static void put_layout(struct vnc_client *c)
{
    single(c, 0, 0, c->width, c->height, PSEUDO_EXT_DESKTOP_SIZE);
    vnc_put32(c, 1 << 24); /* screens, padding */
    vnc_put32(c, 1);       /* its number */
    vnc_put32(c, 0);       /* x, y */
    vnc_put16(c, c->width);
    vnc_put16(c, c->height);
    vnc_put32(c, 0);
}

/* The surface has another size. A client that cannot be told goes on with the part it knows. */
static bool put_size(struct vnc_client *c)
{
    const struct surface *s = &c->vnc->viewer.console->surface;

    c->resize = false;
    if (!(c->can & (CAN_RESIZE | CAN_EXT_RESIZE)))
        return false;
    c->width = MIN(s->width, UINT16_MAX);
    c->height = MIN(s->height, UINT16_MAX);
    if (c->can & CAN_EXT_RESIZE)
        put_layout(c);
    else
        single(c, 0, 0, c->width, c->height, PSEUDO_DESKTOP_SIZE);
    vnc_damage_all(c);
    return true;
}

/* The guest's own cursor, where the display has one apart from the picture. */
static void put_cursor(struct vnc_client *c)
{
    const struct cursor *cur = c->vnc->viewer.console->cursor;
    unsigned w = cur ? cur->width : 0, h = cur ? cur->height : 0;

    single(c, cur ? cur->hot_x : 0, cur ? cur->hot_y : 0, w, h, PSEUDO_CURSOR);
    for (size_t i = 0; i < (size_t)w * h; i++) {
        uint8_t pixel[4];
        vnc_put(c, pixel, vnc_pixel(&c->format, cur->argb[i], pixel));
    }
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w; x += 8) {
            uint8_t bits = 0;
            for (unsigned k = 0; k < 8 && x + k < w; k++)
                if (cur->argb[(size_t)y * w + x + k] >> 31)
                    bits |= (uint8_t)(0x80 >> k);
            vnc_put8(c, bits);
        }
    }
    c->say_cursor = false;
}

static void put_pointer_kind(struct vnc_client *c)
{
    struct machine *m = c->vnc->machine;

    machine_lock(m);
    c->was_absolute = input_is_absolute(m);
    machine_unlock(m);
    c->x = c->y = -1;
    single(c, c->was_absolute, 0, c->width, c->height, PSEUDO_POINTER_CHANGE);
    c->say_pointer = false;
}

static void put_name(struct vnc_client *c)
{
    g_autofree char *name = vnc_title(c->vnc);

    single(c, 0, 0, 0, 0, PSEUDO_NAME);
    vnc_put32(c, (uint32_t)strlen(name));
    vnc_put(c, name, strlen(name));
    c->say_name = false;
}

/* ---- Pixels ------------------------------------------------------------------------------- */

/* The next piece of a rectangle that is small enough to be sent as one. */
static pixman_box32_t piece(const struct vnc_client *c, const pixman_box32_t *b)
{
    bool tight = c->encoding == ENCODING_TIGHT;
    int max_w = tight ? TIGHT_MAX_WIDTH : INT16_MAX;
    int max_pixels = tight ? TIGHT_MAX_PIXELS : PLAIN_MAX_PIXELS;
    pixman_box32_t p = *b;

    p.x2 = MIN(p.x2, p.x1 + max_w);
    p.y2 = MIN(p.y2, p.y1 + MAX(1, max_pixels / (p.x2 - p.x1)));
    return p;
}

/* Pieces of what changed, as many as one update may have; they are no longer dirty then. */
static unsigned choose(struct vnc_client *c, pixman_box32_t *out)
{
    unsigned n = 0;
    int64_t pixels = 0;

    while (n < VNC_UPDATE_RECTS && pixels < VNC_UPDATE_PIXELS) {
        int count;
        const pixman_box32_t *boxes = pixman_region32_rectangles(&c->dirty, &count);
        if (!count)
            break;
        pixman_box32_t p = piece(c, &boxes[0]);
        pixman_region32_t done;
        pixman_region32_init_rect(&done, p.x1, p.y1, (unsigned)(p.x2 - p.x1),
                                  (unsigned)(p.y2 - p.y1));
        pixman_region32_subtract(&c->dirty, &c->dirty, &done);
        pixman_region32_fini(&done);
        pixels += (int64_t)(p.x2 - p.x1) * (p.y2 - p.y1);
        out[n++] = p;
    }
    return n;
}

static void put_pixels(struct vnc_client *c)
{
    const struct surface *s = &c->vnc->viewer.console->surface;
    g_autofree pixman_box32_t *boxes = g_new(pixman_box32_t, VNC_UPDATE_RECTS);

    pixman_region32_intersect_rect(&c->dirty, &c->dirty, 0, 0, MIN(s->width, c->width),
                                   MIN(s->height, c->height));
    unsigned n = choose(c, boxes);
    if (!n)
        return;
    c->requested = false;
    begin(c, n);
    for (unsigned i = 0; i < n; i++)
        vnc_put_rect(c, (unsigned)boxes[i].x1, (unsigned)boxes[i].y1,
                     (unsigned)(boxes[i].x2 - boxes[i].x1), (unsigned)(boxes[i].y2 - boxes[i].y1));
}

void vnc_damage_all(struct vnc_client *c)
{
    pixman_region32_union_rect(&c->dirty, &c->dirty, 0, 0, c->width, c->height);
}

void vnc_update(struct vnc_client *c)
{
    if (c->state != VNC_NORMAL || c->out->len || !c->vnc->viewer.console)
        return;
    if (c->say_palette)
        vnc_put_palette(c);
    c->say_palette = false;
    if (c->say_keys)
        single(c, 0, 0, c->width, c->height, PSEUDO_EXT_KEY);
    c->say_keys = false;
    if (c->say_pointer && (c->can & CAN_RELATIVE))
        put_pointer_kind(c);
    if (c->say_name && (c->can & CAN_NAME))
        put_name(c);
    if (!c->requested)
        return;
    if (c->resize && put_size(c)) {
        c->requested = false;
        return;
    }
    if (c->say_cursor && (c->can & CAN_CURSOR))
        put_cursor(c);
    put_pixels(c);
}
