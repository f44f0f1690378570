/* SPDX-License-Identifier: MIT */
/*
 * Text modes on a terminal by ncurses. A terminal tells symbols, not keys, so that a layout (-k)
 * turns them into the keys of the guest; it tells no releases, so that each key is pressed and let
 * go. A screen that is larger than the terminal is shown around its cursor.
 */
#define NCURSES_WIDECHAR 1
#include "ui/curses.h"

#include <curses.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon-keysyms.h>

#include "chardev/terminal.h"
#include "core/machine.h"
#include "ui/console.h"
#include "ui/cp437.h"
#include "ui/input.h"
#include "ui/keysym.h"
#include "util/error.h"

enum { ESCAPE_MS = 25, KEY_HOLD_MS = 5, CODE_ESCAPE = 27, CODE_DELETE = 127 };
enum { KEY_LEFT_SHIFT = 0x2a, KEY_LEFT_CTRL = 0x1d, KEY_LEFT_ALT = 0x38,
       KEY_ALTGR = KEY_EXTENDED | 0x38 };

struct screen_on_terminal {
    struct viewer viewer; /* first */
    struct machine *machine;
    SCREEN *screen;
    GSource *input, *size;
    struct keysyms *keymap;
    bool utf8;
};

/* ---- Drawing ------------------------------------------------------------------------------- */

/* A PC's colours are numbered blue, green, red; a terminal's red, green, blue. */
static short colour(unsigned pc)
{
    return (short)((pc & 1) << 2 | (pc & 2) | (pc & 4) >> 2 | (COLORS >= 16 ? pc & 8 : 0));
}

static short pair_of(unsigned attribute)
{
    unsigned fg = attribute & (COLORS >= 16 ? 15 : 7);

    return (short)(1 + fg + (attribute >> 4 & 7) * 16);
}

static void make_pairs(void)
{
    if (!has_colors())
        return;
    start_color();
    for (unsigned a = 0; a < 0x80; a++)
        if (COLORS >= 16 || !(a & 8))
            init_pair(pair_of(a), colour(a & 15), colour(a >> 4 & 7));
}

/* What stands for a character where the terminal has no more than ASCII. */
static wchar_t ascii(uint16_t c)
{
    if (c >= 0x2500 && c < 0x2580)
        return c == 0x2500 || c == 0x2550 ? L'-' : c == 0x2502 || c == 0x2551 ? L'|' : L'+';
    if (c >= 0x2580 && c < 0x25a0)
        return L'#';
    return c < 0x7f ? (wchar_t)c : L'?';
}

static void draw_cell(struct screen_on_terminal *s, int y, int x, uint16_t cell)
{
    uint16_t c = cp437_unicode[cell & 0xff];
    wchar_t text[2] = {s->utf8 ? (wchar_t)c : ascii(c), 0};
    bool bright = cell & 0x800;
    cchar_t out;

    setcchar(&out, text, bright && (COLORS < 16 || !has_colors()) ? A_BOLD : A_NORMAL,
             has_colors() ? pair_of(cell >> 8) : 0, NULL);
    mvadd_wch(y, x, &out);
}

/* The first line or column that is shown, so that the cursor is in sight. */
static int first_shown(unsigned size, int room, bool cursor, unsigned at)
{
    if ((int)size <= room || !cursor)
        return 0;
    return CLAMP((int)at - room + 1, 0, (int)size - room);
}

static void draw_text(struct screen_on_terminal *s, const struct screen_text *t)
{
    int x0 = first_shown(t->cols, COLS, t->cursor, t->cursor_x);
    int y0 = first_shown(t->rows, LINES, t->cursor, t->cursor_y);

    for (int y = 0; y < LINES && y + y0 < (int)t->rows; y++)
        for (int x = 0; x < COLS && x + x0 < (int)t->cols; x++)
            draw_cell(s, y, x, t->cells[(size_t)(y + y0) * t->cols + (size_t)(x + x0)]);
    int cx = (int)t->cursor_x - x0, cy = (int)t->cursor_y - y0;
    bool cursor = t->cursor && cx >= 0 && cx < COLS && cy >= 0 && cy < LINES;
    curs_set(cursor ? 1 : 0);
    if (cursor)
        move(cy, cx);
}

static void draw_notice(const struct console *c)
{
    static const char *const more[] = {
        "A terminal cannot show that: -vnc :1 or -display sdl can, and the",
        "monitor (Alt-2) takes pictures: screendump FILE -f png"};
    char first[80];
    int y = MAX(LINES / 2 - 2, 0);

    g_snprintf(first, sizeof(first), "The guest shows graphics, %u by %u.", c->surface.width,
               c->surface.height);
    mvaddnstr(y, 2, first, MAX(COLS - 2, 0));
    for (int i = 0; i < 2; i++)
        mvaddnstr(y + 1 + i, 2, more[i], MAX(COLS - 2, 0));
    curs_set(0);
}

static void draw(struct viewer *v)
{
    struct screen_on_terminal *s = (struct screen_on_terminal *)v;
    const struct console *c = v->console;
    struct screen_text text = {0};

    erase();
    if (c && c->ops->text && c->ops->text(c->dev, &text))
        draw_text(s, &text);
    else if (c)
        draw_notice(c);
    g_free(text.cells);
    refresh();
}

static void damaged(struct viewer *v, int x, int y, int w, int h)
{
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static const struct {
    int code;
    uint32_t keysym;
} codes[] = {
    {KEY_UP, XKB_KEY_Up}, {KEY_DOWN, XKB_KEY_Down}, {KEY_LEFT, XKB_KEY_Left},
    {KEY_RIGHT, XKB_KEY_Right}, {KEY_HOME, XKB_KEY_Home}, {KEY_END, XKB_KEY_End},
    {KEY_PPAGE, XKB_KEY_Prior}, {KEY_NPAGE, XKB_KEY_Next}, {KEY_IC, XKB_KEY_Insert},
    {KEY_DC, XKB_KEY_Delete}, {KEY_BACKSPACE, XKB_KEY_BackSpace}, {KEY_ENTER, XKB_KEY_Return},
    {KEY_BTAB, XKB_KEY_Tab}, {KEY_SR, XKB_KEY_Up}, {KEY_SF, XKB_KEY_Down},
};

struct stroke {
    uint32_t keysym;
    bool ctrl, alt, shift;
};

static struct stroke stroke_of_code(int code)
{
    struct stroke k = {.shift = code == KEY_BTAB || code == KEY_SR || code == KEY_SF};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].code == code)
            k.keysym = codes[i].keysym;
    if (code > KEY_F0 && code <= KEY_F(24)) { /* from 13 on: with Shift */
        unsigned n = (unsigned)(code - KEY_F(1));
        k.keysym = XKB_KEY_F1 + n % 12;
        k.shift = n >= 12;
    }
    return k;
}

static struct stroke stroke_of_char(uint32_t c)
{
    static const struct {
        uint32_t c, keysym;
    } controls[] = {{'\r', XKB_KEY_Return}, {'\n', XKB_KEY_Return}, {'\t', XKB_KEY_Tab},
                    {'\b', XKB_KEY_BackSpace}, {CODE_DELETE, XKB_KEY_BackSpace},
                    {CODE_ESCAPE, XKB_KEY_Escape}};

    for (size_t i = 0; i < G_N_ELEMENTS(controls); i++)
        if (controls[i].c == c)
            return (struct stroke){.keysym = controls[i].keysym};
    if (c == 0)
        return (struct stroke){.keysym = ' ', .ctrl = true};
    if (c < 0x20)
        return (struct stroke){.keysym = c < 27 ? c + 'a' - 1 : c + '@', .ctrl = true};
    return (struct stroke){.keysym = keysym_of_char(c)};
}

static void press(struct screen_on_terminal *s, const struct stroke *k)
{
    uint16_t keys[6];
    unsigned n = 0, held;
    uint16_t key = keysyms_find(s->keymap, k->keysym, &held);

    if (!key)
        return;
    if (k->ctrl)
        keys[n++] = KEY_LEFT_CTRL;
    if (k->alt)
        keys[n++] = KEY_LEFT_ALT;
    if (k->shift || (held & KEYSYM_SHIFT))
        keys[n++] = KEY_LEFT_SHIFT;
    if (held & KEYSYM_ALTGR)
        keys[n++] = KEY_ALTGR;
    keys[n++] = key;
    input_chord(s->machine, keys, n, KEY_HOLD_MS * 1000000ll);
}

static bool choose_console(struct screen_on_terminal *s, const struct stroke *k)
{
    if (!k->alt || k->keysym < '1' || k->keysym > '9')
        return false;
    struct console *c = console_get(s->machine, k->keysym - '1');
    if (!c)
        return false;
    if (c != s->viewer.console) {
        console_detach(&s->viewer);
        clear();
        console_attach(c, &s->viewer);
    }
    return true;
}

static void stroke(struct screen_on_terminal *s, const struct stroke *k)
{
    struct console *c = s->viewer.console;

    if (!k->keysym || choose_console(s, k))
        return;
    if (!c || !c->ops->type) {
        press(s, k);
        return;
    }
    if (k->alt)
        c->ops->type(c->dev, XKB_KEY_Escape, false);
    if (k->shift && (k->keysym == XKB_KEY_Up || k->keysym == XKB_KEY_Down))
        c->ops->type(c->dev, k->keysym, true); /* looks back */
    else
        c->ops->type(c->dev, k->keysym, k->ctrl);
}

/* False: nothing was typed. Esc and a character that comes with it are Alt and the character. */
static bool read_stroke(struct stroke *k)
{
    wint_t c;
    int kind = get_wch(&c);

    if (kind == ERR)
        return false;
    if (kind == KEY_CODE_YES) {
        *k = stroke_of_code((int)c);
        return true;
    }
    bool alt = c == CODE_ESCAPE && (kind = get_wch(&c)) != ERR;
    if (kind == KEY_CODE_YES)
        *k = stroke_of_code((int)c);
    else
        *k = stroke_of_char(c);
    k->alt = alt;
    return true;
}

static gboolean on_input(gint fd, GIOCondition cond, gpointer arg)
{
    struct screen_on_terminal *s = arg;
    struct stroke k;

    if (cond & (G_IO_HUP | G_IO_ERR)) { /* the terminal is gone */
        machine_request_shutdown(s->machine, CAUSE_HOST_SIGNAL);
        return G_SOURCE_REMOVE;
    }
    machine_lock(s->machine);
    while (read_stroke(&k))
        stroke(s, &k);
    machine_unlock(s->machine);
    return G_SOURCE_CONTINUE;
}

static gboolean on_size(gpointer arg)
{
    struct screen_on_terminal *s = arg;
    struct winsize w;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col)
        resizeterm(w.ws_row, w.ws_col);
    clear();
    machine_lock(s->machine);
    draw(&s->viewer);
    machine_unlock(s->machine);
    return G_SOURCE_CONTINUE;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static GSource *attach(struct screen_on_terminal *s, GSource *source, GSourceFunc fn)
{
    g_source_set_callback(source, fn, s, NULL);
    g_source_attach(source, s->machine->context);
    return source;
}

static void detach(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

static void curses_free(void *arg)
{
    struct screen_on_terminal *s = arg;

    machine_lock(s->machine);
    console_detach(&s->viewer);
    machine_unlock(s->machine);
    detach(s->input);
    detach(s->size);
    endwin();
    delscreen(s->screen);
    terminal_restore();
    keysyms_free(s->keymap);
    g_free(s);
}

static bool take_terminal(struct screen_on_terminal *s, GError **err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(err, "standard input and output are no terminal");
    terminal_raw(STDIN_FILENO, false);
    s->screen = newterm(NULL, stdout, stdin);
    if (!s->screen) {
        terminal_restore();
        return error_set(err, "the terminal '%s' is unknown; TERM names it", g_getenv("TERM"));
    }
    set_term(s->screen);
    curses_leave_note();
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    make_pairs();
    s->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return true;
}

bool curses_open(struct machine *m, GError **err)
{
    struct console *c = console_get(m, 0);
    struct screen_on_terminal *s;

    if (!c)
        return error_set(err, "there is no display adapter to show; -vga std has one");
    s = g_new0(struct screen_on_terminal, 1);
    s->machine = m;
    s->viewer = (struct viewer){.resized = draw, .damaged = damaged, .flush = draw,
                                .visible = true};
    s->keymap = keysyms_new(m->config->keymap, err);
    if (!s->keymap || !take_terminal(s, err)) {
        keysyms_free(s->keymap);
        g_free(s);
        return false;
    }
    s->input = attach(s, g_unix_fd_source_new(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR),
                      G_SOURCE_FUNC(on_input));
    s->size = attach(s, g_unix_signal_source_new(SIGWINCH), on_size);
    console_attach(c, &s->viewer);
    machine_add_hook(m->on_exit, curses_free, s);
    return true;
}
