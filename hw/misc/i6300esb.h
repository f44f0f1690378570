/* SPDX-License-Identifier: MIT */
/* i6300esb: a watchdog timer on PCI. See i6300esb.c. */
#ifndef HW_MISC_I6300ESB_H
#define HW_MISC_I6300ESB_H

#include "core/clock.h"
#include "hw/pci/pci.h"

struct i6300esb {
    struct pci_device pci;
    struct region regs;
    struct timer timer;
    uint32_t preload[2]; /* of both stages */
    uint8_t stage;       /* that is counting: 1 or 2 */
    uint8_t unlock;      /* how far the unlock sequence has got: 0, 1, 2 */
    bool interrupted;    /* GINTSR */
    bool timed_out;      /* the second stage has expired; survives the reset it causes */
};

extern const struct pci_device_type i6300esb_type;

#endif
