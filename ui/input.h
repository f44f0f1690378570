/* SPDX-License-Identifier: MIT */
/*
 * The input router: keys and motion from windows, servers and the monitor to the keyboard and
 * pointer that the guest uses. Machine lock.
 *
 * A key is its make code of PC scan code set 1, whatever the layout prints on it: 1-7Fh, E0xxh
 * for extended keys, KEY_PAUSE for the one with a sequence of its own. ui/keys.h names them.
 */
#ifndef UI_INPUT_H
#define UI_INPUT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"

struct machine;

enum { KEY_PAUSE = 0xe11d, KEY_EXTENDED = 0xe000 };
enum { BUTTON_LEFT = 1, BUTTON_RIGHT = 2, BUTTON_MIDDLE = 4, BUTTON_SIDE = 8, BUTTON_EXTRA = 16 };

/* A keyboard or pointer of the guest. What it has not is NULL. */
struct input_sink {
    void *dev;
    const char *name; /* static: "PS/2 Mouse"; or NULL */
    void (*key)(void *dev, uint16_t key, bool down);
    /* dx to the right, dy downwards, dz a wheel's clicks away from the user; BUTTON_* held. */
    void (*motion)(void *dev, int dx, int dy, int dz, unsigned buttons);
    /* The same with a place: 0 to 32767 over the width and height of the screen. */
    void (*position)(void *dev, int x, int y, int dz, unsigned buttons);
};

#define INPUT_SENDKEY_MAX 16 /* keys in one chord */

struct input {
    struct machine *machine;
    GPtrArray *sinks;     /* struct input_sink *, the one in use first */
    GHashTable *down;     /* keys that are held */
    GQueue chords;        /* struct chord *: sendkey's */
    struct timer timer;   /* releases the chord that is held, presses the next */
    bool holding;
    unsigned buttons;
    int x, y;             /* the last place */
};

void input_init(struct input *in, struct machine *m);
void input_fini(struct input *in);

/* The device lives until input_remove(); the last one added is used until another is preferred. */
void input_add(struct machine *m, const struct input_sink *sink);
void input_remove(struct machine *m, void *dev);
/* The guest uses this one now. */
void input_prefer(struct machine *m, void *dev);

void input_key(struct machine *m, uint16_t key, bool down);
/* Up with all keys that are held: the window lost the keyboard. */
void input_release_keys(struct machine *m);
void input_motion(struct machine *m, int dx, int dy, int dz);
void input_position(struct machine *m, int x, int y, int dz);
void input_buttons(struct machine *m, unsigned buttons); /* all that are held now */
void input_wheel(struct machine *m, int dz);
/* Does the pointer in use take places, so that it need not be grabbed? */
bool input_is_absolute(struct machine *m);
/* Press n keys in this order, hold them for that long in guest time, release them. Chords queue
 * up behind one another. */
void input_chord(struct machine *m, const uint16_t *keys, unsigned n, int64_t hold_ns);

#endif
