/* SPDX-License-Identifier: MIT */
/*
 * timeout: 200
 * Interrupts on their whole way, from whoever raises them to a guest that counts them, with the
 * controllers at each place they can be: all ours on the software CPU, all ours under KVM, and
 * the local APICs in the kernel. None may be lost, none may come twice.
 *
 * The guest is in real mode. Per vector V it adds one to the doubleword at 8000h + 4 * V; what
 * else it does at a vector stands with its code below.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "core/machine.h"
#include "core/notifier.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/ioapic_regs.h"
#include "hw/intc/lapic.h"
#include "hw/intc/lapic_regs.h"
#include "target/x86/cpuid.h"
#include "tests/unit/tap_skip.h"

#define COUNTS 0x8000u
#define VECTORS_AT 0x600u /* handlers, 16 bytes each */
#define CODE_AT 0x7000u
#define AP_START 0x5000u
#define IOAPIC_BASE 0xfec00000
#define BELL_MEM 0xd0000u /* doorbell registers, and a port that takes level 10 away */
#define BELL_PORT 0x1000
#define ACK_PORT 0x1100
#define ROUNDS 300
#define PATIENCE 30 /* seconds until a wait counts as forever; nothing else depends on time */

/* ---- The guest ------------------------------------------------------------------------------- */

enum { V_MSI = 0x41, V_EDGE = 0x42, V_LEVEL = 0x43, V_TIMER = 0x44, V_EXTINT = 0x50, V_NMI = 2,
       V_IPI = 0x46 };

__asm__(".pushsection .rodata\n"
        ".code16\n"
        "guest_begin:\n"
        "start:\n"                          /* x2APIC on, software-enabled, LINT0 = ExtINT */
        "    movl $0x1b, %ecx; rdmsr; orl $0xc00, %eax; wrmsr\n"
        "    xorl %edx, %edx\n"
        "    movl $0x80f, %ecx; movl $0x1ff, %eax; wrmsr\n"
        "    movl $0x835, %ecx; movl $0x700, %eax; wrmsr\n"
        "    movl $0x836, %ecx; movl $0x400, %eax; wrmsr\n" /* LINT1 = NMI */
        "    movl $1, 0x8000\n"             /* ready */
        "    jmp *0x9000\n"                 /* what the test chose */
        "idle:\n"
        "    sti\n"
        "1:  hlt\n"
        "    jmp 1b\n"
        "bells:\n"                          /* ROUNDS of each, then idle */
        "    movw $300, %cx\n"
        "    movw $0xd000, %ax; movw %ax, %es\n"
        "    movw $0x1000, %dx\n"
        "    movw $7, %ax\n"
        "1:  outw %ax, %dx\n"
        "    movl $5, %es:8\n"
        "    loop 1b\n"
        "    movl $6, %es:8\n"              /* not the value that rings */
        "    movl $1, 0x8004\n"
        "    jmp idle\n"
        "ticks:\n"                          /* the APIC timer, one shot at a time */
        "    movl $0x83e, %ecx; movl $0xb, %eax; wrmsr\n"
        "    movl $0x832, %ecx; movl $0x44, %eax; wrmsr\n"
        "    movw $300, %si\n"
        "1:  cli; movl 0x8110, %ebx\n"
        "    movl $0x838, %ecx; movl $2000, %eax; wrmsr\n"
        "2:  sti; hlt; cli\n"
        "    cmpl 0x8110, %ebx; je 2b\n"
        "    decw %si; jnz 1b\n"
        "    movl $1, 0x8004\n"
        "    jmp idle\n"
        "deaf:\n"                           /* interrupts off, until told */
        "    cli\n"
        "1:  pause; cmpl $0, 0x8008; je 1b\n"
        "    jmp idle\n"
        "ipis:\n"                           /* wake CPU 1 by INIT and SIPI, then IPIs to it */
        "    movl $1, %edx\n"
        "    movl $0x830, %ecx; movl $0x4500, %eax; wrmsr\n"
        "    movl $0x830, %ecx; movl $0x4605, %eax; wrmsr\n" /* it starts at 5000h */
        "1:  pause; cmpl $2, 0x8000; jne 1b\n"
        "    movw $300, %si\n"
        "2:  movl 0x8118, %ebx\n"
        "    movl $1, %edx; movl $0x830, %ecx; movl $0x4046, %eax; wrmsr\n"
        "3:  pause; cmpl 0x8118, %ebx; je 3b\n"
        "    decw %si; jnz 2b\n"
        "    movl $1, 0x8004\n"
        "    jmp idle\n"
        "ap:\n"                             /* CPU 1 */
        "    movl $0x1b, %ecx; rdmsr; orl $0xc00, %eax; wrmsr\n"
        "    xorl %edx, %edx\n"
        "    movl $0x80f, %ecx; movl $0x1ff, %eax; wrmsr\n"
        "    xorw %ax, %ax; movw %ax, %ds; movw %ax, %ss; movw $0x6800, %sp\n"
        "    movl $2, 0x8000\n"
        "    jmp idle\n"
        /* Handlers. */
        "plain:\n"
        "    pushl %eax; pushl %ecx; pushl %edx\n"
        "    movl $0x80b, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrmsr\n"
        "    popl %edx; popl %ecx; popl %eax\n"
        "    iretw\n"
        "level:\n"                          /* note what is in service; take the cause away */
        "    pushl %eax; pushl %ecx; pushl %edx\n"
        "    movl $0x812, %ecx; rdmsr; orl %eax, 0x800c\n"
        "    movw $0x1100, %dx; outb %al, %dx\n"
        "    popl %edx; popl %ecx; popl %eax\n"
        "    jmp plain\n"
        "extint:\n"                         /* the PIC's EOI */
        "    pushw %ax; movb $0x20, %al; outb %al, $0x20; popw %ax\n"
        "    iretw\n"
        "nmi:\n"
        "    iretw\n"
        "guest_end:\n"
        ".code64\n"
        ".popsection\n");
extern const uint8_t guest_begin[], guest_end[], idle[], bells[], ticks[], deaf[], ipis[], ap[],
    plain[], level[], extint[], nmi[];

/* ---- The machine ----------------------------------------------------------------------------- */

static const struct place {
    const char *name, *accel, *irqchip;
} places[] = {
    {"irq_tcg", "tcg-interp", "off"},
    {"irq_kvm_off", "kvm", "off"},
    {"irq_kvm_split", "kvm", "split"},
};
static const struct place *place;

static struct machine_config config = {.name = (char *)"test", .ram_size = 1 << 20, .cpus = 2,
                                       .max_cpus = 2, .sockets = 1, .cores = 2, .threads = 1};
static struct machine *m;
static struct region ram, bell_mem, bell_port, ack_port;
static struct apic_bus bus;
static struct ioapic *ioapic;
static struct i8259 *pic;
static unsigned reg_writes, acks;
static bool level_line;

static bool available(const struct place *p, GError **why)
{
    return strcmp(p->accel, "kvm") != 0 || accel_kvm.probe(why);
}

static volatile uint32_t *count_at(unsigned vector)
{
    return (volatile uint32_t *)(void *)(m->ram->host + COUNTS + 4 * vector);
}

static void reg_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    reg_writes++;
}

static void ack_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    acks++;
    level_line = false;
    ioapic_set_irq(ioapic, 10, 0);
}

static const struct region_ops reg_ops = {.write = reg_write, .min = 1, .max = 4};
static const struct region_ops ack_ops = {.write = ack_write, .min = 1, .max = 1};

static int pic_ack(void *arg)
{
    return i8259_ack(arg);
}

static void add_regions(void)
{
    region_init_ram(&ram, "ram", m->ram, 0, BELL_MEM, false);
    region_add(&m->mem_root, 0, &ram, 0);
    region_init_io(&bell_mem, "bell-mem", &reg_ops, NULL, 0x1000);
    region_add(&m->mem_root, BELL_MEM, &bell_mem, 0);
    region_init_io(&bell_port, "bell-port", &reg_ops, NULL, 0x10);
    region_add(&m->io_root, BELL_PORT, &bell_port, 0);
    region_init_io(&ack_port, "ack", &ack_ops, NULL, 1);
    region_add(&m->io_root, ACK_PORT, &ack_port, 0);
}

static void add_chips(void)
{
    apic_bus_init(&bus, m);
    for (unsigned i = 0; i < m->vcpus->len; i++)
        ck_assert_ptr_nonnull(lapic_create(m->vcpus->pdata[i], &bus, NULL));
    pic = (struct i8259 *)device_new(m, &i8259_type);
    pic->intr = (struct irq_line){apic_bus_set_lint, &bus, 0};
    ck_assert(device_realize(&pic->dev, NULL));
    region_add(&m->io_root, 0x20, &pic->io[0], 0);
    ioapic = (struct ioapic *)device_new(m, &ioapic_type);
    ck_assert(device_realize(&ioapic->dev, NULL));
    region_add(&m->mem_root, IOAPIC_BASE, &ioapic->mmio, 1);
    bus.eoi = ioapic_eoi;
    bus.eoi_arg = ioapic;
    bus.extint_ack = pic_ack;
    bus.extint_arg = pic;
}

static void make_cpus(void)
{
    GError *err = NULL;
    m->accel = accel_select(place->accel, NULL, &err);
    ck_assert_msg(m->accel != NULL, "%s", err ? err->message : "");
    m->vcpu_ops = &accel_vcpu_ops;
    struct cpu_model *model = cpu_model_new("max", 1, 2, 1, &err);
    ck_assert(model && m->accel->fit_model(m, model, &err));
    m->cpu_model = model;
    m->tsc_hz = model->tsc_hz;
    ck_assert_msg(machine_create_vcpus(m, 2, &err), "%s", err ? err->message : "");
}

static void setup(const struct place *p)
{
    place = p;
    memset(&bus, 0, sizeof(bus));
    reg_writes = acks = 0;
    level_line = false;
    config.machine_opts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(config.machine_opts, (char *)"kernel-irqchip", (char *)place->irqchip);
    m = machine_new(&config, NULL);
    make_cpus();
    machine_lock(m);
    add_regions();
    add_chips();
}

static void setup_tcg(void)
{
    setup(&places[0]);
}

static void setup_kvm_off(void)
{
    setup(&places[1]);
}

static void setup_kvm_split(void)
{
    setup(&places[2]);
}

static void teardown(void)
{
    machine_pause(m);
    machine_unlock(m);
    region_fini(&ram);
    region_fini(&bell_mem);
    region_fini(&bell_port);
    region_fini(&ack_port);
    struct cpu_model *model = (struct cpu_model *)m->cpu_model;
    machine_free(m);
    cpu_model_free(model);
    g_hash_table_unref(config.machine_opts);
}

static uint16_t in_guest(const uint8_t *label)
{
    return CODE_AT + (label - guest_begin);
}

static void handler(unsigned vector, const uint8_t *code)
{
    /* incl (8000h + 4 * vector); jmp code: 16-bit, DS = 0 */
    uint8_t *at = m->ram->host + VECTORS_AT + 16 * vector;
    uint16_t counter = COUNTS + 4 * vector, here = VECTORS_AT + 16 * vector;
    const uint8_t incl[] = {0x2e, 0x66, 0xff, 0x06, counter & 0xff, counter >> 8, 0xe9};
    uint16_t rel = in_guest(code) - (here + sizeof(incl) + 2);

    memcpy(at, incl, sizeof(incl));
    memcpy(at + sizeof(incl), &rel, 2);
    memcpy(m->ram->host + 4 * vector, (uint16_t[2]){here, 0}, 4);
}

static void main_loop(void)
{
    machine_unlock(m);
    machine_iterate(m, false);
    g_usleep(20);
    machine_lock(m);
}

/* Let it run until the doubleword has the value; with or without the main loop's help. */
static bool reached(volatile uint32_t *at, uint32_t value, bool help)
{
    int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;

    while (*at != value && g_get_monotonic_time() < end) {
        if (help) {
            main_loop();
        } else {
            machine_unlock(m);
            g_usleep(20);
            machine_lock(m);
        }
    }
    return *at == value;
}

static void begin(const uint8_t *what)
{
    static const struct {
        uint8_t vector;
        const uint8_t *code;
    } handlers[] = {{V_MSI, plain}, {V_EDGE, plain}, {V_LEVEL, level}, {V_TIMER, plain},
                    {V_EXTINT, extint}, {V_NMI, nmi}, {V_IPI, plain}};
    struct x86_state st;
    struct vcpu *v = m->vcpus->pdata[0];

    machine_reset(m);
    memset(m->ram->host, 0, 0xa000);
    memcpy(m->ram->host + CODE_AT, guest_begin, guest_end - guest_begin);
    for (unsigned i = 0; i < G_N_ELEMENTS(handlers); i++)
        handler(handlers[i].vector, handlers[i].code);
    memcpy(m->ram->host + 0x9000, (uint16_t[]){in_guest(what)}, 2);
    m->ram->host[AP_START] = 0xea; /* far jump */
    memcpy(m->ram->host + AP_START + 1, (uint16_t[]){in_guest(ap), 0}, 4);
    vcpu_save(v, &st);
    st.seg[S_CS].sel = 0;
    st.seg[S_CS].base = 0;
    st.rip = CODE_AT;
    st.gpr[R_RSP] = 0x6000;
    vcpu_load(v, &st);
    machine_start(m);
    ck_assert(reached(count_at(0), 1, true) || *count_at(0) == 2);
}

/* The machine is where the row says. */
static void check_place(void)
{
    ck_assert_int_eq(m->irqchip != NULL, strcmp(place->irqchip, "split") == 0);
}

/*
 * Each level was one interrupt, or at least one: there is a KVM (one without VMX or SVM) whose
 * local APIC ends an interrupt when it delivers it, before the handler has taken the cause away.
 * It shows no interrupt in service.
 */
static void check_levels(void)
{
    bool in_service = *count_at(3) & 1u << V_LEVEL % 32;

    ck_assert(in_service || m->irqchip);
    ck_assert_uint_eq(acks, *count_at(V_LEVEL));
    ck_assert_uint_ge(acks, ROUNDS);
    if (in_service)
        ck_assert_uint_eq(acks, ROUNDS);
}

static void ioapic_route(unsigned n, uint32_t low)
{
    const uint32_t writes[4] = {IOREDTBL + 2 * n + 1, 0, IOREDTBL + 2 * n, low};
    for (unsigned i = 0; i < 4; i++)
        as_io_write(&m->mem, IOAPIC_BASE + (i & 1 ? IOWIN : IOREGSEL), writes[i], 4);
}

/* ---- What arrives ---------------------------------------------------------------------------- */

static void send_msi(void *arg)
{
    apic_msi(m, APIC_DEFAULT_BASE, V_MSI);
}

START_TEST(messages)
{
    begin(idle);
    check_place();
    for (unsigned i = 1; i <= ROUNDS; i++) {
        apic_msi(m, APIC_DEFAULT_BASE, V_MSI);
        ck_assert_msg(reached(count_at(V_MSI), i, false), "message %u is lost", i);
    }
}
END_TEST

/* A thread without the lock; each signal waits for the one before. */
static void *signal_often(void *arg)
{
    struct irq_notifier *n = arg;
    int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;

    for (unsigned i = 0; i < ROUNDS; i++) {
        eventfd_signal(n->fd);
        while (*count_at(V_MSI) != i + 1 && g_get_monotonic_time() < end)
            g_usleep(5);
    }
    return NULL;
}

START_TEST(eventfd_of_a_thread)
{
    const struct msi_message msg = {APIC_DEFAULT_BASE, V_MSI};
    struct irq_notifier n;

    begin(idle);
    ck_assert(irq_notifier_init(&n, m, send_msi, NULL, NULL));
    irq_notifier_set_message(&n, &msg);
    irq_notifiers_commit(m);
    ck_assert_int_eq(irq_notifier_in_kernel(&n), m->irqchip != NULL);
    GThread *t = g_thread_new("signals", signal_often, &n);
    /* The kernel needs no main loop of ours. */
    bool all = reached(count_at(V_MSI), ROUNDS, m->irqchip == NULL);
    g_thread_join(t);
    ck_assert_msg(all, "%u of %u came", *count_at(V_MSI), ROUNDS);
    /* the message changes, then leaves the kernel with a signal unread */
    irq_notifier_set_message(&n, &(struct msi_message){APIC_DEFAULT_BASE, V_EDGE});
    irq_notifiers_commit(m);
    if (m->irqchip) {
        eventfd_signal(n.fd);
        ck_assert(reached(count_at(V_EDGE), 1, false));
    }
    irq_notifier_set_message(&n, NULL);
    eventfd_signal(n.fd);
    ck_assert(reached(count_at(V_MSI), ROUNDS + 1, true));
    irq_notifier_fini(&n);
}
END_TEST

START_TEST(edges)
{
    begin(idle);
    ioapic_route(5, V_EDGE);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        ioapic_set_irq(ioapic, 5, 1);
        ioapic_set_irq(ioapic, 5, 0);
        ck_assert_msg(reached(count_at(V_EDGE), i, false), "edge %u is lost", i);
    }
}
END_TEST

/* The line is up, and goes down by the handler; its EOI has reached the I/O APIC. */
static bool level_done(unsigned acks_before)
{
    return acks > acks_before && !level_line && !(ioapic->redir[10] & RTE_REMOTE_IRR);
}

static void raise_level(void)
{
    level_line = true;
    ioapic_set_irq(ioapic, 10, 1);
}

START_TEST(levels)
{
    begin(idle);
    ioapic_route(10, RTE_LEVEL | V_LEVEL);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        unsigned before = acks;
        int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;
        raise_level();
        while (!level_done(before) && g_get_monotonic_time() < end)
            main_loop();
        ck_assert_msg(level_done(before), "level %u or its EOI is lost", i);
    }
    ck_assert(reached(count_at(V_LEVEL), acks, true));
    check_levels();
}
END_TEST

START_TEST(pic_through_lint0)
{
    const uint8_t icw[4] = {0x11, V_EXTINT - 3, 4, 1};

    begin(idle);
    for (unsigned i = 0; i < 4; i++)
        as_io_write(&m->io, i ? 0x21 : 0x20, i == 1 ? V_EXTINT & ~7 : icw[i], 1);
    as_io_write(&m->io, 0x21, 0, 1);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        i8259_set_irq(pic, V_EXTINT & 7, 1);
        i8259_set_irq(pic, V_EXTINT & 7, 0);
        i8259_set_irq(pic, V_EXTINT & 7, 1);
        ck_assert_msg(reached(count_at(V_EXTINT), i, false), "interrupt %u is lost", i);
        i8259_set_irq(pic, V_EXTINT & 7, 0);
        int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;
        while (pic->chip[0].isr && g_get_monotonic_time() < end)
            main_loop();
        ck_assert_uint_eq(pic->chip[0].isr, 0);
    }
}
END_TEST

START_TEST(timer)
{
    begin(ticks);
    ck_assert_msg(reached(count_at(1), 1, true), "%u of %u came", *count_at(V_TIMER), ROUNDS);
    ck_assert_uint_eq(*count_at(V_TIMER), ROUNDS);
}
END_TEST

START_TEST(nmi_through_lint1)
{
    begin(idle);
    for (unsigned i = 1; i <= 100; i++) {
        apic_bus_set_lint(&bus, 1, 1);
        ck_assert_msg(reached(count_at(V_NMI), i, false), "NMI %u is lost", i);
        apic_bus_set_lint(&bus, 1, 0);
    }
}
END_TEST

START_TEST(between_cpus)
{
    begin(ipis);
    ck_assert_msg(reached(count_at(1), 1, true), "%u of %u came", *count_at(V_IPI), ROUNDS);
    ck_assert_uint_eq(*count_at(V_IPI), ROUNDS);
}
END_TEST

/* All at once, each as fast as it is taken. */
START_TEST(all_at_once)
{
    const struct msi_message msg = {APIC_DEFAULT_BASE, V_MSI};
    struct irq_notifier n;
    unsigned edges_sent = 0, levels_sent = 0, before = 0;

    begin(ticks);
    ioapic_route(5, V_EDGE);
    ioapic_route(10, RTE_LEVEL | V_LEVEL);
    ck_assert(irq_notifier_init(&n, m, send_msi, NULL, NULL));
    irq_notifier_set_message(&n, &msg);
    irq_notifiers_commit(m);
    GThread *t = g_thread_new("signals", signal_often, &n);
    int64_t end = g_get_monotonic_time() + PATIENCE * 1000000ll;
    while ((*count_at(V_MSI) < ROUNDS || *count_at(1) == 0 || *count_at(V_EDGE) < ROUNDS ||
            levels_sent < ROUNDS || !level_done(before)) &&
           g_get_monotonic_time() < end) {
        if (*count_at(V_EDGE) == edges_sent && edges_sent < ROUNDS) {
            edges_sent++;
            ioapic_set_irq(ioapic, 5, 1);
            ioapic_set_irq(ioapic, 5, 0);
        }
        if ((levels_sent == 0 || level_done(before)) && levels_sent < ROUNDS) {
            levels_sent++;
            before = acks;
            raise_level();
        }
        main_loop();
    }
    g_thread_join(t);
    ck_assert_uint_eq(*count_at(V_TIMER), ROUNDS);
    ck_assert_uint_eq(*count_at(V_MSI), ROUNDS);
    ck_assert_uint_eq(*count_at(V_EDGE), ROUNDS);
    ck_assert(reached(count_at(V_LEVEL), acks, true));
    check_levels();
    irq_notifier_fini(&n);
}
END_TEST

/* ---- Doorbells ------------------------------------------------------------------------------- */

START_TEST(doorbells)
{
    struct doorbell port = {.region = &bell_port, .off = 0, .size = 2};
    struct doorbell mem = {.region = &bell_mem, .off = 8, .size = 4, .match = true, .value = 5};
    uint64_t n;

    ck_assert(doorbell_add(m, &port, NULL) && doorbell_add(m, &mem, NULL));
    begin(bells);
    ck_assert(reached(count_at(1), 1, true));
    ck_assert_int_eq(read(port.fd, &n, sizeof(n)), sizeof(n));
    ck_assert_uint_eq(n, ROUNDS);
    ck_assert_int_eq(read(mem.fd, &n, sizeof(n)), sizeof(n));
    ck_assert_uint_eq(n, ROUNDS);
    ck_assert_uint_eq(reg_writes, 1);
    /* by another way than the guest's: the same */
    as_st32(&m->mem, BELL_MEM + 8, 5);
    ck_assert_int_eq(read(mem.fd, &n, sizeof(n)), sizeof(n));
    ck_assert_uint_eq(n, 1);
    doorbell_del(&port);
    doorbell_del(&mem);
    machine_pause(m);
    begin(bells);
    ck_assert(reached(count_at(1), 1, true));
    ck_assert_uint_eq(reg_writes, 1 + 2 * ROUNDS + 1);
}
END_TEST

/* ---- State ----------------------------------------------------------------------------------- */

/* A message waits in the local APIC: seen there, saved with it, gone after a reset, back. */
START_TEST(waiting_in_saved_state)
{
    struct vcpu *v = m->vcpus->pdata[0];
    struct lapic *a = v->lapic.apic;
    g_autoptr(GByteArray) saved = g_byte_array_new();
    GError *err = NULL;

    begin(deaf);
    apic_msi(m, APIC_DEFAULT_BASE, V_MSI);
    machine_pause(m);
    machine_save(m, saved);
    ck_assert_uint_eq(a->irr[V_MSI / 32], 1u << V_MSI % 32);
    ck_assert_uint_eq(a->svr, 0x1ff);
    ck_assert_uint_eq(a->base & (APIC_BASE_EN | APIC_BASE_EXTD), APIC_BASE_EN | APIC_BASE_EXTD);
    machine_reset(m);
    irqchip_fetch_all(m);
    ck_assert_uint_eq(a->irr[V_MSI / 32], 0);
    ck_assert_uint_eq(a->svr, 0xff);
    ck_assert_uint_eq(a->base & APIC_BASE_EXTD, 0);
    ck_assert_msg(machine_load(m, saved->data, saved->len, &err), "%s", err ? err->message : "");
    *count_at(2) = 1; /* not deaf any longer */
    machine_start(m);
    ck_assert(reached(count_at(V_MSI), 1, true));
}
END_TEST

/* The controllers move while a message waits and the guest is stopped. */
START_TEST(waiting_while_controllers_move)
{
    struct vcpu *v = m->vcpus->pdata[0];
    struct x86_state st;

    begin(deaf);
    apic_msi(m, APIC_DEFAULT_BASE, V_MSI);
    machine_pause(m);
    vcpu_save(v, &st);
    if (m->accel->activate) {
        bool kernel = m->irqchip != NULL;
        m->accel->activate(m, false);
        ck_assert_ptr_null(m->irqchip);
        ck_assert_int_eq((v->pins & VCPU_INTR) != 0, 1);
        m->accel->activate(m, true);
        ck_assert_int_eq(m->irqchip != NULL, kernel);
    }
    vcpu_load(v, &st);
    *count_at(2) = 1;
    machine_start(m);
    ck_assert(reached(count_at(V_MSI), 1, true));
}
END_TEST

/* ---------------------------------------------------------------------------------------------- */

static void add(SRunner *r, const char *name, void (*set_up)(void))
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, teardown);
    tcase_add_test(t, messages);
    tcase_add_test(t, eventfd_of_a_thread);
    tcase_add_test(t, edges);
    tcase_add_test(t, levels);
    tcase_add_test(t, pic_through_lint0);
    tcase_add_test(t, timer);
    tcase_add_test(t, nmi_through_lint1);
    tcase_add_test(t, between_cpus);
    tcase_add_test(t, all_at_once);
    tcase_add_test(t, doorbells);
    tcase_add_test(t, waiting_in_saved_state);
    tcase_add_test(t, waiting_while_controllers_move);
    suite_add_tcase(s, t);
    srunner_add_suite(r, s);
}

int main(void)
{
    static void (*const set_up[])(void) = {setup_tcg, setup_kvm_off, setup_kvm_split};
    GError *why[G_N_ELEMENTS(places)] = {NULL};
    SRunner *r = srunner_create(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++)
        if (available(&places[i], &why[i]))
            add(r, places[i].name, set_up[i]);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        if (why[i])
            tap_skip(places[i].name, why[i]->message);
        g_clear_error(&why[i]);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
