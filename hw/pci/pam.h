/* SPDX-License-Identifier: MIT */
/*
 * Programmable attribute map: what C0000h-FFFFFh shows, RAM or the bus below it, for reads and
 * for writes apart; and the RAM behind the VGA window while SMRAM is open. The same registers
 * in the 440FX (Intel 290549, 3.2.13, 3.2.16) and in later host bridges (Q35: 316966, 5.1.16 on).
 * System management mode is not modelled, so only D_OPEN shows SMRAM. Machine lock.
 */
#ifndef HW_PCI_PAM_H
#define HW_PCI_PAM_H

#include "core/machine.h"
#include "core/region.h"

enum { /* PAM_READ, PAM_WRITE: a segment's two bits, what goes to RAM */
    PAM_READ = 1,
    PAM_WRITE = 2,
    PAM_SEGMENTS = 13,  /* C0000h-EFFFFh in 16 KiB, F0000h in 64 KiB */
    PAM_REGISTERS = 7,  /* PAM0 7:4 is F0000h; PAM1 on hold two segments, the lower in 3:0 */
    PAM_WMASK = 0x33,
    SMRAM_RESET = 0x02,
    SMRAM_G_SMRAME = 0x08,
    SMRAM_D_LCK = 0x10,
    SMRAM_D_OPEN = 0x40,
    SMRAM_WMASK = 0x78, /* bits 2:0 are fixed */
};

struct pam_segment {
    struct machine *machine;
    uint32_t base, size;
    struct region ram;       /* reads and writes to RAM, or reads only */
    struct region write_ram; /* reads below, writes to RAM */
};

struct pam {
    struct pam_segment seg[PAM_SEGMENTS];
    struct region smram; /* RAM at A0000h while SMRAM is open */
};

/* rom: what the bus shows from E0000h on, at rom_offset of it; NULL: nothing. */
void pam_init(struct pam *p, struct machine *m, struct ram_block *rom, uint64_t rom_offset);
void pam_fini(struct pam *p);
/* The registers' values: PAM0 to PAM6, and SMRAM. */
void pam_update(struct pam *p, const uint8_t *regs, uint8_t smram);
/* What firmware does before it hands over: all RAM, readable and writable. */
void pam_open(uint8_t *regs);
/* A configuration write may have locked SMRAM: closed, and unchangeable, until reset. */
void pam_smram_written(uint8_t *smram, uint8_t *wmask);

#endif
