/* SPDX-License-Identifier: MIT */
/* Compares two PPM pictures: the same size, and colours that agree in their upper five bits. */
#include <stdio.h>
#include <stdlib.h>

struct picture {
    int w, h;
    unsigned char *rgb;
};

static struct picture load(const char *path)
{
    struct picture p = {0};
    FILE *f = fopen(path, "rb");

    if (!f || fscanf(f, "P6 %d %d 255", &p.w, &p.h) != 2 || fgetc(f) == EOF || p.w < 1 || p.h < 1) {
        printf("%s cannot be read", path);
        exit(2);
    }
    p.rgb = malloc((size_t)p.w * p.h * 3);
    if (fread(p.rgb, 3, (size_t)p.w * p.h, f) != (size_t)p.w * p.h) {
        printf("%s is short", path);
        exit(2);
    }
    fclose(f);
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct picture a = load(argv[1]), b = load(argv[2]);
    long differ = 0, first = -1;

    if (a.w != b.w || a.h != b.h) {
        printf("%dx%d and %dx%d", a.w, a.h, b.w, b.h);
        return 1;
    }
    for (long i = 0; i < (long)a.w * a.h * 3; i++)
        if ((a.rgb[i] ^ b.rgb[i]) >> 3 && (differ++, first < 0))
            first = i;
    printf("%dx%d, %ld bytes differ", a.w, a.h, differ);
    if (differ)
        printf(", first at %ld,%ld: %d and %d", first / 3 % a.w, first / 3 / a.w, a.rgb[first],
               b.rgb[first]);
    return differ != 0;
}
