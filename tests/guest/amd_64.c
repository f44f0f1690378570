/* SPDX-License-Identifier: MIT */
/*
 * options: -cpu max,vendor=AuthenticAMD
 * kvm: needs processor
 * SYSCALL in compatibility mode, which goes to CSTAR, and when SYSCALL and SYSRET trap for TF:
 * by TF at their end. AMD64 manual vol. 3, SYSCALL and SYSRET.
 */
#include "guest.h"

#define MSR_STAR 0xc0000081
volatile unsigned rounds;
ulong saved_sp;
static unsigned db_cs, dbs;
static ulong db_ip;
extern char user32_second[], target32[];

static void on_db(struct regs *r)
{
    db_cs = r->cs;
    db_ip = r->ip;
    dbs++;
    r->flags &= ~0x100ul;
}

asm(".code32\n"
    "user32: pushf; pop %eax; or $0x100, %eax; push %eax; popf; syscall\n"
    "user32_second: syscall\n"
    ".code64\n"
    "target32: incl rounds(%rip)\n"
    "  cmpl $2, rounds(%rip); jae 1f\n"
    "  sysretl\n" /* R11 is what SYSCALL saved: TF is set */
    "1: mov saved_sp(%rip), %rsp; ret\n");

void enter32(ulong sp, ulong flags);
asm("enter32: mov %rsp, saved_sp(%rip); mov %rdi, %rsp; mov $user32, %ecx; mov %rsi, %r11\n"
    "  sysretl\n");

int main(void)
{
    hook[1] = on_db;
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1);
    wrmsr(0xc0000083, (ulong)target32);
    wrmsr(MSR_STAR, (uint64_t)(UCODE32 & ~3u) << 48 | (uint64_t)CODE << 32);
    wrmsr(0xc0000084, 0x4700);
    enter32((ulong)user_stack + sizeof(user_stack), 2);
    print("to CSTAR: %u\n", rounds);
    print("traps: %u in %x, behind SYSCALL %d\n", dbs, db_cs, db_ip == (ulong)user32_second);
    return 0;
}
