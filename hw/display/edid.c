/* SPDX-License-Identifier: MIT */
/*
 * EDID of a monitor that shows everything up to its preferred mode. VESA Enhanced EDID Standard,
 * Release A, Revision 2 (EDID 1.4), section 3.
 */
#include "hw/display/edid.h"

#include <string.h>

enum { DPI = 100, REFRESH = 60, STANDARD_AT = 38, DETAILED_AT = 54, DESCRIPTOR = 18,
       TAG_RANGE = 0xfd, TAG_NAME = 0xfc, BLANK_X = 160, BLANK_Y = 35 };

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static unsigned millimetres(unsigned pixels)
{
    return pixels * 254 / (10 * DPI);
}

/* 3.9: width / 8 - 31, aspect ratio and refresh - 60 Hz. */
static void standard_timings(uint8_t *p, unsigned width, unsigned height)
{
    enum { R4_3 = 1 << 6, R5_4 = 2 << 6, R16_10 = 0, R16_9 = 3 << 6 };
    static const struct {
        unsigned w, h, ratio;
    } modes[] = {{2560, 1440, R16_9}, {1920, 1080, R16_9}, {1680, 1050, R16_10},
                 {1600, 1200, R4_3},  {1280, 1024, R5_4},  {1440, 900, R16_10},
                 {1280, 800, R16_10}, {1280, 720, R16_9},  {1024, 768, R4_3},
                 {800, 600, R4_3},    {640, 480, R4_3}};
    unsigned n = 0;

    memset(p, 0x01, 16); /* unused */
    for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]) && n < 8; i++)
        if (modes[i].w <= width && modes[i].h <= height) {
            p[2 * n] = (uint8_t)(modes[i].w / 8 - 31);
            p[2 * n + 1] = (uint8_t)modes[i].ratio;
            n++;
        }
}

/* 3.10.2 */
static void detailed_timing(uint8_t *p, unsigned w, unsigned h)
{
    unsigned clock = (w + BLANK_X) * (h + BLANK_Y) / 10000 * REFRESH;
    unsigned mmx = millimetres(w), mmy = millimetres(h);
    unsigned front_x = BLANK_X / 4, sync_x = BLANK_X / 4, front_y = 4, sync_y = 4;

    put16(p, clock > 65535 ? 65535 : clock);
    p[2] = (uint8_t)w;
    p[3] = BLANK_X & 0xff;
    p[4] = (uint8_t)(w >> 8 << 4 | BLANK_X >> 8);
    p[5] = (uint8_t)h;
    p[6] = BLANK_Y;
    p[7] = (uint8_t)(h >> 8 << 4);
    p[8] = (uint8_t)front_x;
    p[9] = (uint8_t)sync_x;
    p[10] = (uint8_t)(front_y << 4 | sync_y);
    p[12] = (uint8_t)mmx;
    p[13] = (uint8_t)mmy;
    p[14] = (uint8_t)(mmx >> 8 << 4 | mmy >> 8);
    p[17] = 0x18; /* digital, separate synchronisation */
}

static void range_limits(uint8_t *p)
{
    static const uint8_t limits[] = {50, 125, 30, 160, 255, 1}; /* Hz, kHz, 10 MHz, none else */

    p[3] = TAG_RANGE;
    memcpy(p + 5, limits, sizeof(limits));
    p[11] = '\n';
    memset(p + 12, ' ', 6);
}

static void name(uint8_t *p)
{
    p[3] = TAG_NAME;
    memcpy(p + 5, "Hostel\n      ", 13);
}

void edid_build(uint8_t out[EDID_SIZE], unsigned width, unsigned height)
{
    static const uint8_t magic[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* sRGB: red, green, blue, white */
    static const uint8_t chroma[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    uint8_t sum = 0;

    memset(out, 0, EDID_SIZE);
    memcpy(out, magic, sizeof(magic));
    unsigned maker = ('H' - 64u) << 10 | ('S' - 64u) << 5 | ('T' - 64u); /* big-endian */
    out[8] = (uint8_t)(maker >> 8);
    out[9] = (uint8_t)maker;
    put16(out + 10, 1);
    out[17] = 34; /* 2024 - 1990 */
    out[18] = 1;
    out[19] = 4;
    out[20] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    out[21] = (uint8_t)(millimetres(width) / 10);
    out[22] = (uint8_t)(millimetres(height) / 10);
    out[23] = 120; /* gamma 2.2 */
    out[24] = 0x06; /* sRGB, the first timing is the preferred one */
    memcpy(out + 25, chroma, sizeof(chroma));
    out[35] = 0x21; /* 640x480, 800x600 at 60 Hz */
    out[36] = 0x08; /* 1024x768 at 60 Hz */
    standard_timings(out + STANDARD_AT, width, height);
    detailed_timing(out + DETAILED_AT, width, height);
    range_limits(out + DETAILED_AT + DESCRIPTOR);
    name(out + DETAILED_AT + 2 * DESCRIPTOR);
    out[DETAILED_AT + 3 * DESCRIPTOR + 3] = 0x10; /* a descriptor that says nothing */
    for (unsigned i = 0; i < EDID_SIZE - 1; i++)
        sum = (uint8_t)(sum + out[i]);
    out[EDID_SIZE - 1] = (uint8_t)-sum;
}
