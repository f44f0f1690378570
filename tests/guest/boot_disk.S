/* SPDX-License-Identifier: MIT */
/*
 * A boot sector: says from where it runs, reads the second sector (on a CD: the block of 2048
 * bytes with that number) by INT 13h AH=42h, on a floppy disk AH=02h, and prints its text, writes
 * it back to the third, reads that one. Output on COM1; ends through isa-debug-exit.
 */
    .code16
    .globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
    mov %dl, drive
    mov $running, %si
    call puts
    mov $1, %cx
    mov $0x42, %ah
    call disk
    call print_sector
    testb $0x60, drive      /* E0h and up: a CD, which is not written */
    jnz done
    mov $2, %cx
    mov $0x43, %ah
    call disk
    movb $0, 0x8000
    mov $2, %cx
    mov $0x42, %ah
    call disk
    call print_sector
done:
    mov $0x10, %al
    jmp out
failed:
    mov $error, %si
    call puts
    mov $0x11, %al
out:
    mov $0xf4, %dx
    outb %al, %dx
    hlt

disk: /* AH: service, CX: block */
    mov %cx, packet + 8
    mov drive, %dl
    test $0x80, %dl
    jnz 1f
    and $3, %ah             /* 02h, 03h: cylinder 0, head 0, sector CX + 1 */
    mov $1, %al
    inc %cx
    xor %dh, %dh
    mov $0x8000, %bx
    push %ds
    pop %es
    int $0x13
    jc failed
    ret
1:
    mov $packet, %si
    xor %al, %al
    int $0x13
    jc failed
    ret
print_sector:
    mov $0x8000, %si
puts:
    lodsb
    test %al, %al
    jz 1f
    mov $0x3f8, %dx
    outb %al, %dx
    jmp puts
1:  ret

running: .asciz "boot sector runs\r\n"
error:   .asciz "INT 13h failed\r\n"
drive:   .byte 0
    .balign 4
packet:  .byte 16, 0
    .word 1, 0x8000, 0
    .quad 0
    .org 510
    .word 0xaa55
