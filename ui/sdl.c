/* SPDX-License-Identifier: MIT */
/*
 * The window. SDL's events come through a source on the main loop that sleeps on the X server's
 * connection; under other window systems, whose connection SDL does not show, it looks every
 * frame while the window is visible. Nothing is drawn unless the console says that something
 * changed or the window system asks for it.
 */
#include "ui/sdl.h"

#include <SDL.h>
#include <SDL_syswm.h>
#include <stdlib.h>

#include "core/machine.h"
#include "ui/console.h"
#include "ui/input.h"
#include "util/error.h"

struct window {
    struct viewer viewer; /* first */
    struct machine *machine;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    GSource *source;
    bool connection;  /* the source has a file descriptor to sleep on */
    bool full_screen, grabbed;
    unsigned buttons;
};

/* ---- Title and size --------------------------------------------------------------------- */

static void set_title(struct window *w)
{
    const struct machine *m = w->machine;
    g_autofree char *title = g_strdup_printf(
        "Hostel%s%s%s%s%s", m->config->name ? " (" : "", m->config->name ? m->config->name : "",
        m->config->name ? ")" : "", machine_running(m) ? "" : " [Stopped]",
        w->grabbed ? " - Press Ctrl-Alt-G to release the mouse" : "");

    SDL_SetWindowTitle(w->window, title);
}

static void state_changed(void *arg)
{
    set_title(arg);
}

static void own_size(struct window *w)
{
    const struct surface *s = &w->viewer.console->surface;
    Uint32 flags = SDL_GetWindowFlags(w->window);

    if (!w->full_screen && !(flags & SDL_WINDOW_MAXIMIZED))
        SDL_SetWindowSize(w->window, (int)s->width, (int)s->height);
}

static void set_full_screen(struct window *w, bool on)
{
    if (SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0)
        w->full_screen = on;
}

static void set_grab(struct window *w, bool on)
{
    if (w->grabbed == on)
        return;
    w->grabbed = on;
    SDL_SetRelativeMouseMode(on && !input_is_absolute(w->machine));
    SDL_SetWindowGrab(w->window, on);
    set_title(w);
}

/* ---- The picture ------------------------------------------------------------------------ */

/* Where the picture is in the window: as large as fits, in its own proportions. */
static SDL_Rect place(struct window *w, bool *whole)
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

static void present(struct window *w)
{
    bool whole;

    if (!w->texture)
        return;
    SDL_Rect r = place(w, &whole);
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
    present((struct window *)v);
}

static void resized(struct viewer *v)
{
    struct window *w = (struct window *)v;
    const struct surface *s = &v->console->surface;

    if (w->texture)
        SDL_DestroyTexture(w->texture);
    w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888,
                                   SDL_TEXTUREACCESS_STREAMING, (int)s->width, (int)s->height);
    own_size(w);
}

/* ---- Events ----------------------------------------------------------------------------- */

static bool hot_key(struct window *w, const SDL_KeyboardEvent *e)
{
    if (!(e->keysym.mod & KMOD_LCTRL) || !(e->keysym.mod & KMOD_LALT))
        return false;
    switch (e->keysym.scancode) {
    case SDL_SCANCODE_F:
        set_full_screen(w, !w->full_screen);
        return true;
    case SDL_SCANCODE_G:
        set_grab(w, !w->grabbed);
        return true;
    case SDL_SCANCODE_U:
        own_size(w);
        return true;
    default:
        return false;
    }
}

static void on_key(struct window *w, const SDL_KeyboardEvent *e)
{
    bool down = e->type == SDL_KEYDOWN;
    uint16_t key = sdl_key(e->keysym.scancode);

    if (down && !e->repeat && hot_key(w, e))
        input_release_keys(w->machine);
    else if (key)
        input_key(w->machine, key, down);
}

static void on_motion(struct window *w, const SDL_MouseMotionEvent *e)
{
    bool whole;

    if (!input_is_absolute(w->machine)) {
        if (w->grabbed)
            input_motion(w->machine, e->xrel, e->yrel, 0);
        return;
    }
    SDL_Rect r = place(w, &whole);
    if (r.w > 0 && r.h > 0)
        input_position(w->machine, CLAMP((e->x - r.x) * 32767 / r.w, 0, 32767),
                       CLAMP((e->y - r.y) * 32767 / r.h, 0, 32767), 0);
}

static void on_button(struct window *w, const SDL_MouseButtonEvent *e)
{
    static const uint8_t bits[] = {[SDL_BUTTON_LEFT] = BUTTON_LEFT,
                                   [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE,
                                   [SDL_BUTTON_RIGHT] = BUTTON_RIGHT,
                                   [SDL_BUTTON_X1] = BUTTON_SIDE,
                                   [SDL_BUTTON_X2] = BUTTON_EXTRA};
    unsigned bit = e->button < G_N_ELEMENTS(bits) ? bits[e->button] : 0;
    bool down = e->type == SDL_MOUSEBUTTONDOWN;

    if (!w->grabbed && !input_is_absolute(w->machine)) {
        if (down) /* this click is for the window */
            set_grab(w, true);
        return;
    }
    w->buttons = down ? w->buttons | bit : w->buttons & ~bit;
    input_buttons(w->machine, w->buttons);
}

static void on_window(struct window *w, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
        viewer_set_visible(&w->viewer, true);
        break;
    case SDL_WINDOWEVENT_HIDDEN:
    case SDL_WINDOWEVENT_MINIMIZED:
        viewer_set_visible(&w->viewer, false);
        break;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        present(w);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        input_release_keys(w->machine);
        set_grab(w, false);
        break;
    }
}

static void on_event(struct window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        on_key(w, &e->key);
        break;
    case SDL_MOUSEMOTION:
        on_motion(w, &e->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_button(w, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        input_motion(w->machine, 0, 0, e->wheel.y);
        break;
    case SDL_WINDOWEVENT:
        on_window(w, &e->window);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        resized(&w->viewer);
        w->viewer.console->ops->redraw(w->viewer.console->dev);
        console_wake(w->viewer.console);
        break;
    case SDL_QUIT:
        machine_request_shutdown(w->machine, CAUSE_HOST_UI);
        break;
    }
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
        on_event(w, &e);
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

bool sdl_open(struct machine *m, GError **err)
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
    w->viewer = (struct viewer){.resized = resized, .damaged = damaged, .flush = flush,
                                .visible = true};
    if (!window_new(w, &c->surface)) {
        error_set(err, "no window can be opened: %s", SDL_GetError());
        SDL_Quit();
        g_free(w);
        return false;
    }
    attach(w);
    console_attach(c, &w->viewer);
    set_title(w);
    machine_add_hook(m->on_state_change, state_changed, w);
    machine_add_hook(m->on_exit, window_free, w);
    return true;
}
