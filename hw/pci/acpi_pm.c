/* SPDX-License-Identifier: MIT */
/* ACPI fixed hardware: PM1 block, PM timer, general purpose events, SCI, APM ports. */
#include "hw/pci/acpi_pm.h"

#include "core/machine.h"
#include "hw/pc/acpi.h"

enum { TMR_BITS = 24, TMR_FLIP_BIT = 23 };

/* ---- PM timer ------------------------------------------------------------------------- */

static int64_t ticks_now(struct acpi_pm *pm)
{
    return (int64_t)muldiv64((uint64_t)clock_now(&pm->machine->vclock), PM_TIMER_HZ, NSEC_PER_SEC);
}

static int64_t tick_to_ns(int64_t tick)
{
    return (int64_t)muldiv64((uint64_t)tick, NSEC_PER_SEC, PM_TIMER_HZ) + 1;
}

static void next_flip(struct acpi_pm *pm)
{
    pm->tmr_flip = ((ticks_now(pm) >> TMR_FLIP_BIT) + 1) << TMR_FLIP_BIT;
}

/* ---- SCI ------------------------------------------------------------------------------ */

void acpi_pm_update(struct acpi_pm *pm)
{
    if (ticks_now(pm) >= pm->tmr_flip)
        pm->sts |= PM_TMR;
    bool sci = (pm->cnt & PMC_SCI_EN) &&
               ((pm->sts & pm->en & PM_EN_WRITABLE) || (pm->gpe_sts & pm->gpe_en));
    irq_set(pm->sci, sci || pm->other);

    bool wait = (pm->cnt & PMC_SCI_EN) && (pm->en & PM_TMR) && !(pm->sts & PM_TMR);
    if (wait)
        timer_set(&pm->timer, tick_to_ns(pm->tmr_flip));
    else
        timer_del(&pm->timer);
}

static void timer_fired(void *arg)
{
    acpi_pm_update(arg);
}

void acpi_pm_power_button(void *arg)
{
    struct acpi_pm *pm = arg;

    pm->sts |= PM_PWRBTN;
    acpi_pm_update(pm);
}

void acpi_pm_event(struct acpi_pm *pm, unsigned n)
{
    pm->gpe_sts |= 1ull << n;
    acpi_pm_update(pm);
}

/* ---- PM1 block ------------------------------------------------------------------------ */

uint32_t acpi_pm1_read(struct acpi_pm *pm, unsigned reg)
{
    switch (reg) {
    case PM1_STS:
        return pm->sts | (uint32_t)pm->en << 16;
    case PM1_CNT:
        return pm->cnt;
    default:
        return (uint32_t)ticks_now(pm) & ((1u << TMR_BITS) - 1);
    }
}

/* Type 0 is soft off whatever the chip: firmware for virtual machines relies on it. */
static void sleep_now(struct acpi_pm *pm)
{
    struct machine *m = pm->machine;
    unsigned type = (pm->cnt & PMC_SLP_TYP) >> PMC_SLP_SHIFT;

    if (type == 0 || type == pm->soft_off)
        machine_request_shutdown(m, CAUSE_GUEST_SHUTDOWN);
    else
        guest_warn(&m->log, pm->name, "sleep type %u is not offered", type);
}

static void put_byte(uint16_t *reg, unsigned shift, uint8_t v, uint16_t mask)
{
    uint16_t lane = (uint16_t)(0xff << shift);
    *reg = (uint16_t)((*reg & ~(lane & mask)) | ((v << shift) & lane & mask));
}

void acpi_pm1_write(struct acpi_pm *pm, unsigned off, uint8_t v)
{
    unsigned shift = 8 * (off & 1);

    switch (off & ~1u) {
    case PM1_STS:
        if (v << shift & PM_TMR & pm->sts)
            next_flip(pm);
        pm->sts &= (uint16_t)~(v << shift);
        break;
    case PM1_EN:
        put_byte(&pm->en, shift, v, PM_EN_WRITABLE);
        break;
    case PM1_CNT:
        put_byte(&pm->cnt, shift, v, PMC_STORED);
        if (v << shift & PMC_SLP_EN)
            sleep_now(pm);
        break;
    }
}

void acpi_gpe_sts_write(struct acpi_pm *pm, unsigned off, uint8_t v)
{
    pm->gpe_sts &= ~((uint64_t)v << (8 * off));
}

void acpi_gpe_en_write(struct acpi_pm *pm, unsigned off, uint8_t v)
{
    uint64_t lane = (0xffull << (8 * off)) & pm->gpe_mask;

    pm->gpe_en = (pm->gpe_en & ~lane) | ((uint64_t)v << (8 * off) & lane);
}

/* ---- APM ports ------------------------------------------------------------------------ */

static uint64_t apm_read(void *dev, uint64_t off, unsigned size)
{
    struct acpi_pm *pm = dev;
    return off ? pm->apm_sts : pm->apm_cnt;
}

static void apm_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct acpi_pm *pm = dev;

    if (off) {
        pm->apm_sts = (uint8_t)val;
        return;
    }
    pm->apm_cnt = (uint8_t)val;
    if (val == ACPI_ENABLE_CMD)
        pm->cnt |= PMC_SCI_EN;
    else if (val == ACPI_DISABLE_CMD)
        pm->cnt &= (uint16_t)~PMC_SCI_EN;
    acpi_pm_update(pm);
}

static const struct region_ops apm_ops = {apm_read, apm_write, 1, 1};

/* ---- Life ----------------------------------------------------------------------------- */

void acpi_pm_init(struct acpi_pm *pm, struct machine *m)
{
    pm->machine = m;
    region_init_io(&pm->apm, "apm", &apm_ops, pm, 2);
    timer_init(&pm->timer, &m->vclock, "pm-timer", timer_fired, pm);
}

void acpi_pm_fini(struct acpi_pm *pm)
{
    timer_del(&pm->timer);
    region_fini(&pm->apm);
}

void acpi_pm_reset(struct acpi_pm *pm)
{
    pm->sts = pm->en = pm->cnt = 0;
    pm->gpe_sts = pm->gpe_en = 0;
    pm->other = false;
    pm->apm_cnt = pm->apm_sts = 0;
    next_flip(pm);
    acpi_pm_update(pm);
}
