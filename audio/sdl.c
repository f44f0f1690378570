/* SPDX-License-Identifier: MIT */
/* The desktop's sound by SDL 2: frames are queued there; what SDL has not played when the queue is
 * long is late already, and dropped. */
#include "config.h"

#include <SDL.h>

#include "audio/audio_int.h"
#include "util/error.h"

enum { FRAME_BYTES = 4, QUEUE_MS = 200 };

struct sdl_audio {
    struct audiodev dev;
    SDL_AudioDeviceID id;
};

static const char *const keys[] = {NULL};

static bool sdl_open(struct audiodev *dev, const struct keyvals *kv, GError **err)
{
    struct sdl_audio *a = (struct sdl_audio *)dev;
    SDL_AudioSpec want = {.freq = (int)dev->rate, .format = AUDIO_S16SYS, .channels = 2,
                          .samples = 1024};

    if (SDL_InitSubSystem(SDL_INIT_AUDIO) != 0)
        return error_set(err, "%s; -audiodev none has no sound", SDL_GetError());
    a->id = SDL_OpenAudioDevice(NULL, 0, &want, NULL, 0);
    if (!a->id) {
        error_set(err, "%s; -audiodev none has no sound", SDL_GetError());
        SDL_QuitSubSystem(SDL_INIT_AUDIO);
        return false;
    }
    SDL_PauseAudioDevice(a->id, 0);
    return true;
}

static void sdl_write(struct audiodev *dev, const int16_t *frames, size_t n)
{
    struct sdl_audio *a = (struct sdl_audio *)dev;

    if (SDL_GetQueuedAudioSize(a->id) < dev->rate * FRAME_BYTES / 1000 * QUEUE_MS)
        SDL_QueueAudio(a->id, frames, (Uint32)(n * FRAME_BYTES));
}

static void sdl_close(struct audiodev *dev)
{
    SDL_CloseAudioDevice(((struct sdl_audio *)dev)->id);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
}

const struct audio_driver audio_sdl = {.name = "sdl", .help = "the desktop's sound", .keys = keys,
                                       .size = sizeof(struct sdl_audio), .open = sdl_open,
                                       .write = sdl_write, .close = sdl_close};
