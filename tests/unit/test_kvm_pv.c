/* SPDX-License-Identifier: MIT */
/*
 * KVM's interface to guests: leaves, registers, the arithmetic of the clock, hypercalls, and
 * what of it a saved machine keeps. Linux, Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst.
 */
#include <check.h>

#include "accel/accel.h"
#include "accel/kvm/kvm.h"
#include "core/machine.h"
#include "target/x86/kvm_pv.h"
#include "tests/unit/tap_skip.h"
#include "tests/unit/x86_stub.h"

#define NS 1000000000ull

static struct stub *s;
static uint64_t *written; /* the value of kvm_system_time when the host was told */
static struct kvm_pv_now now_is;
static unsigned locked, kicked, yields, eois;
static struct {
    uint64_t set[2];
    unsigned per_word;
    uint32_t first, icr;
} ipi;

static void lock(struct x86_cpu *c)
{
    locked++;
}
static void unlock(struct x86_cpu *c)
{
    locked--;
}
static void now(struct x86_cpu *c, struct kvm_pv_now *n)
{
    ck_assert_uint_eq(locked, 1);
    *n = now_is;
}
static void system_time(struct x86_cpu *c)
{
    ck_assert_uint_eq(locked, 1);
    written = &c->msr.kvm_system_time;
}
static void eoi(struct x86_cpu *c)
{
    ck_assert_uint_eq(locked, 1);
    eois++;
}
static void kick(struct x86_cpu *c, uint32_t apic_id)
{
    ck_assert_uint_eq(locked, 1);
    kicked = apic_id;
}
static unsigned send_ipi(struct x86_cpu *c, const uint64_t set[2], unsigned per_word,
                         uint32_t first, uint32_t icr)
{
    ck_assert_uint_eq(locked, 1);
    memcpy(ipi.set, set, sizeof(ipi.set));
    ipi.per_word = per_word;
    ipi.first = first;
    ipi.icr = icr;
    return 3;
}
static void yield(struct x86_cpu *c)
{
    ck_assert_uint_eq(locked, 0); /* others could not run */
    yields++;
}

static const struct kvm_pv_host pv_host = {
    .lock = lock, .unlock = unlock, .now = now, .system_time = system_time, .eoi = eoi,
    .kick = kick, .send_ipi = send_ipi, .yield = yield,
};
static struct x86_host host;
static sigjmp_buf unwound;

static void begin(const char *cpu)
{
    s = stub_new(cpu);
    host = stub_host;
    host.pv = &pv_host;
    s->c.host = &host;
    s->c.unwind = &unwound;
    written = NULL;
    locked = kicked = yields = eois = 0;
}

/* ---- CPUID ---------------------------------------------------------------------------------- */

static uint32_t features(const char *cpu)
{
    uint32_t r[4];
    begin(cpu);
    x86_cpuid(&s->c, KVM_CPUID_FEATURES, 0, r);
    stub_free(s);
    return r[0];
}

START_TEST(leaves)
{
    static const char *const every[] = {"max", "host", "x86-64-v2", "qemu64", "kvm64", "base"};
    const uint32_t without_clock = 1 << 1 | 1 << 6 | 1 << 7 | 1 << 11 | 1 << 12 | 1 << 13;
    uint32_t r[4];

    for (unsigned i = 0; i < G_N_ELEMENTS(every); i++)
        ck_assert_uint_eq(features(every[i]), 1 << 24 | 1 << 3 | 1 | without_clock);
    ck_assert_uint_eq(features("max,-kvmclock"), without_clock);
    ck_assert_uint_eq(features("max,kvm-pv-eoi=off,-kvm-pv-unhalt,-kvm_pv_ipi,-kvm-poll-control,"
                               "-kvm-pv-sched-yield,-kvm-nopiodelay,-kvmclock-stable-bit"),
                      1 | 1 << 3);
    ck_assert_uint_eq(features("max,-apic") & (1 << 6 | 1 << 11), 0);
    begin("max");
    x86_cpuid(&s->c, KVM_CPUID, 0, r);
    ck_assert_uint_eq(r[0], KVM_CPUID_RATES);
    ck_assert_mem_eq(&r[1], "KVMKVMKVM\0\0\0", 12);
    s->model->tsc_hz = 2345678900;
    x86_cpuid(&s->c, KVM_CPUID_RATES, 0, r);
    ck_assert_uint_eq(r[0], 2345678);
    ck_assert_uint_eq(r[1], 1000000);
    stub_free(s);
}
END_TEST

START_TEST(hidden)
{
    static const uint32_t nothing[4];
    uint32_t r[4];

    begin("max,kvm=off");
    for (uint32_t leaf = KVM_CPUID; leaf <= KVM_CPUID + 0x20; leaf++) {
        x86_cpuid(&s->c, leaf, 0, r);
        ck_assert_mem_eq(r, nothing, sizeof(r));
    }
    x86_cpuid(&s->c, 1, 0, r);
    ck_assert(r[2] >> 31);
    stub_free(s);
}
END_TEST

START_TEST(not_offered)
{
    static const char *const names[] = {"kvm-asyncpf", "kvm-steal-time", "kvm-pv-tlb-flush",
                                        "kvm-asyncpf-int", "kvm-msi-ext-dest-id",
                                        "kvm-hint-dedicated"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *on = g_strdup_printf("max,+%s", names[i]);
        g_autofree char *off = g_strdup_printf("max,-%s", names[i]);
        GError *err = NULL;
        ck_assert_ptr_null(cpu_model_new(on, 1, 1, 1, &err));
        ck_assert_ptr_nonnull(strstr(err->message, "cannot offer"));
        g_error_free(err);
        cpu_model_free(cpu_model_new(off, 1, 1, 1, NULL));
    }
}
END_TEST

/* ---- Registers ------------------------------------------------------------------------------ */

static bool wrmsr(uint32_t msr, uint64_t v)
{
    if (sigsetjmp(unwound, 0))
        return false;
    x86_wrmsr(&s->c, msr, v);
    return true;
}

START_TEST(registers)
{
    begin("max");
    ck_assert(wrmsr(MSR_KVM_OLD_SYSTEM_TIME, 0x1001));
    ck_assert_ptr_eq(written, &s->c.msr.kvm_system_time);
    ck_assert_uint_eq(x86_rdmsr(&s->c, MSR_KVM_SYSTEM_TIME), 0x1001);
    ck_assert(wrmsr(MSR_KVM_PV_EOI, 0x2001));
    ck_assert_uint_eq(eois, 1);
    ck_assert(!wrmsr(MSR_KVM_PV_EOI, 0x2003));
    ck_assert(!wrmsr(MSR_KVM_PV_EOI, 0xffffffff000 | 1));
    ck_assert(wrmsr(MSR_KVM_PV_EOI, 0xffffffff000));
    ck_assert_uint_eq(x86_rdmsr(&s->c, MSR_KVM_PV_EOI), 0xffffffff000);
    ck_assert(!wrmsr(MSR_KVM_POLL_CONTROL, 2));
    ck_assert(!wrmsr(0x4b564d02, 0)); /* asynchronous page faults */
    ck_assert_uint_eq(locked, 0);
    stub_free(s);
    begin("max,-kvmclock");
    ck_assert(!wrmsr(MSR_KVM_OLD_WALL_CLOCK, 0));
    ck_assert(!wrmsr(MSR_KVM_SYSTEM_TIME, 0));
    ck_assert(wrmsr(MSR_KVM_PV_EOI, 0));
    stub_free(s);
}
END_TEST

START_TEST(init_ends_them)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    ck_assert_uint_eq(st.msr.kvm_poll_control, 1);
    st.msr.kvm_system_time = st.msr.kvm_pv_eoi = 0x1001;
    st.pv_unhalt = 1;
    x86_state_init(&st, false, 0);
    ck_assert(!st.msr.kvm_system_time && !st.msr.kvm_pv_eoi && !st.pv_unhalt);
}
END_TEST

START_TEST(wall_clock)
{
    begin("max");
    uint32_t *p = (uint32_t *)(void *)(s->ram->host + 0x3000);
    p[0] = 0xdeadbeef;
    now_is = (struct kvm_pv_now){.wall = 1700000005ll * NS + 7, .system = 3ll * NS + 9};
    ck_assert(wrmsr(MSR_KVM_WALL_CLOCK, 0x3000));
    ck_assert(p[0] != 0xdeadbeef && !(p[0] & 1));
    ck_assert_uint_eq(p[1], 1700000001);
    ck_assert_uint_eq(p[2], 999999998);
    uint32_t version = p[0];
    ck_assert(wrmsr(MSR_KVM_OLD_WALL_CLOCK, 0x3000));
    ck_assert_uint_eq(p[0], version + 2);
    ck_assert(wrmsr(MSR_KVM_WALL_CLOCK, STUB_RAM - 4)); /* ROM, the end of everything: no matter */
    ck_assert(wrmsr(MSR_KVM_WALL_CLOCK, ~0ull));
    stub_free(s);
}
END_TEST

/* ---- The clock ------------------------------------------------------------------------------ */

struct page {
    uint32_t version, pad;
    uint64_t tsc, system;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad2[2];
} __attribute__((packed, aligned(4))); /* a guest may have it at any multiple of 4 */

/* What a guest computes (msr.rst). */
static uint64_t guest_time(const struct page *p, uint64_t tsc)
{
    uint64_t d = tsc - p->tsc;

    d = p->shift >= 0 ? d << p->shift : d >> -p->shift;
    return p->system + (uint64_t)((unsigned __int128)d * p->mul >> 32);
}

static uint64_t random64(void)
{
    static uint64_t x = 88172645463325252ull;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

START_TEST(rates)
{
    static const uint64_t some[] = {NS, NS + 1, 2 * NS, 2 * NS + 1, 1, 999999999, 4200000000,
                                    19200000, 123456789012};
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t hz = i < G_N_ELEMENTS(some) ? some[i] : 100000 + random64() % (10 * NS);
        struct kvm_pv_rate r = kvm_pv_rate(hz);
        struct page p = {.mul = r.mul, .shift = r.shift};
        ck_assert_uint_ge(r.mul, 1u << 31);
        for (unsigned k = 0; k < 30; k++) {
            uint64_t ticks = random64() >> (12 + k); /* shifted left it must fit */
            if (r.shift > 0)
                ticks >>= r.shift;
            unsigned __int128 exact = (unsigned __int128)ticks * NS / hz;
            uint64_t got = guest_time(&p, ticks);
            ck_assert(got <= exact);
            ck_assert(exact - got <= (exact >> 31) + 2 + (r.shift < 0 ? (NS << -r.shift) / hz : 0));
        }
    }
}
END_TEST

/* The guest is given new numbers now and then; its time follows virtual time from below, and
 * never goes backwards. */
START_TEST(monotonic)
{
    for (unsigned run = 0; run < 200; run++) {
        struct machine m = {.tsc_hz = 10000000 + random64() % (5 * NS),
                            .pvclock_offset = random64() >> 4};
        struct vcpu v = {.machine = &m, .tsc_offset = random64() >> 2};
        struct page p = {0};
        uint64_t ns = random64() >> 12, last = 0;
        for (unsigned i = 0; i < 500; i++) {
            if (i % 7 == 0) {
                struct kvm_pv_rate r = kvm_pv_rate(m.tsc_hz);
                p = (struct page){.tsc = machine_tsc_at(&m, &v, ns), .mul = r.mul,
                                  .shift = r.shift, .system = machine_pvclock_at(&m, ns)};
            }
            uint64_t t = guest_time(&p, machine_tsc_at(&m, &v, ns)), due = ns + m.pvclock_offset;
            ck_assert(t >= last && t <= due);
            ck_assert(due - t < 4000 + 2 * NS / m.tsc_hz);
            last = t;
            ns += random64() >> (24 + random64() % 40);
        }
    }
}
END_TEST

START_TEST(pages)
{
    begin("max");
    struct page *p = (struct page *)(void *)(s->ram->host + 0x3004);
    struct kvm_pv_time t = {.tsc = 123, .system = 456, .rate = kvm_pv_rate(3 * NS), .stable = true};

    memset(p, 0xff, sizeof(*p));
    kvm_pv_write_time(&s->as, 0x3004, &t);
    ck_assert_uint_eq(p->version, 0xffffffff); /* not enabled */
    kvm_pv_write_time(&s->as, 0x3005, &t);
    ck_assert(p->tsc == 123 && p->system == 456 && !(p->version & 1) && p->flags == 1);
    ck_assert_uint_eq(guest_time(p, 123 + 3 * NS), 456 + NS - 1); /* a third is not exact */
    uint32_t version = p->version;
    t.stable = false;
    kvm_pv_write_time(&s->as, 0x3005, &t);
    ck_assert_uint_eq(p->version, version + 2);
    ck_assert_uint_eq(p->flags, 0);
    kvm_pv_write_time(&s->as, (STUB_RAM - 16) | 1, &t); /* RAM and ROM */
    kvm_pv_write_time(&s->as, ~0ull, &t);
    stub_free(s);
}
END_TEST

/* ---- Hypercalls ----------------------------------------------------------------------------- */

static int64_t call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    s->c.r[R_RAX] = nr;
    s->c.r[R_RBX] = a;
    s->c.r[R_RCX] = b;
    s->c.r[R_RDX] = c;
    s->c.r[R_RSI] = d;
    kvm_pv_hypercall(&s->c);
    ck_assert_uint_eq(locked, 0);
    return s->c.r[R_RAX];
}

START_TEST(calls)
{
    begin("max");
    s->c.mode = X86_MODE_64;
    ck_assert_int_eq(call(KVM_HC_VAPIC_POLL_IRQ, 0, 0, 0, 0), 0);
    ck_assert_int_eq(call(KVM_HC_KICK_CPU, 0, 5, 0, 0), 0);
    ck_assert_uint_eq(kicked, 5);
    ck_assert_int_eq(call(KVM_HC_SEND_IPI, 7, 8ull << 60, 9, 0x4fd), 3);
    ck_assert(ipi.set[0] == 7 && ipi.set[1] == 8ull << 60 && ipi.per_word == 64);
    ck_assert(ipi.first == 9 && ipi.icr == 0x4fd);
    ck_assert_int_eq(call(KVM_HC_SCHED_YIELD, 0, 0, 0, 0), 0);
    ck_assert_uint_eq(yields, 1);
    ck_assert_int_eq(call(99, 0, 0, 0, 0), -KVM_ENOSYS);
    ck_assert_int_eq(call(1ull << 32 | KVM_HC_KICK_CPU, 0, 5, 0, 0), -KVM_ENOSYS);
    s->c.cpl = 3;
    kicked = 0;
    ck_assert_int_eq(call(KVM_HC_KICK_CPU, 0, 5, 0, 0), -KVM_EPERM);
    ck_assert_uint_eq(kicked, 0);
    stub_free(s);
}
END_TEST

START_TEST(calls_of_32_bits)
{
    begin("max");
    s->c.mode = X86_MODE_32;
    ck_assert_int_eq(call(1ull << 32 | KVM_HC_SEND_IPI, ~0ull, 2, 0, 0x30), 3);
    ck_assert(ipi.set[0] == 0xffffffff && ipi.set[1] == 2 && ipi.per_word == 32);
    ck_assert_int_eq(call(99, 0, 0, 0, 0), (uint32_t)-KVM_ENOSYS);
    stub_free(s);
}
END_TEST

START_TEST(calls_not_offered)
{
    begin("max,-kvm-pv-ipi,-kvm-pv-unhalt,-kvm-pv-sched-yield,-kvmclock");
    s->c.mode = X86_MODE_64;
    ck_assert_int_eq(call(KVM_HC_SEND_IPI, 1, 0, 0, 0x30), -KVM_ENOSYS);
    ck_assert_int_eq(call(KVM_HC_KICK_CPU, 0, 0, 0, 0), -KVM_ENOSYS);
    ck_assert_int_eq(call(KVM_HC_SCHED_YIELD, 0, 0, 0, 0), -KVM_ENOSYS);
    ck_assert_int_eq(call(KVM_HC_CLOCK_PAIRING, 0x1000, 0, 0, 0), -KVM_EOPNOTSUPP);
    stub_free(s);
}
END_TEST

START_TEST(clock_pairing)
{
    begin("max");
    s->c.mode = X86_MODE_64;
    now_is = (struct kvm_pv_now){.wall = 1700000005ll * NS + 7, .system = 1, .tsc = 77};
    memset(s->ram->host + 0x1000, 0xff, 65);
    ck_assert_int_eq(call(KVM_HC_CLOCK_PAIRING, 0x1000, 0, 0, 0), 0);
    int64_t v[3];
    memcpy(v, s->ram->host + 0x1000, sizeof(v));
    ck_assert(v[0] == 1700000005 && v[1] == 7 && v[2] == 77);
    for (unsigned i = 24; i < 64; i++)
        ck_assert_uint_eq(s->ram->host[0x1000 + i], 0);
    ck_assert_uint_eq(s->ram->host[0x1040], 0xff);
    ck_assert_int_eq(call(KVM_HC_CLOCK_PAIRING, 0x1000, 1, 0, 0), -KVM_EOPNOTSUPP);
    ck_assert_int_eq(call(KVM_HC_CLOCK_PAIRING, STUB_RAM - 8, 0, 0, 0), -KVM_EFAULT);
    stub_free(s);
}
END_TEST

/* ---- A whole machine ------------------------------------------------------------------------ */

#define PAGE(n) (0x8000 + 64 * (n))

static struct machine *machine_of_two(const struct machine_config *config,
                                      const struct accel *accel, struct region *ram)
{
    struct machine *m = machine_new(config, NULL);

    region_init_ram(ram, "ram", m->ram, 0, config->ram_size, false);
    region_add(&m->mem_root, 0, ram, 0);
    m->cpu_model = cpu_model_new("max", 1, 2, 1, NULL);
    m->tsc_hz = 2100000000;
    m->accel = accel;
    m->vcpu_ops = &accel_vcpu_ops;
    ck_assert(machine_create_vcpus(m, 2, NULL));
    machine_lock(m);
    machine_reset(m);
    return m;
}

static void end_of_machine(struct machine *m, struct region *ram)
{
    machine_unlock(m);
    struct cpu_model *model = (struct cpu_model *)m->cpu_model;
    region_fini(ram);
    machine_free(m);
    cpu_model_free(model);
}

/* vCPU n halts for good, with a page for its time. */
static void load_halted(struct machine *m, unsigned n)
{
    struct x86_state st;

    vcpu_save(m->vcpus->pdata[n], &st);
    st.mp_state = MP_HALTED;
    st.msr.kvm_system_time = PAGE(n) | 1;
    st.msr.kvm_pv_eoi = 0x9001;
    st.pv_unhalt = n;
    vcpu_load(m->vcpus->pdata[n], &st);
}

START_TEST(saved)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2};
    struct region ram, ram2;
    struct machine *m = machine_of_two(&config, &accel_tcg_interp, &ram);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct x86_state st;

    for (unsigned n = 0; n < 2; n++)
        load_halted(m, n);
    clock_set(&m->vclock, 123456789);
    m->pvclock_offset = 5 * NS;
    machine_save(m, bytes);
    end_of_machine(m, &ram);

    m = machine_of_two(&config, &accel_tcg_interp, &ram2);
    ck_assert(machine_load(m, bytes->data, bytes->len, NULL));
    for (unsigned n = 0; n < 2; n++) {
        vcpu_save(m->vcpus->pdata[n], &st);
        ck_assert_uint_eq(st.msr.kvm_system_time, PAGE(n) | 1);
        ck_assert_uint_eq(st.msr.kvm_pv_eoi, 0x9001);
        ck_assert_uint_eq(st.pv_unhalt, n);
        st.pv_unhalt = 0;
        vcpu_load(m->vcpus->pdata[n], &st);
        ck_assert_uint_eq(*(uint32_t *)(void *)(m->ram->host + PAGE(n)), 0); /* not yet */
    }
    machine_start(m);
    for (unsigned n = 0; n < 2; n++) {
        struct page p;
        memcpy(&p, m->ram->host + PAGE(n), sizeof(p));
        ck_assert(p.version && !(p.version & 1) && p.flags == 1);
        ck_assert_uint_eq(p.system, machine_pvclock_at(m, 123456789));
        ck_assert_uint_le(p.system, 123456789 + 5 * NS);
        ck_assert_uint_eq(p.tsc, machine_tsc_at(m, m->vcpus->pdata[n], 123456789));
    }
    machine_pause(m);
    end_of_machine(m, &ram2);
}
END_TEST

/* A stop and a start change nothing in the guest's memory: a counted run stays the same. */
START_TEST(stopping_leaves_pages_alone)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2};
    struct region ram;
    struct machine *m = machine_of_two(&config, &accel_tcg_interp, &ram);

    load_halted(m, 0);
    m->pvclock_moved = true;
    machine_start(m);
    struct page before, after;
    memcpy(&before, m->ram->host + PAGE(0), sizeof(before));
    ck_assert_uint_ne(before.version, 0);
    machine_pause(m);
    machine_start(m);
    memcpy(&after, m->ram->host + PAGE(0), sizeof(after));
    ck_assert_mem_eq(&before, &after, sizeof(before));
    machine_pause(m);
    end_of_machine(m, &ram);
}
END_TEST

/* TSCs that are not one: the pages stop promising it, when a guest asks for a page. */
START_TEST(unstable)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2};
    struct region ram;
    struct machine *m = machine_of_two(&config, &accel_tcg_interp, &ram);
    struct x86_state st;
    struct page p;

    load_halted(m, 0);
    load_halted(m, 1);
    vcpu_save(m->vcpus->pdata[1], &st);
    st.tsc += 12345;
    st.pv_unhalt = 0;
    vcpu_load(m->vcpus->pdata[1], &st);
    m->pvclock_moved = true;
    machine_start(m);
    for (unsigned n = 0; n < 2; n++) {
        memcpy(&p, m->ram->host + PAGE(n), sizeof(p));
        ck_assert(p.version && p.flags == 0);
        ck_assert_uint_eq(p.tsc, machine_tsc_at(m, m->vcpus->pdata[n], m->pvclock_anchor));
    }
    machine_pause(m);
    end_of_machine(m, &ram);
}
END_TEST

/* All vCPUs begin with the same TSC, although the clock runs when the guest asks for a reset. */
START_TEST(one_tsc_after_reset)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2};
    struct region ram;
    struct machine *m = machine_of_two(&config, &accel_tcg_interp, &ram);
    struct vcpu *a = m->vcpus->pdata[0], *b = m->vcpus->pdata[1];

    for (unsigned i = 0; i < 20; i++) {
        machine_start(m);
        machine_request_reset(m, CAUSE_GUEST_RESET);
        machine_unlock(m);
        machine_iterate(m, true);
        machine_lock(m);
        ck_assert_uint_eq(a->tsc_offset, b->tsc_offset);
        machine_pause(m);
    }
    ck_assert_uint_ge(m->resets, 10);
    end_of_machine(m, &ram);
}
END_TEST

/* Machine time on KVM and from there to pages that the interpreter writes: never backwards, however
 * often the machine stops, and the two clocks agree to the tick when it does. */
START_TEST(over_kvm)
{
    struct machine_config config = {.ram_size = 1 << 20, .cpus = 2};
    struct region ram;

    struct machine *m = machine_of_two(&config, &accel_kvm, &ram);
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];
    int64_t last = 0;
    for (unsigned i = 0; i < 50; i++) {
        struct kvm_clock_data at_start, at_stop;
        load_halted(m, 0);
        load_halted(m, 1);
        machine_start(m);
        ck_assert_int_eq(kvm_call(vm->fd, KVM_GET_CLOCK, &at_start), 0);
        ck_assert_int_ge(at_start.clock, last);
        machine_pause(m);
        ck_assert_int_eq(kvm_call(vm->fd, KVM_GET_CLOCK, &at_stop), 0);
        int64_t stopped = machine_pvclock_at(m, clock_now(&m->vclock));
        ck_assert_int_ge(stopped, at_start.clock);
        ck_assert_int_le(stopped, at_stop.clock);
        ck_assert(m->pvclock_moved);
        last = stopped + (i % 2 ? 0 : 1000000);
        if (i % 2 == 0) /* as if it had run elsewhere meanwhile */
            clock_set(&m->vclock, clock_now(&m->vclock) + 1000000);
    }
    end_of_machine(m, &ram);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kvm_pv");
    TCase *t = tcase_create("kvm_pv");
    tcase_add_test(t, leaves);
    tcase_add_test(t, hidden);
    tcase_add_test(t, not_offered);
    tcase_add_test(t, registers);
    tcase_add_test(t, init_ends_them);
    tcase_add_test(t, wall_clock);
    tcase_add_test(t, rates);
    tcase_add_test(t, monotonic);
    tcase_add_test(t, pages);
    tcase_add_test(t, calls);
    tcase_add_test(t, calls_of_32_bits);
    tcase_add_test(t, calls_not_offered);
    tcase_add_test(t, clock_pairing);
    tcase_add_test(t, saved);
    tcase_add_test(t, stopping_leaves_pages_alone);
    tcase_add_test(t, unstable);
    tcase_add_test(t, one_tsc_after_reset);
    bool kvm = accel_kvm.probe(NULL);
    if (kvm)
        tcase_add_test(t, over_kvm);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    if (!kvm)
        tap_skip("over_kvm", "/dev/kvm is not usable");
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
