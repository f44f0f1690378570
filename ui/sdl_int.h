/* SPDX-License-Identifier: MIT */
/* Between the files of the window: sdl.c has it and its picture, sdl_events.c its events. */
#ifndef UI_SDL_INT_H
#define UI_SDL_INT_H

#include <SDL.h>

#include "core/machine.h"
#include "ui/console.h"
#include "ui/input.h"
#include "ui/sdl.h"

struct window {
    struct viewer viewer; /* first */
    struct machine *machine;
    struct display_settings settings;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    SDL_Cursor *cursor; /* the guest's, or NULL */
    GSource *source;
    bool connection; /* the source has a file descriptor to sleep on */
    bool full_screen, grabbed;
    bool absolute; /* the guest's pointer is where ours is */
    unsigned buttons;
};

/* sdl.c */
void sdl_own_size(struct window *w);
void sdl_set_full_screen(struct window *w, bool on);
void sdl_set_grab(struct window *w, bool on);
SDL_Rect sdl_place(struct window *w, bool *whole);
void sdl_present(struct window *w);
void sdl_resized(struct viewer *v);
void sdl_show_cursor(struct window *w);
void sdl_show(struct window *w, unsigned n); /* another console */

/* sdl_events.c */
void sdl_event(struct window *w, const SDL_Event *e);

#endif
