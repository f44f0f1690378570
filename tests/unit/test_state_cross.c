/* SPDX-License-Identifier: MIT */
/*
 * A vCPU that changes its accelerator while it runs, in the middle of I/O instructions too, ends
 * with the state that it has when the interpreter runs it alone; and an event that one accelerator
 * accepted and did not deliver is delivered by the other.
 */
#include "tests/unit/state_bed.h"

enum {
    PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, GDT = 0x6000, IDT = 0x7000, CODE = 0x10000,
    HANDLERS = 0x20000, DATA = 0x40000, STACK = 0x80000, MMIO = 0x180000, PORT = 0x80,
};

/* A checksum over registers, flags, memory, the stack, ports and MMIO: in, out, read, write,
 * read-modify-write, repeated. Each access lets the device change the accelerator. */
extern const uint8_t guest_code[], guest_end[];
__asm__(".pushsection .rodata\n"
        "guest_code:\n"
        "    mov $0x40000, %edi\n"
        "    mov $0x180000, %esi\n"
        "    mov $60, %ecx\n"
        "    mov $0x9e3779b97f4a7c15, %rbx\n"
        "1:  imul $0x5851f42d, %rbx, %rbx\n"
        "    add $0x14057b7e, %rbx\n"
        "    mov %rbx, %rax\n"
        "    shr $11, %rax\n"
        "    mov $0x80, %edx\n"
        "    out %al, %dx\n"
        "    in %dx, %eax\n"
        "    add %rax, %rbx\n"
        "    pushf\n"
        "    pop %r8\n"
        "    xor %r8, %r9\n"
        "    mov (%rsi), %rax\n"
        "    adc %rax, (%rdi)\n"
        "    mov %ebx, 8(%rsi)\n"
        "    add %ebx, (%rsi)\n"
        "    rol $7, %rbx\n"
        "    push %rcx\n"
        "    push %rsi\n"
        "    mov $3, %ecx\n"
        "    mov %rdi, %rsi\n"
        "    rep outsl\n"
        "    push %rdi\n"
        "    mov $2, %ecx\n"
        "    add $0x100, %rdi\n"
        "    rep insw\n"
        "    pop %rdi\n"
        "    pop %rsi\n"
        "    pop %rcx\n"
        "    xor 0x100(%rdi), %r10d\n"
        "    mov %ds, %eax\n"
        "    mov %cr3, %rax\n"
        "    add %rax, %r11\n"
        "    dec %ecx\n"
        "    jnz 1b\n"
        "    hlt\n"
        "guest_end:\n"
        "    .popsection\n");

struct device_of_test {
    struct region io, mmio;
    struct vcpu *v;
    uint64_t sum;
    unsigned accesses;
    uint64_t schedule; /* 0: never; a random number generator for when to change */
};

static uint64_t step(struct device_of_test *d, uint64_t x)
{
    d->accesses++;
    d->sum = (d->sum ^ x) * 0x2545f4914f6cdd1dull + d->accesses;
    if (d->schedule) {
        d->schedule = d->schedule * 6364136223846793005ull + 1442695040888963407ull;
        if (d->schedule >> 62 == 0)
            vcpu_kick(d->v);
    }
    return d->sum >> 16;
}

static uint64_t dev_read(void *dev, uint64_t off, unsigned size)
{
    return step(dev, off + size) & (size == 8 ? ~0ull : (1ull << size * 8) - 1);
}

static void dev_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    step(dev, val + off + size);
}

static const struct region_ops dev_ops = {
    .read = dev_read, .write = dev_write, .min = 1, .max = 8};

/* ---- The guest ------------------------------------------------------------------------------ */

static void put64(struct bed *b, uint64_t at, uint64_t v)
{
    memcpy(b->m->ram->host + at, &v, 8);
}

static void make_memory(struct bed *b)
{
    memset(b->m->ram->host, 0, b->m->ram->size);
    put64(b, PML4, PDPT | 7);
    put64(b, PDPT, PD | 7);
    put64(b, PD, 0 | 0x87); /* 2 MiB */
    put64(b, GDT + 8, 0x00af9b000000ffffull);
    put64(b, GDT + 16, 0x00cf93000000ffffull);
    for (unsigned v = 0; v < 256; v++) {
        uint64_t to = HANDLERS + v * 16;

        put64(b, IDT + v * 16, (to & 0xffff) | 8 << 16 | 0x8e00ull << 32 | to >> 16 << 48);
        b->m->ram->host[to] = 0xf4; /* HLT */
    }
    memcpy(b->m->ram->host + CODE, guest_code, guest_end - guest_code);
}

static void make_state(struct x86_state *st)
{
    const struct x86_seg data = {.sel = 16, .limit = 0xffffffff,
                                 .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | SEG_DB | SEG_G};

    x86_state_reset(st, true, 0);
    st->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_WP | CR0_NE;
    st->cr3 = PML4;
    st->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    st->msr.efer = EFER_LME | EFER_LMA;
    for (unsigned s = S_ES; s <= S_GS; s++)
        st->seg[s] = data;
    st->seg[S_CS] = (struct x86_seg){
        .sel = 8, .limit = 0xffffffff,
        .attr = SEG_P | SEG_S | SEG_CODE | SEG_RW | SEG_ACCESSED | SEG_L | SEG_G};
    st->gdtr = (struct x86_dtable){.base = GDT, .limit = 23};
    st->idtr = (struct x86_dtable){.base = IDT, .limit = 0xfff};
    st->rip = CODE;
    st->gpr[R_RSP] = STACK;
    for (unsigned k = 0; k < sizeof(st->xmm); k++)
        st->xmm[k / 16][k % 16] = k * 37 + 5;
}

static struct bed *guest_bed(struct device_of_test *d, const struct accel *second)
{
    struct bed *b = bed_new(&accel_tcg_interp, second, "off");

    d->v = &b->v;
    region_init_io(&d->io, "test port", &dev_ops, d, 4);
    region_init_io(&d->mmio, "test mmio", &dev_ops, d, 0x1000);
    machine_lock(b->m);
    region_add(&b->m->io_root, PORT, &d->io, 1);
    region_add(&b->m->mem_root, MMIO, &d->mmio, 1);
    machine_unlock(b->m);
    make_memory(b);
    return b;
}

static void guest_bed_free(struct bed *b, struct device_of_test *d)
{
    machine_lock(b->m);
    region_fini(&d->io);
    region_fini(&d->mmio);
    machine_unlock(b->m);
    bed_free(b);
}

/* Run from *st until HLT, changing to the other accelerator after each kick. How often. */
static unsigned run(struct bed *b, unsigned first, struct x86_state *st)
{
    unsigned a = first, switches = 0;
    enum vcpu_exit e;

    for (;;) {
        b->v.accel = b->m->accel = b->accel[a];
        b->v.accel->load(&b->v, st);
        e = b->v.accel->run(&b->v);
        b->v.accel->save(&b->v, st);
        b->v.kicked = 0;
        if (e != VCPU_KICKED)
            break;
        a ^= b->accel[1] != NULL;
        switches++;
    }
    ck_assert_int_eq(e, VCPU_HALTED);
    return switches;
}

static void expect_same(const struct x86_state *want, const struct x86_state *got)
{
    for (const struct state_field *f = x86_state_fields; f->name; f++)
        ck_assert_msg(!strcmp(f->name, "tsc") || !strcmp(f->name, "tsc_vtime") ||
                          !memcmp((const char *)want + f->offset, (const char *)got + f->offset,
                                  f->elem_size * f->count),
                      "%s differs", f->name);
}

START_TEST(changes_in_the_middle)
{
    struct device_of_test alone = {0}, d = {0};
    struct x86_state want, got;
    unsigned switches = 0;

    if (!bed_have_kvm())
        return;
    struct bed *b = guest_bed(&alone, NULL);
    make_state(&want);
    run(b, 0, &want);
    uint64_t sum;
    memcpy(&sum, b->m->ram->host + DATA, 8);
    guest_bed_free(b, &alone);
    ck_assert_uint_eq(alone.accesses, 60 * (2 + 2 + 1 + 1 + 3 + 2));

    b = guest_bed(&d, &accel_kvm);
    for (unsigned n = 0; n < 10; n++) {
        make_memory(b);
        d = (struct device_of_test){.io = d.io, .mmio = d.mmio, .v = d.v, .schedule = n + 1};
        make_state(&got);
        switches += run(b, n & 1, &got);
        expect_same(&want, &got);
        ck_assert_uint_eq(d.sum, alone.sum);
        ck_assert_mem_eq(b->m->ram->host + DATA, &sum, 8);
    }
    ck_assert_uint_gt(switches, 500);
    guest_bed_free(b, &d);
}
END_TEST

/* ---- Events --------------------------------------------------------------------------------- */

static const struct {
    uint8_t event, vector, has_error;
    uint32_t error;
} events[] = {
    {EVENT_INTR, 0x41, 0, 0}, {EVENT_NMI, 2, 0, 0}, {EVENT_EXC, 13, 1, 0x1234},
    {EVENT_EXC, 14, 1, 2},    {EVENT_EXC, 6, 0, 0}, {EVENT_EXC, 1, 0, 0},
};

/* Accepted on one side, delivered by the other, before anything else. */
static void deliver(unsigned holder, unsigned runner, unsigned n, struct x86_state *st)
{
    struct device_of_test d = {0};
    struct bed *b = guest_bed(&d, &accel_kvm);

    make_state(st);
    st->rflags |= FL_IF;
    st->cr2 = 0x123456789;
    st->event = events[n].event;
    st->event_vector = events[n].vector;
    st->event_has_error = events[n].has_error;
    st->event_error = events[n].error;
    b->accel[holder]->load(&b->v, st);
    b->accel[holder]->save(&b->v, st);
    ck_assert_uint_eq(st->event, events[n].event);
    b->v.accel = b->m->accel = b->accel[runner];
    b->accel[runner]->load(&b->v, st);
    ck_assert_int_eq(b->accel[runner]->run(&b->v), VCPU_HALTED);
    b->accel[runner]->save(&b->v, st);
    ck_assert_uint_eq(st->rip, HANDLERS + events[n].vector * 16 + 1);
    ck_assert_uint_eq(st->event, EVENT_NONE);
    ck_assert_uint_eq(st->nmi_masked, events[n].event == EVENT_NMI);
    const uint64_t *frame = (const uint64_t *)(b->m->ram->host + st->gpr[R_RSP]);
    if (events[n].has_error)
        ck_assert_uint_eq(*frame++, events[n].error);
    ck_assert_uint_eq(frame[0], CODE);
    ck_assert_uint_eq(frame[3], STACK);
    guest_bed_free(b, &d);
}

START_TEST(events_are_delivered_by_the_other)
{
    struct x86_state a, c;

    if (!bed_have_kvm())
        return;
    deliver(0, 0, _i, &a);
    for (unsigned k = 1; k < 4; k++) {
        deliver(k & 1, k >> 1, _i, &c);
        expect_same(&a, &c);
    }
}
END_TEST

/* A kick between the acknowledge and the entry: KVM has the interrupt and keeps it. */
static int ack_and_kick(void *vcpu)
{
    vcpu_kick(vcpu);
    vcpu_pin(vcpu, VCPU_INTR, 0);
    return 0x51;
}

START_TEST(acknowledged_interrupts_are_not_lost)
{
    struct device_of_test d = {0};
    struct x86_state st;

    if (!bed_have_kvm())
        return;
    struct bed *b = guest_bed(&d, &accel_kvm);
    make_state(&st);
    st.rflags |= FL_IF;
    b->v.accel = b->m->accel = &accel_kvm;
    b->v.ready = true;
    void *apic = b->v.lapic.apic;
    accel_kvm.load(&b->v, &st);
    machine_lock(b->m);
    struct vcpu_apic real = b->v.lapic;
    b->v.lapic.ack = ack_and_kick;
    b->v.lapic.apic = &b->v;
    b->v.lapic.get_tpr = NULL;
    vcpu_pin(&b->v, VCPU_INTR, 1);
    machine_unlock(b->m);
    ck_assert_int_eq(accel_kvm.run(&b->v), VCPU_KICKED);
    b->v.lapic = real;
    accel_kvm.save(&b->v, &st);
    ck_assert_uint_lt(st.rip, CODE + (guest_end - guest_code)); /* not in the handler */
    ck_assert_uint_eq(st.event, EVENT_INTR);
    ck_assert_uint_eq(st.event_vector, 0x51);
    b->v.kicked = 0;
    b->v.accel = b->m->accel = &accel_tcg_interp;
    accel_tcg_interp.load(&b->v, &st);
    ck_assert_int_eq(accel_tcg_interp.run(&b->v), VCPU_HALTED);
    accel_tcg_interp.save(&b->v, &st);
    ck_assert_uint_eq(st.rip, HANDLERS + 0x51 * 16 + 1);
    ck_assert_ptr_eq(b->v.lapic.apic, apic);
    guest_bed_free(b, &d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state cross");
    TCase *t = tcase_create("cross");
    SRunner *r = srunner_create(suite);

    tcase_set_timeout(t, 60);
    tcase_add_test(t, changes_in_the_middle);
    tcase_add_loop_test(t, events_are_delivered_by_the_other, 0, G_N_ELEMENTS(events));
    tcase_add_test(t, acknowledged_interrupts_are_not_lost);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
