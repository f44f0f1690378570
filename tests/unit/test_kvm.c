/* SPDX-License-Identifier: MIT */
/*
 * accel/kvm over a machine of a processor, some memory and two registers: why /dev/kvm cannot be
 * used, memory slots that follow the map, the dirty log, kicks, repeated I/O, counted exits and
 * single steps. The guest is 16-bit code at 1000h that ends with OUT to port 10h.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"
#include "core/machine_priv.h"

enum { CODE_AT = 0x1000, MAIN = 0x20000, WATCHED_AT = 0x100000, PAGES = 16 };
enum { PORT_END = 0x10, PORT_DATA = 0x11, PORT_MAP = 0x12 };

/* ---- The guest ------------------------------------------------------------------------------- */

#define GUEST(name, text)                                                                          \
    extern const uint8_t name[], name##_end[];                                                     \
    __asm__(".pushsection .rodata\n.code16\n" #name ":\n" text "\n" #name "_end:\n.code64\n"       \
            ".popsection\n")

/* The window at 30000h shows 8000h, then (port 12h) 9000h; 40000h is ROM; 50800h is a part of a
 * page; 60000h is nothing. */
GUEST(g_slots, "mov $0x3000, %ax; mov %ax, %ds\n"
               "movw $0x1234, 0x10\n"
               "out %al, $0x12\n"
               "movw $0x5678, 0x10\n"
               "mov $0x4000, %ax; mov %ax, %ds\n"
               "mov 4, %bx\n"
               "movw $0xffff, 4\n"
               "mov 4, %cx\n"
               "mov $0x5000, %ax; mov %ax, %ds\n"
               "movw $0x9abc, 0x900\n"
               "mov 0x900, %dx\n"
               "mov $0x6000, %ax; mov %ax, %ds\n"
               "mov 0, %si\n"
               "out %al, $0x10");
GUEST(g_watched, "mov $0xffff, %ax; mov %ax, %ds\n" /* 100000h is FFFF:10h */
                 "incb 0x3010; incb 0x5020; incb 0x5030\n"
                 "out %al, $0x10\n"
                 "incb 0x7010\n"
                 "out %al, $0x10");
GUEST(g_spin, "again: incl 0x2000; jmp again");
GUEST(g_string, "mov $0x2000, %di; mov $7, %cx; mov $0x11, %dx; cld; rep insb\n"
                "mov $0x2000, %si; mov $7, %cx; rep outsb\n"
                "out %al, $0x10");
GUEST(g_halt, "hlt; out %al, $0x10");
GUEST(g_steps, "nop; mov $0x2000, %di; mov $5, %cx; cld; rep stosb; in $0x11, %al\n"
               "out %al, $0x11; inc %bx; out %al, $0x10");

/* ---- The machine ----------------------------------------------------------------------------- */

static struct machine *m;
static struct machine_config config = {.ram_size = MAIN, .cpus = 1};
static struct region ram, window, rom, piece, watched, ports;
static struct ram_block *other, *more;
static volatile bool ended;
static uint8_t next_in, out[16];
static unsigned outs, rom_writes;

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
    return off == PORT_DATA - PORT_END ? next_in++ : 0xff;
}

static void port_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    switch (PORT_END + off) {
    case PORT_END:
        ended = true;
        machine_request_pause(m);
        break;
    case PORT_DATA:
        out[outs++ % sizeof(out)] = val;
        break;
    case PORT_MAP:
        region_set_ram(&window, m->ram, 0x9000);
        break;
    }
}

static void rom_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    rom_writes++;
}

static const struct region_ops port_ops = {.read = port_read, .write = port_write, .max = 1};
static const struct region_ops rom_ops = {.write = rom_write};

static void add_memory(void)
{
    region_init_ram(&ram, "ram", m->ram, 0, MAIN, false);
    region_add(&m->mem_root, 0, &ram, 0);
    region_init_ram(&window, "window", m->ram, 0x8000, 0x1000, false);
    region_add(&m->mem_root, 0x30000, &window, 0);
    other = ram_block_new("other", 0x2000, NULL);
    machine_add_ram(m, other);
    memcpy(other->host + 4, "\x57\x13", 2);
    region_init_ram(&rom, "rom", other, 0, 0x1000, true);
    rom.ops = &rom_ops;
    region_add(&m->mem_root, 0x40000, &rom, 0);
    region_init_ram(&piece, "piece", other, 0x1800, 0x800, false);
    region_add(&m->mem_root, 0x50800, &piece, 0);
    more = ram_block_new("watched", PAGES * RAM_PAGE_SIZE, NULL);
    more->log_dirty = true;
    machine_add_ram(m, more);
    region_init_ram(&watched, "watched", more, 0, PAGES * RAM_PAGE_SIZE, false);
    region_add(&m->mem_root, WATCHED_AT, &watched, 0);
    region_init_io(&ports, "ports", &port_ops, NULL, 16);
    region_add(&m->io_root, PORT_END, &ports, 0);
}

static void setup(void)
{
    GError *err = NULL;

    config.machine_opts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(config.machine_opts, (char *)"kernel-irqchip", (char *)"off");
    ended = false;
    next_in = 0x41;
    outs = rom_writes = 0;
    m = machine_new(&config, NULL);
    m->accel = &accel_kvm;
    m->vcpu_ops = &accel_vcpu_ops;
    ck_assert_msg(machine_create_vcpus(m, 1, &err), "%s", err ? err->message : "");
    machine_lock(m);
    add_memory();
}

static void teardown(void)
{
    machine_pause(m);
    machine_unlock(m);
    struct region *all[] = {&ram, &window, &rom, &piece, &watched, &ports};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
        region_fini(all[i]);
    machine_free(m);
    g_hash_table_unref(config.machine_opts);
}

static struct vcpu *cpu(void)
{
    return m->vcpus->pdata[0];
}

static void load(const uint8_t *code, const uint8_t *end)
{
    struct x86_state st;

    memcpy(m->ram->host + CODE_AT, code, end - code);
    x86_state_reset(&st, true, 0);
    for (unsigned s = S_ES; s <= S_GS; s++)
        st.seg[s].sel = 0, st.seg[s].base = 0;
    st.rip = CODE_AT;
    st.gpr[R_RSP] = 0x7000;
    vcpu_load(cpu(), &st);
}
#define LOAD(name) load(name, name##_end)

static void until_ended(void)
{
    while (!ended || m->state == RUN_RUNNING) {
        machine_unlock(m);
        machine_iterate(m, true);
        machine_lock(m);
    }
    ended = false;
}

static void go(void)
{
    machine_start(m);
    until_ended();
}

static uint16_t word(const struct ram_block *b, uint64_t off)
{
    return b->host[off] | b->host[off + 1] << 8;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

START_TEST(unusable)
{
    static const struct {
        const char *path, *says;
    } bad[] = {
        {"/nonexistent/kvm", "is missing"},
        {"/dev/null", "is not KVM's device"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *err = NULL;
        ck_assert(!kvm_probe_path(bad[i].path, &err));
        ck_assert_msg(strstr(err->message, bad[i].says), "%s", err->message);
        g_error_free(err);
    }
}
END_TEST

START_TEST(no_permission)
{
    char path[] = "/tmp/hostel-kvm-XXXXXX";
    int fd = mkstemp(path);
    GError *err = NULL;

    ck_assert_int_ge(fd, 0);
    fchmod(fd, 0);
    close(fd);
    if (geteuid() == 0 && seteuid(65534) != 0) {
        unlink(path);
        return;
    }
    bool usable = kvm_probe_path(path, &err);
    if (geteuid() == 65534)
        ck_assert_int_eq(seteuid(0), 0);
    unlink(path);
    ck_assert(!usable);
    ck_assert_msg(strstr(err->message, "add yourself to group kvm"), "%s", err->message);
    g_error_free(err);
}
END_TEST

START_TEST(slots)
{
    struct x86_state st;

    LOAD(g_slots);
    go();
    vcpu_save(cpu(), &st);
    ck_assert_uint_eq(word(m->ram, 0x8010), 0x1234);
    ck_assert_uint_eq(word(m->ram, 0x9010), 0x5678);
    ck_assert_uint_eq(st.gpr[R_RBX] & 0xffff, 0x1357);
    ck_assert_uint_eq(st.gpr[R_RCX] & 0xffff, 0x1357); /* ROM */
    ck_assert_uint_ge(rom_writes, 1);
    ck_assert_uint_eq(word(other, 0x1900), 0x9abc);
    ck_assert_uint_eq(st.gpr[R_RDX] & 0xffff, 0x9abc);
    ck_assert_uint_eq(st.gpr[R_RSI] & 0xffff, 0xffff);
}
END_TEST

START_TEST(dirty_log)
{
    bool dirty[PAGES];

    ck_assert(as_dirty_needs_polling(&m->mem));
    LOAD(g_watched);
    as_take_dirty(&m->mem, more, 0, more->size, dirty); /* everything is new at first */
    go();
    ck_assert(as_take_dirty(&m->mem, more, 0, more->size, dirty));
    for (unsigned i = 0; i < PAGES; i++)
        ck_assert_msg(dirty[i] == (i == 3 || i == 5), "page %u", i);
    ck_assert(!as_take_dirty(&m->mem, more, 0, more->size, dirty));
    go();
    region_set_enabled(&watched, false); /* what was not fetched stays known */
    region_set_enabled(&watched, true);
    ck_assert(as_take_dirty(&m->mem, more, 0, more->size, dirty));
    ck_assert(dirty[7] && !dirty[3]);
}
END_TEST

static void nothing(struct vcpu *v, void *arg)
{
    ++*(unsigned *)arg;
}

/* The guest never exits by itself; each piece of work gets its thread out of guest mode. */
START_TEST(kicks)
{
    unsigned done = 0;
    volatile uint32_t *progress = (volatile uint32_t *)(void *)(m->ram->host + 0x2000);

    LOAD(g_spin);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t before = *progress;
        machine_start(m);
        for (unsigned n = 0; n < 20; n++)
            vcpu_run_on(cpu(), nothing, &done);
        machine_unlock(m);
        while (*progress == before)
            g_usleep(10);
        machine_lock(m);
        machine_pause(m);
    }
    ck_assert_uint_eq(done, 2000);
}
END_TEST

START_TEST(string_io)
{
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];

    LOAD(g_string);
    go();
    ck_assert_int_eq(memcmp(m->ram->host + 0x2000, "ABCDEFG", 7), 0);
    ck_assert_uint_eq(outs, 7);
    ck_assert_int_eq(memcmp(out, "ABCDEFG", 7), 0);
    ck_assert_uint_ge(kvm_exits_count(vm, KVM_EXIT_IO), 3);
    g_autoptr(GString) text = g_string_new(NULL);
    kvm_exits_describe(vm, text);
    ck_assert_msg(strstr(text->str, "io  ") && strstr(text->str, "write of port 11h  ports+1h"),
                  "%s", text->str);
}
END_TEST

/* HLT sleeps; an NMI ends it. */
START_TEST(halt)
{
    LOAD(g_halt);
    memcpy(m->ram->host + 0x8, (uint16_t[2]){0x3000, 0}, 4);
    m->ram->host[0x3000] = 0xcf; /* IRET */
    machine_start(m);
    for (unsigned i = 0; i < 50; i++) {
        machine_unlock(m);
        g_usleep(100);
        machine_lock(m);
    }
    ck_assert(!ended);
    vcpu_pin(cpu(), VCPU_NMI, 1);
    until_ended();
}
END_TEST

struct steps {
    int64_t ask, done;
    enum vcpu_exit why;
};

static void run_steps(struct vcpu *v, void *arg)
{
    struct steps *s = arg;
    __atomic_store_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
    s->why = accel_kvm.run_budget(v, s->ask, &s->done);
}

static void step_to(int64_t n, unsigned in_bytes, unsigned out_bytes, uint64_t bx, uint64_t offset)
{
    struct steps s = {.ask = n};
    struct x86_state st;

    vcpu_run_on(cpu(), run_steps, &s);
    ck_assert_int_eq(s.why, VCPU_KICKED);
    ck_assert_int_eq(s.done, n);
    ck_assert_uint_eq(next_in, 0x41 + in_bytes);
    ck_assert_uint_eq(outs, out_bytes);
    vcpu_save(cpu(), &st);
    ck_assert_uint_eq(st.gpr[R_RBX], bx);
    ck_assert_uint_eq(st.rip, CODE_AT + offset);
}

/* Budgets end exactly: behind the fifth element of the string, behind the I/O. */
START_TEST(steps)
{
    LOAD(g_steps);
    step_to(1, 0, 0, 0, 1);
    step_to(3, 0, 0, 0, 8);
    step_to(1, 0, 0, 0, 10);
    ck_assert_uint_eq(m->ram->host[0x2004], 0);
    step_to(1, 1, 0, 0, 12);
    step_to(1, 1, 1, 0, 14);
    step_to(1, 1, 1, 1, 15);
    ck_assert_uint_eq(out[0], 0x41);
}
END_TEST

int main(void)
{
    GError *err = NULL;
    Suite *s = suite_create("kvm");
    TCase *bare = tcase_create("probe"), *t = tcase_create("machine");
    const TTest *tests[] = {slots, dirty_log, kicks, string_io, halt, steps};

    tcase_add_test(bare, unusable);
    tcase_add_test(bare, no_permission);
    suite_add_tcase(s, bare);
    suite_add_tcase(s, t);
    if (accel_kvm.probe(&err)) {
        tcase_add_checked_fixture(t, setup, teardown);
        for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++)
            tcase_add_test(t, tests[i]);
    } else {
        printf("# SKIP %s\n", err->message);
        g_error_free(err);
    }
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
