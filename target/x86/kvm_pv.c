/* SPDX-License-Identifier: MIT */
/* KVM's interface to guests: kvm_pv.h. */
#include "target/x86/kvm_pv.h"

#include <string.h>

#include "core/region.h"
#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"

#define NS_PER_SEC 1000000000ll

/* ---- CPUID ----------------------------------------------------------------------------------- */

void kvm_pv_cpuid(const struct cpu_model *m, uint32_t leaf, uint32_t out[4])
{
    if (!m->feature[X86_F_KVM])
        return;
    switch (leaf) {
    case KVM_CPUID:
        out[0] = KVM_CPUID_RATES;
        memcpy(&out[1], "KVMKVMKVM\0\0\0", 12);
        break;
    case KVM_CPUID_FEATURES: /* bit 0: kvmclock's registers by their old numbers */
        out[0] |= m->feature[X86_F_KVM_CLOCK];
        break;
    case KVM_CPUID_RATES: /* in kHz: TSC, local APIC timer */
        out[0] = m->tsc_hz / 1000;
        out[1] = X86_CRYSTAL_HZ / 1000;
        break;
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

struct time_page {
    uint32_t version, pad;
    uint64_t tsc, system;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad2[2];
};
enum { FLAG_TSC_STABLE = 1 };

struct wall_page {
    uint32_t version, sec, nsec;
};

struct pairing {
    int64_t sec, nsec;
    uint64_t tsc;
    uint32_t flags, pad[9];
};

/* Shifted, the rate lies in (10^9, 2 * 10^9], so that 10^9 / rate is a fraction of 1/2 to 1. */
struct kvm_pv_rate kvm_pv_rate(uint64_t tsc_hz)
{
    unsigned __int128 second = (unsigned __int128)NS_PER_SEC << 64; /* 32 bits to spare */
    int shift = 0;

    for (uint64_t hz = tsc_hz; hz > 2 * NS_PER_SEC; hz >>= 1)
        shift--;
    for (uint64_t hz = tsc_hz; hz && hz <= NS_PER_SEC; hz <<= 1)
        shift++;
    return (struct kvm_pv_rate){ tsc_hz ? second / tsc_hz >> (32 + shift) : 0, shift };
}

/* Readers take the contents for valid if the version before and after is the same even number.
 * The first word of the memory is the version, whatever it holds now. */
static void publish(uint32_t *page, const void *contents, size_t len)
{
    uint32_t odd = __atomic_load_n(page, __ATOMIC_RELAXED);

    odd += odd & 1 ? 2 : 1;
    __atomic_store_n(page, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memcpy(page + 1, (const char *)contents + 4, len - 4);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(page, odd + 1, __ATOMIC_RELAXED);
}

void kvm_pv_write_time(struct address_space *as, uint64_t system_time,
                       const struct kvm_pv_time *t)
{
    struct time_page p = { .tsc = t->tsc, .system = t->system, .mul = t->rate.mul,
                           .shift = t->rate.shift, .flags = t->stable ? FLAG_TSC_STABLE : 0 };
    uint32_t *page = NULL;

    _Static_assert(sizeof(p) == 32, "the page's layout is the guest's");
    if (system_time & KVM_PV_ENABLED)
        page = as_ptr(as, system_time & ~3ull, sizeof(p), true);
    if (page)
        publish(page, &p, sizeof(p));
}

/* The date at which guest time was 0. */
static void write_wall_clock(struct x86_cpu *c, uint64_t gpa)
{
    uint32_t *page = as_ptr(c->as, gpa & ~3ull, sizeof(struct wall_page), true);
    struct kvm_pv_now now;
    struct wall_page p = { 0 };
    int64_t start;

    if (!page)
        return;
    c->host->pv->now(c, &now);
    start = now.wall > now.system ? now.wall - now.system : 0;
    p.sec = start / NS_PER_SEC;
    p.nsec = start % NS_PER_SEC;
    publish(page, &p, sizeof(p));
}

bool kvm_pv_wrmsr(struct x86_cpu *c, uint32_t index, uint64_t v)
{
    if (index == MSR_KVM_PV_EOI && (v & KVM_PV_ENABLED) && !as_ptr(c->as, v & ~3ull, 4, false))
        return false;
    c->host->pv->lock(c);
    switch (index) {
    case MSR_KVM_WALL_CLOCK:
        c->msr.kvm_wall_clock = v;
        write_wall_clock(c, v);
        break;
    case MSR_KVM_SYSTEM_TIME:
        c->msr.kvm_system_time = v;
        c->host->pv->system_time(c);
        break;
    case MSR_KVM_PV_EOI:
        c->msr.kvm_pv_eoi = v;
        c->host->pv->eoi(c);
        break;
    }
    c->host->pv->unlock(c);
    return true;
}

/* ---- Hypercalls ------------------------------------------------------------------------------ */

/* The host's date beside the TSC: what a guest's ptp_kvm clock reads. */
static int64_t pair_clocks(struct x86_cpu *c, uint64_t gpa, uint64_t which)
{
    struct kvm_pv_now now;
    struct pairing p = { 0 };
    void *to;

    if (which || !x86_has(c, X86_F_KVM_CLOCK))
        return -KVM_EOPNOTSUPP;
    to = as_ptr(c->as, gpa, sizeof(p), true);
    if (!to)
        return -KVM_EFAULT;
    c->host->pv->now(c, &now);
    p.sec = now.wall / NS_PER_SEC;
    p.nsec = now.wall % NS_PER_SEC;
    p.tsc = now.tsc;
    memcpy(to, &p, sizeof(p));
    return 0;
}

static int64_t send_ipi(struct x86_cpu *c, const uint64_t a[4], bool wide)
{
    enum { ICR_LOGICAL = 1 << 11, ICR_SHORTHAND = 3 << 18 };

    if (a[3] & (ICR_LOGICAL | ICR_SHORTHAND))
        return -KVM_EINVAL;
    return c->host->pv->send_ipi(c, a, wide ? 64 : 32, a[2], a[3]);
}

static int64_t perform(struct x86_cpu *c, uint64_t nr, const uint64_t a[4], bool wide)
{
    if (nr == KVM_HC_CLOCK_PAIRING)
        return pair_clocks(c, a[0], a[1]);
    if (nr == KVM_HC_SEND_IPI && x86_has(c, X86_F_KVM_PV_IPI))
        return send_ipi(c, a, wide);
    if (nr == KVM_HC_KICK_CPU && x86_has(c, X86_F_KVM_PV_UNHALT)) {
        c->host->pv->kick(c, a[1]);
        return 0;
    }
    return -KVM_ENOSYS;
}

static int64_t hypercall(struct x86_cpu *c, uint64_t nr, const uint64_t a[4], bool wide)
{
    int64_t result;

    if (c->cpl)
        return -KVM_EPERM;
    if (nr == KVM_HC_VAPIC_POLL_IRQ)
        return 0; /* to have come here was all that was wanted */
    if (nr == KVM_HC_SCHED_YIELD && x86_has(c, X86_F_KVM_PV_SCHED_YIELD)) {
        c->host->pv->yield(c);
        return 0;
    }
    c->host->pv->lock(c);
    result = perform(c, nr, a, wide);
    c->host->pv->unlock(c);
    return result;
}

void kvm_pv_hypercall(struct x86_cpu *c)
{
    bool wide = c->mode == X86_MODE_64;
    uint64_t mask = wide ? ~0ull : 0xffffffff;
    uint64_t a[4] = { c->r[R_RBX] & mask, c->r[R_RCX] & mask, c->r[R_RDX] & mask,
                      c->r[R_RSI] & mask };

    c->r[R_RAX] = hypercall(c, c->r[R_RAX] & mask, a, wide) & mask;
}
