/* SPDX-License-Identifier: MIT */
/* Pictures of a surface: PPM (netpbm's P6) and PNG (libpng). */
#include "ui/screenshot.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>

#include "util/error.h"

static void row_rgb(const struct surface *s, unsigned y, uint8_t *out)
{
    const uint32_t *p = s->pixels + (size_t)y * s->stride;

    for (unsigned x = 0; x < s->width; x++, out += 3) {
        out[0] = (uint8_t)(p[x] >> 16);
        out[1] = (uint8_t)(p[x] >> 8);
        out[2] = (uint8_t)p[x];
    }
}

static bool write_ppm(const struct surface *s, FILE *f)
{
    g_autofree uint8_t *row = g_malloc((size_t)s->width * 3);
    bool ok = fprintf(f, "P6\n%u %u\n255\n", s->width, s->height) > 0;

    for (unsigned y = 0; ok && y < s->height; y++) {
        row_rgb(s, y, row);
        ok = fwrite(row, (size_t)s->width * 3, 1, f) == 1;
    }
    return ok;
}

/* libpng leaves by longjmp() to here; nothing that must be freed is made below. */
static bool png_rows(const struct surface *s, FILE *f, png_structp png, png_infop info,
                     uint8_t *row)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, f);
    png_set_IHDR(png, info, s->width, s->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < s->height; y++) {
        row_rgb(s, y, row);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    return true;
}

static bool write_png(const struct surface *s, FILE *f)
{
    g_autofree uint8_t *row = g_malloc((size_t)s->width * 3);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool ok = info && png_rows(s, f, png, info, row);

    png_destroy_write_struct(&png, &info);
    return ok;
}

bool screenshot_write(const struct surface *s, const char *path, enum screenshot_format format,
                      GError **err)
{
    FILE *f = fopen(path, "wbe");

    if (!f)
        return error_set(err, "%s: %s", path, g_strerror(errno));
    errno = 0;
    bool ok = format == SCREENSHOT_PNG ? write_png(s, f) : write_ppm(s, f);
    int why = errno;
    if (fclose(f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    return ok || error_set(err, "%s: it cannot be written: %s", path,
                           why ? g_strerror(why) : "the image library failed");
}
