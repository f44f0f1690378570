/* SPDX-License-Identifier: MIT */
/*
 * The window. SDL's events come through a source on the main loop that sleeps on the X server's
 * connection; under other window systems, whose connection SDL does not show, it looks every
 * frame while the window is visible. Nothing is drawn unless the console says that something
 * changed or the window system asks for it.
 */
#include "ui/sdl.h"

#include <SDL_syswm.h>
#include <stdlib.h>

#include "ui/sdl_int.h"
#include "util/error.h"

/* ---- Title and size --------------------------------------------------------------------- */

static void set_title(struct window *w)
{
    static const char *const mods[] = {"Ctrl-Alt", "Shift-Ctrl-Alt", "Right Ctrl"};
    const struct machine *m = w->machine;
    const struct console *c = w->viewer.console;
    g_autoptr(GString) title = g_string_new("Hostel");

    if (m->config->name)
        g_string_append_printf(title, " (%s)", m->config->name);
    if (c && c->ops->type)
        g_string_append_printf(title, ": %s", c->name);
    if (!machine_running(m))
        g_string_append(title, " [Stopped]");
    if (w->grabbed)
        g_string_append_printf(title, " - Press %s-G to release the mouse",
                               mods[w->settings.grab_mod]);
    SDL_SetWindowTitle(w->window, title->str);
}

static void state_changed(void *arg)
{
    set_title(arg);
}

void sdl_own_size(struct window *w)
{
    const struct surface *s = &w->viewer.console->surface;
    Uint32 flags = SDL_GetWindowFlags(w->window);

    if (!w->full_screen && !(flags & SDL_WINDOW_MAXIMIZED))
        SDL_SetWindowSize(w->window, (int)s->width, (int)s->height);
}

void sdl_set_full_screen(struct window *w, bool on)
{
    if (SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0)
        w->full_screen = on;
}

void sdl_set_grab(struct window *w, bool on)
{
    if (w->grabbed == on)
        return;
    w->grabbed = on;
    SDL_SetRelativeMouseMode(on && !input_is_absolute(w->machine));
    SDL_SetWindowGrab(w->window, on);
    sdl_show_cursor(w);
    set_title(w);
}

/* ---- The picture ------------------------------------------------------------------------ */

/* Where the picture is in the window: as large as fits, in its own proportions. */
SDL_Rect sdl_place(struct window *w, bool *whole)
{
    const struct surface *s = &w->viewer.console->surface;
    int ww, wh, sw = (int)s->width, sh = (int)s->height;

    SDL_GetRendererOutputSize(w->renderer, &ww, &wh);
    SDL_Rect r = {0, 0, ww, wh};
    if ((int64_t)ww * sh > (int64_t)wh * sw)
        r.w = (int)((int64_t)wh * sw / sh);
    else
        r.h = (int)((int64_t)ww * sh / sw);
    r.x = (ww - r.w) / 2;
    r.y = (wh - r.h) / 2;
    *whole = r.w % sw == 0 && r.h % sh == 0;
    return r;
}

void sdl_present(struct window *w)
{
    bool whole;

    if (!w->texture)
        return;
    SDL_Rect r = sdl_place(w, &whole);
    /* Dots stay sharp when each is as many dots of the window. */
    SDL_SetTextureScaleMode(w->texture, whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, 255);
    SDL_RenderClear(w->renderer);
    SDL_RenderCopy(w->renderer, w->texture, NULL, &r);
    SDL_RenderPresent(w->renderer);
}

static void damaged(struct viewer *v, int x, int y, int width, int height)
{
    struct window *w = (struct window *)v;
    const struct surface *s = &v->console->surface;
    SDL_Rect r = {x, y, width, height};

    if (w->texture)
        SDL_UpdateTexture(w->texture, &r, s->pixels + (size_t)y * s->stride + x,
                          (int)s->stride * 4);
}

static void flush(struct viewer *v)
{
    sdl_present((struct window *)v);
}

void sdl_resized(struct viewer *v)
{
    struct window *w = (struct window *)v;
    const struct surface *s = &v->console->surface;

    if (w->texture)
        SDL_DestroyTexture(w->texture);
    w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888,
                                   SDL_TEXTUREACCESS_STREAMING, (int)s->width, (int)s->height);
    sdl_own_size(w);
}

/* ---- The pointer's picture ---------------------------------------------------------------- */

static void cursor_changed(struct viewer *v)
{
    struct window *w = (struct window *)v;
    const struct cursor *c = v->console->cursor;
    SDL_Surface *picture = NULL;

    SDL_SetCursor(SDL_GetDefaultCursor());
    SDL_FreeCursor(w->cursor);
    w->cursor = NULL;
    if (c)
        picture = SDL_CreateRGBSurfaceWithFormatFrom((void *)c->argb, (int)c->width,
                                                     (int)c->height, 32, (int)c->width * 4,
                                                     SDL_PIXELFORMAT_ARGB8888);
    if (picture)
        w->cursor = SDL_CreateColorCursor(picture, (int)c->hot_x, (int)c->hot_y);
    SDL_FreeSurface(picture);
    sdl_show_cursor(w);
}

/* Over a screen whose guest draws its own pointer where ours is, ours is hidden. */
void sdl_show_cursor(struct window *w)
{
    bool guest = !w->viewer.console->ops->type;

    w->absolute = guest && input_is_absolute(w->machine);
    bool own = w->absolute && w->cursor;
    SDL_SetCursor(own ? w->cursor : SDL_GetDefaultCursor());
    SDL_ShowCursor(own || w->settings.show_cursor || !w->absolute ? SDL_ENABLE : SDL_DISABLE);
}

void sdl_show(struct window *w, unsigned n)
{
    struct console *c = console_get(w->machine, n);

    if (!c || c == w->viewer.console)
        return;
    sdl_set_grab(w, false);
    console_detach(&w->viewer);
    console_attach(c, &w->viewer);
    cursor_changed(&w->viewer);
    set_title(w);
}

/* ---- On the main loop ------------------------------------------------------------------- */

struct source {
    GSource source;
    struct window *window;
};

/* Asking SDL also takes what the connection has into its queue. */
static gboolean source_prepare(GSource *source, gint *timeout)
{
    const struct window *w = ((struct source *)source)->window;

    *timeout = w->connection ? -1 : w->viewer.visible ? SCREEN_FRAME_MS : 10 * SCREEN_FRAME_MS;
    return SDL_PollEvent(NULL);
}

static gboolean source_check(GSource *source)
{
    return SDL_PollEvent(NULL);
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, void *arg)
{
    struct window *w = ((struct source *)source)->window;
    SDL_Event e;

    machine_lock(w->machine);
    while (SDL_PollEvent(&e))
        sdl_event(w, &e);
    machine_unlock(w->machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare, .check = source_check, .dispatch = source_dispatch};

static void attach(struct window *w)
{
    SDL_SysWMinfo info;

    w->source = g_source_new(&source_funcs, sizeof(struct source));
    ((struct source *)w->source)->window = w;
    SDL_VERSION(&info.version);
#ifdef SDL_VIDEO_DRIVER_X11
    if (SDL_GetWindowWMInfo(w->window, &info) && info.subsystem == SDL_SYSWM_X11) {
        g_source_add_unix_fd(w->source, ConnectionNumber(info.info.x11.display), G_IO_IN);
        w->connection = true;
    }
#endif
    g_source_attach(w->source, w->machine->context);
}

/* ---- Life ------------------------------------------------------------------------------- */

bool sdl_desktop(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x && *x) || (wayland && *wayland);
}

static void window_free(void *arg)
{
    struct window *w = arg;

    machine_del_hook(w->machine->on_state_change, state_changed, w);
    console_detach(&w->viewer);
    g_source_destroy(w->source);
    g_source_unref(w->source);
    SDL_FreeCursor(w->cursor);
    SDL_DestroyTexture(w->texture);
    SDL_DestroyRenderer(w->renderer);
    SDL_DestroyWindow(w->window);
    SDL_Quit();
    g_free(w);
}

/* On failure nothing is left. */
static bool window_new(struct window *w, const struct surface *s)
{
    w->window = SDL_CreateWindow("Hostel", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                 (int)s->width, (int)s->height, SDL_WINDOW_RESIZABLE);
    if (!w->window)
        return false;
    w->renderer = SDL_CreateRenderer(w->window, -1, 0);
    if (w->renderer)
        return true;
    SDL_DestroyWindow(w->window);
    return false;
}

bool sdl_open(struct machine *m, const struct display_settings *settings, GError **err)
{
    struct console *c = console_get(m, 0);

    if (!c)
        return error_set(err, "there is no display adapter to show; -vga std has one");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
    if (SDL_Init(SDL_INIT_VIDEO) != 0)
        return error_set(err, "no window can be opened (%s): set DISPLAY or WAYLAND_DISPLAY, or "
                              "use -nographic or -display none", SDL_GetError());
    SDL_EnableScreenSaver();
    struct window *w = g_new0(struct window, 1);
    w->machine = m;
    w->settings = *settings;
    w->viewer = (struct viewer){.resized = sdl_resized, .damaged = damaged, .flush = flush,
                                .cursor = cursor_changed, .visible = true};
    if (!window_new(w, &c->surface)) {
        error_set(err, "no window can be opened: %s", SDL_GetError());
        SDL_Quit();
        g_free(w);
        return false;
    }
    attach(w);
    console_attach(c, &w->viewer);
    set_title(w);
    if (settings->full_screen)
        sdl_set_full_screen(w, true);
    machine_add_hook(m->on_state_change, state_changed, w);
    machine_add_hook(m->on_exit, window_free, w);
    return true;
}
