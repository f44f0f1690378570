/* SPDX-License-Identifier: MIT */
/* PIIX4 power management through its ports in virtual time. Intel 290562 ch. 7; ACPI 4.8. */
#include <check.h>
#include <stdlib.h>

#include "core/machine_test.h"
#include "hw/pc/acpi.h"
#include "hw/pci/piix4_pm.h"
#include "hw/pci/piix_regs.h"

enum { PM = ACPI_PM_BASE, SMB = 0x700 };
static struct machine *m;
static struct pci_bus bus;
static struct piix4_pm *pm;
static int sci;

static void sci_seen(void *sink, int n, int level)
{
    sci = level;
}

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
    pci_bus_init(&bus, m, "pci.0", &m->mem_root, &m->io_root);
    m->pci = &bus;
    pm = (struct piix4_pm *)device_new(m, &piix4_pm_type.dev);
    pm->pm.sci = (struct irq_line){sci_seen, NULL, 0};
    ck_assert(device_realize(&pm->pci.dev, NULL));
    region_add(&m->io_root, APM_CNT, &pm->pm.apm, 0);
    device_reset(&pm->pci.dev);
    piix4_pm_open(pm);
    sci = 0;
}

static void teardown(void)
{
    device_free(&pm->pci.dev);
    pci_bus_fini(&bus);
    machine_unlock(m);
    machine_free(m);
}

static uint32_t tmr(void)
{
    return as_ld32(&m->io, PM + PM1_TMR);
}

START_TEST(timer_rate)
{
    uint32_t t0 = tmr();

    clock_step(&m->vclock, NSEC_PER_SEC);
    ck_assert_uint_eq((tmr() - t0) & 0xffffff, PM_TIMER_HZ & 0xffffff);
    clock_step(&m->vclock, 5 * NSEC_PER_SEC); /* wraps at 24 bits after 4.69 s */
    ck_assert_uint_eq((tmr() - t0) & 0xffffff, 6u * PM_TIMER_HZ & 0xffffff);
    ck_assert_uint_eq(tmr() >> 24, 0);
}
END_TEST

START_TEST(timer_overflow)
{
    /* The status bit follows bit 23 with or without anybody waiting for it. */
    clock_step(&m->vclock, 3 * NSEC_PER_SEC); /* 2^23 ticks are 2.34 s */
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_STS) & PM_TMR, PM_TMR);
    as_st16(&m->io, PM + PM1_STS, PM_TMR);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_STS) & PM_TMR, 0);
    ck_assert_int_eq(clock_next_deadline(&m->vclock) == INT64_MAX, 1); /* nothing armed */

    as_st16(&m->io, PM + PM1_EN, PM_TMR);
    ck_assert(!timer_pending(&pm->pm.timer)); /* SCI is off: still nothing to wait for */
    as_st8(&m->io, APM_CNT, ACPI_ENABLE_CMD);
    ck_assert(timer_pending(&pm->pm.timer));
    ck_assert_int_eq(sci, 0);
    clock_step(&m->vclock, 2 * NSEC_PER_SEC); /* at 4.69 s */
    ck_assert_int_eq(sci, 1);
    as_st16(&m->io, PM + PM1_STS, PM_TMR);
    ck_assert_int_eq(sci, 0);
    clock_step(&m->vclock, 5 * NSEC_PER_SEC / 2);
    ck_assert_int_eq(sci, 1);
    as_st8(&m->io, APM_CNT, ACPI_DISABLE_CMD);
    ck_assert_int_eq(sci, 0);
}
END_TEST

START_TEST(power_button)
{
    acpi_pm_power_button(&pm->pm);
    ck_assert_int_eq(sci, 0);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_STS), PM_PWRBTN);
    as_st16(&m->io, PM + PM1_EN, PM_PWRBTN);
    as_st16(&m->io, PM + PM1_CNT, PMC_SCI_EN);
    ck_assert_int_eq(sci, 1);
    as_st8(&m->io, PM + PM1_STS + 1, PM_PWRBTN >> 8); /* by byte */
    ck_assert_int_eq(sci, 0);
}
END_TEST

START_TEST(acpi_enable)
{
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), 0);
    as_st8(&m->io, APM_CNT, ACPI_ENABLE_CMD);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), PMC_SCI_EN);
    as_st8(&m->io, APM_CNT, 0x42);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), PMC_SCI_EN);
    as_st8(&m->io, APM_CNT, ACPI_DISABLE_CMD);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), 0);
}
END_TEST

START_TEST(soft_off)
{
    uint32_t before = __atomic_load_n(&m->requests, __ATOMIC_SEQ_CST);

    as_st16(&m->io, PM + PM1_CNT, 1 << PMC_SLP_SHIFT | PMC_SLP_EN); /* another state: refused */
    ck_assert_uint_eq(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
    as_st16(&m->io, PM + PM1_CNT, PMC_SLP_EN);
    ck_assert_uint_ne(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT) & PMC_SLP_EN, 0); /* reads as zero */
}
END_TEST

START_TEST(smbus_is_empty)
{
    as_st8(&m->io, SMB + SMBHSTADD, 0xa1);
    as_st8(&m->io, SMB + SMBHSTCNT, SMBCNT_START | SMBCNT_INTEN);
    ck_assert_uint_eq(as_ld8(&m->io, SMB + SMBHSTSTS), SMBSTS_DEV_ERR);
    ck_assert_int_eq(sci, 1); /* it shares line 9 */
    as_st8(&m->io, SMB + SMBHSTSTS, SMBSTS_DEV_ERR);
    ck_assert_uint_eq(as_ld8(&m->io, SMB + SMBHSTSTS), 0);
    ck_assert_int_eq(sci, 0);
}
END_TEST

START_TEST(blocks_move)
{
    pci_bus_config_write(&bus, 0, pm->pci.devfn, PIIX4_PMBA, 0xb001, 4);
    ck_assert_ptr_null(as_lookup(&m->io, PM));
    ck_assert_ptr_eq(as_lookup(&m->io, 0xb000)->region, &pm->pm_io);
    pci_bus_config_write(&bus, 0, pm->pci.devfn, PIIX4_PMREGMISC, 0, 1);
    ck_assert_ptr_null(as_lookup(&m->io, 0xb000));
    ck_assert_uint_eq(pci_bus_config_read(&bus, 0, pm->pci.devfn, PIIX4_PMBA, 4), 0xb001);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("piix4_pm");
    TCase *tc = tcase_create("piix4_pm");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, timer_rate);
    tcase_add_test(tc, timer_overflow);
    tcase_add_test(tc, power_button);
    tcase_add_test(tc, acpi_enable);
    tcase_add_test(tc, soft_off);
    tcase_add_test(tc, smbus_is_empty);
    tcase_add_test(tc, blocks_move);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
