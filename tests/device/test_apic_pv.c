/* SPDX-License-Identifier: MIT */
/*
 * KVM's paravirtual EOI and interrupt sets at our local APICs.
 * Linux, Documentation/virt/kvm/x86/msr.rst (MSR_KVM_EOI_EN), hypercalls.rst (KVM_HC_SEND_IPI).
 */
#include "tests/device/bench.h"
#include "hw/intc/lapic.h"
#include "hw/intc/lapic_regs.h"

#define NCPUS 3
#define FLAG 0x1234

static struct machine *m;
static struct apic_bus bus;
static struct vcpu *cpu[NCPUS];
static struct lapic *lapic[NCPUS];
static struct region ram;
static unsigned broadcasts;

static void on_eoi(void *arg, uint8_t vector)
{
    broadcasts++;
}

static void setup(void)
{
    m = bench_new();
    m->tsc_hz = 1000000000;
    region_init_ram(&ram, "ram", m->ram, 0, 0x10000, false);
    region_add(&m->mem_root, 0, &ram, 0);
    memset(m->ram->host, 0, 0x10000);
    memset(&bus, 0, sizeof(bus));
    apic_bus_init(&bus, m);
    bus.eoi = on_eoi;
    broadcasts = 0;
    for (unsigned i = 0; i < NCPUS; i++) {
        cpu[i] = g_new0(struct vcpu, 1);
        cpu[i]->machine = m;
        cpu[i]->sleeper = cpu[i];
        cpu[i]->index = i;
        cpu[i]->apic_id = 2 * i; /* 0, 2, 4 */
        g_ptr_array_add(m->vcpus, cpu[i]);
        lapic[i] = lapic_create(cpu[i], &bus, NULL);
        m->current = cpu[i];
        as_io_write(&m->mem, APIC_DEFAULT_BASE + APIC_SVR * 16, SVR_ENABLE | 0xff, 4);
        m->current = NULL;
    }
    cpu[0]->lapic.set_pv_eoi(lapic[0], FLAG | 1);
}

static void teardown(void)
{
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    apic_bus_fini(&bus);
    for (unsigned i = 0; i < NCPUS; i++)
        g_free(cpu[i]);
    g_ptr_array_set_size(m->vcpus, 0);
    region_fini(&ram);
    bench_free(m);
}

static uint8_t *flag(void)
{
    return m->ram->host + FLAG;
}

static bool intr(void)
{
    return cpu[0]->pins & VCPU_INTR;
}

static int ack(void)
{
    return cpu[0]->lapic.ack(lapic[0]);
}

static void interrupt(uint8_t vector)
{
    apic_deliver(m, 0, false, APIC_FIXED, vector, false, true);
}

static uint32_t rd(unsigned reg)
{
    m->current = cpu[0];
    uint32_t v = as_io_read(&m->mem, APIC_DEFAULT_BASE + reg * 16, 4);
    m->current = NULL;
    return v;
}

static void real_eoi(void)
{
    m->current = cpu[0];
    as_io_write(&m->mem, APIC_DEFAULT_BASE + APIC_EOI * 16, 0, 4);
    m->current = NULL;
}

START_TEST(alone)
{
    *flag() = 0xa0; /* the other bits are not ours */
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    ck_assert_uint_eq(*flag(), 0xa1);
    ck_assert(!intr());
    *flag() &= ~1; /* the guest's EOI */
    ck_assert_uint_eq(rd(APIC_ISR + 2), 0);
    ck_assert_uint_eq(rd(APIC_PPR), 0);
    interrupt(0x41);
    ck_assert_int_eq(ack(), 0x41);
    *flag() &= ~1;
    interrupt(0x41); /* nobody looked in between */
    ck_assert(intr());
    ck_assert_int_eq(ack(), 0x41);
}
END_TEST

/* The guest has not cleared the flag when another comes: it is taken back. */
START_TEST(taken_back)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    interrupt(0x41);
    ck_assert(intr()); /* somebody has to look */
    ck_assert_uint_eq(*flag(), 1); /* only the vCPU touches it */
    ck_assert_int_eq(ack(), -1);
    ck_assert_uint_eq(*flag(), 0);
    ck_assert(!intr());
    real_eoi();
    ck_assert(intr());
    ck_assert_int_eq(ack(), 0x41);
    ck_assert_uint_eq(*flag(), 1);
}
END_TEST

START_TEST(nested)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    interrupt(0x71);
    ck_assert_int_eq(ack(), 0x71);
    ck_assert_uint_eq(*flag(), 0); /* two in service */
    real_eoi();
    real_eoi();
    ck_assert_uint_eq(rd(APIC_ISR + 2), 0);
    interrupt(0x51);
    interrupt(0x61);
    ck_assert_int_eq(ack(), 0x61);
    ck_assert_uint_eq(*flag(), 0); /* 51 waits for a real EOI */
    real_eoi();
    ck_assert_int_eq(ack(), 0x51);
    ck_assert_uint_eq(*flag(), 1);
}
END_TEST

START_TEST(real_eoi_is_always_right)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    real_eoi();
    ck_assert_uint_eq(*flag(), 0);
    ck_assert_uint_eq(rd(APIC_ISR + 2), 0);
    ck_assert_int_eq(ack(), -1);
}
END_TEST

START_TEST(level_needs_its_message)
{
    apic_deliver(m, 0, false, APIC_FIXED, 0x51, true, true);
    ck_assert_int_eq(ack(), 0x51);
    ck_assert_uint_eq(*flag(), 0);
    real_eoi();
    ck_assert_uint_eq(broadcasts, 1);
}
END_TEST

START_TEST(looking_takes_back)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    ck_assert_uint_eq(rd(APIC_ISR + 2), 1u << 17);
    ck_assert_uint_eq(*flag(), 0);
    real_eoi();
    ck_assert_uint_eq(rd(APIC_PPR), 0);
}
END_TEST

START_TEST(switched_off)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    *flag() = 0;
    cpu[0]->lapic.set_pv_eoi(lapic[0], 0); /* settles what was open */
    ck_assert_uint_eq(rd(APIC_ISR + 2), 0);
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    ck_assert_uint_eq(*flag(), 0);
    cpu[0]->lapic.init(lapic[0]);
    cpu[0]->lapic.set_pv_eoi(lapic[0], 0xfee00000 | 1); /* no RAM: never used */
    interrupt(0x51);
    ck_assert_uint_eq(lapic[0]->pv_eoi_set, 0);
}
END_TEST

/* Saved between the offer and the EOI; RAM is saved with the flag. */
START_TEST(saved_in_between)
{
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    check_save_load(&lapic[0]->dev);
    cpu[0]->lapic.set_pv_eoi(lapic[0], FLAG | 1); /* as loading the register does */
    ck_assert_uint_eq(*flag(), 1);
    *flag() = 0;
    interrupt(0x41);
    ck_assert(intr());
    ck_assert_int_eq(ack(), 0x41);
}
END_TEST

/* What goes to a local APIC in the host kernel is settled. */
START_TEST(page_is_settled)
{
    uint8_t page[VCPU_APIC_PAGE];

    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    *flag() = 0;
    cpu[0]->lapic.get_regs(lapic[0], page);
    ck_assert_uint_eq(page[(APIC_ISR + 2) * 16 + 2], 0);
    interrupt(0x51);
    ck_assert_int_eq(ack(), 0x51);
    cpu[0]->lapic.get_regs(lapic[0], page);
    ck_assert_uint_eq(page[(APIC_ISR + 2) * 16 + 2], 2);
    ck_assert_uint_eq(*flag(), 0);
}
END_TEST

START_TEST(sets)
{
    uint64_t all[2] = {~0ull, ~0ull}, one[2] = {1 << 2, 0}, second[2] = {0, 1 << 2};

    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], all, 64, 0, 0x41), 3);
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], all, 64, 1, 0x41), 2);
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], all, 64, 5, 0x41), 0);
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], all, 64, UINT32_MAX, 0x41), 0);
    for (unsigned i = 0; i < NCPUS; i++)
        cpu[i]->pins = 0;
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], one, 64, 2, APIC_NMI << 8), 1); /* ID 4 */
    ck_assert(!cpu[0]->pins && !cpu[1]->pins && (cpu[2]->pins & VCPU_NMI));
    cpu[2]->apic_id = lapic[2]->id = 40;
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], second, 32, 6, 0x41), 1); /* 6 + 32 + 2 */
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], second, 64, 6, 0x41), 0);
    cpu[1]->lapic.set_base(lapic[1], APIC_DEFAULT_BASE); /* switched off */
    ck_assert_uint_eq(cpu[0]->lapic.send_set(lapic[0], all, 64, 0, 0x41), 2);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, alone);
    tcase_add_test(t, taken_back);
    tcase_add_test(t, nested);
    tcase_add_test(t, real_eoi_is_always_right);
    tcase_add_test(t, level_needs_its_message);
    tcase_add_test(t, looking_takes_back);
    tcase_add_test(t, switched_off);
    tcase_add_test(t, saved_in_between);
    tcase_add_test(t, page_is_settled);
    tcase_add_test(t, sets);
}

int main(void)
{
    return bench_run("apic_pv", add);
}
