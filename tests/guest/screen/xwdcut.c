/* SPDX-License-Identifier: MIT */
/* xwdcut FILE X Y W H: a part of an X window dump (Xvfb -fbdir; 32 bits a pixel) as a PPM. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

int main(int argc, char **argv)
{
    enum { WIDTH = 16, HEIGHT = 20, BITS = 44, BYTES = 48, COLORS = 76, HEADER = 100,
           COLOR_LEN = 12 };
    static uint8_t dump[64 << 20];
    FILE *f = argc == 6 ? fopen(argv[1], "rb") : NULL;
    size_t len = f ? fread(dump, 1, sizeof(dump), f) : 0;

    if (len < HEADER || big(dump + BITS) != 32)
        return 2;
    uint32_t stride = big(dump + BYTES), x = atoi(argv[2]), y = atoi(argv[3]);
    uint32_t w = atoi(argv[4]), h = atoi(argv[5]);
    const uint8_t *pixels = dump + big(dump) + big(dump + COLORS) * COLOR_LEN;
    if (x + w > big(dump + WIDTH) || y + h > big(dump + HEIGHT))
        return 2;
    printf("P6\n%u %u\n255\n", w, h);
    for (uint32_t row = y; row < y + h; row++)
        for (uint32_t col = x; col < x + w; col++) {
            const uint8_t *p = pixels + (size_t)row * stride + col * 4;
            putchar(p[2]);
            putchar(p[1]);
            putchar(p[0]);
        }
    return 0;
}
