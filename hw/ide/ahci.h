/* SPDX-License-Identifier: MIT */
/*
 * AHCI controller of ICH9 (8086:2922): six ports, a drive each. Part of the Q35 board at 00:1f.2,
 * and -device ich9-ahci. Machine lock.
 */
#ifndef HW_IDE_AHCI_H
#define HW_IDE_AHCI_H

#include "hw/ide/ahci_regs.h"
#include "hw/ide/ide.h"
#include "hw/pci/pci.h"

enum { AHCI_PORTS = 6, AHCI_NO_SLOT = 0xff };

struct ahci;
struct ahci_port {
    struct ahci *hba;
    unsigned n;
    struct ide_channel channel;
    char *name;                 /* of its bus */
    uint64_t clb, fb;
    uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    /* the command that is carried out */
    uint8_t slot;               /* AHCI_NO_SLOT: none */
    uint32_t header;            /* its header's first doubleword */
    uint64_t table;             /* its command table */
    uint64_t moved;             /* bytes so far: where its PRDT goes on */
    uint8_t control;            /* device control register of the last control FIS */
    bool sign;                  /* the drive was reset: its signature is to be received */
    bool told;                  /* the FIS before the data has told the end as well */
    bool running;               /* within ahci_port_run() */
    bool failed;                /* stopped by an error, until ST is cleared */
};

struct ahci {
    struct pci_device pci;
    struct ahci_port port[AHCI_PORTS];
    uint32_t ghc, is;
    uint32_t told;              /* bits of `is` that an MSI was sent for */
    struct region mmio;         /* BAR 5 */
};

extern const struct pci_device_type ahci_type;

/* ahci.c: interrupts of a port or of the HBA may have changed. */
void ahci_update(struct ahci *h);

/* ahci_port.c */
void ahci_port_init(struct ahci *h, unsigned n);
void ahci_port_fini(struct ahci_port *p);
void ahci_port_reset(struct ahci_port *p);
void ahci_port_loaded(struct ahci_port *p);
uint32_t ahci_port_read(struct ahci_port *p, unsigned reg);
void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t val);
static inline struct ide_drive *ahci_drive(const struct ahci_port *p)
{
    return p->channel.drive[0];
}

/* ahci_cmd.c: look for a command in CI that can begin, or for the end of the present one. */
extern const struct ide_link ahci_link;
void ahci_port_run(struct ahci_port *p);
/* The drive's registers as a D2H FIS: received, and into PxTFD. */
void ahci_receive_d2h(struct ahci_port *p, bool interrupt);

#endif
