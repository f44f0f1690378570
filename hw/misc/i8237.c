/* SPDX-License-Identifier: MIT */
/*
 * 8237A DMA controllers. Intel 8237A data sheet (231466-005); page registers as the PIIX data
 * sheet has them.
 *
 * Modelled: the four channels of each chip with base and current registers, modes, autoinit,
 * down counting, masks, terminal counts, the byte pointer; transfers when a device asks. Not
 * modelled: requests by software, memory to memory, priorities (a transfer takes no time),
 * compressed timing.
 */
#include "hw/misc/i8237.h"

#include <string.h>

#include "core/machine.h"
#include "hw/misc/i8237_regs.h"

/* Where the page register of a channel is, from 80h on. */
static const uint8_t page_at[8] = {7, 3, 1, 2, 15, 11, 9, 10};

/* ---- Registers ------------------------------------------------------------------------------ */

static uint8_t byte_of(struct dma_chip *c, uint16_t v)
{
    c->high = !c->high;
    return c->high ? (uint8_t)v : (uint8_t)(v >> 8);
}

static uint64_t chip_read(struct dma_chip *c, unsigned reg)
{
    const struct dma_channel *ch = &c->ch[reg >> 1 & 3];

    if (reg < DMA_STATUS)
        return byte_of(c, reg & 1 ? ch->count : ch->addr);
    if (reg == DMA_STATUS) {
        uint8_t status = c->status;
        c->status = 0;
        return status;
    }
    return reg == DMA_MASK_ALL ? c->mask | 0xf0 : 0;
}

static void set_byte(struct dma_chip *c, uint16_t *base, uint16_t *now, uint8_t v)
{
    *base = (uint16_t)(c->high ? (*base & 0xff) | v << 8 : (*base & 0xff00) | v);
    *now = *base;
    c->high = !c->high;
}

static void clear(struct dma_chip *c)
{
    c->command = c->status = 0;
    c->mask = 0x0f;
    c->high = false;
}

static void chip_write(struct dma_chip *c, unsigned reg, uint8_t v)
{
    struct dma_channel *ch = &c->ch[reg >> 1 & 3];
    uint8_t bit = (uint8_t)(1u << (v & 3));

    switch (reg) {
    case DMA_COMMAND: c->command = v; break;
    case DMA_REQUEST: break;
    case DMA_MASK_ONE: c->mask = v & 4 ? c->mask | bit : c->mask & (uint8_t)~bit; break;
    case DMA_MODE: c->ch[v & 3].mode = v & 0xfc; break;
    case DMA_CLEAR_FF: c->high = false; break;
    case DMA_MASTER_CLEAR: clear(c); break;
    case DMA_CLEAR_MASK: c->mask = 0; break;
    case DMA_MASK_ALL: c->mask = v & 0x0f; break;
    default:
        if (reg & 1)
            set_byte(c, &ch->base_count, &ch->count, v);
        else
            set_byte(c, &ch->base_addr, &ch->addr, v);
    }
}

static uint64_t low_read(void *dev, uint64_t off, unsigned size)
{
    return chip_read(&((struct i8237 *)dev)->chip[0], (unsigned)off);
}
static void low_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    chip_write(&((struct i8237 *)dev)->chip[0], (unsigned)off, (uint8_t)val);
}
static uint64_t high_read(void *dev, uint64_t off, unsigned size)
{
    return chip_read(&((struct i8237 *)dev)->chip[1], (unsigned)off / 2);
}
static void high_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    chip_write(&((struct i8237 *)dev)->chip[1], (unsigned)off / 2, (uint8_t)val);
}
static uint64_t page_read(void *dev, uint64_t off, unsigned size)
{
    return ((struct i8237 *)dev)->page[off];
}
static void page_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    ((struct i8237 *)dev)->page[off] = (uint8_t)val;
}

static const struct region_ops low_ops = {.read = low_read, .write = low_write, .min = 1, .max = 1};
static const struct region_ops high_ops = {
    .read = high_read, .write = high_write, .min = 1, .max = 1};
static const struct region_ops page_ops = {
    .read = page_read, .write = page_write, .min = 1, .max = 1};

/* ---- Transfers ------------------------------------------------------------------------------ */

bool i8237_ready(const struct i8237 *d, unsigned channel)
{
    const struct dma_chip *c = &d->chip[channel >> 2 & 1];

    return !(c->mask & 1u << (channel & 3)) && !(c->command & DMA_COMMAND_DISABLE);
}

static uint64_t address_of(const struct i8237 *d, unsigned channel)
{
    uint16_t addr = d->chip[channel >> 2].ch[channel & 3].addr;
    uint8_t page = d->page[page_at[channel]];

    return channel < 4 ? (uint64_t)page << 16 | addr
                       : (uint64_t)(page & 0xfe) << 16 | (uint64_t)addr << 1;
}

/* The count goes from 0 to FFFFh at the end, the terminal count. */
static bool count_down(struct dma_chip *c, unsigned n)
{
    struct dma_channel *ch = &c->ch[n];

    if (ch->count--)
        return false;
    c->status |= (uint8_t)(1u << n);
    if (ch->mode & DMA_MODE_AUTOINIT) {
        ch->addr = ch->base_addr;
        ch->count = ch->base_count;
    } else {
        c->mask |= (uint8_t)(1u << n);
    }
    return true;
}

size_t i8237_transfer(struct i8237 *d, unsigned channel, void *buf, size_t len, bool to_memory,
                      bool *tc)
{
    struct dma_chip *c = &d->chip[channel >> 2 & 1];
    struct dma_channel *ch = &c->ch[channel & 3];
    uint8_t wanted = to_memory ? DMA_MODE_TO_MEMORY : DMA_MODE_FROM_MEMORY;
    bool moves = (ch->mode & DMA_MODE_KIND) == wanted;
    size_t unit = channel < 4 ? 1 : 2, done = 0;
    uint8_t *p = buf;

    *tc = false;
    while (done + unit <= len && !*tc && i8237_ready(d, channel)) {
        uint64_t at = address_of(d, channel);
        if (moves && to_memory)
            as_write(&d->dev.machine->mem, at, p + done, unit);
        else if (moves)
            as_read(&d->dev.machine->mem, at, p + done, unit);
        ch->addr = (uint16_t)(ch->mode & DMA_MODE_DOWN ? ch->addr - 1 : ch->addr + 1);
        done += unit;
        *tc = count_down(c, channel & 3);
    }
    return done;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void i8237_reset(struct device *dev)
{
    struct i8237 *d = (struct i8237 *)dev;

    memset(d->chip, 0, sizeof(d->chip));
    memset(d->page, 0, sizeof(d->page));
    clear(&d->chip[0]);
    clear(&d->chip[1]);
}

static bool i8237_realize(struct device *dev, GError **err)
{
    struct i8237 *d = (struct i8237 *)dev;

    region_init_io(&d->io[0], "dma-1", &low_ops, d, 16);
    region_init_io(&d->io[1], "dma-2", &high_ops, d, 32);
    region_init_io(&d->page_io, "dma-page", &page_ops, d, 16);
    return true;
}

static void i8237_unrealize(struct device *dev)
{
    struct i8237 *d = (struct i8237 *)dev;

    region_fini(&d->io[0]);
    region_fini(&d->io[1]);
    region_fini(&d->page_io);
}

#define CHANNEL(c, n)                                                                              \
    STATE_FIELD(struct i8237, chip[c].ch[n].base_addr),                                            \
        STATE_FIELD(struct i8237, chip[c].ch[n].base_count),                                       \
        STATE_FIELD(struct i8237, chip[c].ch[n].addr),                                             \
        STATE_FIELD(struct i8237, chip[c].ch[n].count),                                            \
        STATE_FIELD(struct i8237, chip[c].ch[n].mode)
#define CHIP(c)                                                                                    \
    CHANNEL(c, 0), CHANNEL(c, 1), CHANNEL(c, 2), CHANNEL(c, 3),                                    \
        STATE_FIELD(struct i8237, chip[c].command), STATE_FIELD(struct i8237, chip[c].mask),       \
        STATE_FIELD(struct i8237, chip[c].status), STATE_FIELD(struct i8237, chip[c].high)

static const struct state_field i8237_state[] = {CHIP(0), CHIP(1),
                                                 STATE_BUFFER(struct i8237, page), STATE_END};

const struct device_type i8237_type = {
    .name = "i8237",
    .help = "the ISA bus's DMA controllers",
    .bus = "ISA",
    .size = sizeof(struct i8237),
    .state = i8237_state,
    .state_version = 1,
    .internal = true,
    .realize = i8237_realize,
    .reset = i8237_reset,
    .unrealize = i8237_unrealize,
};
