/* SPDX-License-Identifier: MIT */
/*
 * Consoles: what a display device shows, and who looks at it.
 *
 *   device  -> console_add() with its screen_ops. It never pushes: it says console_wake() when
 *              there may be something new, and draws when update() asks it to.
 *   console -> one surface, and a source on the main loop that calls update() at most once a
 *              frame, only while a visible viewer is there, and only after a wake.
 *   viewer  -> a window, a server: told of a new surface size and of rectangles that changed.
 *
 * Machine lock for everything but console_wake(), which any thread may call without it. Viewers
 * are called on the main thread with the lock held.
 */
#ifndef UI_CONSOLE_H
#define UI_CONSOLE_H

#include <glib.h>
#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct console;

enum { SCREEN_MAX_WIDTH = 16384, SCREEN_MAX_HEIGHT = 16384, SCREEN_FRAME_MS = 16 };

/* Pixels as 00RRGGBB in host words; `stride` counts pixels. */
struct surface {
    pixman_image_t *image;
    uint32_t *pixels;
    unsigned width, height, stride;
};

/* The screen as text: cells are character (code page 437) | attribute << 8. */
struct screen_text {
    unsigned cols, rows;
    uint16_t *cells; /* cols * rows, g_malloc()ed; the caller frees */
    bool cursor;
    unsigned cursor_x, cursor_y;
};

struct screen_ops {
    /* Draw what changed into console->surface (console_resize() first when its size differs),
     * console_damage() for each rectangle. Returns after how many ns to be called again although
     * nobody wakes the console (a blinking cursor), or -1. */
    int64_t (*update)(void *dev);
    /* All that was drawn is void: the next update() draws everything. */
    void (*redraw)(void *dev);
    /* False: the screen shows graphics. May be NULL. */
    bool (*text)(void *dev, struct screen_text *out);
    /* Consoles that are terminals, not a guest's screen, take what is typed themselves: a keysym
     * (ui/keysym.h) or SYMBOL_*, on its own or with Ctrl. NULL: it goes to the guest's keyboard. */
    void (*type)(void *dev, uint32_t symbol, bool ctrl);
    /* A viewer would like the screen to have this size; the guest may follow. NULL: it cannot. */
    void (*wish)(void *dev, unsigned width, unsigned height);
};

/* What a wheel types. */
enum { SYMBOL_SCROLL_UP = 0x2000001, SYMBOL_SCROLL_DOWN };

/* A pointer's picture that the display shows over the screen. */
enum { CURSOR_MAX = 256 }; /* width and height */
struct cursor {
    unsigned width, height, hot_x, hot_y;
    uint32_t argb[]; /* width * height; alpha is not multiplied in */
};

struct viewer {
    void (*resized)(struct viewer *v); /* console->surface is another one */
    void (*damaged)(struct viewer *v, int x, int y, int w, int h);
    void (*flush)(struct viewer *v); /* the update is complete; something was damaged */
    void (*cursor)(struct viewer *v); /* console->cursor is another one. May be NULL */
    struct console *console;
    bool visible; /* viewer_set_visible() */
};

struct console {
    struct machine *machine;
    const char *name; /* "VGA"; outlives the console */
    unsigned rank;    /* console_rank() */
    const struct screen_ops *ops;
    void *dev;
    struct surface surface;
    struct cursor *cursor; /* the guest's, or NULL: it is part of the picture, or not shown */
    GPtrArray *viewers; /* struct viewer * */
    GSource *source;
    int64_t last;       /* us of the monotonic clock: the last update */
    uint32_t woken;     /* atomic */
    unsigned quiet;     /* polls in a row that found nothing */
    bool changed;       /* during update(): something was damaged */
};

/* A console of that device, black, 640x480. Freed by console_remove() or with the machine. */
struct console *console_add(struct machine *m, const char *name, const struct screen_ops *ops,
                            void *dev);
void console_remove(struct console *c);
/* Consoles are numbered by rank, then by age. 0: a guest's screen, which is what it has at first;
 * 1: the monitor; 2: other terminals. */
void console_rank(struct console *c, unsigned rank);
/* The n-th console, or NULL: guests' screens come before terminals. */
struct console *console_get(struct machine *m, unsigned n);

/* Any thread, no lock: there may be something new. Costs nothing while nobody looks. */
void console_wake(struct console *c);

/* For update(): a surface of that size (clamped to the maximum, at least 1 by 1), black. */
void console_resize(struct console *c, unsigned width, unsigned height);
void console_damage(struct console *c, int x, int y, int w, int h);

/* Another cursor; it is taken over (g_malloc()). NULL: none. */
void console_set_cursor(struct console *c, struct cursor *cursor);

/* Bring the surface up to date now, whether or not anybody looks. Main thread. */
void console_refresh(struct console *c);

void console_attach(struct console *c, struct viewer *v); /* resized() is called at once */
void console_detach(struct viewer *v);
void viewer_set_visible(struct viewer *v, bool visible);

#endif
