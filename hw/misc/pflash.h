/* SPDX-License-Identifier: MIT */
/*
 * Flash memory with the Intel command set and the common flash interface, on 8 data lines: the
 * firmware of -drive if=pflash, its variables with it. `mem` is to be mapped; it shows the array,
 * and while a command is going on what the chip says. Machine lock.
 */
#ifndef HW_MISC_PFLASH_H
#define HW_MISC_PFLASH_H

#include "block/block.h"
#include "core/device.h"
#include "core/region.h"

enum { PFLASH_BLOCK = 4096, PFLASH_BUFFER = 256 };

struct pflash {
    struct device dev;
    struct blk *blk;            /* property: a multiple of PFLASH_BLOCK bytes */
    struct ram_block *ram;      /* the array; the machine's */
    struct region mem;          /* container of both */
    struct region array;        /* reads of the array, writes are commands */
    struct region chip;         /* over it, unless the array is read */
    /* registers */
    uint8_t command;            /* what the next write belongs to; 0: nothing */
    uint8_t mode;               /* what reads show */
    uint8_t status;
    uint8_t buffer[PFLASH_BUFFER];
    uint32_t buffer_at;         /* write to buffer: where it goes */
    uint32_t buffer_n;          /* bytes announced */
    uint32_t buffer_have;
    /* what is not in the image yet; not saved */
    uint64_t dirty_first, dirty_end;
    struct blk_req req;
    struct iovec iov;
    bool busy;
};

extern const struct device_type pflash_type;

#endif
