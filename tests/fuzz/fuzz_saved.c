/* SPDX-License-Identifier: MIT */
/* timeout: 600 */
/*
 * libFuzzer: whatever a saved machine says, loading it neither crashes nor hangs, and nor does the
 * machine afterwards. The first byte tells what the rest is:
 *
 *   even  changes to the state of a board, three bytes each: which byte of it (16 bits, times a
 *         step that reaches all of it), and its new value; then the board goes on for a while
 *   odd   a whole file, whose checksums are put right first
 */
#include <stdlib.h>
#include <string.h>


#include "hw/pci/pci.h"
#include "migration/saved.h"
#include "tests/device/board_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void go_on(struct machine *m)
{
    static const uint16_t ports[] = {0x20,  0x21,  0x40,  0x43,  0x60,  0x64,  0x70,  0x71, 0x1f0,
                                     0x1f7, 0x3c0, 0x3c5, 0x3d5, 0x3f8, 0x3fd, 0xcf8, 0xcfc};

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
            as_io_read(&m->io, ports[i], 1);
            as_io_write(&m->io, ports[i], round * 0x11, 1);
        }
        for (unsigned devfn = 0; devfn < 256; devfn += 8)
            pci_bus_config_read(m->pci, 0, devfn, 4, 4);
        board_bench_step(m, 1000000);
        machine_iterate(m, false);
    }
    machine_reset(m);
    board_bench_step(m, 1000000);
}

static void change_state(struct machine *m, const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) state = g_byte_array_new();

    machine_save(m, state);
    unsigned step = state->len / 65536 + 1;
    for (; size >= 3; data += 3, size -= 3) {
        unsigned at = (unsigned)(data[0] | data[1] << 8) * step + data[2] % step;
        if (at < state->len)
            state->data[at] = data[2];
    }
    machine_load(m, state->data, state->len, NULL);
    go_on(m);
}

/* So that what is behind the checksums is reached. */
static void sign(uint8_t *p, size_t size)
{
    if (size >= FORMAT_HEADER)
        put32(p + 12, crc32c(p, 12));
    for (size_t at = FORMAT_HEADER; size - at >= FORMAT_RECORD && at < size;) {
        uint64_t len = get64(p + at + 8);
        bool flat = get32(p + at) == TAG_FLAT;
        if (len > size - at - FORMAT_RECORD)
            len = size - at - FORMAT_RECORD;
        put32(p + at + 16, crc32c(p + at + FORMAT_RECORD, flat ? MIN(len, 16) : len));
        put32(p + at + 20, crc32c(p + at, 20));
        at += FORMAT_RECORD + len;
    }
}

static void read_whole(struct machine *m, const uint8_t *data, size_t size)
{
    g_autofree uint8_t *copy = g_malloc(size + 1);
    struct saved saved;

    memcpy(copy, data, size);
    sign(copy, size);
    struct wire *s = wire_new_memory(copy, size);
    if (saved_read(m, s, true, false, &saved, NULL)) {
        machine_load(m, saved.state->data, saved.state->len, NULL);
        saved_clear(&saved);
    }
    wire_free(s);
    go_on(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct machine *m = board_bench_new();
    if (data[0] & 1)
        read_whole(m, data + 1, size - 1);
    else
        change_state(m, data + 1, size - 1);
    board_bench_free(m);
    return 0;
}
