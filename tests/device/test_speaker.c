/* SPDX-License-Identifier: MIT */
/* The PC speaker, from counter 2 and port 61h to the samples of a WAV file. */
#include "tests/device/bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/audio.h"
#include "hw/misc/port61.h"
#include "hw/timer/i8254.h"

enum { RATE = 48000, LOUD = 8000, HEADER = 44 };

static struct machine *m;
static struct i8254 *pit;
static struct port61 *p61;
static char *dir, *path;
static int16_t *samples; /* left and right */
static size_t frames;

static void setup(void)
{
    g_autofree char *text = NULL;
    GError *err = NULL;

    m = bench_new();
    dir = g_dir_make_tmp("hostel-XXXXXX", NULL);
    path = g_strdup_printf("%s/out.wav", dir);
    text = g_strdup_printf("wav,id=a,out.frequency=%d,path=%s", RATE, path);
    ck_assert_msg(audiodev_add(m, text, &err), "%s", err ? err->message : "");
    pit = (struct i8254 *)device_new(m, &i8254_type);
    bench_realize(pit);
    region_add(&m->io_root, 0x40, &pit->io, 0);
    p61 = (struct port61 *)device_new(m, &port61_type);
    p61->pit = pit;
    voice_attach(&p61->voice, audiodev_find(m, "a", NULL));
    bench_realize(p61);
    region_add(&m->io_root, 0x61, &p61->io, 0);
}
static void teardown(void)
{
    unlink(path);
    rmdir(dir);
    g_free(dir);
    g_free(path);
    g_free(samples);
}
static uint32_t le32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}
/* Ends the machine, and reads what it wrote. */
static void take(void)
{
    char *data;
    gsize len;

    bench_free(m);
    ck_assert(g_file_get_contents(path, &data, &len, NULL));
    ck_assert_uint_ge(len, HEADER);
    ck_assert_int_eq(memcmp(data, "RIFF", 4) | memcmp(data + 8, "WAVEfmt ", 8), 0);
    ck_assert_uint_eq(le32(data + 4), len - 8);
    ck_assert_uint_eq(le32(data + 24), RATE);
    ck_assert_uint_eq(le32(data + 40), len - HEADER);
    frames = (len - HEADER) / 4;
    samples = g_memdup2(data + HEADER, len - HEADER);
    g_free(data);
}
static void tone(unsigned divisor)
{
    outb(m, 0x43, 0xb6);
    outb(m, 0x42, (uint8_t)divisor);
    outb(m, 0x42, (uint8_t)(divisor >> 8));
}
static unsigned rises(size_t from, size_t to)
{
    unsigned n = 0;

    for (size_t i = from + 1; i < to; i++)
        n += samples[2 * i] > 0 && samples[2 * i - 2] < 0;
    return n;
}

START_TEST(a_tone)
{
    tone(PIT_HZ / 1000);
    step_ns(m, 100000000); /* the gate is shut: nothing is heard */
    ck_assert_int_eq(m->vclock.next == INT64_MAX, 1); /* nor waited for */
    outb(m, 0x61, 3);
    step_ns(m, 500000000);
    outb(m, 0x61, 0);
    ck_assert_int_eq(m->vclock.next == INT64_MAX, 1);
    step_ns(m, 500000000);
    take();
    ck_assert_uint_eq(frames, RATE / 2);
    for (size_t i = 0; i < frames; i++) {
        ck_assert_int_eq(abs(samples[2 * i]), LOUD);
        ck_assert_int_eq(samples[2 * i], samples[2 * i + 1]);
    }
    ck_assert_uint_ge(rises(0, frames), 499);
    ck_assert_uint_le(rises(0, frames), 501);
    for (size_t i = 100; i < 148; i++) /* halves of 24 frames */
        ck_assert_int_eq(samples[2 * i], -samples[2 * (i + 24)]);
}
END_TEST

START_TEST(a_change)
{
    tone(PIT_HZ / 1000);
    outb(m, 0x61, 3);
    step_ns(m, 103000000); /* in the middle of a period of the mixer */
    tone(PIT_HZ / 3000);
    step_ns(m, 97000000);
    outb(m, 0x61, 0);
    take();
    ck_assert_uint_eq(frames, RATE / 5);
    size_t at = RATE * 103 / 1000;
    ck_assert_uint_ge(rises(0, at), 102);
    ck_assert_uint_le(rises(0, at), 104);
    ck_assert_uint_ge(rises(at, frames), 289);
    ck_assert_uint_le(rises(at, frames), 292);
}
END_TEST

START_TEST(options)
{
    static const char *const good[] = {"none,id=a", "wav,id=b,path=x", "driver=none,id=c",
                                       "{\"driver\": \"none\", \"id\": \"d\"}"};
    static const char *const bad[] = {"none", "alsa,id=a", "wav,id=a,pth=x",
                                      "none,id=a,out.frequency=9"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        ck_assert_msg(audiodev_check(good[i], NULL), "%s", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!audiodev_check(bad[i], NULL), "%s", bad[i]);
    ck_assert(!audiodev_add(m, "none,id=a", NULL)); /* there is one */
    take();
    ck_assert_uint_eq(frames, 0);
}
END_TEST

static void add(TCase *t)
{
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_tone);
    tcase_add_test(t, a_change);
    tcase_add_test(t, options);
}

int main(void)
{
    return bench_run("speaker", add);
}
