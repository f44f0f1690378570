/* SPDX-License-Identifier: MIT */
/* Intel 82540EM Gigabit Ethernet Controller: what its files share. */
#ifndef HW_NET_E1000_H
#define HW_NET_E1000_H

#include "core/clock.h"
#include "hw/net/e1000_regs.h"
#include "hw/pci/pci.h"
#include "net/net.h"

enum { E1000_EEPROM_WORDS = 64, E1000_PHY_REGS = 32, E1000_HEAD = 512 };

/* What a context descriptor says (3.3.6). */
struct e1000_context {
    uint16_t ipcse, tucse, mss;
    uint8_t ipcss, ipcso, tucss, tucso, hdrlen;
    uint8_t kind; /* E1000_CTX_* */
};
enum { E1000_CTX_TCP = 1, E1000_CTX_IPV4 = 2 };

struct e1000 {
    struct pci_device pci;
    struct net_client client;
    struct net_client *backend; /* property */
    uint8_t mac[6];             /* property */
    struct region mmio, io;

    uint32_t reg[E1000_REGS_END / 4]; /* by offset */
    uint16_t eeprom[E1000_EEPROM_WORDS];
    uint16_t phy[E1000_PHY_REGS];
    uint32_t io_addr;

    /* Microwire: what the serial EEPROM is doing. */
    uint8_t ee_bits;   /* taken since chip select, the start bit first */
    uint32_t ee_in;
    uint32_t ee_out;
    uint8_t ee_out_bits;
    bool ee_write_enabled;

    struct e1000_context context[2]; /* checksums, segmentation */
    int64_t irq_next;    /* the earliest time of the next interrupt: ITR */
    struct timer tx_work, tx_delay, tx_delay_abs, rx_delay, rx_delay_abs, throttle, autoneg;
};

static inline uint32_t *e1000_reg(struct e1000 *e, unsigned off)
{
    return &e->reg[off / 4];
}

static inline struct e1000 *e1000_of(struct net_client *c)
{
    return (struct e1000 *)((char *)c - offsetof(struct e1000, client));
}

extern const struct pci_device_type e1000_type;

/* e1000.c: causes of interrupts, and the pin that follows. */
void e1000_cause(struct e1000 *e, uint32_t bits);
void e1000_irq_update(struct e1000 *e);
void e1000_count(struct e1000 *e, unsigned stat, uint32_t n);
void e1000_count64(struct e1000 *e, unsigned stat, uint64_t n);

/* e1000_nvm.c: EEPROM and PHY */
void e1000_nvm_init(struct e1000 *e);
void e1000_eecd_write(struct e1000 *e, uint32_t val);
uint32_t e1000_eecd_read(struct e1000 *e);
void e1000_eerd_write(struct e1000 *e, uint32_t val);
void e1000_mdic_write(struct e1000 *e, uint32_t val);
void e1000_phy_reset(struct e1000 *e);
void e1000_link_update(struct e1000 *e);
void e1000_autoneg_done(void *arg);

/* e1000_tx.c */
void e1000_tx_work(void *arg);
/* e1000_rx.c */
bool e1000_can_receive(struct net_client *c);
bool e1000_receive(struct net_client *c, const struct net_frame *f);
void e1000_rx_reported(void *arg);

#endif
