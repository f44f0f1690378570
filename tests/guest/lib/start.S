/* SPDX-License-Identifier: MIT */
/* Multiboot entry, the way into 64-bit mode, trap stubs, try() and try_user(). */
#define MB_FLAGS 0
        .section .multiboot, "a"
        .balign 4
        .long 0x1badb002, MB_FLAGS, -(0x1badb002 + MB_FLAGS)

        .section .bss
        .balign 4096
stack:  .skip 32768
stack_top:
#ifdef LONG
        .balign 4096
        .globl pml4, pdpt, pd
pml4:   .skip 4096
pdpt:   .skip 4096
pd:     .skip 4 * 4096
#endif

        .text
        .code32
        .globl _start
_start:
        cli
        cld
        mov     $stack_top, %esp
        mov     %ebx, multiboot_info
#ifdef LONG
        mov     $pd, %edi               /* 2048 pages of 2 MiB, present, writable, user */
        mov     $0x87, %eax
1:      mov     %eax, (%edi)
        movl    $0, 4(%edi)
        add     $8, %edi
        add     $0x200000, %eax
        jnc     1b
        mov     $pdpt, %edi
        mov     $pd + 7, %eax
        mov     $4, %ecx
2:      mov     %eax, (%edi)
        add     $8, %edi
        add     $4096, %eax
        loop    2b
        movl    $pdpt + 7, pml4
        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x900, %eax            /* LME, NXE */
        wrmsr
        mov     %cr0, %eax
        and     $~0xc, %eax             /* EM, TS */
        or      $0x80010022, %eax       /* PG, WP, NE, MP */
        mov     %eax, %cr0
        lgdt    boot_gdtr
        ljmp    $0x08, $long_entry

        .code64
long_entry:
        mov     $stack_top, %rsp
        call    setup
        call    main
        mov     %eax, %edi
        call    end
#else
        mov     %cr0, %eax
        and     $~0xc, %eax
        or      $0x22, %eax
        mov     %eax, %cr0
        lgdt    boot_gdtr
        ljmp    $0x08, $1f
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        call    setup
        call    main
        push    %eax
        call    end
#endif

        .data
        .balign 8
boot_gdt:
        .quad   0
#ifdef LONG
        .quad   0x00af9b000000ffff
#else
        .quad   0x00cf9b000000ffff
#endif
        .quad   0x00cf93000000ffff
boot_gdtr:
        .word   boot_gdtr - boot_gdt - 1
        .long   boot_gdt
        .long   0

/* ---- Trap stubs ------------------------------------------------------------------------- */
        .text
        .altmacro
#ifdef LONG
#define WORD .quad
#else
#define WORD .long
#endif
        .macro STUB n
stub\n:
        .if     !(\n == 8 || (\n >= 10 && \n <= 14) || \n == 17)
        push    $0
        .endif
        .if     \n < 128
        push    $\n
        .elseif 1
        push    $\n
        .endif
        jmp     common
        .section .rodata
        WORD    stub\n
        .text
        .endm

        .section .rodata
        .globl stubs
        .balign 8
stubs:
        .text
        .set    i, 0
        .rept   256
        STUB    %i
        .set    i, i + 1
        .endr

common:
        cld
#ifdef LONG
        push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        call    trap                    /* returns only for hooks */
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        iretq

        .globl try_call, try_leave, enter_user
try_call:                               /* rdi = function */
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, try_sp
        call    *%rdi
        xor     %eax, %eax
        jmp     1f
try_leave:
        mov     try_sp, %rsp
        mov     $1, %eax
1:      pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

enter_user:                             /* user_fn(user_arg) in ring 3, seen at + user_alias */
        push    $0x23
        lea     user_stack + 8192 - 16(%rip), %rax
        lea     user_exit(%rip), %rcx
        add     user_alias(%rip), %rcx
        mov     %rcx, (%rax)
        add     user_alias(%rip), %rax
        push    %rax
        push    user_flags(%rip)
        push    $0x2b
        mov     user_fn(%rip), %rax
        add     user_alias(%rip), %rax
        push    %rax
        mov     user_arg(%rip), %rdi
        iretq
#else
        push    %eax
        push    %ecx
        push    %edx
        push    %ebx
        push    %ebp
        push    %esi
        push    %edi
        mov     %ss, %eax               /* flat whatever the test did */
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        push    %esp
        call    trap
        add     $4, %esp
        pop     %edi
        pop     %esi
        pop     %ebp
        pop     %ebx
        pop     %edx
        pop     %ecx
        pop     %eax
        add     $8, %esp
        iret

        .globl try_call, try_leave, enter_user
try_call:                               /* 4(esp) = function */
        mov     4(%esp), %eax
        push    %ebx
        push    %ebp
        push    %esi
        push    %edi
        mov     %esp, try_sp
        call    *%eax
        xor     %eax, %eax
        jmp     1f
try_leave:
        mov     $0x10, %eax
        mov     %eax, %ss
        mov     try_sp, %esp
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $1, %eax
1:      pop     %edi
        pop     %esi
        pop     %ebp
        pop     %ebx
        ret

enter_user:
        mov     $0x23, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        push    %eax
        mov     $user_stack + 8192 - 16, %eax
        movl    $user_exit, (%eax)
        push    %eax
        push    user_flags
        push    $0x1b
        push    user_fn
        iret
#endif
user_exit:
        int     $0x20
        .section .note.GNU-stack, "", @progbits
