/* SPDX-License-Identifier: MIT */
/*
 * Sound: voices of the guest's devices on a device of the host (-audiodev).
 *
 *     voice  --fill() while it is active-->  mixer  --16-bit stereo-->  back end: sdl, wav, none
 *
 * The guest's time drives it: every few milliseconds of the virtual clock, while a voice is active,
 * each is asked for the frames that have passed. With no active voice nothing runs. A voice that is
 * about to change calls audio_run() first, so that what comes before the change still is as before.
 * Machine lock for everything; the machine owns its audiodevs, and frees them after its devices.
 */
#ifndef AUDIO_AUDIO_H
#define AUDIO_AUDIO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct audiodev;

struct voice {
    struct audiodev *dev; /* NULL: it is not connected; every call is harmless then */
    /* n frames (left, right), of which the first is at virtual time `ns`. */
    void (*fill)(void *arg, int64_t ns, int16_t *frames, size_t n);
    void *arg;
    bool active;
};

/* Is the text of -audiodev right? Nothing is opened. */
bool audiodev_check(const char *text, GError **err);
/* -audiodev DRIVER,id=ID[,out.frequency=HZ][,path=FILE] or {JSON}. */
bool audiodev_add(struct machine *m, const char *text, GError **err);
struct audiodev *audiodev_find(struct machine *m, const char *id, GError **err);
void audiodev_help(GString *out);

void voice_attach(struct voice *v, struct audiodev *dev);
void voice_detach(struct voice *v);
void voice_set_active(struct voice *v, bool active);
/* Mix and send what is due up to now. */
void audio_run(struct audiodev *dev);
unsigned audio_rate(const struct audiodev *dev); /* frames a second */

#endif
