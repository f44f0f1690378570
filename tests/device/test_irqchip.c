/* SPDX-License-Identifier: MIT */
/*
 * The board's interrupt controllers beside local APICs of a host kernel: what they tell it and
 * what they take from it. The kernel is played by this file. core/irqchip.h; Intel SDM vol. 3
 * section 10.11 (messages); 82093AA data sheet.
 */
#include "tests/device/bench.h"
#include "hw/intc/i8259.h"
#include "hw/intc/i8259_regs.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/ioapic_regs.h"
#include "hw/intc/lapic.h"
#include "hw/intc/lapic_regs.h"

#define NCPUS 2
#define IOAPIC_BASE 0xfec00000

static struct machine *m;
static struct apic_bus bus;
static struct vcpu *cpu[NCPUS];
static struct lapic *lapic[NCPUS];
static struct ioapic *ioapic;
static struct i8259 *pic;

/* The kernel. */
static struct msi_message sent[8], pins[IRQCHIP_PINS];
static unsigned nsent, nlint1, nfetched;
static uint32_t level_pins;
static bool takes = true;

static bool k_msi(struct machine *machine, struct msi_message msg)
{
    ck_assert_uint_lt(nsent, 8);
    sent[nsent++] = msg;
    return takes;
}

static void k_pins(struct machine *machine, const struct msi_message pin[IRQCHIP_PINS],
                   uint32_t level)
{
    memcpy(pins, pin, sizeof(pins));
    level_pins = level;
}

static void k_lint1(struct vcpu *v)
{
    nlint1++;
}

static void k_fetch(struct vcpu *v)
{
    nfetched++;
}

static const struct irqchip_ops kernel = {
    .name = "split", .msi = k_msi, .pins = k_pins, .lint1 = k_lint1, .fetch = k_fetch};

static int pic_ack(void *arg)
{
    return i8259_ack(arg);
}

static void setup(void)
{
    m = bench_new();
    memset(&bus, 0, sizeof(bus));
    apic_bus_init(&bus, m);
    for (unsigned i = 0; i < NCPUS; i++) {
        cpu[i] = g_new0(struct vcpu, 1);
        cpu[i]->machine = m;
        cpu[i]->thread = g_thread_self();
        cpu[i]->sleeper = cpu[i];
        cpu[i]->index = cpu[i]->apic_id = i;
        g_ptr_array_add(m->vcpus, cpu[i]);
        lapic[i] = lapic_create(cpu[i], &bus, NULL);
        ck_assert_ptr_nonnull(lapic[i]);
        lapic[i]->svr = SVR_ENABLE | 0xff;
    }
    pic = (struct i8259 *)device_new(m, &i8259_type);
    pic->intr = (struct irq_line){apic_bus_set_lint, &bus, 0};
    bench_realize(pic);
    region_add(&m->io_root, 0x20, &pic->io[0], 0);
    ioapic = (struct ioapic *)device_new(m, &ioapic_type);
    bench_realize(ioapic);
    region_add(&m->mem_root, IOAPIC_BASE, &ioapic->mmio, 1);
    bus.eoi = ioapic_eoi;
    bus.eoi_arg = ioapic;
    bus.extint_ack = pic_ack;
    bus.extint_arg = pic;
    nsent = nlint1 = nfetched = 0;
    level_pins = 0;
    takes = true;
    irqchip_set(m, &kernel);
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

static void route(unsigned n, uint32_t dest, uint32_t low)
{
    const uint32_t writes[4] = {IOREDTBL + 2 * n + 1, dest << 24, IOREDTBL + 2 * n, low};
    for (unsigned i = 0; i < 4; i++)
        as_io_write(&m->mem, IOAPIC_BASE + (i & 1 ? IOWIN : IOREGSEL), writes[i], 4);
}

static bool intr(unsigned n)
{
    return cpu[n]->pins & VCPU_INTR;
}

START_TEST(messages)
{
    route(4, 1, RTE_LOGICAL | APIC_LOWEST << 8 | 0x61);
    ioapic_set_irq(ioapic, 4, 1);
    ck_assert_uint_eq(nsent, 1);
    ck_assert_uint_eq(sent[0].addr, 0xfee01004);
    ck_assert_uint_eq(sent[0].data, APIC_LOWEST << 8 | 0x61 | MSI_DATA_ASSERT);
    apic_msi(m, 0xfee02000, 0x4177);
    ck_assert_uint_eq(nsent, 2);
    ck_assert_uint_eq(sent[1].addr, 0xfee02000);
    ck_assert_uint_eq(sent[1].data, 0x4177);
    apic_msi(m, 0xfee02000, MSI_DATA_LEVEL | 0x77); /* a level's end is no message */
    ck_assert_uint_eq(nsent, 2);
    ck_assert_uint_eq(lapic[0]->irr[3] | lapic[1]->irr[3], 0);
    ck_assert(!intr(0) && !intr(1));
}
END_TEST

START_TEST(level_ends_by_the_kernels_eoi)
{
    route(10, 1, RTE_LEVEL | 0x91);
    ck_assert_uint_eq(level_pins, 1u << 10);
    ck_assert_uint_eq(pins[10].addr, 0xfee01000);
    ck_assert_uint_eq(pins[10].data, 0x91 | MSI_DATA_ASSERT | MSI_DATA_LEVEL);
    ioapic_set_irq(ioapic, 10, 1);
    ioapic_set_irq(ioapic, 10, 1);
    ck_assert_uint_eq(nsent, 1);
    cpu[1]->lapic.eoi(lapic[1], 0x90); /* another vector */
    ck_assert_uint_eq(nsent, 1);
    cpu[1]->lapic.eoi(lapic[1], 0x91); /* still asserted: again */
    ck_assert_uint_eq(nsent, 2);
    ioapic_set_irq(ioapic, 10, 0);
    cpu[1]->lapic.eoi(lapic[1], 0x91);
    ck_assert_uint_eq(nsent, 2);
    /* masked entries keep their EOI, edge-triggered ones have none */
    route(10, 1, RTE_MASKED | RTE_LEVEL | 0x91);
    ck_assert_uint_eq(level_pins, 1u << 10);
    route(10, 1, 0x91);
    ck_assert_uint_eq(level_pins, 0);
}
END_TEST

START_TEST(level_that_nobody_takes)
{
    takes = false;
    route(10, 7, RTE_LEVEL | 0x91);
    ioapic_set_irq(ioapic, 10, 1);
    ck_assert_uint_eq(ioapic->redir[10] & RTE_REMOTE_IRR, 0);
    takes = true;
    route(10, 1, RTE_LEVEL | 0x91); /* sent with the write that makes it possible */
    ck_assert_uint_ne(ioapic->redir[10] & RTE_REMOTE_IRR, 0);
}
END_TEST

START_TEST(pic_asks_through_the_pin)
{
    const uint8_t icw[4] = {0x11, 0x40, 4, 1};
    for (unsigned i = 0; i < 4; i++)
        outb(m, i ? 0x21 : 0x20, icw[i]);
    outb(m, 0x21, 0);
    lapic[0]->irr[2] = 0xff; /* the kernel's business: no reason for the pin */
    irqchip_set(m, NULL);
    irqchip_set(m, &kernel);
    ck_assert(!intr(0));
    i8259_set_irq(pic, 3, 1);
    ck_assert(intr(0) && intr(1));
    ck_assert_int_eq(cpu[1]->lapic.ack(lapic[1]), 0x43);
    ck_assert(!intr(0) && !intr(1));
    ck_assert_int_eq(cpu[0]->lapic.ack(lapic[0]), -1); /* too late: no spurious interrupt */
}
END_TEST

START_TEST(lint1)
{
    apic_bus_set_lint(&bus, 1, 1);
    apic_bus_set_lint(&bus, 1, 1);
    ck_assert_uint_eq(nlint1, NCPUS);
    ck_assert(!(cpu[0]->pins & VCPU_NMI));
    apic_bus_set_lint(&bus, 1, 0);
    apic_bus_set_lint(&bus, 1, 1);
    ck_assert_uint_eq(nlint1, 2 * NCPUS);
}
END_TEST

/* The timer and the pin follow the registers when these come back, and rest in between. */
START_TEST(back_to_ours)
{
    lapic[1]->lvt[LVT_TIMER] = 0x55;
    lapic[1]->initial_count = lapic[1]->count = 500;
    lapic[1]->count_start = clock_now(&m->vclock);
    lapic[0]->irr[2] = 1u << 5;
    irqchip_set(m, NULL);
    ck_assert(intr(0) && !intr(1));
    ck_assert(timer_pending(&lapic[1]->timer));
    irqchip_set(m, &kernel);
    ck_assert(!intr(0) && !timer_pending(&lapic[1]->timer));
    irqchip_set(m, NULL);
    step_ns(m, 1000);
    ck_assert_int_eq(cpu[1]->lapic.ack(lapic[1]), 0x55);
    ck_assert_int_eq(cpu[0]->lapic.ack(lapic[0]), 0x45);
}
END_TEST

START_TEST(routes_are_told_to_a_kernel_that_comes_later)
{
    irqchip_set(m, NULL);
    route(11, 0, RTE_LEVEL | 0x92);
    ck_assert_uint_eq(level_pins, 0);
    irqchip_set(m, &kernel);
    ck_assert_uint_eq(level_pins, 1u << 11);
    device_reset(&ioapic->dev);
    ck_assert_uint_eq(level_pins, 0);
}
END_TEST

START_TEST(page_is_not_ours)
{
    m->current = cpu[0];
    ck_assert_uint_eq(as_ld32(&m->mem, APIC_DEFAULT_BASE + APIC_VERSION * 16), 0xffffffff);
    as_st32(&m->mem, APIC_DEFAULT_BASE + APIC_TPR * 16, 0x50);
    m->current = NULL;
    as_st32(&m->mem, APIC_DEFAULT_BASE + APIC_TPR * 16, 0x50);
    ck_assert_uint_eq(lapic[0]->tpr, 0);
    as_st32(&m->mem, APIC_DEFAULT_BASE, 0x41); /* a device's message to destination 0 */
    ck_assert_uint_eq(nsent, 1);
    ck_assert_uint_eq(sent[0].addr, APIC_DEFAULT_BASE);
}
END_TEST

START_TEST(fetched_before_looking)
{
    irqchip_fetch_all(m);
    ck_assert_uint_eq(nfetched, NCPUS);
    irqchip_set(m, NULL);
    irqchip_fetch_all(m);
    ck_assert_uint_eq(nfetched, NCPUS);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, messages);
    tcase_add_test(t, level_ends_by_the_kernels_eoi);
    tcase_add_test(t, level_that_nobody_takes);
    tcase_add_test(t, pic_asks_through_the_pin);
    tcase_add_test(t, lint1);
    tcase_add_test(t, back_to_ours);
    tcase_add_test(t, routes_are_told_to_a_kernel_that_comes_later);
    tcase_add_test(t, page_is_not_ours);
    tcase_add_test(t, fetched_before_looking);
}

int main(void)
{
    return bench_run("irqchip", add);
}
