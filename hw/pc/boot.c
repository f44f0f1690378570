/* SPDX-License-Identifier: MIT */
/* Direct boot: which protocol a file speaks, and where in RAM there is room. */
#include "hw/pc/boot.h"

#include <string.h>

#include "util/error.h"

#define FOUR_GIB 0x100000000ull

void boot_st16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

void boot_st32(uint8_t *p, uint32_t v)
{
    boot_st16(p, (uint16_t)v);
    boot_st16(p + 2, (uint16_t)(v >> 16));
}

void boot_st64(uint8_t *p, uint64_t v)
{
    boot_st32(p, (uint32_t)v);
    boot_st32(p + 4, (uint32_t)(v >> 32));
}

void boot_append(GByteArray *b, uint64_t v, unsigned bytes)
{
    uint8_t le[8];

    boot_st64(le, v);
    g_byte_array_append(b, le, bytes);
}

/* ---- Pieces --------------------------------------------------------------------------- */

/* One run of RAM that software may be put into. */
static bool is_ram(const struct boot_input *in, uint64_t gpa, uint64_t size)
{
    uint64_t end = gpa + size;

    if (end < gpa)
        return false;
    if (gpa >= FOUR_GIB)
        return end <= FOUR_GIB + in->high_ram;
    if (gpa >= BOOT_ONE_MIB)
        return end <= in->low_ram;
    return end <= BOOT_LOW_END && end <= in->low_ram;
}

/* The first piece that overlaps [gpa, gpa + size), or NULL. */
static const struct boot_piece *overlap(const struct boot_image *img, uint64_t gpa, uint64_t size)
{
    for (guint i = 0; i < img->pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(img->pieces, struct boot_piece, i);
        if (gpa < p->gpa + p->size && p->gpa < gpa + size)
            return p;
    }
    return NULL;
}

static bool add(const struct boot_input *in, struct boot_image *img, struct boot_piece p)
{
    if (!p.size)
        return true;
    if (!is_ram(in, p.gpa, p.size) || overlap(img, p.gpa, p.size))
        return false;
    g_array_append_val(img->pieces, p);
    return true;
}

bool boot_add(const struct boot_input *in, struct boot_image *img, uint64_t gpa,
              struct boot_bytes bytes, uint64_t size)
{
    return add(in, img, (struct boot_piece){.gpa = gpa, .bytes = bytes, .size = size});
}

bool boot_add_owned(const struct boot_input *in, struct boot_image *img, uint64_t gpa,
                    GByteArray *bytes)
{
    size_t len = bytes->len;
    uint8_t *data = g_byte_array_free(bytes, FALSE);
    bool ok = add(in, img, (struct boot_piece){.gpa = gpa, .bytes = {data, len}, .size = len,
                                               .owned = true});
    if (!ok || !len)
        g_free(data);
    return ok;
}

uint64_t boot_find_below(const struct boot_input *in, const struct boot_image *img, uint64_t len,
                         uint64_t limit, uint64_t keep, uint64_t keep_len)
{
    uint64_t end = limit < in->low_ram ? limit : in->low_ram;

    while (end >= len && end - len >= BOOT_ONE_MIB) {
        uint64_t at = (end - len) & ~(uint64_t)(BOOT_PAGE - 1);
        if (at < BOOT_ONE_MIB)
            break;
        const struct boot_piece *p = overlap(img, at, len);
        if (keep_len && at < keep + keep_len && keep < at + len)
            end = keep;
        else if (p)
            end = p->gpa;
        else
            return at;
    }
    return 0;
}

uint64_t boot_find_above(const struct boot_input *in, const struct boot_image *img, uint64_t len,
                         uint64_t from)
{
    uint64_t at = from;

    for (;;) {
        at = (at + BOOT_PAGE - 1) & ~(uint64_t)(BOOT_PAGE - 1);
        if (at < BOOT_ONE_MIB && at + len > BOOT_LOW_END)
            at = BOOT_ONE_MIB;
        if (!is_ram(in, at, len))
            return 0;
        const struct boot_piece *p = overlap(img, at, len);
        if (!p)
            return at;
        at = p->gpa + p->size;
    }
}

GByteArray *boot_gdt(void)
{
    static const uint64_t gdt[] = {
        0, 0,
        0x00cf9b000000ffff, /* 10h: 32-bit code, base 0, limit 4 GiB */
        0x00cf93000000ffff, /* 18h: data */
        0x00af9b000000ffff, /* 20h: 64-bit code */
    };
    GByteArray *b = g_byte_array_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(gdt); i++)
        boot_append(b, gdt[i], 8);
    return b;
}

/* ---- Choice of protocol --------------------------------------------------------------- */

bool boot_prepare(const struct boot_input *in, struct boot_image *img, GError **err)
{
    bool ok;

    memset(img, 0, sizeof(*img));
    img->pieces = g_array_new(FALSE, FALSE, sizeof(struct boot_piece));
    if (boot_linux_recognise(in->kernel))
        ok = boot_linux(in, img, err);
    else if (boot_multiboot_recognise(in->kernel))
        ok = boot_multiboot(in, img, err);
    else
        ok = boot_pvh(in, img, err);
    if (!ok)
        boot_image_free(img);
    return ok;
}

void boot_image_free(struct boot_image *img)
{
    if (!img->pieces)
        return;
    for (guint i = 0; i < img->pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(img->pieces, struct boot_piece, i);
        if (p->owned)
            g_free((void *)p->bytes.data);
    }
    g_array_free(img->pieces, TRUE);
    img->pieces = NULL;
}

char **boot_split_modules(const char *text)
{
    GPtrArray *list = g_ptr_array_new();
    GString *s = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (*p == ',' && p[1] == ',') {
            g_string_append_c(s, *p++);
        } else if (*p == ',') {
            g_ptr_array_add(list, g_string_free(s, FALSE));
            s = g_string_new(NULL);
        } else {
            g_string_append_c(s, *p);
        }
    }
    g_ptr_array_add(list, g_string_free(s, FALSE));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
