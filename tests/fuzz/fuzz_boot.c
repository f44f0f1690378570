/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a kernel end in an image whose pieces lie in RAM without overlapping, or
 * in an error. First byte: bit 0 a 3 GiB machine with more above 4 GiB (else 16 MiB), bit 1 with
 * an initrd, bit 2 two modules.
 */
#include <stdlib.h>

#include "hw/pc/boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct boot_input *in, const struct boot_image *img)
{
    for (guint i = 0; i < img->pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(img->pieces, struct boot_piece, i);
        uint64_t end = p->gpa + p->size;
        bool low = end > p->gpa && end <= in->low_ram;
        bool high = p->gpa >= 1ull << 32 && end <= (1ull << 32) + in->high_ram;
        if ((!low && !high) || p->bytes.len > p->size)
            abort();
        for (guint k = 0; k < i; k++) {
            const struct boot_piece *q = &g_array_index(img->pieces, struct boot_piece, k);
            if (p->gpa < q->gpa + q->size && q->gpa < end)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t rd[4096];
    struct boot_module modules[2] = {{{rd, sizeof(rd)}, "a b"}, {{rd, 1}, "c"}};
    struct e820 map;

    if (!size)
        return 0;
    bool big = data[0] & 1;
    struct boot_input in = {
        .kernel = {data + 1, size - 1},
        .kernel_name = "kernel",
        .modules = modules,
        .nmodules = data[0] & 4 ? 2 : data[0] >> 1 & 1,
        .cmdline = "console=ttyS0",
        .low_ram = big ? 3ull << 30 : 16 << 20,
        .high_ram = big ? 1ull << 30 : 0,
        .map = &map,
        .rsdp = 0xf0000,
    };
    struct boot_image img;
    GError *err = NULL;

    e820_build(&map, in.low_ram, in.high_ram, 0xe0000);
    if (boot_prepare(&in, &img, &err)) {
        check(&in, &img);
        boot_image_free(&img);
    } else if (!err) {
        abort();
    } else {
        g_error_free(err);
    }
    return 0;
}
