/* SPDX-License-Identifier: MIT */
/*
 * System control port B, 61h: NMI status and control register of the PIIX data sheet.
 *
 *   7 SERR#  6 IOCHK#  5 OUT2  4 refresh toggle  3 IOCHK off  2 SERR off  1 speaker  0 gate 2
 *
 * There is no source of SERR# or IOCHK#; bits 7 and 6 read as 0. The refresh bit toggles every
 * 15 us of virtual time, as software that counts it expects.
 *
 * The speaker is a voice (audio/audio.h) while gate and data are on: the level of OUT2.
 */
#include "hw/misc/port61.h"
#include "core/machine.h"
#include "hw/timer/i8254.h"

enum { GATE2 = 1, SPEAKER_DATA = 2, LOUDNESS = 8000, WRITABLE = 0x0f, REFRESH = 0x10, OUT2 = 0x20 };
#define REFRESH_NS 15085

static uint64_t port61_read(void *dev, uint64_t off, unsigned size)
{
    struct port61 *s = dev;
    bool refresh = clock_now(&s->dev.machine->vclock) / REFRESH_NS & 1;
    return s->value | (refresh ? REFRESH : 0) | (i8254_get_out(s->pit, 2) ? OUT2 : 0);
}

static void fill(void *arg, int64_t ns, int16_t *frames, size_t n)
{
    struct port61 *s = arg;
    unsigned rate = audio_rate(s->voice.dev);

    for (size_t i = 0; i < n; i++) {
        int64_t at = ns + (int64_t)muldiv64(i, NSEC_PER_SEC, rate);
        int16_t level = i8254_out_at(s->pit, 2, at) ? LOUDNESS : -LOUDNESS;
        frames[2 * i] = frames[2 * i + 1] = level;
    }
}

/* Before anything changes: what has passed is heard as it was. */
static void changing(void *arg)
{
    struct port61 *s = arg;

    audio_run(s->voice.dev);
}

static void update_speaker(struct port61 *s)
{
    enum { ON = GATE2 | SPEAKER_DATA };

    voice_set_active(&s->voice, (s->value & ON) == ON);
}

static void port61_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct port61 *s = dev;
    changing(s);
    s->value = val & WRITABLE;
    i8254_set_gate(s->pit, 2, val & GATE2);
    update_speaker(s);
}

static const struct region_ops port61_ops = {
    .read = port61_read, .write = port61_write, .min = 1, .max = 1};

static void port61_reset(struct device *dev)
{
    struct port61 *s = (struct port61 *)dev;
    s->value = 0;
    i8254_set_gate(s->pit, 2, false);
    update_speaker(s);
}

static bool port61_realize(struct device *dev, GError **err)
{
    struct port61 *s = (struct port61 *)dev;
    s->voice.fill = fill;
    s->voice.arg = s;
    s->pit->changing = changing;
    s->pit->changing_arg = s;
    region_init_io(&s->io, "port61", &port61_ops, s, 1);
    return true;
}

static void port61_unrealize(struct device *dev)
{
    struct port61 *s = (struct port61 *)dev;

    voice_detach(&s->voice);
    s->pit->changing = NULL;
    region_fini(&s->io);
}

static void port61_loaded(struct device *dev)
{
    update_speaker((struct port61 *)dev);
}

static const struct state_field port61_state[] = {STATE_FIELD(struct port61, value), STATE_END};

const struct device_type port61_type = {
    .name = "port61",
    .help = "speaker gate and NMI status",
    .bus = "ISA",
    .size = sizeof(struct port61),
    .state = port61_state,
    .state_version = 1,
    .internal = true,
    .realize = port61_realize,
    .reset = port61_reset,
    .loaded = port61_loaded,
    .unrealize = port61_unrealize,
};
