/* SPDX-License-Identifier: MIT */
/*
 * 8254 programmable interval timer. Intel 8254 data sheet (231164-005).
 *
 * Modelled: three counters, six modes, BCD, gates, counter latch and read-back commands, null
 * count, writing a new count while counting. Nothing ticks: the counting element, OUT and its
 * next change are functions of the current tick, and a host timer exists only for a counter
 * whose OUT is connected and will rise or fall. The one-tick low pulses of modes 2, 4 and 5
 * are told together with the rising edge that ends them.
 *
 *   write/trigger      +1 start                          elapsed = tick - start
 *   ------|--------------|---- element counts period, period - 1, ... (mode 3: by twos)
 */
#include "hw/timer/i8254.h"
#include "hw/timer/i8254_regs.h"
#include "core/machine.h"

#define NEVER INT64_MAX
/* Edges that come faster are told together. */
#define MIN_INTERVAL_NS 10000

static int64_t tick_now(const struct i8254 *s)
{
    return muldiv64(clock_now(&s->dev.machine->vclock), PIT_HZ, NSEC_PER_SEC);
}

/* The first ns of a tick. */
static int64_t tick_to_ns(int64_t tick)
{
    return ((unsigned __int128)tick * NSEC_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

/* ---- The counter as a function of the tick --------------------------------------------------- */

static int64_t elapsed(const struct pit_counter *c, int64_t tick)
{
    int64_t d = (c->paused ? c->paused_at : tick) - c->start;
    return d > 0 ? d : 0;
}

/* Mode 3: ticks of the high half; an odd count spends the extra tick there. */
static int64_t high_half(uint32_t period)
{
    return (period + 1) / 2;
}

static bool counter_out(const struct pit_counter *c, int64_t tick)
{
    int64_t d = elapsed(c, tick);
    if (!c->loaded || (tick < c->start && !c->paused))
        return c->mode != 0 && !(c->loaded && c->was_low);
    switch (c->mode) {
    case 0:
    case 1:
        return d >= c->period;
    case 2:
        return c->paused || d % c->period != c->period - 1 || c->period == 1;
    case 3:
        return c->paused || d % c->period < high_half(c->period);
    default:
        return d != c->period;
    }
}

/* The latest tick not after `tick` where OUT rose by counting, -1 if none. */
static int64_t last_rise(const struct pit_counter *c, int64_t tick)
{
    int64_t d = elapsed(c, tick);
    if (!c->loaded || tick < c->start)
        return -1;
    switch (c->mode) {
    case 0:
    case 1:
        return d >= c->period ? c->start + c->period : -1;
    case 2:
    case 3:
        return d >= c->period ? c->start + d / c->period * c->period : -1;
    default:
        return d > c->period ? c->start + c->period + 1 : -1;
    }
}

/* The next tick after `tick` where OUT changes (see the top about short pulses). */
static int64_t next_change(const struct pit_counter *c, int64_t tick)
{
    if (!c->loaded || c->paused)
        return NEVER;
    if (tick < c->start)
        return c->start;
    int64_t d = tick - c->start;
    switch (c->mode) {
    case 0:
    case 1:
        return d < c->period ? c->start + c->period : NEVER;
    case 2:
        return c->start + (d / c->period + 1) * c->period;
    case 3: {
        int64_t cycle = tick - d % c->period;
        bool high = d % c->period < high_half(c->period);
        return cycle + (high && c->period > 1 ? high_half(c->period) : c->period);
    }
    default:
        return d <= c->period ? c->start + c->period + 1 : NEVER;
    }
}

static uint16_t to_bcd(uint32_t v)
{
    return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static uint32_t from_bcd(uint32_t v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

/* The counting element in binary, 0 standing for the full range. */
static uint32_t element(const struct pit_counter *c, int64_t tick)
{
    int64_t d = elapsed(c, tick), range = c->bcd ? 10000 : 65536;
    switch (c->mode) {
    case 2:
        return c->period - d % c->period;
    case 3: {
        int64_t phase = d % c->period, high = high_half(c->period);
        if (phase >= high)
            phase -= high;
        return (c->period & ~1u) - 2 * phase;
    }
    default: {
        int64_t v = ((int64_t)c->period - d) % range;
        return v < 0 ? v + range : v;
    }
    }
}

static uint16_t counter_value(const struct pit_counter *c, int64_t tick)
{
    if (!c->loaded)
        return c->idle;
    uint32_t v = element(c, tick);
    return c->bcd ? to_bcd(v) : v;
}

/* ---- Bringing it up to date ------------------------------------------------------------------ */

/* A count written during counting is taken at the end of the (half) cycle. Returns the latest
 * rise of OUT before that, -1 if none. */
static int64_t take_next_period(struct pit_counter *c, int64_t tick)
{
    if (!c->next_period || !c->loaded || c->paused)
        return -1;
    int64_t d = elapsed(c, c->seen), cycle = c->start + d / c->period * c->period;
    bool at_low = c->mode == 3 && d % c->period < high_half(c->period);
    int64_t boundary = cycle + (at_low ? high_half(c->period) : c->period);
    if (tick < boundary)
        return -1;
    int64_t rise = last_rise(c, boundary);
    c->start = at_low ? boundary - high_half(c->next_period) : boundary;
    c->period = c->next_period;
    c->next_period = 0;
    return rise;
}

/* The host timer for the next change of OUT. */
static void pit_arm(struct i8254 *s, unsigned n, int64_t tick)
{
    int64_t next = s->irq[n].set ? next_change(&s->ch[n], tick) : NEVER;
    if (next == NEVER)
        timer_del(&s->timer[n]);
    else
        timer_set(&s->timer[n], tick_to_ns(next));
}

/* Every path ends here: edges up to now, the level, and the next host timer. */
static void pit_update(struct i8254 *s, unsigned n)
{
    struct pit_counter *c = &s->ch[n];
    int64_t tick = tick_now(s);
    int64_t rise = take_next_period(c, tick);
    int64_t later = last_rise(c, tick);
    rise = later > rise ? later : rise;
    bool out = counter_out(c, tick);
    if (rise > c->seen) {
        irq_set(s->irq[n], 0);
        irq_set(s->irq[n], 1);
    }
    c->seen = tick;
    irq_set(s->irq[n], out);
    pit_arm(s, n, tick);
}

static void pit_fire(struct i8254 *s, unsigned n)
{
    pit_update(s, n);
    int64_t soonest = clock_now(&s->dev.machine->vclock) + MIN_INTERVAL_NS;
    if (timer_pending(&s->timer[n]) && s->timer[n].deadline < soonest)
        timer_set(&s->timer[n], soonest);
}

static void fire0(void *s)
{
    pit_fire(s, 0);
}

static void fire1(void *s)
{
    pit_fire(s, 1);
}

static void fire2(void *s)
{
    pit_fire(s, 2);
}

static void load(struct pit_counter *c, int64_t tick)
{
    c->was_low = c->mode == 1 && !counter_out(c, tick);
    c->loaded = true;
    c->null_count = false;
    c->period = c->reload;
    c->next_period = 0;
    c->start = tick + 1;
    c->paused = !c->gate && c->mode != 1 && c->mode != 5;
    c->paused_at = c->start;
}

static void stop(struct pit_counter *c, int64_t tick)
{
    c->idle = counter_value(c, tick);
    c->loaded = c->paused = false;
    c->next_period = 0;
    c->null_count = true;
}

static void count_written(struct pit_counter *c, uint16_t value, int64_t tick)
{
    uint32_t v = c->bcd ? from_bcd(value) : value;
    c->reload = v ? v : c->bcd ? 10000 : 65536;
    switch (c->mode) {
    case 0:
    case 4:
        load(c, tick);
        break;
    case 1:
    case 5:
        c->null_count = true; /* until the next trigger */
        break;
    default:
        if (c->reload == 1)
            c->reload = 2; /* 1 is illegal in modes 2 and 3 */
        if (c->loaded && !c->paused)
            c->next_period = c->reload;
        else
            load(c, tick);
    }
}

void i8254_set_gate(struct i8254 *s, unsigned n, bool level)
{
    struct pit_counter *c = &s->ch[n];
    if (c->gate == level)
        return;
    pit_update(s, n);
    int64_t tick = c->seen;
    c->gate = level;
    if (c->mode == 1 || c->mode == 5) {
        if (level && c->reload)
            load(c, tick);
    } else if (!c->loaded) {
        /* nothing to stop or start */
    } else if (!level) {
        c->paused = true;
        c->paused_at = tick > c->start ? tick : c->start;
    } else if (c->mode == 2 || c->mode == 3) {
        load(c, tick);
    } else {
        c->paused = false;
        c->start += tick - c->paused_at;
    }
    pit_update(s, n);
}

bool i8254_get_gate(const struct i8254 *s, unsigned n)
{
    return s->ch[n].gate;
}

bool i8254_get_out(struct i8254 *s, unsigned n)
{
    pit_update(s, n);
    return counter_out(&s->ch[n], s->ch[n].seen);
}

bool i8254_out_at(struct i8254 *s, unsigned n, int64_t ns)
{
    return counter_out(&s->ch[n], muldiv64((uint64_t)ns, PIT_HZ, NSEC_PER_SEC));
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static void latch_count(struct pit_counter *c)
{
    if (c->latched)
        return;
    c->latch = counter_value(c, c->seen);
    c->latched = c->rw == PIT_RW_BOTH ? 2 : 1;
}

static void latch_status(struct pit_counter *c)
{
    bool null = c->null_count || c->next_period || (c->loaded && c->seen < c->start);
    if (c->status_latched)
        return;
    c->status_latched = true;
    c->status = (counter_out(c, c->seen) ? PIT_STATUS_OUT : 0) | (null ? PIT_STATUS_NULL : 0) |
                c->rw << PIT_RW_SHIFT | c->mode << PIT_MODE_SHIFT | (c->bcd ? PIT_BCD : 0);
}

static void set_mode(struct pit_counter *c, uint8_t v)
{
    stop(c, c->seen);
    c->mode = v >> PIT_MODE_SHIFT & 7;
    if (c->mode > 5)
        c->mode -= 4; /* X10 and X11 */
    c->rw = v >> PIT_RW_SHIFT & 3;
    c->bcd = v & PIT_BCD;
    c->reload = 0;
    c->write_high = c->read_high = c->status_latched = false;
    c->latched = 0;
}

static void write_control(struct i8254 *s, uint8_t v)
{
    unsigned n = v >> PIT_SELECT_SHIFT;
    for (unsigned i = 0; i < 3; i++) {
        if (n != PIT_SELECT_READBACK ? n != i : !(v & (2u << i)))
            continue;
        struct pit_counter *c = &s->ch[i];
        pit_update(s, i);
        if (n == PIT_SELECT_READBACK) {
            if (!(v & PIT_READBACK_NO_COUNT))
                latch_count(c);
            if (!(v & PIT_READBACK_NO_STATUS))
                latch_status(c);
        } else if ((v >> PIT_RW_SHIFT & 3) == PIT_RW_LATCH) {
            latch_count(c);
        } else {
            set_mode(c, v);
            pit_update(s, i);
        }
    }
}

static void write_count(struct i8254 *s, unsigned n, uint8_t v)
{
    struct pit_counter *c = &s->ch[n];
    pit_update(s, n);
    if (c->rw == PIT_RW_BOTH && !c->write_high) {
        c->write_latch = v;
        c->write_high = true;
        if (c->mode == 0)
            stop(c, c->seen);
    } else {
        uint16_t value = c->rw == PIT_RW_LOW ? v : v << 8;
        if (c->rw == PIT_RW_BOTH)
            value |= c->write_latch;
        c->write_high = false;
        count_written(c, value, c->seen);
    }
    pit_update(s, n);
}

static uint8_t read_count(struct i8254 *s, unsigned n)
{
    struct pit_counter *c = &s->ch[n];
    pit_update(s, n);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    uint16_t v = c->latched ? c->latch : counter_value(c, c->seen);
    if (c->latched)
        c->latched--;
    bool high = c->rw == PIT_RW_HIGH || (c->rw == PIT_RW_BOTH && c->read_high);
    if (c->rw == PIT_RW_BOTH)
        c->read_high = !c->read_high;
    return high ? v >> 8 : v;
}

static void pit_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i8254 *s = dev;

    if (s->changing)
        s->changing(s->changing_arg);
    if (off == PIT_CONTROL)
        write_control(dev, val);
    else
        write_count(dev, off, val);
}

static uint64_t pit_read(void *dev, uint64_t off, unsigned size)
{
    return off == PIT_CONTROL ? 0xff : read_count(dev, off);
}

static const struct region_ops pit_ops = {.read = pit_read, .write = pit_write, .min = 1, .max = 1};

/* ---- Device ---------------------------------------------------------------------------------- */

static void pit_reset(struct device *dev)
{
    struct i8254 *s = (struct i8254 *)dev;
    int64_t tick = tick_now(s);
    for (unsigned n = 0; n < 3; n++) {
        s->ch[n] = (struct pit_counter){.mode = 3, .rw = PIT_RW_BOTH, .gate = n != 2,
                                        .null_count = true, .seen = tick};
        pit_update(s, n);
    }
}

static void pit_loaded(struct device *dev)
{
    struct i8254 *s = (struct i8254 *)dev;
    for (unsigned n = 0; n < 3; n++) {
        struct pit_counter *c = &s->ch[n];
        if (c->mode > 5)
            c->mode = 3;
        if (!c->period || c->period > 65536 || c->next_period > 65536)
            c->loaded = false;
        int64_t tick = tick_now(s);
        c->start = CLAMP(c->start, 0, tick + 1);
        c->paused_at = CLAMP(c->paused_at, 0, tick + 1);
        c->seen = CLAMP(c->seen, 0, tick);
        irq_set(s->irq[n], counter_out(c, c->seen));
        pit_arm(s, n, c->seen);
    }
}

static bool pit_realize(struct device *dev, GError **err)
{
    static void (*const fire[3])(void *) = {fire0, fire1, fire2};
    struct i8254 *s = (struct i8254 *)dev;
    region_init_io(&s->io, "pit", &pit_ops, s, 4);
    for (unsigned n = 0; n < 3; n++)
        timer_init(&s->timer[n], &dev->machine->vclock, "pit", fire[n], s);
    pit_reset(dev);
    return true;
}

static void pit_unrealize(struct device *dev)
{
    struct i8254 *s = (struct i8254 *)dev;
    for (unsigned n = 0; n < 3; n++)
        timer_del(&s->timer[n]);
    region_fini(&s->io);
}

#define F(n, f) STATE_FIELD(struct i8254, ch[n].f)
#define COUNTER(n)                                                                                 \
    F(n, mode), F(n, rw), F(n, bcd), F(n, write_high), F(n, read_high), F(n, write_latch),         \
    F(n, null_count), F(n, gate), F(n, latched), F(n, latch), F(n, status_latched), F(n, status),  \
    F(n, loaded), F(n, was_low), F(n, paused), F(n, reload), F(n, period), F(n, next_period),      \
    F(n, idle), F(n, start), F(n, paused_at), F(n, seen)
static const struct state_field pit_state[] = {COUNTER(0), COUNTER(1), COUNTER(2), STATE_END};

const struct device_type i8254_type = {
    .name = "isa-pit",
    .help = "8254 interval timer",
    .bus = "ISA",
    .size = sizeof(struct i8254),
    .state = pit_state,
    .state_version = 1,
    .internal = true,
    .realize = pit_realize,
    .reset = pit_reset,
    .loaded = pit_loaded,
    .unrealize = pit_unrealize,
};
