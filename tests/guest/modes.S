/* SPDX-License-Identifier: MIT */
/*
 * A ROM of 64 KiB for tests/guest/gdb.sh: from the reset vector through real mode (a segment other
 * than the reset vector's), 32-bit protected mode and 64-bit mode, counting in BX, EBX, RBX.
 * Linked at F0000h.
 */
        .code16
        .globl _start, real, protected, long_mode, protected_done
_start:
        cli
        cld
        lgdtl   %cs:(gdtr - _start)
        mov     $0x1000, %ax
        mov     %ax, %ds
        mov     $0x1234, %bx
        ljmp    $0xf100, $(real - _start - 0x1000)      /* the same place, another segment */

        .org    0x1100
real:
        inc     %bx
        movw    %bx, 0x20                               /* at 10020h */
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $0x18, $protected

        .code32
protected:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $0x20000, %esp
        mov     $0x89abcdef, %ebx
        call    protected_fn
        mov     $0x3000, %edi                           /* PML4, PDPT with two 1 GiB ... */
        mov     $0x4003, %eax
        mov     %eax, 0x3000
        movl    $0x5003, 0x4000                         /* ... as 2 MiB pages */
        mov     $0x5000, %edi
        mov     $0x83, %eax
1:      mov     %eax, (%edi)
        movl    $0, 4(%edi)
        add     $8, %edi
        add     $0x200000, %eax
        cmp     $0x40000000, %eax
        jb      1b
        mov     $0x3000, %eax
        mov     %eax, %cr3
        mov     $0x20, %eax
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        or      $0x80000000, %eax
        mov     %eax, %cr0
protected_done:
        ljmp    $0x08, $long_mode
protected_fn:
        inc     %ebx
        ret

        .code64
long_mode:
        mov     $0x1122334455667788, %rbx
        inc     %rbx
        mov     %rbx, 0x20000
        mov     %ebx, %r9d
1:      hlt
        jmp     1b

        .balign 8
gdt:    .quad   0
        .quad   0x00af9b000000ffff
        .quad   0x00cf93000000ffff
        .quad   0x00cf9b000000ffff
gdtr:   .word   31
        .long   gdt

        .org    0xfff0
        .code16
        ljmp    $0xf000, $0
        .org    0x10000
        .section .note.GNU-stack, "", @progbits
