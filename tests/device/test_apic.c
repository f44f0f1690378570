/* SPDX-License-Identifier: MIT */
/*
 * Local APICs and the I/O APIC through their registers, messages and the vCPU's pins.
 * Intel SDM vol. 3 chapter 10; 82093AA data sheet.
 */
#include "tests/device/bench.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/ioapic_regs.h"
#include "hw/intc/lapic.h"
#include "hw/intc/lapic_regs.h"

#define NCPUS 4
#define IOAPIC_BASE 0xfec00000

static struct machine *m;
static struct apic_bus bus;
static struct vcpu *cpu[NCPUS];
static struct lapic *lapic[NCPUS];
static struct ioapic *ioapic;
static int extint_vector;

static int give_extint(void *arg)
{
    apic_bus_set_lint(&bus, 0, 0);
    return extint_vector;
}

static void wr(unsigned n, unsigned reg, uint32_t v)
{
    m->current = cpu[n];
    as_io_write(&m->mem, APIC_DEFAULT_BASE + reg * 16, v, 4);
    m->current = NULL;
}

static uint32_t rd(unsigned n, unsigned reg)
{
    m->current = cpu[n];
    uint32_t v = as_io_read(&m->mem, APIC_DEFAULT_BASE + reg * 16, 4);
    m->current = NULL;
    return v;
}

static bool wrmsr(unsigned n, uint32_t msr, uint64_t v)
{
    return msr == MSR_APIC_BASE ? cpu[n]->lapic.set_base(lapic[n], v)
                                : cpu[n]->lapic.msr_write(lapic[n], msr, v);
}

static uint64_t rdmsr(unsigned n, uint32_t msr)
{
    uint64_t v = 0;
    if (msr == MSR_APIC_BASE)
        return cpu[n]->lapic.get_base(lapic[n]);
    ck_assert(cpu[n]->lapic.msr_read(lapic[n], msr, &v));
    return v;
}

static bool pin(unsigned n, enum vcpu_pin p)
{
    return cpu[n]->pins & p;
}

static void clear_pins(void)
{
    for (unsigned i = 0; i < NCPUS; i++)
        cpu[i]->pins = 0;
}

static int ack(unsigned n)
{
    return cpu[n]->lapic.ack(lapic[n]);
}

static void icr(unsigned n, uint32_t dest, uint32_t low)
{
    wr(n, APIC_ICR2, dest << 24);
    wr(n, APIC_ICR, low);
}

static void ioapic_wr(uint8_t reg, uint32_t v)
{
    as_io_write(&m->mem, IOAPIC_BASE + IOREGSEL, reg, 4);
    as_io_write(&m->mem, IOAPIC_BASE + IOWIN, v, 4);
}

static uint32_t ioapic_rd(uint8_t reg)
{
    as_io_write(&m->mem, IOAPIC_BASE + IOREGSEL, reg, 4);
    return as_io_read(&m->mem, IOAPIC_BASE + IOWIN, 4);
}

static void route(unsigned n, uint32_t dest, uint32_t low)
{
    ioapic_wr(IOREDTBL + 2 * n + 1, dest << 24);
    ioapic_wr(IOREDTBL + 2 * n, low);
}

static void setup(void)
{
    m = bench_new();
    m->tsc_hz = 2000000000;
    memset(&bus, 0, sizeof(bus));
    apic_bus_init(&bus, m);
    bus.extint_ack = give_extint;
    for (unsigned i = 0; i < NCPUS; i++) {
        cpu[i] = g_new0(struct vcpu, 1);
        cpu[i]->machine = m;
        cpu[i]->sleeper = cpu[i];
        cpu[i]->index = cpu[i]->apic_id = i;
        g_ptr_array_add(m->vcpus, cpu[i]);
        lapic[i] = lapic_create(cpu[i], &bus, NULL);
        ck_assert_ptr_nonnull(lapic[i]);
        wr(i, APIC_SVR, SVR_ENABLE | 0xff);
    }
    ioapic = (struct ioapic *)device_new(m, &ioapic_type);
    bench_realize(ioapic);
    region_add(&m->mem_root, IOAPIC_BASE, &ioapic->mmio, 1);
    bus.eoi = ioapic_eoi;
    bus.eoi_arg = ioapic;
}

static void teardown(void)
{
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    apic_bus_fini(&bus);
    for (unsigned i = 0; i < NCPUS; i++)
        g_free(cpu[i]);
    g_ptr_array_set_size(m->vcpus, 0);
    bench_free(m);
}

START_TEST(page_is_per_cpu)
{
    for (unsigned i = 0; i < NCPUS; i++) {
        ck_assert_uint_eq(rd(i, APIC_ID), i << 24);
        wr(i, APIC_TPR, 0x10 * i);
    }
    for (unsigned i = 0; i < NCPUS; i++)
        ck_assert_uint_eq(rd(i, APIC_TPR), 0x10 * i);
    ck_assert_uint_eq(rd(0, APIC_VERSION), 0x50014);
}
END_TEST

START_TEST(priorities)
{
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 0x51);
    ck_assert(pin(0, VCPU_INTR));
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 0x61);
    ck_assert_int_eq(ack(0), 0x61);
    ck_assert(!pin(0, VCPU_INTR)); /* 51 waits behind 61 */
    ck_assert_uint_eq(rd(0, APIC_PPR), 0x60);
    ck_assert_uint_eq(rd(0, APIC_IRR + 2), 1u << 17);
    ck_assert_uint_eq(rd(0, APIC_ISR + 3), 1u << 1);
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 0x71);
    ck_assert_int_eq(ack(0), 0x71);
    wr(0, APIC_EOI, 0);
    ck_assert(!pin(0, VCPU_INTR));
    wr(0, APIC_EOI, 0);
    ck_assert_int_eq(ack(0), 0x51);
    wr(0, APIC_EOI, 0);
    ck_assert_int_eq(ack(0), -1);
}
END_TEST

START_TEST(task_priority)
{
    cpu[0]->lapic.set_tpr(lapic[0], 5);
    ck_assert_uint_eq(rd(0, APIC_TPR), 0x50);
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 0x5f);
    ck_assert(!pin(0, VCPU_INTR));
    wr(0, APIC_TPR, 0x4f);
    ck_assert(pin(0, VCPU_INTR));
    ck_assert_uint_eq(cpu[0]->lapic.get_tpr(lapic[0]), 4);
    ck_assert_uint_eq(rd(0, APIC_PPR), 0x4f);
}
END_TEST

START_TEST(ipis)
{
    icr(0, 2, 0x41);
    ck_assert(!pin(0, VCPU_INTR) && !pin(1, VCPU_INTR) && pin(2, VCPU_INTR));
    ck_assert_int_eq(ack(2), 0x41);
    wr(2, APIC_EOI, 0);
    icr(1, 0, ICR_TO_OTHERS << ICR_SHORTHAND_SHIFT | 0x42);
    ck_assert(pin(0, VCPU_INTR) && !pin(1, VCPU_INTR) && pin(2, VCPU_INTR));
    icr(1, 0, ICR_TO_ALL << ICR_SHORTHAND_SHIFT | 0x43);
    ck_assert(pin(1, VCPU_INTR));
    clear_pins();
    icr(0, 0xff, 0x44); /* physical broadcast */
    ck_assert_uint_eq(rd(1, APIC_IRR + 2) & 0x10, 0x10);
    icr(0, 1, APIC_NMI << 8);
    ck_assert(pin(1, VCPU_NMI) && !pin(0, VCPU_NMI));
    icr(0, 1, APIC_INIT << 8 | ICR_ASSERT);
    ck_assert(pin(1, VCPU_INIT));
    clear_pins();
    icr(0, 1, APIC_INIT << 8 | ICR_LEVEL); /* de-assert */
    ck_assert(!pin(1, VCPU_INIT));
    icr(0, 1, APIC_SIPI << 8 | 0x9a);
    ck_assert(pin(1, VCPU_SIPI));
    ck_assert_uint_eq(cpu[1]->sipi_vector, 0x9a);
}
END_TEST

START_TEST(logical_flat_and_cluster)
{
    for (unsigned i = 0; i < NCPUS; i++)
        wr(i, APIC_LDR, 1u << (24 + i));
    icr(0, 6, ICR_LOGICAL | 0x41);
    ck_assert(!pin(0, VCPU_INTR) && pin(1, VCPU_INTR) && pin(2, VCPU_INTR));
    ck_assert_int_eq(ack(1), 0x41);
    ck_assert_int_eq(ack(2), 0x41);
    for (unsigned i = 0; i < NCPUS; i++) {
        wr(i, APIC_EOI, 0);
        wr(i, APIC_DFR, 0);
        wr(i, APIC_LDR, (i < 2 ? 0x11u << i : 0x10u * i + 1) << 24); /* 1:1, 2:2, 2:1, 3:1 */
    }
    icr(0, 0x23, ICR_LOGICAL | 0x42);
    ck_assert(!pin(0, VCPU_INTR) && pin(1, VCPU_INTR) && pin(2, VCPU_INTR));
    icr(1, 0x11, ICR_LOGICAL | 0x42);
    ck_assert(pin(0, VCPU_INTR));
}
END_TEST

START_TEST(lowest_priority)
{
    wr(0, APIC_TPR, 0x30);
    wr(1, APIC_TPR, 0x20);
    wr(2, APIC_TPR, 0x30);
    wr(3, APIC_TPR, 0x30);
    for (unsigned i = 0; i < NCPUS; i++)
        wr(i, APIC_LDR, 1u << (24 + i));
    ck_assert(apic_deliver(m, 15, true, APIC_LOWEST, 0x81, false, true));
    ck_assert(pin(1, VCPU_INTR) && !pin(0, VCPU_INTR) && !pin(2, VCPU_INTR));
    ck_assert_int_eq(ack(1), 0x81);
    wr(1, APIC_EOI, 0);
    for (unsigned i = 0; i < NCPUS; i++)
        wr(i, APIC_TPR, 0);
    unsigned got[NCPUS] = {0}; /* among equals, in turn */
    for (unsigned k = 0; k < 8; k++) {
        apic_deliver(m, 15, true, APIC_LOWEST, 0x81, false, true);
        for (unsigned i = 0; i < NCPUS; i++)
            if (pin(i, VCPU_INTR)) {
                got[i]++;
                ack(i);
                wr(i, APIC_EOI, 0);
            }
    }
    for (unsigned i = 0; i < NCPUS; i++)
        ck_assert_uint_eq(got[i], 2);
}
END_TEST

START_TEST(msi)
{
    as_st32(&m->mem, 0xfee01000, 0x55); /* physical, id 1 */
    ck_assert_int_eq(ack(1), 0x55);
    as_st32(&m->mem, 0xfee00000, 0x56); /* id 0: the address of the register page */
    ck_assert_int_eq(ack(0), 0x56);
    wr(2, APIC_LDR, 4u << 24);
    as_st32(&m->mem, 0xfee04004, 0x57); /* logical */
    ck_assert_int_eq(ack(2), 0x57);
    as_st32(&m->mem, 0xfeeff000, APIC_NMI << 8);
    ck_assert(pin(0, VCPU_NMI) && pin(1, VCPU_NMI) && pin(2, VCPU_NMI));
}
END_TEST

START_TEST(errors)
{
    wr(0, APIC_LVT_ERROR, 0xe1);
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 5);
    ck_assert_int_eq(ack(0), 0xe1);
    ck_assert_uint_eq(rd(0, APIC_ESR), 0); /* shows after a write */
    wr(0, APIC_ESR, 0);
    ck_assert_uint_eq(rd(0, APIC_ESR), ESR_SEND_ILLEGAL);
    wr(0, APIC_ESR, 0);
    ck_assert_uint_eq(rd(0, APIC_ESR), 0);
    rd(0, 0x3a);
    wr(0, APIC_ESR, 0);
    ck_assert_uint_eq(rd(0, APIC_ESR), ESR_ILLEGAL_REGISTER);
    apic_deliver(m, 0, false, APIC_FIXED, 3, false, true);
    wr(0, APIC_ESR, 0);
    ck_assert_uint_eq(rd(0, APIC_ESR), ESR_RECEIVE_ILLEGAL);
}
END_TEST

START_TEST(software_disable)
{
    wr(0, APIC_LVT_TIMER, 0x40);
    wr(0, APIC_SVR, 0xff);
    ck_assert_uint_eq(rd(0, APIC_LVT_TIMER), 0x40 | LVT_MASKED);
    wr(0, APIC_LVT_TIMER, 0x40);
    ck_assert_uint_eq(rd(0, APIC_LVT_TIMER), 0x40 | LVT_MASKED);
    icr(1, 0, 0x41);
    ck_assert(!pin(0, VCPU_INTR));
    icr(1, 0, APIC_NMI << 8);
    ck_assert(pin(0, VCPU_NMI)); /* NMI, INIT, SIPI still work */
}
END_TEST

START_TEST(virtual_wire)
{
    bench_realize(device_new(m, &ioapic_type));
    device_reset(&lapic[0]->dev);
    ck_assert_uint_eq(rd(0, APIC_LVT_TIMER + LVT_LINT0), APIC_EXTINT << 8);
    ck_assert_uint_eq(rd(1, APIC_LVT_TIMER + LVT_LINT0), LVT_MASKED);
    extint_vector = 0x08;
    apic_bus_set_lint(&bus, 0, 1);
    ck_assert(pin(0, VCPU_INTR) && !pin(1, VCPU_INTR));
    ck_assert_int_eq(ack(0), 0x08); /* any vector, no priority, no ISR */
    ck_assert(!pin(0, VCPU_INTR));
    ck_assert_uint_eq(rd(0, APIC_ISR), 0);
}
END_TEST

START_TEST(lint_pins)
{
    wr(1, APIC_LVT_TIMER + LVT_LINT1, APIC_NMI << 8);
    apic_bus_set_lint(&bus, 1, 1);
    ck_assert(pin(1, VCPU_NMI) && !pin(0, VCPU_NMI));
    apic_bus_set_lint(&bus, 1, 0);
    wr(1, APIC_LVT_TIMER + LVT_LINT0, 0x45); /* fixed, edge */
    apic_bus_set_lint(&bus, 0, 1);
    ck_assert_int_eq(ack(1), 0x45);
    wr(1, APIC_EOI, 0);
    ck_assert(!pin(1, VCPU_INTR));
    wr(1, APIC_LVT_TIMER + LVT_LINT0, 0x46 | LVT_LEVEL); /* level: again while it is high */
    ck_assert_int_eq(ack(1), 0x46);
    ck_assert(rd(1, APIC_LVT_TIMER + LVT_LINT0) & LVT_REMOTE_IRR);
    wr(1, APIC_EOI, 0);
    ck_assert_int_eq(ack(1), 0x46);
    apic_bus_set_lint(&bus, 0, 0);
    wr(1, APIC_EOI, 0);
    ck_assert(!pin(1, VCPU_INTR));
}
END_TEST

START_TEST(globally_disabled)
{
    uint64_t base = rdmsr(0, MSR_APIC_BASE);
    ck_assert_uint_eq(base, APIC_DEFAULT_BASE | APIC_BASE_EN | APIC_BASE_BSP);
    ck_assert(wrmsr(0, MSR_APIC_BASE, base & ~(uint64_t)APIC_BASE_EN));
    ck_assert_uint_eq(rd(0, APIC_VERSION), 0xffffffff);
    ck_assert_uint_eq(rd(1, APIC_ID), 1 << 24); /* the others' pages are there */
    cpu[0]->lapic.set_tpr(lapic[0], 7);
    ck_assert_uint_eq(cpu[0]->lapic.get_tpr(lapic[0]), 7);
    extint_vector = 0x31;
    apic_bus_set_lint(&bus, 0, 1); /* LINT0 is INTR */
    ck_assert_int_eq(ack(0), 0x31);
    icr(1, 0, 0x41);
    ck_assert(!pin(0, VCPU_INTR));
    ck_assert(wrmsr(0, MSR_APIC_BASE, base));
    ck_assert_uint_eq(rd(0, APIC_SVR), 0xff);
}
END_TEST

START_TEST(base_rules)
{
    uint64_t base = rdmsr(0, MSR_APIC_BASE), off = base & ~(uint64_t)APIC_BASE_EN;
    ck_assert(!wrmsr(0, MSR_APIC_BASE, base | 1));
    ck_assert(!wrmsr(0, MSR_APIC_BASE, base | 1ull << 52));
    ck_assert(!wrmsr(0, MSR_APIC_BASE, off | APIC_BASE_EXTD));
    ck_assert(wrmsr(0, MSR_APIC_BASE, base | APIC_BASE_EXTD));
    ck_assert(!wrmsr(0, MSR_APIC_BASE, base)); /* x2APIC -> xAPIC */
    ck_assert(wrmsr(0, MSR_APIC_BASE, off));
    ck_assert(!wrmsr(0, MSR_APIC_BASE, base | APIC_BASE_EXTD)); /* off -> x2APIC */
    ck_assert(wrmsr(0, MSR_APIC_BASE, base));
    ck_assert(wrmsr(0, MSR_APIC_BASE, 0xfed40000 | APIC_BASE_EN));
    m->current = cpu[0];
    ck_assert_uint_eq(as_ld32(&m->mem, 0xfed40030), 0x50014);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xfee00030), 0xffffffff);
    m->current = cpu[1];
    ck_assert_uint_eq(as_ld32(&m->mem, 0xfed40030), 0xffffffff);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xfee00030), 0x50014);
    m->current = NULL;
}
END_TEST

static void to_x2apic(unsigned n)
{
    ck_assert(wrmsr(n, MSR_APIC_BASE, rdmsr(n, MSR_APIC_BASE) | APIC_BASE_EXTD));
}

START_TEST(x2apic)
{
    uint64_t v;
    ck_assert(!cpu[1]->lapic.msr_read(lapic[1], MSR_X2APIC + APIC_ID, &v));
    to_x2apic(1);
    to_x2apic(2);
    ck_assert_uint_eq(rd(1, APIC_VERSION), 0xffffffff);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_ID), 1);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_LDR), 2);
    ck_assert(!cpu[1]->lapic.msr_read(lapic[1], MSR_X2APIC + APIC_DFR, &v));
    ck_assert(!cpu[1]->lapic.msr_read(lapic[1], MSR_X2APIC + APIC_ICR2, &v));
    ck_assert(!cpu[1]->lapic.msr_read(lapic[1], MSR_X2APIC + APIC_EOI, &v));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_ID, 0));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_LDR, 1));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_EOI, 1));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_TPR, 0x100));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_ESR, 1));
    ck_assert(!wrmsr(1, MSR_X2APIC + APIC_LVT_TIMER + LVT_LINT0, 1 << 11)); /* reserved */
    ck_assert(wrmsr(1, MSR_X2APIC + APIC_LVT_TIMER + LVT_LINT0, 0x5700)); /* status: read-only */
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_LVT_TIMER + LVT_LINT0), 0x700);
    ck_assert(wrmsr(1, MSR_X2APIC + APIC_ICR, 2ull << 32 | 0x91));
    ck_assert_int_eq(ack(2), 0x91);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_ICR), 2ull << 32 | 0x91);
    ck_assert(wrmsr(1, MSR_X2APIC + APIC_ICR, 6ull << 32 | ICR_LOGICAL | 0xa2)); /* 1 and 2 */
    ck_assert_int_eq(ack(1), 0xa2);
    ck_assert_int_eq(ack(2), 0xa2);
    ck_assert(wrmsr(2, MSR_X2APIC + APIC_SELF_IPI, 0xb1));
    ck_assert_int_eq(ack(2), 0xb1);
    ck_assert(wrmsr(1, MSR_X2APIC + APIC_ICR, 0xffffffffull << 32 | 0xc1));
    ck_assert_int_eq(ack(0), 0xc1);
    ck_assert_int_eq(ack(2), 0xc1);
}
END_TEST

START_TEST(timer_one_shot)
{
    wr(0, APIC_TIMER_DIVIDE, 0xb); /* by 1: 1 tick is 1 ns */
    wr(0, APIC_LVT_TIMER, 0x40);
    wr(0, APIC_TIMER_INITIAL, 100000);
    step_ns(m, 40000);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 60000);
    step_ns(m, 59999);
    ck_assert(!pin(0, VCPU_INTR));
    step_ns(m, 1);
    ck_assert_int_eq(ack(0), 0x40);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 0);
    step_ns(m, NSEC_PER_SEC);
    wr(0, APIC_EOI, 0);
    ck_assert(!pin(0, VCPU_INTR));
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    /* expired: a change to periodic does not start it */
    wr(0, APIC_LVT_TIMER, TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT | 0x40);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 0);
    ck_assert_uint_eq(rd(0, APIC_TIMER_INITIAL), 100000);
}
END_TEST

START_TEST(timer_periodic_and_changes)
{
    wr(0, APIC_TIMER_DIVIDE, 0x3); /* by 16 */
    wr(0, APIC_LVT_TIMER, TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT | 0x40);
    wr(0, APIC_TIMER_INITIAL, 100000);
    for (unsigned i = 0; i < 10; i++) {
        step_ns(m, 1600000);
        ck_assert_int_eq(ack(0), 0x40);
        wr(0, APIC_EOI, 0);
    }
    step_ns(m, 1600000 / 4);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 75000);
    wr(0, APIC_LVT_TIMER, 0x40); /* one-shot: the count goes on */
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 75000);
    wr(0, APIC_TIMER_DIVIDE, 0xb);
    step_ns(m, 74999);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 1);
    step_ns(m, 1);
    ck_assert_int_eq(ack(0), 0x40);
    wr(0, APIC_EOI, 0);
    step_ns(m, 1000000);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 0);
}
END_TEST

START_TEST(timer_masked_costs_nothing)
{
    wr(0, APIC_LVT_TIMER, TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT | LVT_MASKED | 0x40);
    wr(0, APIC_TIMER_INITIAL, 1000);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    step_ns(m, 2 * 1300);
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 700);
    wr(0, APIC_LVT_TIMER, TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT | 0x40);
    ck_assert(!pin(0, VCPU_INTR));
    step_ns(m, 2 * 700);
    ck_assert_int_eq(ack(0), 0x40);
}
END_TEST

START_TEST(timer_tsc_deadline)
{
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, 1)); /* not in that mode: ignored */
    ck_assert_uint_eq(rdmsr(0, MSR_TSC_DEADLINE), 0);
    wr(0, APIC_LVT_TIMER, TIMER_TSC_DEADLINE << LVT_TIMER_MODE_SHIFT | 0x40);
    cpu[0]->tsc_offset = 1000000;
    uint64_t tsc = machine_tsc_at(m, cpu[0], clock_now(&m->vclock));
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, tsc + 20001));
    ck_assert_uint_eq(rdmsr(0, MSR_TSC_DEADLINE), tsc + 20001);
    step_ns(m, 10000);
    ck_assert(!pin(0, VCPU_INTR));
    step_ns(m, 1);
    ck_assert_int_eq(ack(0), 0x40);
    ck_assert_uint_eq(rdmsr(0, MSR_TSC_DEADLINE), 0);
    wr(0, APIC_EOI, 0);
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, 5)); /* in the past: at once */
    ck_assert_int_eq(ack(0), 0x40);
    wr(0, APIC_EOI, 0);
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, UINT64_MAX >> 1));
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, 0));
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    tsc = machine_tsc_at(m, cpu[0], clock_now(&m->vclock));
    ck_assert(wrmsr(0, MSR_TSC_DEADLINE, tsc + 2000000));
    cpu[0]->tsc_offset += 1000000; /* the guest wrote its TSC */
    cpu[0]->lapic.tsc_changed(lapic[0]);
    step_ns(m, 500000);
    ck_assert_int_eq(ack(0), 0x40);
}
END_TEST

START_TEST(init_keeps_base_and_id)
{
    to_x2apic(1);
    wrmsr(1, MSR_X2APIC + APIC_TPR, 0x20);
    cpu[1]->lapic.init(lapic[1]);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_ID), 1);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_TPR), 0);
    ck_assert_uint_eq(rdmsr(1, MSR_X2APIC + APIC_SVR), 0xff);
}
END_TEST

START_TEST(ioapic_registers)
{
    ck_assert_uint_eq(ioapic_rd(IOAPICVER), 0x170020);
    ioapic_wr(IOAPICID, 0xff000000);
    ck_assert_uint_eq(ioapic_rd(IOAPICID), 0x0f000000);
    ck_assert_uint_eq(ioapic_rd(IOREDTBL + 46), RTE_MASKED);
    ioapic_wr(IOREDTBL + 2, 0xffffffff);
    ck_assert_uint_eq(ioapic_rd(IOREDTBL + 2), RTE_LOW_WRITABLE); /* status bits are read-only */
    ck_assert_uint_eq(ioapic_rd(0xff), 0);
}
END_TEST

START_TEST(ioapic_edge)
{
    route(14, 1, 0x81);
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(1), 0x81);
    ck_assert_uint_eq(rd(1, APIC_TMR + 4), 0);
    wr(1, APIC_EOI, 0);
    ck_assert(!pin(1, VCPU_INTR));
    ioapic_set_irq(ioapic, 14, 0);
    route(14, 1, 0x81 | RTE_MASKED); /* an edge while masked is lost */
    ioapic_set_irq(ioapic, 14, 1);
    route(14, 1, 0x81);
    ck_assert(!pin(1, VCPU_INTR));
}
END_TEST

START_TEST(ioapic_level)
{
    route(10, 0, 0x91 | RTE_LEVEL);
    ioapic_set_irq(ioapic, 10, 1);
    ck_assert(ioapic_rd(IOREDTBL + 20) & RTE_REMOTE_IRR);
    ck_assert_int_eq(ack(0), 0x91);
    ck_assert_uint_eq(rd(0, APIC_TMR + 4), 1u << 17);
    wr(0, APIC_EOI, 0);
    ck_assert_int_eq(ack(0), 0x91); /* still active: again */
    ioapic_set_irq(ioapic, 10, 0);
    wr(0, APIC_EOI, 0);
    ck_assert(!pin(0, VCPU_INTR));
    ck_assert(!(ioapic_rd(IOREDTBL + 20) & RTE_REMOTE_IRR));
    route(10, 0, 0x91 | RTE_LEVEL | RTE_MASKED); /* a level while masked waits */
    ioapic_set_irq(ioapic, 10, 1);
    ck_assert(!pin(0, VCPU_INTR));
    route(10, 0, 0x91 | RTE_LEVEL);
    ck_assert_int_eq(ack(0), 0x91);
    as_io_write(&m->mem, IOAPIC_BASE + IOEOI, 0x91, 4); /* the EOI register */
    ck_assert(pin(0, VCPU_INTR) || (lapic[0]->irr[4] & 1u << 17));
    ioapic_set_irq(ioapic, 10, 0);
    ioapic_wr(IOREDTBL + 20, 0x91 | RTE_MASKED); /* switching to edge ends it, too */
    ck_assert(!(ioapic_rd(IOREDTBL + 20) & RTE_REMOTE_IRR));
}
END_TEST

/* A level that falls and rises while it is in service is one interrupt. */
START_TEST(ioapic_level_coalesces)
{
    route(14, 0, 0x98 | RTE_LEVEL);
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(0), 0x98);
    ioapic_set_irq(ioapic, 14, 0);
    ioapic_set_irq(ioapic, 14, 1);
    ioapic_set_irq(ioapic, 14, 0);
    wr(0, APIC_EOI, 0);
    ck_assert(!pin(0, VCPU_INTR));
    ioapic_set_irq(ioapic, 14, 1); /* and then comes the next one */
    ck_assert_int_eq(ack(0), 0x98);
}
END_TEST

START_TEST(ioapic_masked_in_service)
{
    route(14, 0, 0x83 | RTE_LEVEL);
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(0), 0x83);
    ioapic_wr(IOREDTBL + 28, 0x83 | RTE_LEVEL | RTE_MASKED);
    ck_assert(ioapic_rd(IOREDTBL + 28) & RTE_REMOTE_IRR);
    wr(0, APIC_EOI, 0);
    ck_assert(!pin(0, VCPU_INTR));
    ck_assert(!(ioapic_rd(IOREDTBL + 28) & RTE_REMOTE_IRR));
    ioapic_wr(IOREDTBL + 28, 0x83 | RTE_LEVEL);
    ck_assert_int_eq(ack(0), 0x83);
}
END_TEST

START_TEST(ioapic_retargeted_in_service)
{
    route(14, 0, 0x84 | RTE_LEVEL);
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(0), 0x84);
    ioapic_set_irq(ioapic, 14, 0);
    ioapic_wr(IOREDTBL + 29, 1 << 24);
    wr(0, APIC_EOI, 0);
    ck_assert(!(ioapic_rd(IOREDTBL + 28) & RTE_REMOTE_IRR));
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(1), 0x84);
}
END_TEST

/* TMR tells how the vector came last, and stays after the EOI. */
START_TEST(ioapic_trigger_mode_register)
{
    static const bool level[] = {false, true, true, false};
    bool before = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(level); i++) {
        route(14, 0, 0x79 | (level[i] ? RTE_LEVEL : 0));
        ck_assert_uint_eq(rd(0, APIC_TMR + 3) >> 25 & 1, before);
        ioapic_set_irq(ioapic, 14, 1);
        ck_assert_int_eq(ack(0), 0x79);
        ck_assert_uint_eq(rd(0, APIC_TMR + 3) >> 25 & 1, level[i]);
        ioapic_set_irq(ioapic, 14, 0);
        wr(0, APIC_EOI, 0);
        before = level[i];
    }
}
END_TEST

START_TEST(ioapic_to_x2apic)
{
    for (unsigned i = 0; i < NCPUS; i++)
        to_x2apic(i);
    route(14, 0xd, 0x86 | RTE_LEVEL | RTE_LOGICAL); /* cluster 0: CPUs 0, 2, 3 */
    ioapic_set_irq(ioapic, 14, 1);
    for (unsigned i = 0; i < NCPUS; i++)
        ck_assert_int_eq(ack(i), i == 1 ? -1 : 0x86);
    ioapic_set_irq(ioapic, 14, 0);
    route(14, 1, 0x85);
    ioapic_set_irq(ioapic, 14, 1);
    ck_assert_int_eq(ack(1), 0x85);
    route(15, 0xff, 0x95); /* the broadcast of 8 bits reaches x2APICs too */
    ioapic_set_irq(ioapic, 15, 1);
    for (unsigned i = 0; i < NCPUS; i++)
        ck_assert_int_eq(ack(i), 0x95);
}
END_TEST

START_TEST(a_second_nmi_is_remembered)
{
    icr(1, 0, APIC_NMI << 8 | ICR_ASSERT);
    ck_assert(pin(0, VCPU_NMI) && !pin(0, VCPU_NMI_SECOND));
    icr(0, 0, APIC_NMI << 8 | ICR_ASSERT);
    ck_assert(pin(0, VCPU_NMI) && pin(0, VCPU_NMI_SECOND));
}
END_TEST

/* A CPU's stores to the interrupt address range are no messages, whatever its APIC's mode. */
START_TEST(stores_of_a_cpu_send_nothing)
{
    m->current = cpu[0];
    for (unsigned off = 0; off < 0x1000; off += 8)
        as_st64(&m->mem, 0xfee01000 + off, UINT64_MAX);
    to_x2apic(0);
    for (unsigned off = 0; off < 0x1000; off += 8)
        as_st64(&m->mem, 0xfee00000 + off, UINT64_MAX);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xfee00030), 0xffffffff);
    m->current = NULL;
    for (unsigned i = 0; i < NCPUS; i++)
        ck_assert_uint_eq(cpu[i]->pins, 0);
}
END_TEST

START_TEST(ioapic_modes)
{
    route(3, 2, APIC_NMI << 8);
    ioapic_set_irq(ioapic, 3, 1);
    ck_assert(pin(2, VCPU_NMI));
    extint_vector = 0x70;
    route(0, 1, APIC_EXTINT << 8);
    ioapic_set_irq(ioapic, 0, 1);
    ck_assert_int_eq(ack(1), 0x70);
    for (unsigned i = 0; i < NCPUS; i++)
        wr(i, APIC_LDR, 1u << (24 + i));
    route(4, 5, RTE_LOGICAL | 0x61);
    ioapic_set_irq(ioapic, 4, 1);
    ck_assert(pin(0, VCPU_INTR) && !pin(1, VCPU_INTR) && pin(2, VCPU_INTR));
}
END_TEST

START_TEST(saved)
{
    wr(0, APIC_LVT_TIMER, TIMER_PERIODIC << LVT_TIMER_MODE_SHIFT | 0x40);
    wr(0, APIC_TIMER_INITIAL, 100000);
    icr(0, 0, ICR_TO_SELF << ICR_SHORTHAND_SHIFT | 0x51);
    step_ns(m, 1000);
    check_save_load(&lapic[0]->dev);
    ck_assert(pin(0, VCPU_INTR));
    ck_assert_uint_eq(rd(0, APIC_TIMER_CURRENT), 99500);
    route(10, 0, 0x91 | RTE_LEVEL);
    check_save_load(&ioapic->dev);
}
END_TEST

/* ---- All registers at once ------------------------------------------------------------------ */

static void get_page(unsigned n, uint32_t page[VCPU_APIC_PAGE / 4])
{
    memset(page, 0xaa, VCPU_APIC_PAGE);
    cpu[n]->lapic.get_regs(lapic[n], (uint8_t *)page);
}

static void set_page(unsigned n, uint64_t base, const uint32_t page[VCPU_APIC_PAGE / 4],
                     uint64_t deadline)
{
    cpu[n]->lapic.set_regs(lapic[n], base, (const uint8_t *)page, deadline);
}

#define PAGE(page, n) (page)[(n) * 4]

START_TEST(page_has_every_register)
{
    uint32_t page[VCPU_APIC_PAGE / 4], again[VCPU_APIC_PAGE / 4];
    static const struct {
        uint8_t reg;
        uint32_t value;
    } w[] = {
        {APIC_TPR, 0x35}, {APIC_LDR, 0x81000000}, {APIC_DFR, 0x0fffffff}, {APIC_SVR, 0x1f3},
        {APIC_LVT_TIMER, 1 << LVT_TIMER_MODE_SHIFT | 0x61}, {APIC_LVT_TIMER + 1, 0x10062},
        {APIC_LVT_TIMER + 2, 0x10463}, {APIC_LVT_TIMER + 3, 0x8764}, {APIC_LVT_TIMER + 4, 0x465},
        {APIC_LVT_ERROR, 0x66}, {APIC_TIMER_DIVIDE, 0xa}, {APIC_TIMER_INITIAL, 5000000},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(w); i++)
        wr(1, w[i].reg, w[i].value);
    icr(1, 1, 0x71);
    ck_assert_int_eq(ack(1), 0x71); /* in service */
    icr(1, 1, 0x92);
    icr(1, 1, 0xe3);
    step_ns(m, 1280000); /* 10000 ticks of 128 ns */
    get_page(1, page);
    ck_assert_uint_eq(PAGE(page, APIC_ID), 1u << 24);
    for (unsigned i = 0; i < G_N_ELEMENTS(w); i++)
        ck_assert_msg(PAGE(page, w[i].reg) == w[i].value, "register %02x: %08x", w[i].reg,
                      PAGE(page, w[i].reg));
    ck_assert_uint_eq(PAGE(page, APIC_TIMER_CURRENT), 4990000);
    ck_assert_uint_eq(PAGE(page, APIC_ISR + 3), 1u << 0x11);
    ck_assert_uint_eq(PAGE(page, APIC_IRR + 4), 1u << 0x12);
    ck_assert_uint_eq(PAGE(page, APIC_IRR + 7), 1u << 3);
    ck_assert_uint_eq(PAGE(page, APIC_ICR2), 1u << 24);

    uint64_t base = rdmsr(1, MSR_APIC_BASE);
    device_reset(&lapic[1]->dev);
    clear_pins();
    set_page(1, base, page, 0);
    get_page(1, again);
    ck_assert_mem_eq(page, again, sizeof(page));
    ck_assert_uint_eq(rd(1, APIC_TIMER_CURRENT), 4990000);
    ck_assert(pin(1, VCPU_INTR));
    ck_assert_int_eq(ack(1), 0xe3);
    wr(1, APIC_EOI, 0);
    ck_assert_int_eq(ack(1), 0x92);
    wr(1, APIC_EOI, 0);
    wr(1, APIC_EOI, 0);
    ck_assert(!pin(1, VCPU_INTR));
    step_ns(m, 4990000ll * 128 - 1);
    ck_assert(!pin(1, VCPU_INTR));
    step_ns(m, 1);
    ck_assert_int_eq(ack(1), 0x61);
}
END_TEST

START_TEST(page_of_an_x2apic)
{
    uint32_t page[VCPU_APIC_PAGE / 4];
    uint64_t x2 = rdmsr(2, MSR_APIC_BASE) | APIC_BASE_EXTD;
    ck_assert(wrmsr(2, MSR_APIC_BASE, x2));
    ck_assert(wrmsr(2, MSR_X2APIC + APIC_ICR, 0x12345ull << 32 | 0x40));
    get_page(2, page);
    ck_assert_uint_eq(PAGE(page, APIC_ID), 2);
    ck_assert_uint_eq(PAGE(page, APIC_LDR), 1 << 2);
    ck_assert_uint_eq(PAGE(page, APIC_ICR), 0x40);
    ck_assert_uint_eq(PAGE(page, APIC_ICR2), 0x12345);
    device_reset(&lapic[2]->dev);
    set_page(2, x2, page, 0);
    ck_assert_uint_eq(rdmsr(2, MSR_APIC_BASE), x2);
    ck_assert_uint_eq(rdmsr(2, MSR_X2APIC + APIC_ICR), 0x12345ull << 32 | 0x40);
}
END_TEST

/* What the page cannot say about timers: see hw/intc/lapic_page.c. */
START_TEST(page_and_expired_timers)
{
    uint32_t page[VCPU_APIC_PAGE / 4];
    uint64_t base = rdmsr(0, MSR_APIC_BASE);
    wr(0, APIC_TIMER_DIVIDE, 0xb);
    wr(0, APIC_LVT_TIMER, 0x40);
    wr(0, APIC_TIMER_INITIAL, 1000);
    step_ns(m, 5000);
    ck_assert_int_eq(ack(0), 0x40);
    wr(0, APIC_EOI, 0);
    get_page(0, page);
    ck_assert_uint_eq(PAGE(page, APIC_TIMER_INITIAL), 0);
    set_page(0, base, page, 0);
    step_ns(m, 5000);
    ck_assert(!pin(0, VCPU_INTR)); /* ours never fires twice */

    PAGE(page, APIC_TIMER_INITIAL) = 1000; /* as KVM gives it: perhaps not in the IRR yet */
    set_page(0, base, page, 0);
    step_ns(m, 1);
    ck_assert_int_eq(ack(0), 0x40);
    wr(0, APIC_EOI, 0);
    step_ns(m, 5000);
    ck_assert(!pin(0, VCPU_INTR));
    PAGE(page, APIC_IRR + 2) = 1; /* it is there */
    set_page(0, base, page, 0);
    ck_assert_int_eq(ack(0), 0x40);
    wr(0, APIC_EOI, 0);
    step_ns(m, 5000);
    ck_assert(!pin(0, VCPU_INTR));

    PAGE(page, APIC_IRR + 2) = 0;
    PAGE(page, APIC_LVT_TIMER) = TIMER_TSC_DEADLINE << LVT_TIMER_MODE_SHIFT | 0x42;
    set_page(0, base, page, 40000 + clock_now(&m->vclock) * 2); /* 2 GHz */
    step_ns(m, 19999);
    ck_assert(!pin(0, VCPU_INTR));
    step_ns(m, 1);
    ck_assert_int_eq(ack(0), 0x42);
    set_page(0, base, page, 0);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, page_is_per_cpu);
    tcase_add_test(t, priorities);
    tcase_add_test(t, task_priority);
    tcase_add_test(t, ipis);
    tcase_add_test(t, logical_flat_and_cluster);
    tcase_add_test(t, lowest_priority);
    tcase_add_test(t, msi);
    tcase_add_test(t, errors);
    tcase_add_test(t, software_disable);
    tcase_add_test(t, virtual_wire);
    tcase_add_test(t, lint_pins);
    tcase_add_test(t, globally_disabled);
    tcase_add_test(t, base_rules);
    tcase_add_test(t, x2apic);
    tcase_add_test(t, timer_one_shot);
    tcase_add_test(t, timer_periodic_and_changes);
    tcase_add_test(t, timer_masked_costs_nothing);
    tcase_add_test(t, timer_tsc_deadline);
    tcase_add_test(t, init_keeps_base_and_id);
    tcase_add_test(t, ioapic_registers);
    tcase_add_test(t, ioapic_edge);
    tcase_add_test(t, ioapic_level);
    tcase_add_test(t, ioapic_modes);
    tcase_add_test(t, ioapic_level_coalesces);
    tcase_add_test(t, ioapic_masked_in_service);
    tcase_add_test(t, ioapic_retargeted_in_service);
    tcase_add_test(t, ioapic_trigger_mode_register);
    tcase_add_test(t, ioapic_to_x2apic);
    tcase_add_test(t, a_second_nmi_is_remembered);
    tcase_add_test(t, stores_of_a_cpu_send_nothing);
    tcase_add_test(t, saved);
    tcase_add_test(t, page_has_every_register);
    tcase_add_test(t, page_of_an_x2apic);
    tcase_add_test(t, page_and_expired_timers);
}

int main(void)
{
    return bench_run("apic", add);
}
