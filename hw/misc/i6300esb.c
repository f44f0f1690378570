/* SPDX-License-Identifier: MIT */
/*
 * i6300esb: the watchdog timer of Intel's 6300ESB I/O controller hub. Intel document 300641,
 * "6300ESB I/O Controller Hub Datasheet", chapter 16.
 *
 * Two stages count down one after the other, at the PCI clock of 33 MHz divided by 2^15 or 2^5.
 * The end of the first sets GINTSR, the end of the second is the machine's watchdog action
 * (core/action.h). Software reloads both through an unlock sequence. Not modelled: the first
 * stage's interrupt and SMI; software that uses the chip as a watchdog has them disabled.
 */
#include "hw/misc/i6300esb.h"

#include "core/action.h"
#include "core/machine.h"
#include "hw/misc/i6300esb_regs.h"

enum { PCI_CLOCK_HZ = 33000000 };

/* Not less than a millisecond: shorter ones would only keep the host busy. */
static int64_t stage_ns(const struct i6300esb *w)
{
    unsigned shift = pci_get16(w->pci.config + ESB_CONFIG) & ESB_WDT_FREQ ? 5 : 15;
    uint64_t clocks = (uint64_t)w->preload[w->stage - 1] << shift;

    return MAX((int64_t)muldiv64(clocks, NSEC_PER_SEC, PCI_CLOCK_HZ), NSEC_PER_SEC / 1000);
}

static void stage_start(struct i6300esb *w, uint8_t stage)
{
    w->stage = stage;
    timer_set(&w->timer, clock_now(w->timer.clock) + stage_ns(w));
}

static bool enabled(const struct i6300esb *w)
{
    return w->pci.config[ESB_LOCK] & ESB_WDT_ENABLE;
}

/* The second stage's output is a pin: whoever disables it lets the timer start again. */
static void expired(void *arg)
{
    struct i6300esb *w = arg;
    uint8_t lock = w->pci.config[ESB_LOCK];

    if (w->stage == 1) {
        w->interrupted = true;
        stage_start(w, lock & ESB_WDT_FUNC ? 1 : 2);
        return;
    }
    w->timed_out = true;
    if (!(pci_get16(w->pci.config + ESB_CONFIG) & ESB_WDT_OUTPUT))
        machine_watchdog_expired(w->pci.dev.machine);
    stage_start(w, 1);
}

/* ---- Registers -------------------------------------------------------------------------- */

static uint64_t esb_read(void *dev, uint64_t off, unsigned size)
{
    const struct i6300esb *w = dev;

    switch (off) {
    case ESB_TIMER1:
        return w->preload[0];
    case ESB_TIMER2:
        return w->preload[1];
    case ESB_GINTSR:
        return w->interrupted;
    case ESB_RELOAD:
        return w->timed_out ? ESB_WDT_TIMEOUT : 0;
    }
    return 0;
}

static void write_reload(struct i6300esb *w, uint16_t val)
{
    if (val & ESB_WDT_RELOAD && enabled(w))
        stage_start(w, 1);
    if (val & ESB_WDT_TIMEOUT)
        w->timed_out = false;
}

static void esb_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i6300esb *w = dev;

    if (off == ESB_GINTSR) {
        w->interrupted &= !(val & 1);
        return;
    }
    if (off == ESB_RELOAD && w->unlock < 2) {
        uint64_t wanted = w->unlock ? ESB_UNLOCK2 : ESB_UNLOCK1;
        w->unlock = (uint8_t)(val == wanted ? w->unlock + 1 : 0);
        return;
    }
    if (w->unlock < 2)
        return;
    w->unlock = 0;
    if (off == ESB_RELOAD)
        write_reload(w, (uint16_t)val);
    else if (off == ESB_TIMER1 || off == ESB_TIMER2)
        w->preload[off == ESB_TIMER2] = (uint32_t)val & ESB_PRELOAD_MASK;
}

static const struct region_ops esb_ops = {esb_read, esb_write, 1, 4};

/* The lock and enable bits, after they were written. */
static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct i6300esb *w = (struct i6300esb *)d;

    if (off > ESB_LOCK || off + size <= ESB_LOCK)
        return;
    if (d->config[ESB_LOCK] & ESB_WDT_LOCK)
        d->wmask[ESB_LOCK] = 0;
    if (!enabled(w))
        timer_del(&w->timer);
    else if (!timer_pending(&w->timer))
        stage_start(w, 1);
}

/* ---- Life ------------------------------------------------------------------------------- */

enum { LOCK_BITS = ESB_WDT_LOCK | ESB_WDT_ENABLE | ESB_WDT_FUNC };

static bool esb_realize(struct pci_device *d, GError **err)
{
    struct i6300esb *w = (struct i6300esb *)d;

    region_init_io(&w->regs, "i6300esb", &esb_ops, w, ESB_BAR_SIZE);
    pci_add_bar(d, 0, PCI_BAR_MEM32, &w->regs);
    timer_init(&w->timer, &d->dev.machine->vclock, "i6300esb", expired, w);
    pci_put16(d->wmask + ESB_CONFIG, ESB_WDT_INT_TYPE | ESB_WDT_FREQ | ESB_WDT_OUTPUT);
    d->wmask[ESB_LOCK] = LOCK_BITS;
    w->stage = 1;
    return true;
}

static void esb_unrealize(struct pci_device *d)
{
    struct i6300esb *w = (struct i6300esb *)d;

    timer_del(&w->timer);
    region_fini(&w->regs);
}

static void esb_reset(struct pci_device *d)
{
    struct i6300esb *w = (struct i6300esb *)d;

    timer_del(&w->timer);
    d->wmask[ESB_LOCK] = LOCK_BITS;
    w->preload[0] = w->preload[1] = ESB_PRELOAD_MASK;
    w->stage = 1;
    w->unlock = 0;
    w->interrupted = false;
}

static void esb_loaded(struct pci_device *d)
{
    struct i6300esb *w = (struct i6300esb *)d;

    d->wmask[ESB_LOCK] = d->config[ESB_LOCK] & ESB_WDT_LOCK ? 0 : LOCK_BITS;
    for (unsigned n = 0; n < 2; n++)
        w->preload[n] &= ESB_PRELOAD_MASK;
    w->stage = w->stage == 2 ? 2 : 1;
    w->unlock = MIN(w->unlock, 2);
}

static const struct prop esb_props[] = {PCI_PROPS(struct i6300esb, pci), {0}};
static const struct state_field esb_state[] = {
    PCI_STATE(struct i6300esb, pci),
    STATE_TIMER_FIELD(struct i6300esb, timer),
    STATE_ARRAY(struct i6300esb, preload),
    STATE_FIELD(struct i6300esb, stage),
    STATE_FIELD(struct i6300esb, unlock),
    STATE_FIELD(struct i6300esb, interrupted),
    STATE_FIELD(struct i6300esb, timed_out),
    STATE_END};

const struct pci_device_type i6300esb_type = {
    .dev = {.name = "i6300esb", .help = "watchdog timer (-action watchdog=...)",
            .size = sizeof(struct i6300esb), .props = esb_props, .state = esb_state,
            PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x25ab,
    .class_code = 0x088000,
    .realize = esb_realize,
    .unrealize = esb_unrealize,
    .reset = esb_reset,
    .loaded = esb_loaded,
    .config_written = config_written,
};
