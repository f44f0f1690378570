/* SPDX-License-Identifier: MIT */
/*
 * What this host's KVM cannot do, asked of /dev/kvm itself and without our code: a line "ability
 * reason" for each ability that is missing, nothing on a host with all of them. Guest programs
 * name the abilities they need ("kvm: needs ..."), and tests/guest/run.sh skips those it cannot
 * run.
 *
 *   kvm         /dev/kvm can be used
 *   processor   guests run on the processor (VMX, SVM), not in the kernel's emulator
 *   vmcall      that instruction is the processor's own (Intel), no emulation of another's
 *   irq-window  an interrupt is taken at the very instruction that allows it
 *   paging32    CR0.PG without long mode
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 0x10000, CODE_AT = 0x1000, DIRECTORY_AT = 0x2000, PAGE_DIR_BITS = 0x83 };
enum { CR0_PE = 1, CR4_PSE = 0x10 };
#define CR0_PG 0x80000000u

struct guest {
    int sys, vm, cpu;
    uint8_t *mem;
    struct kvm_run *run;
    struct kvm_sregs sregs;
};

static bool guest_new(struct guest *g, const uint8_t *code, size_t len)
{
    g->sys = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    g->vm = g->sys < 0 ? -1 : ioctl(g->sys, KVM_CREATE_VM, 0);
    if (g->vm < 0)
        return false;
    g->mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region slot = {.memory_size = MEMORY,
                                               .userspace_addr = (uintptr_t)g->mem};
    if (g->mem == MAP_FAILED || ioctl(g->vm, KVM_SET_TSS_ADDR, 0xfffbd000) < 0 ||
        ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
        return false;
    g->cpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
    int size = ioctl(g->sys, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (g->cpu < 0 || size < (int)sizeof(*g->run))
        return false;
    g->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, g->cpu, 0);
    struct kvm_regs regs = {.rip = CODE_AT, .rsp = 0x8000, .rflags = 2};
    memcpy(g->mem + CODE_AT, code, len);
    if (g->run == MAP_FAILED || ioctl(g->cpu, KVM_GET_SREGS, &g->sregs) < 0)
        return false;
    g->sregs.cs.base = g->sregs.cs.selector = 0;
    return ioctl(g->cpu, KVM_SET_REGS, &regs) == 0;
}

static void guest_free(struct guest *g)
{
    close(g->cpu);
    close(g->vm);
    close(g->sys);
    munmap(g->mem, MEMORY);
}

/* The reason of the first exit, -1 if it cannot be entered. */
static int guest_run(struct guest *g)
{
    if (ioctl(g->cpu, KVM_SET_SREGS, &g->sregs) < 0 || ioctl(g->cpu, KVM_RUN, 0) < 0)
        return -1;
    return g->run->exit_reason;
}

static bool has_vmx(void)
{
    unsigned a, b, c = 0, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 5 & 1);
}

static bool on_processor(void)
{
    unsigned a, b, c = 0, d;

    if (has_vmx())
        return true;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c >> 2 & 1);
}

static bool has_irq_window(void)
{
    static const uint8_t code[] = {0xfb, 0x90, 0x90, 0xfa, 0xe6, 0x10}; /* sti nop nop cli out */
    struct guest g;

    if (!guest_new(&g, code, sizeof(code)))
        return false;
    g.run->request_interrupt_window = 1;
    int why = guest_run(&g);
    guest_free(&g);
    return why == KVM_EXIT_IRQ_WINDOW_OPEN;
}

static bool has_paging32(void)
{
    static const uint8_t code[] = {0xa3, 0x00, 0x30, 0, 0, 0xe6, 0x10}; /* mov [3000h], eax; out */
    struct kvm_segment flat = {.limit = 0xffffffff, .selector = 8, .present = 1, .s = 1, .g = 1,
                               .db = 1};
    const uint32_t entry = PAGE_DIR_BITS;
    struct guest g;

    if (!guest_new(&g, code, sizeof(code)))
        return false;
    memcpy(g.mem + DIRECTORY_AT, &entry, sizeof(entry));
    flat.type = 11;
    g.sregs.cs = flat;
    flat.type = 3;
    flat.selector = 16;
    g.sregs.ds = g.sregs.es = g.sregs.ss = g.sregs.fs = g.sregs.gs = flat;
    g.sregs.cr0 |= CR0_PE | CR0_PG;
    g.sregs.cr3 = DIRECTORY_AT;
    g.sregs.cr4 |= CR4_PSE;
    int why = guest_run(&g);
    guest_free(&g);
    return why == KVM_EXIT_IO;
}

int main(void)
{
    struct guest g;
    const uint8_t nothing = 0xf4;

    if (!guest_new(&g, &nothing, 1)) {
        printf("kvm /dev/kvm cannot be used: %s\n", strerror(errno));
        return 0;
    }
    guest_free(&g);
    if (!on_processor())
        printf("processor this KVM emulates the processor: the host has no VMX or SVM\n");
    if (!has_vmx())
        printf("vmcall the host's processor has no VMX, whose VMCALL a guest of KVM needs\n");
    if (!has_irq_window())
        printf("irq-window this KVM does not take an interrupt where it is allowed\n");
    if (!has_paging32())
        printf("paging32 this KVM has no paging outside long mode\n");
    return 0;
}
