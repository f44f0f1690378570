/* SPDX-License-Identifier: MIT */
/*
 * The comparing accelerator (accel/compare) over a small machine: a program that meets all that is
 * fed to both sides runs equal to its end; an accelerator that is tcg-interp but for one wrong
 * result is found at that very instruction.
 */
#include "tests/insn/engine.h"

#include <stdio.h>
#include <unistd.h>

#include "accel/compare/compare.h"
#include "target/x86/cpu.h"

/* ---- The guest ------------------------------------------------------------------------------- */

enum { PORT_COUNTER = 0x80, PORT_DMA = 0x81, PORT_MAP = 0x82, WINDOW = 0x90000, DMA_TO = 0x50000 };

extern const uint8_t guest_begin[], guest_end[];
__asm__(".pushsection .rodata\n"
        ".globl guest_begin, guest_end\n"
        "guest_begin:\n"
        "    mov $0x40000, %ebx\n"
        "again:\n"
        "    inc %rcx\n"
        "    imul %rcx, %rax\n"
        "    in $0x80, %al\n"       /* another value each time */
        "    add $3, %rax\n"
        "    push %rax\n"
        "    pop %rdx\n"
        "    mov %rdx, (%rbx)\n"
        "    shl $7, %rdx\n"
        "    movq %rdx, %xmm1\n"
        "    out %al, $0x81\n"      /* a device writes to 50000h */
        "    mov 0x50000, %rsi\n"
        "    add %rsi, %rax\n"
        "    out %al, $0x82\n"      /* the memory at 90000h becomes another one */
        "    mov 0x90000, %rsi\n"
        "    incq 0x90000\n"
        "    rdtsc\n"
        "    rdrand %r8\n"
        "    mov $0x41000, %edi\n"
        "    mov %rcx, %r9\n"
        "    mov $300, %ecx\n"
        "    rep stosb\n"
        "    mov %r9, %rcx\n"
        "    ud2\n"                 /* the handler skips it */
        "    jmp again\n"
        "guest_end:\n"
        ".popsection\n");
extern const uint8_t handler_begin[], handler_end[];
__asm__(".pushsection .rodata\n"
        ".globl handler_begin, handler_end\n"
        "handler_begin:\n"
        "    addq $2, (%rsp)\n"
        "    iretq\n"
        "handler_end:\n"
        ".popsection\n");

/* ---- The machine ----------------------------------------------------------------------------- */

struct world {
    struct machine *m;
    struct machine_config config;
    struct region ram, counter, dma, map, window;
    struct ram_block *other;
    uint64_t counted;
    char said[8192]; /* on stderr */
};

static uint64_t counter_read(void *dev, uint64_t off, unsigned size)
{
    struct world *w = dev;
    return w->counted++ * 37;
}
static void dma_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct world *w = dev;
    uint64_t data[2] = {val * 0x0101010101010101, w->counted};
    as_write(&w->m->mem, DMA_TO, data, sizeof(data));
}
static void map_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct world *w = dev;
    region_set_ram(&w->window, w->other, w->counted % 2 * 4096);
}
static uint64_t nothing_read(void *dev, uint64_t off, unsigned size)
{
    return 0;
}
static void nothing_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
}

static const struct region_ops counter_ops = {.read = counter_read, .write = nothing_write};
static const struct region_ops dma_ops = {.read = nothing_read, .write = dma_write};
static const struct region_ops map_ops = {.read = nothing_read, .write = map_write};

static struct compare_options options;

static bool test_vm_init(struct machine *m, GError **err)
{
    return compare_vm_init(m, &options, err);
}

static void build_memory(struct world *w)
{
    struct machine *m = w->m;

    region_init_ram(&w->ram, "ram", m->ram, 0, m->ram->size, false);
    region_add(&m->mem_root, 0, &w->ram, 0);
    w->other = ram_block_new("other", 8192, NULL);
    machine_add_ram(m, w->other);
    region_init_ram(&w->window, "window", w->other, 0, 4096, false);
    region_add(&m->mem_root, WINDOW, &w->window, 1);
    region_init_io(&w->counter, "counter", &counter_ops, w, 1);
    region_init_io(&w->dma, "dma", &dma_ops, w, 1);
    region_init_io(&w->map, "map", &map_ops, w, 1);
    region_add(&m->io_root, PORT_COUNTER, &w->counter, 0);
    region_add(&m->io_root, PORT_DMA, &w->dma, 0);
    region_add(&m->io_root, PORT_MAP, &w->map, 0);
}

static void load_guest(struct world *w)
{
    struct bench b = {.m = w->m};

    bench_map(&b);
    bench_state(&b.st);
    bench_idt(&b);
    bench_put(&b, CODE, guest_begin, (size_t)(guest_end - guest_begin));
    bench_put(&b, HANDLER_OF(EXC_UD), handler_begin, (size_t)(handler_end - handler_begin));
    vcpu_load(w->m->vcpus->pdata[0], &b.st);
}

/* Run to the end; the exit status. What was printed is in w->said. */
static int run_world(struct world *w, const struct accel *a, const struct accel *b, uint64_t every,
                     uint64_t limit)
{
    static struct accel accel;
    FILE *file = tmpfile();
    int keep = dup(STDERR_FILENO), status;

    accel = accel_compare;
    accel.vm_init = test_vm_init;
    options = (struct compare_options){.accel = {a, b}, .every = every, .from = UINT64_MAX,
                                        .limit = limit, .last = 4};
    memset(w, 0, sizeof(*w));
    w->config = (struct machine_config){.ram_size = 1 << 20, .cpus = 1, .max_cpus = 1,
                                        .rtc_base = INT64_MIN};
    w->m = machine_new(&w->config, NULL);
    w->m->accel = &accel;
    w->m->vcpu_ops = &accel_vcpu_ops;
    w->m->cpu_model = cpu_model_new("max", 1, 1, 1, NULL);
    w->m->tsc_hz = 1000000000;
    ck_assert(machine_create_vcpus(w->m, 1, NULL));
    machine_lock(w->m);
    build_memory(w);
    machine_reset(w->m);
    load_guest(w);
    dup2(fileno(file), STDERR_FILENO);
    machine_start(w->m);
    machine_unlock(w->m);
    status = machine_run(w->m);
    struct cpu_model *model = (struct cpu_model *)w->m->cpu_model;
    machine_free(w->m);
    cpu_model_free(model);
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(file);
    w->said[fread(w->said, 1, sizeof(w->said) - 1, file)] = '\0';
    fclose(file);
    return status;
}

/* ---- Equal ----------------------------------------------------------------------------------- */

enum { ROUND = 26, IN = 3 /* instructions of a round, with the handler's; up to the IN */ };

START_TEST(equal)
{
    static const uint64_t every[] = {1, 7, 1000};
    struct world w;

    ck_assert_int_eq(run_world(&w, &accel_tcg_interp, &accel_tcg_interp, every[_i], 20000), 0);
    ck_assert_msg(strstr(w.said, "are equal after 20000 instructions"), "%s", w.said);
    ck_assert_uint_eq(w.counted, (20000 - 1 - IN) / ROUND + 1); /* each read was made once */
}
END_TEST

/* ---- One wrong result ------------------------------------------------------------------------ */

struct fault {
    const char *opcode; /* the instruction begins with these bytes */
    uint8_t len;
    unsigned when;      /* it is the how-maniest that goes wrong */
    void (*spoil)(struct vcpu *v, struct x86_state *st);
    bool before; /* before it runs, and back after it */
    const char *says[3];
};

static struct {
    const struct fault *fault;
    uint64_t executed, at; /* instructions up to the wrong one, included */
    unsigned seen;
} wrong;

static bool is_at(struct vcpu *v, const struct x86_state *st)
{
    uint64_t gpa;
    const uint8_t *p;

    if (!accel_tcg_interp.translate(v, st->rip, &gpa))
        return false;
    p = as_ptr(&v->machine->mem, gpa, wrong.fault->len, false);
    return p && memcmp(p, wrong.fault->opcode, wrong.fault->len) == 0;
}

/* Saved or loaded without a look at the local APIC, which no instruction asked for. */
static void save_alone(struct vcpu *v, struct x86_state *st)
{
    struct vcpu_apic apic = v->lapic;
    v->lapic = (struct vcpu_apic){0};
    accel_tcg_interp.save(v, st);
    v->lapic = apic;
}
static void load_alone(struct vcpu *v, const struct x86_state *st)
{
    struct vcpu_apic apic = v->lapic;
    v->lapic = (struct vcpu_apic){0};
    accel_tcg_interp.load(v, st);
    v->lapic = apic;
}

static void spoil(struct vcpu *v)
{
    struct x86_state st;

    save_alone(v, &st);
    wrong.fault->spoil(v, &st);
    load_alone(v, &st);
}

static enum vcpu_exit wrong_run(struct vcpu *v, int64_t insns, int64_t *done)
{
    struct x86_state st;
    enum vcpu_exit why;
    bool here;

    save_alone(v, &st);
    here = is_at(v, &st) && ++wrong.seen == wrong.fault->when;
    if (here && wrong.fault->before)
        spoil(v);
    why = accel_tcg_interp.run_budget(v, insns, done);
    wrong.executed += (uint64_t)*done;
    if (here) {
        wrong.at = wrong.executed;
        spoil(v);
    }
    return why;
}

static void spoil_rax(struct vcpu *v, struct x86_state *st)
{
    st->gpr[R_RAX] ^= 1ull << 40;
}
static void spoil_al(struct vcpu *v, struct x86_state *st)
{
    st->gpr[R_RAX] ^= 1;
}
static void spoil_rip(struct vcpu *v, struct x86_state *st)
{
    st->rip++;
}
static void spoil_cf(struct vcpu *v, struct x86_state *st)
{
    st->rflags ^= FL_CF;
}
static void spoil_af(struct vcpu *v, struct x86_state *st)
{
    st->rflags ^= FL_AF;
}
static void spoil_xmm(struct vcpu *v, struct x86_state *st)
{
    st->xmm[1][9] ^= 0x10;
}
static void spoil_byte(struct vcpu *v, uint64_t at)
{
    uint8_t *p = as_ptr(&v->machine->mem, at, 1, true);
    *p ^= 4;
}
static void spoil_store(struct vcpu *v, struct x86_state *st)
{
    spoil_byte(v, st->gpr[R_RBX] + 5);
}
static void spoil_push(struct vcpu *v, struct x86_state *st)
{
    spoil_byte(v, st->gpr[R_RSP] + 1);
}
static void spoil_string(struct vcpu *v, struct x86_state *st)
{
    spoil_byte(v, st->gpr[R_RDI] - 3);
}
static void spoil_elsewhere(struct vcpu *v, struct x86_state *st)
{
    spoil_byte(v, 0x77123);
}

static const struct fault faults[] = {
    {"\x48\x0f\xaf\xc1", 4, 1, spoil_rax, false, {"imul rax, rcx", "rax", "48 0f af c1"}},
    {"\x48\x0f\xaf\xc1", 4, 9, spoil_rax, false, {"imul rax, rcx", "rax"}},
    {"\x48\x0f\xaf\xc1", 4, 5, spoil_cf, false, {"imul rax, rcx", "rflags"}},
    {"\x48\x83\xc0\x03", 4, 3, spoil_rip, false, {"add rax, ", "rip"}},
    {"\x66\x48\x0f\x6e\xca", 5, 3, spoil_xmm, false, {"movq xmm1, rdx", "xmm+16"}},
    {"\x48\x89\x13", 3, 7, spoil_store, false, {"mov qword ptr [rbx], rdx", "linear 40005h"}},
    {"\x50", 1, 4, spoil_push, false, {"push rax", "linear 7fff9h"}},
    {"\xf3\xaa", 2, 2, spoil_string, false, {"rep stosb", "linear 41129h"}},
    {"\xe6\x81", 2, 3, spoil_al, true, {"out 0x81, al", "a writes port 81h", "b writes port 81h"}},
    {"\x0f\x0b", 2, 2, spoil_push, false, {"ud2", "linear"}},
};

static void check_fault(const struct fault *f, const struct accel *a, const struct accel *b)
{
    struct world w;
    g_autofree char *when = NULL;

    memset(&wrong, 0, sizeof(wrong));
    wrong.fault = f;
    ck_assert_int_eq(run_world(&w, a, b, 1, 20000), COMPARE_EXIT_DIFFERENCE);
    when = g_strdup_printf("differ after %u instructions\n", (unsigned)wrong.at);
    ck_assert_uint_gt(wrong.at, 0);
    ck_assert_msg(strstr(w.said, when), "%s, not in:\n%s", when, w.said);
    for (unsigned i = 0; i < 3 && f->says[i]; i++)
        ck_assert_msg(strstr(w.said, f->says[i]), "%s, not in:\n%s", f->says[i], w.said);
}

START_TEST(found)
{
    struct accel broken = accel_tcg_interp;

    broken.name = "broken";
    broken.run_budget = wrong_run;
    check_fault(&faults[_i], &accel_tcg_interp, &broken);
    check_fault(&faults[_i], &broken, &accel_tcg_interp);
}
END_TEST

/* IMUL leaves AF undefined: no difference, and b goes on with a's. */
START_TEST(undefined_flags)
{
    static const struct fault f = {"\x48\x0f\xaf\xc1", 4, 3, spoil_af, false, {NULL}};
    struct accel broken = accel_tcg_interp;
    struct world w;

    broken.run_budget = wrong_run;
    memset(&wrong, 0, sizeof(wrong));
    wrong.fault = &f;
    ck_assert_int_eq(run_world(&w, &broken, &accel_tcg_interp, 1, 5000), 0);
    ck_assert_uint_gt(wrong.at, 0);
    ck_assert_msg(strstr(w.said, "undefined flags differed 1 times"), "%s", w.said);
}
END_TEST

/* A store that no operand tells of is seen when all of memory is compared. */
START_TEST(stray_store)
{
    static const struct fault f = {"\x48\x0f\xaf\xc1", 4, 3, spoil_elsewhere, false, {NULL}};
    struct accel broken = accel_tcg_interp;
    struct world w;

    broken.run_budget = wrong_run;
    memset(&wrong, 0, sizeof(wrong));
    wrong.fault = &f;
    ck_assert_int_eq(run_world(&w, &accel_tcg_interp, &broken, 1, 5000), COMPARE_EXIT_DIFFERENCE);
    ck_assert_msg(strstr(w.said, "physical 77123h"), "%s", w.said);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");
    tcase_add_loop_test(t, equal, 0, 3);
    tcase_add_loop_test(t, found, 0, (int)G_N_ELEMENTS(faults));
    tcase_add_test(t, undefined_flags);
    tcase_add_test(t, stray_store);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
