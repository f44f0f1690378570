/* SPDX-License-Identifier: MIT */
/*
 * Consoles. The refresh source is asleep (ready time -1) unless somebody said console_wake() or
 * update() asked for another turn. A dirty log that has to be polled (as_dirty_needs_polling) is
 * asked each frame while things move, and up to eight times less often while they do not.
 */
#include "ui/console.h"

#include <string.h>

#include "ui/ui.h"

enum { POLL_SLOWEST = 8 }; /* frames */

/* ---- Surface ---------------------------------------------------------------------------- */

static void surface_new(struct surface *s, unsigned width, unsigned height)
{
    s->width = CLAMP(width, 1, SCREEN_MAX_WIDTH);
    s->height = CLAMP(height, 1, SCREEN_MAX_HEIGHT);
    s->image = pixman_image_create_bits(PIXMAN_x8r8g8b8, (int)s->width, (int)s->height, NULL, 0);
    if (!s->image)
        g_error("out of memory for a screen of %u by %u", s->width, s->height);
    s->pixels = pixman_image_get_data(s->image);
    s->stride = (unsigned)pixman_image_get_stride(s->image) / 4;
}

void console_resize(struct console *c, unsigned width, unsigned height)
{
    if (c->surface.width == width && c->surface.height == height)
        return;
    pixman_image_unref(c->surface.image);
    surface_new(&c->surface, width, height);
    for (unsigned i = 0; i < c->viewers->len; i++) {
        struct viewer *v = c->viewers->pdata[i];
        v->resized(v);
    }
    c->changed = true;
}

void console_damage(struct console *c, int x, int y, int w, int h)
{
    if (w <= 0 || h <= 0)
        return;
    c->changed = true;
    for (unsigned i = 0; i < c->viewers->len; i++) {
        struct viewer *v = c->viewers->pdata[i];
        if (v->visible)
            v->damaged(v, x, y, w, h);
    }
}

void console_set_cursor(struct console *c, struct cursor *cursor)
{
    g_free(c->cursor);
    c->cursor = cursor;
    for (unsigned i = 0; i < c->viewers->len; i++) {
        struct viewer *v = c->viewers->pdata[i];
        if (v->cursor)
            v->cursor(v);
    }
}

/* ---- Refresh ---------------------------------------------------------------------------- */

static bool watched(const struct console *c)
{
    for (unsigned i = 0; i < c->viewers->len; i++)
        if (((struct viewer *)c->viewers->pdata[i])->visible)
            return true;
    return false;
}

static int64_t update(struct console *c)
{
    c->changed = false;
    int64_t again = c->ops->update(c->dev);
    for (unsigned i = 0; c->changed && i < c->viewers->len; i++) {
        struct viewer *v = c->viewers->pdata[i];
        if (v->visible)
            v->flush(v);
    }
    return again;
}

void console_refresh(struct console *c)
{
    if (!watched(c)) /* then nobody kept what was drawn up to date */
        c->ops->redraw(c->dev);
    update(c);
}

static void arm(struct console *c, int64_t delay_us)
{
    g_source_set_ready_time(c->source, c->last + delay_us);
}

void console_wake(struct console *c)
{
    if (!__atomic_exchange_n(&c->woken, 1, __ATOMIC_ACQ_REL))
        arm(c, SCREEN_FRAME_MS * 1000);
}

/* The next turn that nobody has to ask for. */
static void arm_next(struct console *c, int64_t again_ns)
{
    int64_t delay = again_ns < 0 ? INT64_MAX : again_ns / 1000 + 1;

    if (as_dirty_needs_polling(&c->machine->mem)) {
        c->quiet = c->changed ? 0 : MIN(c->quiet + 1, POLL_SLOWEST - 1);
        delay = MIN(delay, (1 + (int64_t)c->quiet) * SCREEN_FRAME_MS * 1000);
    }
    if (delay == INT64_MAX)
        return;
    arm(c, delay);
    /* A wake-up that came meanwhile wants its frame earlier. */
    if (__atomic_load_n(&c->woken, __ATOMIC_ACQUIRE))
        arm(c, SCREEN_FRAME_MS * 1000);
}

static gboolean refresh(void *arg)
{
    struct console *c = arg;
    struct machine *m = c->machine;

    g_source_set_ready_time(c->source, -1);
    machine_lock(m);
    if (watched(c)) { /* else it stays woken, so that wake-ups cost nothing */
        c->last = g_get_monotonic_time();
        __atomic_store_n(&c->woken, 0, __ATOMIC_RELEASE);
        arm_next(c, update(c));
    }
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, void *arg)
{
    return fn(arg);
}
static GSourceFuncs source_funcs = {.dispatch = source_dispatch};

/* Somebody looks now: draw everything. */
static void start_over(struct console *c)
{
    c->ops->redraw(c->dev);
    __atomic_store_n(&c->woken, 0, __ATOMIC_RELEASE);
    console_wake(c);
}

/* ---- Viewers ---------------------------------------------------------------------------- */

void console_attach(struct console *c, struct viewer *v)
{
    v->console = c;
    g_ptr_array_add(c->viewers, v);
    v->resized(v);
    if (v->visible)
        start_over(c);
}

void console_detach(struct viewer *v)
{
    if (v->console)
        g_ptr_array_remove(v->console->viewers, v);
    v->console = NULL;
}

void viewer_set_visible(struct viewer *v, bool visible)
{
    if (v->visible == visible)
        return;
    v->visible = visible;
    if (visible && v->console)
        start_over(v->console);
}

/* ---- Life ------------------------------------------------------------------------------- */

void console_rank(struct console *c, unsigned rank)
{
    GPtrArray *all = ui_of(c->machine)->consoles;
    unsigned n = 0;

    g_ptr_array_remove(all, c);
    c->rank = rank;
    while (n < all->len && ((struct console *)all->pdata[n])->rank <= rank)
        n++;
    g_ptr_array_insert(all, (int)n, c);
}

struct console *console_add(struct machine *m, const char *name, const struct screen_ops *ops,
                            void *dev)
{
    struct console *c = g_new0(struct console, 1);

    c->machine = m;
    c->name = name;
    c->ops = ops;
    c->dev = dev;
    c->viewers = g_ptr_array_new();
    surface_new(&c->surface, 640, 480);
    c->source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_callback(c->source, refresh, c, NULL);
    g_source_attach(c->source, m->context);
    g_ptr_array_add(ui_of(m)->consoles, c);
    console_rank(c, 0);
    return c;
}

void console_remove(struct console *c)
{
    while (c->viewers->len)
        console_detach(c->viewers->pdata[0]);
    g_ptr_array_remove(ui_of(c->machine)->consoles, c);
    g_source_destroy(c->source);
    g_source_unref(c->source);
    g_ptr_array_free(c->viewers, TRUE);
    pixman_image_unref(c->surface.image);
    g_free(c->cursor);
    g_free(c);
}

struct console *console_get(struct machine *m, unsigned n)
{
    return m->ui && n < m->ui->consoles->len ? m->ui->consoles->pdata[n] : NULL;
}
