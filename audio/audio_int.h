/* SPDX-License-Identifier: MIT */
/* Between the mixer and its back ends. */
#ifndef AUDIO_AUDIO_INT_H
#define AUDIO_AUDIO_INT_H

#include "audio/audio.h"
#include "core/clock.h"
#include "util/keyval.h"

struct audio_driver {
    const char *name, *help;
    const char *const *keys; /* besides driver, id, out.frequency */
    size_t size;
    bool (*open)(struct audiodev *dev, const struct keyvals *kv, GError **err);
    void (*write)(struct audiodev *dev, const int16_t *frames, size_t n);
    void (*close)(struct audiodev *dev);
};

struct audiodev { /* first member of each back end's struct */
    const struct audio_driver *driver;
    struct machine *machine;
    char *id;
    unsigned rate;
    GPtrArray *voices; /* struct voice *: the devices' */
    struct timer timer;
    int64_t from;      /* virtual time that frame 0 is at */
    uint64_t frame;    /* frames sent since */
};

extern const struct audio_driver audio_none, audio_wav;
#ifdef CONFIG_SDL
extern const struct audio_driver audio_sdl;
#endif

#endif
