/* SPDX-License-Identifier: MIT */
/*
 * System operations without segments: control and debug registers, MSRs, time, I/O, HLT,
 * interrupt flag, cache and TLB control. Intel SDM vol. 2, the operation sections.
 *
 * Not offered, so #UD: VMX, SVM, SMX, RSM outside SMM. There are no performance counters, so
 * every RDPMC is #GP(0). Caches are coherent by construction: CLFLUSH and its kin only check
 * their address, fences order the host.
 */
#include <string.h>
#include <sys/random.h>

#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/ops.h"
#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"
#include "target/x86/segment.h"

static void need_cpl0(struct x86_cpu *c)
{
    if (c->cpl)
        x86_gp(c, 0);
}

static void put32(struct x86_cpu *c, unsigned reg, uint32_t v)
{
    c->r[reg] = v;
}

static uint64_t edx_eax(const struct x86_cpu *c)
{
    return (uint32_t)c->r[R_RAX] | c->r[R_RDX] << 32;
}

static void put_edx_eax(struct x86_cpu *c, uint64_t v)
{
    put32(c, R_RAX, v);
    put32(c, R_RDX, v >> 32);
}

/* ---- Control registers --------------------------------------------------------------------- */

OP(mov_from_cr)
{
    unsigned n = i->op[1].reg;
    uint64_t v;

    if (n != 0 && n != 2 && n != 3 && n != 4 && n != 8)
        x86_ud(c);
    need_cpl0(c);
    switch (n) {
    case 0:
        v = c->cr0;
        break;
    case 2:
        v = c->cr2;
        break;
    case 3:
        v = c->cr3;
        break;
    case 4:
        v = c->cr4;
        break;
    default:
        v = c->host->get_cr8(c);
        break;
    }
    x86_put(c, i, 0, v);
}

OP(mov_to_cr)
{
    unsigned n = i->op[0].reg;
    uint64_t v = x86_get(c, i, 1);

    if (n != 0 && n != 2 && n != 3 && n != 4 && n != 8)
        x86_ud(c);
    need_cpl0(c);
    switch (n) {
    case 0:
        x86_set_cr0(c, v);
        break;
    case 2:
        c->cr2 = v;
        break;
    case 3:
        x86_set_cr3(c, v);
        break;
    case 4:
        x86_set_cr4(c, v);
        break;
    default:
        if (v > 15)
            x86_gp(c, 0);
        c->host->set_cr8(c, v);
        break;
    }
}

OP(lmsw)
{
    uint64_t v;

    need_cpl0(c);
    v = x86_get(c, i, 0);
    x86_set_cr0(c, (c->cr0 & ~(uint64_t)(CR0_MP | CR0_EM | CR0_TS)) | (v & 15));
}

OP(smsw)
{
    if ((c->cr4 & CR4_UMIP) && c->cpl)
        x86_gp(c, 0);
    x86_put(c, i, 0, c->cr0);
}

OP(clts)
{
    need_cpl0(c);
    c->cr0 &= ~(uint64_t)CR0_TS;
    c->host->mode_changed(c);
}

OP(xgetbv)
{
    uint32_t n = c->r[R_RCX];
    uint64_t inuse = x86_xinuse(c);

    if (!(c->cr4 & CR4_OSXSAVE))
        x86_ud(c);
    if (n > 1 || (n == 1 && !x86_has(c, X86_F_XGETBV1)))
        x86_gp(c, 0);
    x86_mxcsr_sync(c);
    if (c->mxcsr != MXCSR_INIT) /* counts here, though not in XINUSE (SDM vol. 1 section 13.2) */
        inuse |= XSTATE_SSE;
    put_edx_eax(c, n ? c->xcr0 & inuse : c->xcr0);
}

OP(xsetbv)
{
    uint64_t v = edx_eax(c);

    if (!(c->cr4 & CR4_OSXSAVE))
        x86_ud(c);
    need_cpl0(c);
    if ((uint32_t)c->r[R_RCX] || !(v & 1) || (v & ~3ull))
        x86_gp(c, 0);
    c->xcr0 = v;
    c->host->mode_changed(c);
}

/* ---- Debug registers: DR4 and DR5 are DR6 and DR7 unless CR4.DE ---------------------------- */

static unsigned debug_register(struct x86_cpu *c, unsigned n)
{
    if (n > 7 || ((n == 4 || n == 5) && (c->cr4 & CR4_DE)))
        x86_ud(c);
    need_cpl0(c);
    if (c->dr[7] & DR7_GD) {
        c->dr[6] |= DR6_BD; /* a trap that MOV SS holds back is lost */
        x86_raise(c, EXC_DB);
    }
    return n == 4 || n == 5 ? n + 2 : n;
}

OP(mov_from_dr)
{
    x86_put(c, i, 0, c->dr[debug_register(c, i->op[1].reg)]);
}

OP(mov_to_dr)
{
    uint64_t v = x86_get(c, i, 1);
    unsigned n = debug_register(c, i->op[0].reg);

    if (n >= 6 && v >> 32)
        x86_gp(c, 0);
    if (n == 6)
        v = (v & (15 | DR6_BD | DR6_BS | DR6_BT)) | DR6_FIXED;
    else if (n == 7)
        v = (v & 0xffff23ff) | DR7_FIXED;
    c->dr[n] = v;
    c->host->mode_changed(c);
}

/* ---- MSRs, time, identification ------------------------------------------------------------ */

OP(rdmsr)
{
    need_cpl0(c);
    put_edx_eax(c, x86_rdmsr(c, c->r[R_RCX]));
}

OP(wrmsr)
{
    need_cpl0(c);
    x86_wrmsr(c, c->r[R_RCX], edx_eax(c));
}

static uint64_t read_tsc(struct x86_cpu *c)
{
    if ((c->cr4 & CR4_TSD) && c->cpl)
        x86_gp(c, 0);
    return c->host->tsc(c);
}

OP(rdtsc)
{
    put_edx_eax(c, read_tsc(c));
}

OP(rdtscp)
{
    put_edx_eax(c, read_tsc(c));
    put32(c, R_RCX, c->msr.tsc_aux);
}

OP(rdpid)
{
    x86_put(c, i, 0, c->msr.tsc_aux);
}

OP(rdpmc)
{
    x86_gp(c, 0);
}

OP(cpuid)
{
    uint32_t out[4];

    x86_cpuid(c, c->r[R_RAX], c->r[R_RCX], out);
    put32(c, R_RAX, out[0]);
    put32(c, R_RBX, out[1]);
    put32(c, R_RCX, out[2]);
    put32(c, R_RDX, out[3]);
}

/* SplitMix64 where a run must be repeatable, else the host's generator. */
static void random_value(struct x86_cpu *c, const struct x86_insn *i)
{
    uint64_t v = 0;
    bool ok = true;

    if (c->rng_state) {
        c->rng_state += 0x9e3779b97f4a7c15ull;
        v = c->rng_state;
        v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
        v = (v ^ v >> 27) * 0x94d049bb133111ebull;
        v ^= v >> 31;
    } else {
        ok = getrandom(&v, sizeof(v), GRND_NONBLOCK) == sizeof(v);
    }
    x86_put(c, i, 0, ok ? v : 0);
    x86_set_arith(c, ok ? FL_CF : 0);
}

OP(rdrand)
{
    random_value(c, i);
}

OP(rdseed)
{
    random_value(c, i);
}

/* ---- Ports --------------------------------------------------------------------------------- */

OP(in)
{
    unsigned size = i->op[0].size;
    uint16_t port = x86_get(c, i, 1);

    if (!x86_io_allowed(c, port, size))
        x86_gp(c, 0);
    x86_put(c, i, 0, c->host->io_in(c, port, size));
    x86_io_breakpoint(c, port, size);
}

OP(out)
{
    unsigned size = i->op[1].size;
    uint16_t port = x86_get(c, i, 0);

    if (!x86_io_allowed(c, port, size))
        x86_gp(c, 0);
    c->host->io_out(c, port, size, x86_get(c, i, 1));
    x86_io_breakpoint(c, port, size);
}

/* ---- Interrupt flag, waiting --------------------------------------------------------------- */

static void need_iopl(struct x86_cpu *c)
{
    if (c->cpl > (c->eflags & FL_IOPL) >> 12)
        x86_gp(c, 0);
}

OP(cli)
{
    need_iopl(c);
    c->eflags &= ~(uint32_t)FL_IF;
}

OP(sti)
{
    need_iopl(c);
    if (!(c->eflags & FL_IF))
        c->inhibit_irq = true;
    c->eflags |= FL_IF;
}

OP(hlt)
{
    need_cpl0(c);
    c->mp_state = MP_HALTED;
    c->host->halt(c);
}

OP(pause)
{
    c->host->pause(c);
}

OP(monitor)
{
    uint64_t off = c->r[R_RAX] & x86_mask(i->addrsize);

    if (c->cpl)
        x86_ud(c);
    if ((uint32_t)c->r[R_RCX])
        x86_gp(c, 0);
    x86_lin_probe(c, x86_seg_lin(c, i->seg, off, 1, ACC_READ, 1), 1, ACC_READ);
}

/* Other processors' stores are not watched: MWAIT wakes up at once, which it always may. */
OP(mwait)
{
    if (c->cpl)
        x86_ud(c);
    if ((uint32_t)c->r[R_RCX] > 1)
        x86_gp(c, 0);
    c->host->pause(c);
}

OP(clac)
{
    if (c->cpl)
        x86_ud(c);
    c->eflags &= ~(uint32_t)FL_AC;
    c->host->mode_changed(c);
}

OP(stac)
{
    if (c->cpl)
        x86_ud(c);
    c->eflags |= FL_AC;
    c->host->mode_changed(c);
}

/* ---- Caches, TLB, order -------------------------------------------------------------------- */

OP(invd)
{
    need_cpl0(c);
}

OP(wbinvd)
{
    need_cpl0(c);
}

OP(clflush)
{
    x86_lin_probe(c, x86_seg_lin(c, i->seg, x86_ea(c, i), 1, ACC_READ, 1), 1, ACC_READ);
}

OP(lfence)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

OP(sfence)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

OP(mfence)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* No segment checks; a non-canonical address does nothing. */
OP(invlpg)
{
    uint64_t la = x86_ea(c, i);

    need_cpl0(c);
    if (c->mode != X86_MODE_64)
        la = (uint32_t)(la + c->seg_base[i->seg]);
    else if (i->seg >= S_FS)
        la += c->seg_base[i->seg];
    if (x86_canonical(la))
        c->host->flush_page(c, la);
}

OP(invpcid)
{
    uint64_t type = x86_get(c, i, 0), desc, addr, la;

    need_cpl0(c);
    la = x86_seg_lin(c, i->seg, x86_ea(c, i), 16, ACC_READ, 1);
    desc = x86_lin_read(c, la, 8);
    addr = x86_lin_read(c, la + 8, 8);
    if (type > 3 || (type < 2 && (desc >> 12 || (desc && !(c->cr4 & CR4_PCIDE)))) ||
        (type == 0 && !x86_canonical(addr)))
        x86_gp(c, 0);
    switch (type) {
    case 0:
    case 1:
        c->host->flush_pcid(c, desc, type == 0, addr);
        break;
    case 2:
        c->host->flush_all(c);
        break;
    default:
        c->host->flush_all_nonglobal(c);
        break;
    }
}

/* Without a hypervisor VMCALL and VMMCALL are undefined. */
OP(vmcall)
{
    (void)i;
    if (!x86_has(c, X86_F_KVM))
        x86_ud(c);
    kvm_pv_hypercall(c);
}

/* ---- Not offered --------------------------------------------------------------------------- */

OP(rsm)
{
    x86_ud(c);
}

OP(getsec)
{
    x86_ud(c);
}
