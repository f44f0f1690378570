/* SPDX-License-Identifier: MIT */
/*
 * The cost of an exit: 200,000 port and 200,000 MMIO exits through accel/kvm, beside the smallest
 * loop around KVM_RUN that answers them. Both run the same guest on the same thread, in turns;
 * prints the median of each and the ratio, and fails above 1.1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

enum { MEMORY = 0x20000, CODE_AT = 0x1000, HOLE_SEG = 0x3000, PORT = 0x10, PORT_END = 0x11 };
enum { ROUNDS = 20, EXITS = 10000 };
#define LIMIT 1.1

#define GUEST(name, text)                                                                          \
    extern const uint8_t name[], name##_end[];                                                     \
    __asm__(".pushsection .rodata\n.code16\n" #name ":\n" text "\n" #name "_end:\n.code64\n"       \
            ".popsection\n")
GUEST(g_port, "mov $10000, %cx; 1: out %al, $0x10; dec %cx; jnz 1b; out %al, $0x11");
GUEST(g_mmio, "mov $0x3000, %ax; mov %ax, %ds; mov $10000, %cx\n"
              "1: mov %al, 0x10; dec %cx; jnz 1b; out %al, $0x11");

static const struct {
    const char *name;
    const uint8_t *code, *end;
} kinds[] = {{"port", g_port, g_port_end}, {"MMIO", g_mmio, g_mmio_end}};

static struct machine *m;
static struct machine_config config = {.ram_size = MEMORY, .cpus = 1};
static struct region ram, port, hole;
static unsigned answered;

/* ---- The smallest loop ----------------------------------------------------------------------- */

static struct {
    int cpu;
    uint8_t *mem;
    struct kvm_run *run;
} raw;

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void raw_init(void)
{
    int sys = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = ioctl(sys, KVM_CREATE_VM, 0);
    raw.mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region slot = {.memory_size = MEMORY,
                                               .userspace_addr = (uintptr_t)raw.mem};
    need(vm >= 0 && ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "KVM_CREATE_VM");
    raw.cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    raw.run = mmap(NULL, ioctl(sys, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED,
                   raw.cpu, 0);
    need(raw.cpu >= 0 && raw.run != MAP_FAILED, "KVM_CREATE_VCPU");
}

static void raw_load(const uint8_t *code, size_t len)
{
    struct kvm_regs regs = {.rip = CODE_AT, .rflags = 2};
    struct kvm_sregs sregs;

    memcpy(raw.mem + CODE_AT, code, len);
    need(ioctl(raw.cpu, KVM_GET_SREGS, &sregs) == 0, "KVM_GET_SREGS");
    sregs.cs.base = sregs.cs.selector = 0;
    need(ioctl(raw.cpu, KVM_SET_SREGS, &sregs) == 0 && ioctl(raw.cpu, KVM_SET_REGS, &regs) == 0,
         "KVM_SET_REGS");
}

static void raw_run(void)
{
    for (;;) {
        need(ioctl(raw.cpu, KVM_RUN, 0) == 0, "KVM_RUN");
        if (raw.run->exit_reason == KVM_EXIT_IO && raw.run->io.port == PORT_END)
            return;
        need(raw.run->exit_reason == KVM_EXIT_IO || raw.run->exit_reason == KVM_EXIT_MMIO,
             "an exit of another kind");
        answered++;
    }
}

/* ---- Ours ------------------------------------------------------------------------------------ */

static void answer(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    if (off == PORT_END - PORT)
        vcpu_kick(m->vcpus->pdata[0]);
    else
        answered++;
}

static void answer_mmio(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    answered++;
}

static const struct region_ops port_ops = {.write = answer, .max = 1};
static const struct region_ops mmio_ops = {.write = answer_mmio};

static void ours_init(void)
{
    GError *err = NULL;

    config.machine_opts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(config.machine_opts, (char *)"kernel-irqchip", (char *)"off");
    m = machine_new(&config, NULL);
    m->accel = &accel_kvm;
    m->vcpu_ops = &accel_vcpu_ops;
    if (!machine_create_vcpus(m, 1, &err)) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
    machine_lock(m);
    region_init_ram(&ram, "ram", m->ram, 0, MEMORY, false);
    region_add(&m->mem_root, 0, &ram, 0);
    region_init_io(&port, "port", &port_ops, NULL, 2);
    region_add(&m->io_root, PORT, &port, 0);
    region_init_io(&hole, "hole", &mmio_ops, NULL, 0x1000);
    region_add(&m->mem_root, HOLE_SEG << 4, &hole, 0);
}

static void ours_load(struct vcpu *v, const uint8_t *code, size_t len)
{
    struct x86_state st;

    memcpy(m->ram->host + CODE_AT, code, len);
    x86_state_reset(&st, true, 0);
    st.seg[S_CS].sel = st.seg[S_CS].base = 0;
    st.rip = CODE_AT;
    vcpu_load(v, &st);
}

static void ours_run(struct vcpu *v)
{
    __atomic_store_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
    machine_unlock(m);
    enum vcpu_exit why = accel_kvm.run(v);
    machine_lock(m);
    need(why == VCPU_KICKED, "run()");
}

/* ---- Measuring ------------------------------------------------------------------------------- */

struct times {
    unsigned kind;
    double raw[ROUNDS], ours[ROUNDS]; /* us per exit */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double lasted(double begin)
{
    need(answered == EXITS, "not every exit was answered");
    answered = 0;
    return (now() - begin) / EXITS;
}

/* On the vCPU's thread. */
static void measure(struct vcpu *v, void *arg)
{
    struct times *t = arg;
    size_t len = kinds[t->kind].end - kinds[t->kind].code;

    for (unsigned i = 0; i < ROUNDS; i++) {
        raw_load(kinds[t->kind].code, len);
        double begin = now();
        raw_run();
        t->raw[i] = lasted(begin);
        ours_load(v, kinds[t->kind].code, len);
        begin = now();
        ours_run(v);
        t->ours[i] = lasted(begin);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *t)
{
    qsort(t, ROUNDS, sizeof(*t), by_size);
    return (t[ROUNDS / 2 - 1] + t[ROUNDS / 2]) / 2;
}

int main(void)
{
    GError *err = NULL;
    bool good = true;

    if (!accel_kvm.probe(&err)) {
        printf("cost of an exit: not measured: %s\n", err->message);
        return 0;
    }
    raw_init();
    ours_init();
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        struct times t = {.kind = k};
        vcpu_run_on(m->vcpus->pdata[0], measure, &t);
        double least = median(t.raw), ours = median(t.ours);
        printf("%s exit, %u of them: minimal loop %.2f us, hostel %.2f us, ratio %.3f\n",
               kinds[k].name, ROUNDS * EXITS, least, ours, ours / least);
        good = good && ours / least <= LIMIT;
    }
    machine_unlock(m);
    region_fini(&ram);
    region_fini(&port);
    region_fini(&hole);
    machine_free(m);
    g_hash_table_unref(config.machine_opts);
    return good ? 0 : 1;
}
