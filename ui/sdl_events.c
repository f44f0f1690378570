/* SPDX-License-Identifier: MIT */
/* What is done to the window: keys, pointer, size, closing. */
#include <xkbcommon/xkbcommon-keysyms.h>

#include "ui/keysym.h"
#include "ui/sdl_int.h"

/* What has to be held for the window's own keys. */
static bool hot_mods(const struct window *w, unsigned mod)
{
    static const unsigned mods[] = {KMOD_LCTRL | KMOD_LALT, KMOD_LSHIFT | KMOD_LCTRL | KMOD_LALT,
                                    KMOD_RCTRL};
    unsigned want = mods[w->settings.grab_mod];

    return (mod & want) == want;
}

static void scale(struct window *w, int percent)
{
    int width, height;

    SDL_GetWindowSize(w->window, &width, &height);
    SDL_SetWindowSize(w->window, MAX(width * percent / 100, 160), MAX(height * percent / 100, 100));
}

static bool hot_key(struct window *w, const SDL_KeyboardEvent *e)
{
    SDL_Scancode code = e->keysym.scancode;

    if (!hot_mods(w, e->keysym.mod))
        return false;
    if (code >= SDL_SCANCODE_1 && code <= SDL_SCANCODE_9) {
        sdl_show(w, code - SDL_SCANCODE_1);
        return true;
    }
    switch (code) {
    case SDL_SCANCODE_F: sdl_set_full_screen(w, !w->full_screen); return true;
    case SDL_SCANCODE_G: sdl_set_grab(w, !w->grabbed); return true;
    case SDL_SCANCODE_U: sdl_own_size(w); return true;
    case SDL_SCANCODE_EQUALS:
    case SDL_SCANCODE_KP_PLUS: scale(w, 125); return true;
    case SDL_SCANCODE_MINUS:
    case SDL_SCANCODE_KP_MINUS: scale(w, 80); return true;
    default: return false;
    }
}

/* A terminal gets symbols: letters as text (on_text), the rest from here. */
static void terminal_key(struct window *w, const SDL_Keysym *key)
{
    static const struct {
        SDL_Keycode code;
        uint32_t symbol;
    } keys[] = {
        {SDLK_RETURN, XKB_KEY_Return}, {SDLK_KP_ENTER, XKB_KEY_Return},
        {SDLK_BACKSPACE, XKB_KEY_BackSpace}, {SDLK_TAB, XKB_KEY_Tab},
        {SDLK_ESCAPE, XKB_KEY_Escape}, {SDLK_HOME, XKB_KEY_Home}, {SDLK_END, XKB_KEY_End},
        {SDLK_INSERT, XKB_KEY_Insert}, {SDLK_DELETE, XKB_KEY_Delete},
        {SDLK_PAGEUP, XKB_KEY_Prior}, {SDLK_PAGEDOWN, XKB_KEY_Next}, {SDLK_UP, XKB_KEY_Up},
        {SDLK_DOWN, XKB_KEY_Down}, {SDLK_LEFT, XKB_KEY_Left}, {SDLK_RIGHT, XKB_KEY_Right},
    };
    struct console *c = w->viewer.console;
    bool ctrl = key->mod & KMOD_CTRL;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i].code == key->sym)
            c->ops->type(c->dev, keys[i].symbol, ctrl);
    if (key->sym >= SDLK_F1 && key->sym <= SDLK_F12)
        c->ops->type(c->dev, XKB_KEY_F1 + (uint32_t)(key->sym - SDLK_F1), ctrl);
    else if (ctrl && key->sym > ' ' && key->sym < 0x7f)
        c->ops->type(c->dev, (uint32_t)key->sym, true);
}

static void on_text(struct window *w, const char *text)
{
    struct console *c = w->viewer.console;

    if (!c->ops->type || (SDL_GetModState() & (KMOD_CTRL | KMOD_LALT)))
        return;
    for (; *text && g_utf8_validate(text, -1, NULL); text = g_utf8_next_char(text))
        c->ops->type(c->dev, keysym_of_char(g_utf8_get_char(text)), false);
}

static void on_key(struct window *w, const SDL_KeyboardEvent *e)
{
    bool down = e->type == SDL_KEYDOWN;
    uint16_t key = sdl_key(e->keysym.scancode);

    if (down && !e->repeat && hot_key(w, e))
        input_release_keys(w->machine);
    else if (w->viewer.console->ops->type && down)
        terminal_key(w, &e->keysym);
    else if (key && !w->viewer.console->ops->type)
        input_key(w->machine, key, down);
}

static void on_motion(struct window *w, const SDL_MouseMotionEvent *e)
{
    bool whole;

    if (w->viewer.console->ops->type)
        return;
    if (input_is_absolute(w->machine) != w->absolute) {
        sdl_set_grab(w, false);
        sdl_show_cursor(w);
    }
    if (!w->absolute) {
        if (w->grabbed)
            input_motion(w->machine, e->xrel, e->yrel, 0);
        return;
    }
    SDL_Rect r = sdl_place(w, &whole);
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

    if (w->viewer.console->ops->type)
        return;
    if (!w->grabbed && !input_is_absolute(w->machine)) {
        if (down) /* this click is for the window */
            sdl_set_grab(w, true);
        return;
    }
    w->buttons = down ? w->buttons | bit : w->buttons & ~bit;
    input_buttons(w->machine, w->buttons);
}

/* A guest that can has as many dots as the window. */
static void wish(struct window *w, unsigned width, unsigned height)
{
    struct console *c = w->viewer.console;

    if (c->ops->wish)
        c->ops->wish(c->dev, width, height);
}

static void on_wheel(struct window *w, int y)
{
    struct console *c = w->viewer.console;

    if (!c->ops->type)
        input_wheel(w->machine, y);
    else if (y)
        c->ops->type(c->dev, y > 0 ? SYMBOL_SCROLL_UP : SYMBOL_SCROLL_DOWN, false);
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
    case SDL_WINDOWEVENT_RESIZED:
        wish(w, (unsigned)e->data1, (unsigned)e->data2);
        break;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        sdl_present(w);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        input_release_keys(w->machine);
        sdl_set_grab(w, false);
        break;
    }
}

void sdl_event(struct window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        on_key(w, &e->key);
        break;
    case SDL_TEXTINPUT:
        on_text(w, e->text.text);
        break;
    case SDL_MOUSEMOTION:
        on_motion(w, &e->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_button(w, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        on_wheel(w, e->wheel.y);
        break;
    case SDL_WINDOWEVENT:
        on_window(w, &e->window);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        sdl_resized(&w->viewer);
        w->viewer.console->ops->redraw(w->viewer.console->dev);
        console_wake(w->viewer.console);
        break;
    case SDL_QUIT:
        if (!w->settings.keep_open)
            machine_request_shutdown(w->machine, CAUSE_HOST_UI);
        break;
    }
}
