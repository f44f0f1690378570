/* SPDX-License-Identifier: MIT */
/* 8259A command words (Intel 231468, "Programming the 8259A"); 82371 (PIIX) ELCR. */
#ifndef HW_INTC_I8259_REGS_H
#define HW_INTC_I8259_REGS_H

enum {
    /* A0 = 0: ICW1 when bit 4 is set, OCW3 when bit 3 is, else OCW2 */
    ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_LTIM = 0x08, ICW1_SELECT = 0x10,
    ICW4_UPM = 0x01, ICW4_AEOI = 0x02, ICW4_SFNM = 0x10,
    ICW2_BASE = 0xf8,
    OCW3_SELECT = 0x08, OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_POLL = 0x04, OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
    OCW2_LEVEL = 0x07, OCW2_CMD = 0xe0,
    OCW2_CLEAR_ROTATE_AEOI = 0x00, OCW2_EOI = 0x20, OCW2_NOP = 0x40, OCW2_SPECIFIC_EOI = 0x60,
    OCW2_SET_ROTATE_AEOI = 0x80, OCW2_ROTATE_EOI = 0xa0, OCW2_SET_PRIORITY = 0xc0,
    OCW2_ROTATE_SPECIFIC = 0xe0,
    POLL_INT = 0x80,
    CASCADE_INPUT = 2, SPURIOUS_INPUT = 7,
    /* inputs that are always edge triggered: 0, 1, 2 and 8, 13 */
    ELCR_MASK_MASTER = 0xf8, ELCR_MASK_SLAVE = 0xde,
};

#endif
