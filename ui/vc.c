/* SPDX-License-Identifier: MIT */
/* A terminal on a console: ui/vt.c's cells drawn with ui/font.c, keys as a VT220 sends them. */
#include "ui/vc.h"

#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>

#include "chardev/chardev_int.h"
#include "core/machine.h"
#include "ui/console.h"
#include "ui/font.h"
#include "ui/keysym.h"
#include "ui/vt.h"
#include "util/error.h"

enum { TYPED_MAX = 4096, WHEEL_LINES = 3 };

struct vc {
    struct chardev chr; /* first */
    struct vt term;
    struct console *console;
    char *name;        /* of the console: a mux renames the chardev */
    GByteArray *typed; /* what the front end has no room for */
    unsigned cursor_x, cursor_y; /* as drawn */
    bool cursor;
};

/* ---- Drawing ------------------------------------------------------------------------------- */

static const uint32_t palette[16] = {
    0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
    0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff,
};

static void draw_cell(struct surface *s, unsigned col, unsigned row, uint16_t cell, bool cursor)
{
    uint32_t fg = palette[cell >> 8 & 15], bg = palette[cell >> 12];
    const uint8_t *glyph = font_8x16[cell & 0xff];

    if (cursor) {
        bg = fg;
        fg = palette[0];
    }
    for (unsigned y = 0; y < FONT_HEIGHT; y++) {
        uint32_t *out = s->pixels + (size_t)(row * FONT_HEIGHT + y) * s->stride + col * FONT_WIDTH;
        for (unsigned x = 0; x < FONT_WIDTH; x++)
            out[x] = glyph[y] & 0x80 >> x ? fg : bg;
    }
}

static void draw_row(struct vc *c, unsigned row)
{
    const uint16_t *cells = vt_row(&c->term, row);

    for (unsigned x = 0; x < c->term.cols; x++)
        draw_cell(&c->console->surface, x, row, cells[x],
                  c->cursor && c->cursor_y == row && c->cursor_x == x);
    console_damage(c->console, 0, (int)(row * FONT_HEIGHT), (int)(c->term.cols * FONT_WIDTH),
                   FONT_HEIGHT);
}

static void move_cursor(struct vc *c)
{
    unsigned x, y;
    bool cursor = vt_cursor(&c->term, &x, &y);

    if (cursor == c->cursor && x == c->cursor_x && y == c->cursor_y)
        return;
    if (c->cursor)
        c->term.dirty[c->cursor_y] = true;
    if (cursor)
        c->term.dirty[y] = true;
    c->cursor = cursor;
    c->cursor_x = x;
    c->cursor_y = y;
}

static int64_t vc_update(void *dev)
{
    struct vc *c = dev;

    console_resize(c->console, c->term.cols * FONT_WIDTH, c->term.rows * FONT_HEIGHT);
    move_cursor(c);
    for (unsigned y = 0; y < c->term.rows; y++) {
        if (c->term.dirty[y])
            draw_row(c, y);
        c->term.dirty[y] = false;
    }
    return -1;
}

static void vc_redraw(void *dev)
{
    struct vc *c = dev;

    memset(c->term.dirty, true, c->term.rows * sizeof(c->term.dirty[0]));
}

static bool vc_text(void *dev, struct screen_text *out)
{
    struct vc *c = dev;
    const struct vt *t = &c->term;

    out->cols = t->cols;
    out->rows = t->rows;
    out->cells = g_new(uint16_t, (size_t)t->cols * t->rows);
    for (unsigned y = 0; y < t->rows; y++)
        memcpy(out->cells + (size_t)y * t->cols, vt_row(t, y), t->cols * sizeof(uint16_t));
    out->cursor = vt_cursor(t, &out->cursor_x, &out->cursor_y);
    return true;
}

/* ---- Typing --------------------------------------------------------------------------------- */

static void vc_accept_input(struct chardev *chr)
{
    struct vc *c = (struct vc *)chr;

    while (c->typed->len) {
        size_t n = MIN(chr_room(chr), c->typed->len);
        if (n == 0)
            return;
        g_autoptr(GByteArray) now = g_byte_array_new();
        g_byte_array_append(now, c->typed->data, (guint)n);
        g_byte_array_remove_range(c->typed, 0, (guint)n);
        chr_deliver(chr, now->data, n);
    }
}

static void send(void *arg, const char *text)
{
    struct vc *c = arg;

    if (c->typed->len + strlen(text) <= TYPED_MAX)
        g_byte_array_append(c->typed, (const uint8_t *)text, (guint)strlen(text));
    vc_accept_input(&c->chr);
}

static const struct {
    uint32_t symbol;
    const char *text;
} special[] = {
    {XKB_KEY_Return, "\r"}, {XKB_KEY_KP_Enter, "\r"}, {XKB_KEY_BackSpace, "\177"},
    {XKB_KEY_Tab, "\t"}, {XKB_KEY_Escape, "\033"}, {XKB_KEY_Home, "\033[1~"},
    {XKB_KEY_Insert, "\033[2~"}, {XKB_KEY_Delete, "\033[3~"}, {XKB_KEY_End, "\033[4~"},
    {XKB_KEY_Prior, "\033[5~"}, {XKB_KEY_Next, "\033[6~"}, {XKB_KEY_F1, "\033OP"},
    {XKB_KEY_F2, "\033OQ"}, {XKB_KEY_F3, "\033OR"}, {XKB_KEY_F4, "\033OS"},
    {XKB_KEY_F5, "\033[15~"}, {XKB_KEY_F6, "\033[17~"}, {XKB_KEY_F7, "\033[18~"},
    {XKB_KEY_F8, "\033[19~"}, {XKB_KEY_F9, "\033[20~"}, {XKB_KEY_F10, "\033[21~"},
    {XKB_KEY_F11, "\033[23~"}, {XKB_KEY_F12, "\033[24~"},
};

static bool look_back(struct vc *c, uint32_t symbol, bool ctrl)
{
    int page = (int)c->term.rows / 2;

    if (symbol == SYMBOL_SCROLL_UP || symbol == SYMBOL_SCROLL_DOWN)
        vt_scroll_view(&c->term, symbol == SYMBOL_SCROLL_UP ? WHEEL_LINES : -WHEEL_LINES);
    else if (ctrl && symbol == XKB_KEY_Prior)
        vt_scroll_view(&c->term, page);
    else if (ctrl && symbol == XKB_KEY_Next)
        vt_scroll_view(&c->term, -page);
    else if (ctrl && (symbol == XKB_KEY_Up || symbol == XKB_KEY_Down))
        vt_scroll_view(&c->term, symbol == XKB_KEY_Up ? 1 : -1);
    else
        return false;
    return true;
}

static void type_char(struct vc *c, uint32_t rune, bool ctrl)
{
    char text[8] = "";

    if (ctrl && rune >= '@' && rune < 0x7f)
        rune &= 0x1f;
    if (!rune) { /* Ctrl-@ ends C's strings */
        g_byte_array_append(c->typed, (const uint8_t *)text, 1);
        vc_accept_input(&c->chr);
        return;
    }
    text[g_unichar_to_utf8(rune, text)] = '\0';
    send(c, text);
}

static void vc_type(void *dev, uint32_t symbol, bool ctrl)
{
    static const uint32_t arrows[4] = {XKB_KEY_Up, XKB_KEY_Down, XKB_KEY_Right, XKB_KEY_Left};
    struct vc *c = dev;

    if (look_back(c, symbol, ctrl)) {
        console_wake(c->console);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(special); i++) {
        if (special[i].symbol == symbol) {
            vt_scroll_view(&c->term, 0);
            send(c, special[i].text);
            return;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(arrows); i++) {
        if (arrows[i] == symbol) {
            char text[4] = {'\033', c->term.cursor_keys ? 'O' : '[', (char)('A' + i)};
            send(c, text);
            return;
        }
    }
    uint32_t rune = keysym_char(symbol);
    if (rune)
        vt_scroll_view(&c->term, 0);
    if (rune)
        type_char(c, rune, ctrl);
}

static const struct screen_ops vc_screen = {
    .update = vc_update, .redraw = vc_redraw, .text = vc_text, .type = vc_type};

/* ---- The chardev --------------------------------------------------------------------------- */

static size_t vc_write(struct chardev *chr, const void *buf, size_t len)
{
    struct vc *c = (struct vc *)chr;

    vt_write(&c->term, buf, len);
    console_wake(c->console);
    return len;
}

static void vc_free(struct chardev *chr)
{
    struct vc *c = (struct vc *)chr;

    console_remove(c->console);
    vt_fini(&c->term);
    g_byte_array_unref(c->typed);
    g_free(c->name);
}

static const struct chardev_ops vc_ops = {
    .name = "vc", .write = vc_write, .accept_input = vc_accept_input, .free = vc_free};

static bool parse_size(const struct keyvals *kv, unsigned *cols, unsigned *rows, GError **err)
{
    uint64_t c = VC_COLS, r = VC_ROWS, w = 0, h = 0;

    if (!keyvals_uint(kv, "cols", 1, VT_MAX_COLS, &c, err) ||
        !keyvals_uint(kv, "rows", 2, VT_MAX_ROWS, &r, err) ||
        !keyvals_uint(kv, "width", FONT_WIDTH, VT_MAX_COLS * FONT_WIDTH, &w, err) ||
        !keyvals_uint(kv, "height", 2 * FONT_HEIGHT, VT_MAX_ROWS * FONT_HEIGHT, &h, err))
        return error_prefix(err, "vc");
    *cols = (unsigned)(w ? w / FONT_WIDTH : c);
    *rows = (unsigned)(h ? h / FONT_HEIGHT : r);
    return true;
}

struct chardev *vc_new(struct machine *m, const char *id, const struct keyvals *kv, GError **err)
{
    unsigned cols = VC_COLS, rows = VC_ROWS;

    if (!parse_size(kv, &cols, &rows, err))
        return NULL;
    struct vc *c = chardev_alloc(m, &vc_ops, sizeof(*c), id);
    vt_init(&c->term, cols, rows);
    c->term.reply = send;
    c->term.reply_arg = c;
    c->typed = g_byte_array_new();
    c->name = g_strdup(id);
    c->console = console_add(m, c->name, &vc_screen, c);
    /* The monitor is Ctrl-Alt-2, whenever it was made. */
    console_rank(c->console, g_str_has_prefix(id, "compat_monitor") ? 1 : 2);
    c->chr.open = true;
    c->chr.interactive = true;
    return &c->chr;
}
