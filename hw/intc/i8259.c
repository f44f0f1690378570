/* SPDX-License-Identifier: MIT */
/*
 * A pair of 8259A programmable interrupt controllers, as in the PIIX.
 * Intel 8259A data sheet (231468-003); 82371AB (PIIX4) data sheet, "Interrupt controller".
 *
 * Modelled: ICW1-ICW4, all OCW2 commands, rotation, special mask mode, special fully nested
 * mode, automatic EOI, poll, spurious interrupts, the edge/level control registers. ICW1.LTIM
 * is ignored as in the PIIX. An edge request whose line falls before the acknowledge is lost
 * (and answered as the spurious IRQ 7 or 15). Not modelled: MCS-80 mode, buffered mode, a
 * cascade other than the PC's.
 */
#include "hw/intc/i8259.h"
#include "hw/intc/i8259_regs.h"

/* Steps from the highest priority: 0 for input `lowest` + 1, 7 for input `lowest`. */
static unsigned priority_of(const struct i8259_chip *c, unsigned input)
{
    return (input - c->lowest - 1) & 7;
}

/* Highest-priority input of a mask, 8 if it is empty. */
static unsigned highest(const struct i8259_chip *c, uint8_t mask)
{
    for (unsigned i = 1; i <= 8; i++) {
        unsigned input = (c->lowest + i) & 7;
        if (mask & (1u << input))
            return input;
    }
    return 8;
}

/* The input that asserts INT now, 8 for none. */
static unsigned chip_request(const struct i8259 *s, unsigned n)
{
    const struct i8259_chip *c = &s->chip[n];
    unsigned input = highest(c, c->irr & ~c->imr);
    if (input == 8)
        return 8;
    /* In special mask mode a masked in-service level inhibits nobody. */
    unsigned busy = highest(c, c->special_mask ? c->isr & ~c->imr : c->isr);
    if (busy == 8 || priority_of(c, input) < priority_of(c, busy))
        return input;
    if (c->sfnm && n == 0 && input == CASCADE_INPUT && busy == CASCADE_INPUT)
        return input;
    return 8;
}

static void i8259_update(struct i8259 *s)
{
    /* The slave's INT is the master's input 2; it is held until the slave is acknowledged. */
    uint8_t cascade = 1u << CASCADE_INPUT;
    if (chip_request(s, 1) < 8)
        s->chip[0].irr |= cascade;
    else
        s->chip[0].irr &= ~cascade;
    irq_set(s->intr, chip_request(s, 0) < 8);
}

bool i8259_pending(const struct i8259 *s)
{
    return chip_request(s, 0) < 8;
}

void i8259_set_irq(void *opaque, int n, int level)
{
    struct i8259 *s = opaque;
    if (n < 0 || n > 15 || n == CASCADE_INPUT)
        return;
    struct i8259_chip *c = &s->chip[n >> 3];
    uint8_t bit = 1u << (n & 7);
    if (level && ((c->elcr & bit) || !(c->lines & bit)))
        c->irr |= bit;
    else if (!level)
        c->irr &= ~bit;
    c->lines = level ? c->lines | bit : c->lines & ~bit;
    i8259_update(s);
}

static void chip_end(struct i8259_chip *c, unsigned input, bool rotate)
{
    c->isr &= ~(1u << input);
    if (rotate)
        c->lowest = input;
}

/* One chip's part of the INTA cycle: the input, or 7 (spurious) if there is none. */
static unsigned chip_ack(struct i8259 *s, unsigned n, bool *spurious)
{
    struct i8259_chip *c = &s->chip[n];
    unsigned input = chip_request(s, n);
    *spurious = input == 8;
    if (*spurious)
        return SPURIOUS_INPUT;
    uint8_t bit = 1u << input;
    if (!(c->elcr & bit))
        c->irr &= ~bit;
    c->isr |= bit;
    if (c->aeoi)
        chip_end(c, input, c->rotate_aeoi);
    return input;
}

int i8259_ack(struct i8259 *s)
{
    bool spurious;
    unsigned input = chip_ack(s, 0, &spurious);
    int vector = s->chip[0].base + input;
    if (!spurious && input == CASCADE_INPUT)
        vector = s->chip[1].base + chip_ack(s, 1, &spurious);
    i8259_update(s);
    return vector;
}

static void write_icw1(struct i8259_chip *c, uint8_t v)
{
    c->irr = c->lines & c->elcr; /* the edge sense circuit starts anew */
    c->imr = c->isr = 0;
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = c->rotate_aeoi = false;
    c->single = v & ICW1_SNGL;
    c->need_icw4 = v & ICW1_IC4;
    c->aeoi = c->sfnm = false;
    c->init = 2;
}

static void write_icw(struct i8259_chip *c, uint8_t v)
{
    switch (c->init) {
    case 2:
        c->base = v & ICW2_BASE;
        c->init = !c->single ? 3 : c->need_icw4 ? 4 : 0;
        break;
    case 3:
        c->icw3 = v;
        c->init = c->need_icw4 ? 4 : 0;
        break;
    default:
        c->aeoi = v & ICW4_AEOI;
        c->sfnm = v & ICW4_SFNM;
        c->init = 0;
    }
}

static void write_ocw2(struct i8259_chip *c, uint8_t v)
{
    unsigned level = v & OCW2_LEVEL;
    unsigned busy = highest(c, c->special_mask ? c->isr & ~c->imr : c->isr);
    switch (v & OCW2_CMD) {
    case OCW2_CLEAR_ROTATE_AEOI:
        c->rotate_aeoi = false;
        break;
    case OCW2_SET_ROTATE_AEOI:
        c->rotate_aeoi = true;
        break;
    case OCW2_EOI:
    case OCW2_ROTATE_EOI:
        if (busy < 8)
            chip_end(c, busy, (v & OCW2_CMD) == OCW2_ROTATE_EOI);
        break;
    case OCW2_SPECIFIC_EOI:
        chip_end(c, level, false);
        break;
    case OCW2_ROTATE_SPECIFIC:
        chip_end(c, level, true);
        break;
    case OCW2_SET_PRIORITY:
        c->lowest = level;
        break;
    }
}

static void write_ocw3(struct i8259_chip *c, uint8_t v)
{
    if (v & OCW3_POLL)
        c->poll = true;
    else if (v & OCW3_RR)
        c->read_isr = v & OCW3_RIS;
    if (v & OCW3_ESMM)
        c->special_mask = v & OCW3_SMM;
}

static void chip_write(struct i8259 *s, unsigned n, uint64_t off, uint8_t v)
{
    struct i8259_chip *c = &s->chip[n];
    if (off == 0) {
        if (v & ICW1_SELECT)
            write_icw1(c, v);
        else if (v & OCW3_SELECT)
            write_ocw3(c, v);
        else
            write_ocw2(c, v);
    } else if (c->init) {
        write_icw(c, v);
    } else {
        c->imr = v;
    }
    i8259_update(s);
}

static uint8_t chip_read(struct i8259 *s, unsigned n, uint64_t off)
{
    struct i8259_chip *c = &s->chip[n];
    if (c->poll) {
        bool spurious;
        c->poll = false;
        unsigned input = chip_ack(s, n, &spurious);
        i8259_update(s);
        return spurious ? 0 : POLL_INT | input;
    }
    if (off == 1)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static uint64_t master_read(void *dev, uint64_t off, unsigned size)
{
    return chip_read(dev, 0, off);
}

static void master_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    chip_write(dev, 0, off, val);
}

static uint64_t slave_read(void *dev, uint64_t off, unsigned size)
{
    return chip_read(dev, 1, off);
}

static void slave_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    chip_write(dev, 1, off, val);
}

static uint64_t elcr_read(void *dev, uint64_t off, unsigned size)
{
    struct i8259 *s = dev;
    return s->chip[off & 1].elcr;
}

static void elcr_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i8259 *s = dev;
    struct i8259_chip *c = &s->chip[off & 1];
    c->elcr = val & (off & 1 ? ELCR_MASK_SLAVE : ELCR_MASK_MASTER);
    c->irr |= c->lines & c->elcr;
    i8259_update(s);
}

static const struct region_ops io_ops[2] = {
    {.read = master_read, .write = master_write, .min = 1, .max = 1},
    {.read = slave_read, .write = slave_write, .min = 1, .max = 1},
};
static const struct region_ops elcr_ops = {
    .read = elcr_read, .write = elcr_write, .min = 1, .max = 1};

static void i8259_reset(struct device *dev)
{
    struct i8259 *s = (struct i8259 *)dev;
    for (int n = 0; n < 2; n++)
        s->chip[n] = (struct i8259_chip){.lines = s->chip[n].lines, .lowest = 7};
    i8259_update(s);
}

static void i8259_loaded(struct device *dev)
{
    struct i8259 *s = (struct i8259 *)dev;
    for (int n = 0; n < 2; n++) {
        s->chip[n].lowest &= 7;
        s->chip[n].base &= ICW2_BASE;
    }
    i8259_update(s);
}

static bool i8259_realize(struct device *dev, GError **err)
{
    struct i8259 *s = (struct i8259 *)dev;
    region_init_io(&s->io[0], "pic-master", &io_ops[0], s, 2);
    region_init_io(&s->io[1], "pic-slave", &io_ops[1], s, 2);
    region_init_io(&s->elcr, "elcr", &elcr_ops, s, 2);
    return true;
}

static void i8259_unrealize(struct device *dev)
{
    struct i8259 *s = (struct i8259 *)dev;
    region_fini(&s->io[0]);
    region_fini(&s->io[1]);
    region_fini(&s->elcr);
}

void i8259_describe(const struct i8259 *s, GString *out)
{
    for (int n = 0; n < 2; n++) {
        const struct i8259_chip *c = &s->chip[n];
        g_string_append_printf(out,
                               "pic%d: irr=%02x imr=%02x isr=%02x base=%02x elcr=%02x lowest=%u"
                               "%s%s%s%s\n",
                               n, c->irr, c->imr, c->isr, c->base, c->elcr, c->lowest,
                               c->aeoi ? " aeoi" : "", c->rotate_aeoi ? " rotate" : "",
                               c->special_mask ? " special-mask" : "", c->sfnm ? " sfnm" : "");
    }
}

#define CHIP(n)                                                                                    \
    STATE_FIELD(struct i8259, chip[n].lines), STATE_FIELD(struct i8259, chip[n].irr),              \
    STATE_FIELD(struct i8259, chip[n].imr), STATE_FIELD(struct i8259, chip[n].isr),                \
    STATE_FIELD(struct i8259, chip[n].elcr), STATE_FIELD(struct i8259, chip[n].base),              \
    STATE_FIELD(struct i8259, chip[n].icw3), STATE_FIELD(struct i8259, chip[n].init),              \
    STATE_FIELD(struct i8259, chip[n].single), STATE_FIELD(struct i8259, chip[n].need_icw4),       \
    STATE_FIELD(struct i8259, chip[n].aeoi), STATE_FIELD(struct i8259, chip[n].sfnm),              \
    STATE_FIELD(struct i8259, chip[n].rotate_aeoi),                                                \
    STATE_FIELD(struct i8259, chip[n].special_mask),                                               \
    STATE_FIELD(struct i8259, chip[n].read_isr), STATE_FIELD(struct i8259, chip[n].poll),          \
    STATE_FIELD(struct i8259, chip[n].lowest)
static const struct state_field i8259_state[] = {CHIP(0), CHIP(1), STATE_END};

const struct device_type i8259_type = {
    .name = "isa-i8259",
    .help = "8259A interrupt controller pair",
    .bus = "ISA",
    .size = sizeof(struct i8259),
    .state = i8259_state,
    .state_version = 1,
    .internal = true,
    .realize = i8259_realize,
    .reset = i8259_reset,
    .loaded = i8259_loaded,
    .unrealize = i8259_unrealize,
};
