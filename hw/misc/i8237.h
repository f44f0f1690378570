/* SPDX-License-Identifier: MIT */
/*
 * The ISA bus's DMA: two 8237A and the page registers. Channels 0 to 3 move bytes, 5 to 7 words;
 * 4 joins the two chips. Map `io[0]` (16 ports) at 0, `io[1]` (32) at C0h, `page` (16) at 80h.
 * Machine lock.
 */
#ifndef HW_MISC_I8237_H
#define HW_MISC_I8237_H

#include "core/device.h"
#include "core/region.h"

struct dma_channel {
    uint16_t base_addr, base_count, addr, count;
    uint8_t mode;
};

struct dma_chip {
    struct dma_channel ch[4];
    uint8_t command, mask, status; /* status: terminal counts */
    bool high; /* the next byte of an address or count is the high one */
};

struct i8237 {
    struct device dev;
    struct region io[2], page_io;
    struct dma_chip chip[2];
    uint8_t page[16];
};

extern const struct device_type i8237_type;

/* Would the channel move something for a device that asks (DREQ)? */
bool i8237_ready(const struct i8237 *d, unsigned channel);
/* A device has, or takes, up to len bytes (an even number on channels 5 to 7). Returns how many
 * were moved; *tc: the count came to its end. `to_memory` says what the device means; a channel
 * that is set for the other direction or to verify counts and moves nothing. */
size_t i8237_transfer(struct i8237 *d, unsigned channel, void *buf, size_t len, bool to_memory,
                      bool *tc);

#endif
