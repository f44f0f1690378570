/* SPDX-License-Identifier: MIT */
/*
 * timeout: 300
 *
 * A machine that is saved on one accelerator goes on on the other: its checksum comes out right,
 * its timer goes on ticking, and its time-stamp counter never goes backwards.
 */
#include <check.h>
#include <inttypes.h>

#include "accel/kvm/state.h"
#include "core/machine.h"
#include "hw/intc/lapic.h"
#include "target/x86/cpuid.h"

enum {
    RAM = 1 << 20, PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, GDT = 0x6000, IDT = 0x7000,
    CODE = 0x10000, STACK = 0x80000, TIMER_VECTOR = 0x40,
    LOOPS = 150000, PATIENCE = 60, /* s */
};

struct results { /* at 40000h */
    uint64_t progress, sum, done, ticks, backwards, tsc;
};

/* x2APIC, a tick per millisecond; then a checksum with a look at the TSC in each turn. */
extern const uint8_t move_code[], move_tick[], move_end[];
__asm__(".pushsection .rodata\n"
        "move_code:\n"
        "    mov $0x1b, %ecx\n"
        "    rdmsr\n"
        "    or $0xc00, %eax\n"
        "    wrmsr\n"
        "    xor %edx, %edx\n"
        "    mov $0x80f, %ecx\n" /* SVR */
        "    mov $0x1ff, %eax\n"
        "    wrmsr\n"
        "    mov $0x83e, %ecx\n" /* divide by 1: 1 GHz */
        "    mov $0xb, %eax\n"
        "    wrmsr\n"
        "    mov $0x832, %ecx\n" /* periodic */
        "    mov $0x20040, %eax\n"
        "    wrmsr\n"
        "    mov $0x838, %ecx\n"
        "    mov $1000000, %eax\n"
        "    wrmsr\n"
        "    mov $0x40000, %edi\n"
        "    mov $1, %ebx\n"
        "    sti\n"
        "1:  imul $0x5851f42d, %rbx, %rbx\n"
        "    add $0x14057b7e, %rbx\n"
        "    mov %rbx, 8(%rdi)\n"
        "    rdtsc\n"
        "    shl $32, %rdx\n"
        "    or %rdx, %rax\n"
        "    cmp 40(%rdi), %rax\n"
        "    jae 2f\n"
        "    incq 32(%rdi)\n"
        "2:  mov %rax, 40(%rdi)\n"
        "    incq (%rdi)\n"
        "    cmpq $150000, (%rdi)\n"
        "    jne 1b\n"
        "    mov 24(%rdi), %rax\n"
        "3:  cmp 24(%rdi), %rax\n" /* one more tick, wherever this is */
        "    je 3b\n"
        "    cli\n"
        "    movq $1, 16(%rdi)\n"
        "4:  hlt\n"
        "    jmp 4b\n"
        "move_tick:\n"
        "    push %rax\n"
        "    push %rcx\n"
        "    push %rdx\n"
        "    mov $0x40000, %eax\n"
        "    incq 24(%rax)\n"
        "    xor %eax, %eax\n"
        "    xor %edx, %edx\n"
        "    mov $0x80b, %ecx\n" /* EOI */
        "    wrmsr\n"
        "    pop %rdx\n"
        "    pop %rcx\n"
        "    pop %rax\n"
        "    iretq\n"
        "move_end:\n"
        "    .popsection\n");

/* ---- Machines -------------------------------------------------------------------------------- */

struct place {
    struct machine_config config;
    struct machine *m;
    struct region ram;
    struct apic_bus bus;
    struct cpu_model *model;
};

static struct cpu_model *model_for_both(struct machine *m)
{
    GError *err = NULL;
    struct cpu_model *model = cpu_model_new("max", 1, 1, 1, &err);

    ck_assert_msg(model && accel_kvm.fit_model(m, model, &err), "%s", err ? err->message : "");
    ck_assert(!accel_tcg_interp.fit_model || accel_tcg_interp.fit_model(m, model, &err));
    return model;
}

static struct place *place_new(const struct accel *accel, const char *irqchip)
{
    struct place *p = g_new0(struct place, 1);
    GError *err = NULL;

    p->config = (struct machine_config){.name = (char *)"test", .ram_size = RAM, .cpus = 1,
                                        .max_cpus = 1, .sockets = 1, .cores = 1, .threads = 1};
    p->config.machine_opts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(p->config.machine_opts, (char *)"kernel-irqchip", (char *)irqchip);
    p->m = machine_new(&p->config, &err);
    ck_assert_ptr_nonnull(p->m);
    p->m->accel = accel;
    p->m->vcpu_ops = &accel_vcpu_ops;
    p->m->cpu_model = p->model = model_for_both(p->m);
    p->m->tsc_hz = p->model->tsc_hz = accel_host_tsc_hz();
    ck_assert_msg(machine_create_vcpus(p->m, 1, &err), "%s", err ? err->message : "");
    machine_lock(p->m);
    region_init_ram(&p->ram, "ram", p->m->ram, 0, RAM, false);
    region_add(&p->m->mem_root, 0, &p->ram, 0);
    apic_bus_init(&p->bus, p->m);
    ck_assert_ptr_nonnull(lapic_create(p->m->vcpus->pdata[0], &p->bus, NULL));
    machine_reset(p->m);
    return p;
}

static void place_free(struct place *p)
{
    machine_pause(p->m);
    machine_unlock(p->m);
    region_fini(&p->ram);
    machine_free(p->m);
    cpu_model_free(p->model);
    g_hash_table_unref(p->config.machine_opts);
    g_free(p);
}

static volatile struct results *results(struct place *p)
{
    return (volatile struct results *)(void *)(p->m->ram->host + 0x40000);
}

/* ---- The guest ------------------------------------------------------------------------------- */

static void put64(struct place *p, uint64_t at, uint64_t v)
{
    memcpy(p->m->ram->host + at, &v, 8);
}

static void make_guest(struct place *p)
{
    const struct x86_seg data = {.sel = 16, .limit = 0xffffffff,
                                 .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | SEG_DB | SEG_G};
    uint64_t tick = CODE + (move_tick - move_code);
    struct x86_state st;

    put64(p, PML4, PDPT | 7);
    put64(p, PDPT, PD | 7);
    put64(p, PD, 0x87); /* 2 MiB */
    put64(p, GDT + 8, 0x00af9b000000ffffull);
    put64(p, GDT + 16, 0x00cf93000000ffffull);
    put64(p, IDT + TIMER_VECTOR * 16,
          (tick & 0xffff) | 8 << 16 | 0x8e00ull << 32 | tick >> 16 << 48);
    memcpy(p->m->ram->host + CODE, move_code, move_end - move_code);
    vcpu_save(p->m->vcpus->pdata[0], &st);
    st.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_WP | CR0_NE;
    st.cr3 = PML4;
    st.cr4 = CR4_PAE;
    st.msr.efer = EFER_LME | EFER_LMA;
    for (unsigned s = S_ES; s <= S_GS; s++)
        st.seg[s] = data;
    st.seg[S_CS] = (struct x86_seg){
        .sel = 8, .limit = 0xffffffff,
        .attr = SEG_P | SEG_S | SEG_CODE | SEG_RW | SEG_ACCESSED | SEG_L | SEG_G};
    st.gdtr = (struct x86_dtable){.base = GDT, .limit = 23};
    st.idtr = (struct x86_dtable){.base = IDT, .limit = 0xfff};
    st.rip = CODE;
    st.gpr[R_RSP] = STACK;
    vcpu_load(p->m->vcpus->pdata[0], &st);
}

/* Run, with the main loop, until at least so much is done. Parked afterwards. */
static void run_until(struct place *p, uint64_t progress)
{
    int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;
    struct vcpu *v = p->m->vcpus->pdata[0];
    uint64_t tsc_offset = v->tsc_offset;

    machine_start(p->m);
    while (!results(p)->done && results(p)->progress < progress) {
        machine_unlock(p->m);
        machine_iterate(p->m, false);
        g_usleep(20);
        machine_lock(p->m);
        ck_assert_msg(g_get_monotonic_time() < end, "%s stands still at %" PRIu64 " of %" PRIu64
                      ", ticks %" PRIu64, p->m->accel->name, results(p)->progress, progress,
                      results(p)->ticks);
    }
    machine_pause(p->m);
    /* wherever it ran, the counter followed the virtual clock: within a second's worth */
    if (p->m->accel != &accel_kvm || !kvm_cpu_of(v)->state->tsc_fixed)
        ck_assert_int_lt(llabs((int64_t)(v->tsc_offset - tsc_offset)), (int64_t)p->m->tsc_hz);
}

static struct place *move(struct place *from, const struct accel *accel, const char *irqchip)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GByteArray) again = g_byte_array_new();
    bool from_kernel = from->m->irqchip != NULL;
    struct place *to = place_new(accel, irqchip);
    GError *err = NULL;

    machine_save(from->m, saved);
    memcpy(to->m->ram->host, from->m->ram->host, RAM);
    place_free(from);
    ck_assert_msg(machine_load(to->m, saved->data, saved->len, &err), "%s",
                  err ? err->message : "");
    machine_save(to->m, again);
    ck_assert_uint_eq(saved->len, again->len);
    if (!from_kernel && !to->m->irqchip) /* a timer in the kernel has gone on */
        ck_assert_mem_eq(saved->data, again->data, saved->len);
    return to;
}

static uint64_t expected_sum(void)
{
    uint64_t x = 1;

    for (unsigned n = 0; n < LOOPS; n++)
        x = x * 0x5851f42d + 0x14057b7e;
    return x;
}

static bool have_kvm(void)
{
    GError *err = NULL;

    if (accel_kvm.probe(&err))
        return true;
    printf("# SKIP %s\n", err->message);
    g_error_free(err);
    return false;
}

static void there_and_back(const char *irqchip, unsigned moves)
{
    static const struct accel *const accels[] = {&accel_tcg_interp, &accel_kvm};

    if (!have_kvm())
        return;
    struct place *p = place_new(accels[0], irqchip);
    make_guest(p);
    for (unsigned n = 1; n <= moves; n++) {
        uint64_t ticks = results(p)->ticks;

        run_until(p, (uint64_t)LOOPS * n / (moves + 1) + n * 7919 % 1000);
        ck_assert_uint_ge(results(p)->ticks, ticks);
        p = move(p, accels[n & 1], irqchip);
    }
    run_until(p, UINT64_MAX);
    if (p->m->accel == &accel_kvm && kvm_cpu_of(p->m->vcpus->pdata[0])->state->tsc_fixed)
        printf("# SKIP the counter's continuity: this KVM does not shift it\n");
    ck_assert_uint_eq(results(p)->sum, expected_sum());
    ck_assert_uint_eq(results(p)->backwards, 0);
    ck_assert_uint_gt(results(p)->ticks, 0);
    place_free(p);
}

/* An even number of moves ends on the interpreter, an odd one on KVM. */
START_TEST(moves_irqchip_off)
{
    there_and_back("off", 8 + _i);
}
END_TEST

START_TEST(moves_irqchip_split)
{
    there_and_back("split", 8 + _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state move");
    TCase *t = tcase_create("move");
    SRunner *r = srunner_create(suite);

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, moves_irqchip_off, 0, 2);
    tcase_add_loop_test(t, moves_irqchip_split, 0, 2);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
