/* SPDX-License-Identifier: MIT */
/*
 * An option ROM for pci-testdev (1b36:0005): firmware calls it at 3 when its own services are
 * there. It copies itself to 20000h and runs screen_main() there with all segments equal.
 */
    .code16
    .section .head, "ax"
    .globl _start
_start:
    .word 0xaa55
    .byte ROM_BLOCKS            /* of 512 bytes; given by the script */
    jmp init
    .org 0x18
    .word pcir
    .org 0x20
pcir:
    .ascii "PCIR"
    .word 0x1b36, 0x0005, 0, 24
    .byte 0, 0, 0, 0            /* revision, class */
    .word ROM_BLOCKS, 0
    .byte 0, 0x80               /* PC code, the last image */
    .word 0
init:
    cli
    mov $0x2000, %ax
    mov %ax, %es
    push %cs
    pop %ds
    xor %si, %si
    xor %di, %di
    mov $(ROM_BLOCKS * 256), %cx
    cld
    rep movsw
    ljmp $0x2000, $run
run:
    mov %cs, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0xfff0, %esp
    sti
    calll screen_main
1:  hlt
    jmp 1b

/* void bios10(struct regs *): INT 10h with ax bx cx dx bp es, results in the same. */
    .text
    .globl bios10
bios10:
    push %ebx
    push %esi
    push %edi
    push %ebp
    mov 20(%esp), %esi
    mov 0(%esi), %ax
    mov 2(%esi), %bx
    mov 4(%esi), %cx
    mov 6(%esi), %dx
    mov 8(%esi), %bp
    mov 10(%esi), %es
    mov 12(%esi), %di
    push %esi
    int $0x10
    pop %esi
    mov %ax, 0(%esi)
    mov %bx, 2(%esi)
    mov %cx, 4(%esi)
    mov %dx, 6(%esi)
    push %ds
    pop %es
    pop %ebp
    pop %edi
    pop %esi
    pop %ebx
    retl

/* void wait_key(void): INT 16h function 0. */
    .globl wait_key
wait_key:
    push %ebx
    xor %ax, %ax
    int $0x16
    pop %ebx
    retl
