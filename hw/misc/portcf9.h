/* SPDX-License-Identifier: MIT */
/*
 * Reset control register, port CF9h of Intel south bridges (PIIX3: 290550, 4.2.5.1; ICH9: 316972,
 * 13.7.5). The host bridge passes accesses on (struct pci_conf1). Machine lock.
 */
#ifndef HW_MISC_PORTCF9_H
#define HW_MISC_PORTCF9_H

#include <stdint.h>

struct machine;

enum {
    RC_HARD = 0x02,  /* what kind of reset bit 2 starts */
    RC_RESET = 0x04, /* 0 to 1: reset now */
    RC_FULL = 0x08,  /* ICH9: take power away as well; stored */
};

struct portcf9 {
    struct machine *machine;
    uint8_t writable;
    uint8_t rc;
};

/* For cf9_read and cf9_write of a struct pci_conf1. */
uint64_t portcf9_read(void *portcf9);
void portcf9_write(void *portcf9, uint8_t val);

#endif
