/* SPDX-License-Identifier: MIT */
/*
 * To a file: RIFF WAVE, 16 bits, two channels (Microsoft's Multimedia Programming Interface and
 * Data Specifications 1.0). Time in which no voice is active is not in it. A file that cannot
 * grow any more keeps what it has.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audio/audio_int.h"
#include "util/error.h"

enum { FRAME_BYTES = 4, FORMAT_PCM = 1, DATA_MAX = 0x7ffffff0 };

struct wav {
    struct audiodev dev;
    FILE *file;
    uint32_t bytes; /* of frames */
};

struct header {
    char riff[4];
    uint32_t riff_size;
    char wave[4], fmt[4];
    uint32_t fmt_size;
    uint16_t format, channels;
    uint32_t rate, bytes_per_second;
    uint16_t frame_bytes, bits;
    char data[4];
    uint32_t data_size;
} __attribute__((packed));

static const char *const keys[] = {"path", NULL};

static bool put_header(struct wav *w)
{
    struct header h = {.riff = "RIFF", .wave = "WAVE", .fmt = "fmt ", .data = "data",
                       .riff_size = htole32((uint32_t)sizeof(h) - 8 + w->bytes),
                       .fmt_size = htole32(16), .format = htole16(FORMAT_PCM),
                       .channels = htole16(2), .rate = htole32(w->dev.rate),
                       .bytes_per_second = htole32(w->dev.rate * FRAME_BYTES),
                       .frame_bytes = htole16(FRAME_BYTES), .bits = htole16(16),
                       .data_size = htole32(w->bytes)};

    return fseek(w->file, 0, SEEK_SET) == 0 && fwrite(&h, sizeof(h), 1, w->file) == 1 &&
           fflush(w->file) == 0;
}

static bool wav_open(struct audiodev *dev, const struct keyvals *kv, GError **err)
{
    struct wav *w = (struct wav *)dev;
    const char *path = keyvals_get(kv, "path");

    path = path ? path : "hostel.wav";
    w->file = fopen(path, "wbe");
    if (!w->file)
        return error_set(err, "%s: %s", path, g_strerror(errno));
    if (put_header(w))
        return true;
    fclose(w->file);
    return error_set(err, "%s: it cannot be written", path);
}

static void wav_write(struct audiodev *dev, const int16_t *frames, size_t n)
{
    struct wav *w = (struct wav *)dev;

    if (w->bytes > DATA_MAX - n * FRAME_BYTES)
        return;
    for (size_t i = 0; i < 2 * n; i++) {
        int16_t sample = (int16_t)htole16((uint16_t)frames[i]);
        if (fwrite(&sample, sizeof(sample), 1, w->file) != 1)
            return;
    }
    w->bytes += (uint32_t)(n * FRAME_BYTES);
}

static void wav_close(struct audiodev *dev)
{
    struct wav *w = (struct wav *)dev;

    put_header(w);
    fclose(w->file);
}

const struct audio_driver audio_wav = {.name = "wav", .help = "a file: path=FILE (hostel.wav)",
                                       .keys = keys, .size = sizeof(struct wav),
                                       .open = wav_open, .write = wav_write, .close = wav_close};
