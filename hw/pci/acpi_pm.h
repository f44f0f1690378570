/* SPDX-License-Identifier: MIT */
/*
 * The part of a south bridge that ACPI specifies (ACPI 6.4, 4.8): PM1 event and control block,
 * PM timer, general purpose events, SCI; and the APM ports B2h and B3h beside it. PIIX4 and ICH9
 * map it into their own I/O spaces. Machine lock.
 *
 * A board without system management mode: the ACPI enable and disable commands, which firmware's
 * SMI handler would carry out, act on SCI_EN at once; no other command does anything.
 */
#ifndef HW_PCI_ACPI_PM_H
#define HW_PCI_ACPI_PM_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

enum { /* PM1 block */
    PM1_STS = 0x00, PM1_EN = 0x02, PM1_CNT = 0x04, PM1_TMR = 0x08, PM1_SIZE = 0x0c,
    /* PM1_STS and PM1_EN */
    PM_TMR = 0x0001, PM_BM = 0x0010, PM_GBL = 0x0020, PM_PWRBTN = 0x0100, PM_RTC = 0x0400,
    PM_WAK = 0x8000, PM_EN_WRITABLE = PM_TMR | PM_GBL | PM_PWRBTN | PM_RTC,
    /* PM1_CNT */
    PMC_SCI_EN = 0x0001, PMC_BM_RLD = 0x0002, PMC_GBL_RLS = 0x0004, PMC_SLP_TYP = 0x1c00,
    PMC_SLP_SHIFT = 10, PMC_SLP_EN = 0x2000,
    PMC_STORED = PMC_SCI_EN | PMC_BM_RLD | PMC_SLP_TYP,
};
enum { APM_CNT = 0xb2, APM_STS = 0xb3 };
#define PM_TIMER_HZ 3579545

struct acpi_pm {
    /* before acpi_pm_init() */
    const char *name;       /* of the chip, for warnings */
    struct irq_line sci;
    uint64_t gpe_mask;      /* enable bits that there are */
    uint8_t soft_off;       /* the chip's own sleep type of S5, beside 0 */

    struct machine *machine;
    uint16_t sts, en, cnt;
    uint64_t gpe_sts, gpe_en;
    bool other;             /* what else the chip raises SCI for */
    int64_t tmr_flip;       /* tick at which the top bit changes next, unless PM_TMR says so */
    struct timer timer;     /* at tmr_flip, while it would raise SCI */
    uint8_t apm_cnt, apm_sts;
    struct region apm;      /* to be mapped at APM_CNT */
};

#define ACPI_PM_STATE(T, f)                                                                        \
    STATE_FIELD(T, f.sts), STATE_FIELD(T, f.en), STATE_FIELD(T, f.cnt), STATE_FIELD(T, f.gpe_sts), \
        STATE_FIELD(T, f.gpe_en), STATE_FIELD(T, f.tmr_flip), STATE_FIELD(T, f.apm_cnt),           \
        STATE_FIELD(T, f.apm_sts)

void acpi_pm_init(struct acpi_pm *pm, struct machine *m);
void acpi_pm_fini(struct acpi_pm *pm);
void acpi_pm_reset(struct acpi_pm *pm);
/* What follows from the registers: SCI and the timer. */
void acpi_pm_update(struct acpi_pm *pm);

/* The doubleword at PM1_STS, PM1_CNT or PM1_TMR. acpi_pm_update() first. */
uint32_t acpi_pm1_read(struct acpi_pm *pm, unsigned reg);
/* One byte of the PM1 block; acpi_pm_update() before and after all of an access. */
void acpi_pm1_write(struct acpi_pm *pm, unsigned off, uint8_t v);
/* Bytes of the status (cleared by ones) and enable registers of the general purpose events. */
void acpi_gpe_sts_write(struct acpi_pm *pm, unsigned off, uint8_t v);
void acpi_gpe_en_write(struct acpi_pm *pm, unsigned off, uint8_t v);

/* General purpose event n happened. */
void acpi_pm_event(struct acpi_pm *pm, unsigned n);
/* A hook of on_powerdown: arg is the struct acpi_pm. */
void acpi_pm_power_button(void *pm);

#endif
