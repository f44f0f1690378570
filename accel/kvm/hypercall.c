/* SPDX-License-Identifier: MIT */
/*
 * Does VMCALL (on AMD VMMCALL) reach KVM? Linux, Documentation/virt/kvm/x86/hypercalls.rst.
 *
 * KVM announces its hypercalls everywhere, but where the guest's vendor is not the host's it
 * replaces the instruction in the guest's memory, which fails if that is read-only; and a KVM
 * that emulates the processor replaces it for ever. So a VM of three instructions tries, once,
 * with that replacement switched off (KVM_X86_QUIRK_FIX_HYPERCALL_INSN, API document section
 * 7.31): what does not work is then #UD. A kernel that cannot switch it off (before Linux 5.19)
 * is taken not to have hypercalls.
 */
#define _GNU_SOURCE
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "target/x86/kvm_pv.h"

#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2 213
#endif
#ifndef KVM_X86_QUIRK_FIX_HYPERCALL_INSN
#define KVM_X86_QUIRK_FIX_HYPERCALL_INSN (1 << 5)
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { PAGE = 4096, CODE = 0x100, UD_HANDLER = 0x180, STACK = 0x800, LIMIT_NS = 20000000 };

struct trial {
    int vm, cpu;
    struct kvm_run *run;
    size_t run_size;
    uint8_t *ram;
};

bool kvm_keep_hypercall_insn(int vm)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_DISABLE_QUIRKS2,
                                 .args = {KVM_X86_QUIRK_FIX_HYPERCALL_INSN}};
    int can = kvm_call(vm, KVM_CHECK_EXTENSION, (void *)(uintptr_t)KVM_CAP_DISABLE_QUIRKS2);

    return can > 0 && (can & KVM_X86_QUIRK_FIX_HYPERCALL_INSN) &&
           kvm_call(vm, KVM_ENABLE_CAP, &cap) == 0;
}

/* One page of memory at 0, real mode, CS:IP = 0:CODE. */
static bool prepare(struct trial *t, const uint8_t insn[3])
{
    struct kvm_userspace_memory_region slot = {.memory_size = PAGE,
                                               .userspace_addr = (uintptr_t)t->ram};
    struct kvm_regs regs = {.rax = KVM_HC_VAPIC_POLL_IRQ, .rip = CODE, .rsp = STACK, .rflags = 2};
    struct kvm_sregs sregs;
    const uint8_t hlt = 0xf4;

    memcpy(t->ram + CODE, insn, 3);
    t->ram[CODE + 3] = t->ram[UD_HANDLER] = hlt;
    t->ram[6 * 4] = UD_HANDLER & 0xff; /* vector 6 = 0:UD_HANDLER */
    t->ram[6 * 4 + 1] = UD_HANDLER >> 8;
    if (kvm_call(t->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0 ||
        kvm_call(t->cpu, KVM_GET_SREGS, &sregs) < 0)
        return false;
    sregs.cs.base = sregs.cs.selector = 0;
    return kvm_call(t->cpu, KVM_SET_SREGS, &sregs) == 0 &&
           kvm_call(t->cpu, KVM_SET_REGS, &regs) == 0;
}

/* KVM_RUN, ended by a signal if it lasts. */
static bool run_briefly(struct trial *t)
{
    struct sigevent kick = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = kvm_kick_signal_init()};
    struct itimerspec limit = {.it_value.tv_nsec = LIMIT_NS, .it_interval.tv_nsec = LIMIT_NS};
    timer_t timer;

    kick.sigev_notify_thread_id = syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &kick, &timer) < 0)
        return false;
    timer_settime(timer, 0, &limit, NULL);
    bool ended = ioctl(t->cpu, KVM_RUN, NULL) == 0;
    timer_delete(timer);
    return ended;
}

static bool answered(struct trial *t)
{
    struct kvm_regs regs;

    return run_briefly(t) && t->run->exit_reason == KVM_EXIT_HLT &&
           kvm_call(t->cpu, KVM_GET_REGS, &regs) == 0 && regs.rax == 0 && regs.rip == CODE + 4;
}

static bool try_in(struct trial *t, int sys, const uint8_t insn[3])
{
    t->run_size = kvm_call(sys, KVM_GET_VCPU_MMAP_SIZE, NULL);
    t->cpu = kvm_call(t->vm, KVM_CREATE_VCPU, NULL);
    if (t->cpu < 0)
        return false;
    t->run = mmap(NULL, t->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->cpu, 0);
    t->ram = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool ok = t->run != MAP_FAILED && t->ram != MAP_FAILED && prepare(t, insn) && answered(t);
    if (t->run != MAP_FAILED)
        munmap(t->run, t->run_size);
    close(t->cpu);
    if (t->ram != MAP_FAILED)
        munmap(t->ram, PAGE);
    return ok;
}

bool kvm_hypercalls_work(int sys, bool amd)
{
    static const uint8_t vmcall[3] = {0x0f, 0x01, 0xc1}, vmmcall[3] = {0x0f, 0x01, 0xd9};
    struct trial t = {.vm = kvm_new_vm(sys, NULL)};

    if (t.vm < 0)
        return false;
    bool ok = kvm_keep_hypercall_insn(t.vm) && try_in(&t, sys, amd ? vmmcall : vmcall);
    close(t.vm);
    return ok;
}
