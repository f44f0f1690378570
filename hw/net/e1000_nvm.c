/* SPDX-License-Identifier: MIT */
/*
 * Beside the MAC of the 82540EM: its Microwire EEPROM (SDM 5; the commands of a 93C46) and its
 * PHY (SDM 13.4.3 and the M88E1000's registers). Writes to the EEPROM last until power off.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/net/e1000.h"

enum {
    EE_CHECKSUM_WORD = 0x3f, EE_CHECKSUM = 0xbaba, EE_ADDRESS_BITS = 6,
    EE_COMMAND_BITS = 3 + EE_ADDRESS_BITS, EE_DATA_BITS = 16,
    EE_OP_OTHER = 4, EE_OP_WRITE = 5, EE_OP_READ = 6, /* with the start bit */
    EE_OTHER_DISABLE = 0, EE_OTHER_ENABLE = 3,
    AUTONEG_NS = 500000000,
};

/* ---- EEPROM ---------------------------------------------------------------------------- */

void e1000_nvm_init(struct e1000 *e)
{
    static const uint16_t rest[E1000_EEPROM_WORDS] = {
        [0x03] = 0x0420, [0x05] = 0xf746, [0x0a] = 0x3a40, [0x0b] = 0x1100, [0x0c] = 0x1af4,
        [0x0d] = 0x100e, [0x0e] = 0x8086, [0x0f] = 0x3040, [0x10] = 0x0008, [0x11] = 0x2000,
        [0x12] = 0x7e14, [0x13] = 0x0048, [0x14] = 0x1000, [0x15] = 0x00d8, [0x17] = 0x2700,
        [0x18] = 0x6cc9, [0x19] = 0x3150, [0x1a] = 0x0722, [0x1b] = 0x040b, [0x1c] = 0x0984,
        [0x1e] = 0xc000, [0x1f] = 0x0706, [0x21] = 0x1008, [0x23] = 0x0f04, [0x24] = 0x7fff,
        [0x25] = 0x4d01, [0x38] = 0x0100, [0x39] = 0x4000, [0x3a] = 0x121c, [0x3b] = 0xffff};
    uint16_t sum = 0;

    memcpy(e->eeprom, rest, sizeof(rest));
    for (unsigned i = 0; i < 3; i++)
        e->eeprom[i] = (uint16_t)(e->client.mac[2 * i] | e->client.mac[2 * i + 1] << 8);
    for (unsigned i = 0; i < EE_CHECKSUM_WORD; i++)
        sum = (uint16_t)(sum + e->eeprom[i]);
    e->eeprom[EE_CHECKSUM_WORD] = (uint16_t)(EE_CHECKSUM - sum);
}

static void ee_command(struct e1000 *e)
{
    unsigned op = e->ee_in >> EE_ADDRESS_BITS & 7, addr = e->ee_in & (E1000_EEPROM_WORDS - 1);

    if (op == EE_OP_READ) {
        e->ee_out = e->eeprom[addr];
        e->ee_out_bits = EE_DATA_BITS + 1; /* a zero comes first */
    } else if (op == EE_OP_OTHER && addr >> (EE_ADDRESS_BITS - 2) == EE_OTHER_ENABLE) {
        e->ee_write_enabled = true;
    } else if (op == EE_OP_OTHER && addr >> (EE_ADDRESS_BITS - 2) == EE_OTHER_DISABLE) {
        e->ee_write_enabled = false;
    }
}

static void ee_write(struct e1000 *e)
{
    unsigned op = e->ee_in >> (EE_ADDRESS_BITS + EE_DATA_BITS) & 7;
    unsigned addr = e->ee_in >> EE_DATA_BITS & (E1000_EEPROM_WORDS - 1);

    if (op == EE_OP_WRITE && e->ee_write_enabled)
        e->eeprom[addr] = (uint16_t)e->ee_in;
}

/* A rising edge of SK with the chip selected. */
static void ee_clock(struct e1000 *e, unsigned di)
{
    if (e->ee_out_bits > 1) {
        e->ee_out_bits--;
        return;
    }
    if (e->ee_bits == 0 && !di)
        return; /* no start bit yet */
    e->ee_in = e->ee_in << 1 | di;
    if (e->ee_bits < UINT8_MAX)
        e->ee_bits++;
    if (e->ee_bits == EE_COMMAND_BITS)
        ee_command(e);
    else if (e->ee_bits == EE_COMMAND_BITS + EE_DATA_BITS)
        ee_write(e);
}

void e1000_eecd_write(struct e1000 *e, uint32_t val)
{
    uint32_t *eecd = e1000_reg(e, E1000_EECD), old = *eecd;

    *eecd = val & (EECD_SK | EECD_CS | EECD_DI | EECD_FWE | EECD_REQ);
    if (!(val & EECD_CS)) {
        e->ee_bits = 0;
        e->ee_in = 0;
        e->ee_out_bits = 0;
    } else if (val & EECD_SK && !(old & EECD_SK)) {
        ee_clock(e, (val & EECD_DI) != 0);
    }
}

uint32_t e1000_eecd_read(struct e1000 *e)
{
    uint32_t v = *e1000_reg(e, E1000_EECD) | EECD_PRES;
    /* Bit n of the word while n + 1 are left; a ready chip says 1. */
    bool high = !e->ee_out_bits || (e->ee_out_bits <= EE_DATA_BITS &&
                                    (e->ee_out >> (e->ee_out_bits - 1) & 1));

    if (v & EECD_REQ)
        v |= EECD_GNT;
    return high ? v | EECD_DO : v;
}

void e1000_eerd_write(struct e1000 *e, uint32_t val)
{
    unsigned addr = val >> EERD_ADDR_SHIFT & 0xff;
    uint32_t v = val & 0xff00;

    if (val & EERD_START && addr < E1000_EEPROM_WORDS)
        v |= EERD_DONE | (uint32_t)e->eeprom[addr] << EERD_DATA_SHIFT;
    *e1000_reg(e, E1000_EERD) = v;
}

/* ---- PHY --------------------------------------------------------------------------------- */

void e1000_phy_reset(struct e1000 *e)
{
    static const uint16_t initial[E1000_PHY_REGS] = {
        [PHY_CTRL] = 0x1140, [PHY_STATUS] = 0x7949, [PHY_ID1] = 0x0141, [PHY_ID2] = 0x0c20,
        [PHY_ADV] = 0x0de1, [PHY_LPA] = 0x01e1, [PHY_EXP] = 0x0003, [PHY_1000T_CTRL] = 0x0e00,
        [PHY_1000T_STATUS] = 0x3c00, [PHY_EXT_STATUS] = 0x3000, [PHY_SPEC_CTRL] = 0x0360,
        [PHY_SPEC_STATUS] = 0xa000, [PHY_EXT_CTRL] = 0x0d60};

    memcpy(e->phy, initial, sizeof(e->phy));
}

static bool negotiating(const struct e1000 *e)
{
    return timer_pending(&e->autoneg);
}

/* STATUS.LU and the PHY follow the cable; a change is an interrupt. */
void e1000_link_update(struct e1000 *e)
{
    uint32_t *status = e1000_reg(e, E1000_STATUS);
    bool was = *status & STATUS_LU, up = net_link_up(&e->client) && !negotiating(e);

    *status = up ? *status | STATUS_LU : *status & ~(uint32_t)STATUS_LU;
    if (up) {
        e->phy[PHY_STATUS] |= MII_LINK | MII_AN_DONE;
        e->phy[PHY_SPEC_STATUS] |= SPEC_LINK | SPEC_RESOLVED;
    } else {
        e->phy[PHY_STATUS] &= (uint16_t)~(MII_LINK | MII_AN_DONE);
        e->phy[PHY_SPEC_STATUS] &= (uint16_t)~(SPEC_LINK | SPEC_RESOLVED);
    }
    if (was != up)
        e1000_cause(e, ICR_LSC);
}

void e1000_autoneg_done(void *arg)
{
    e1000_link_update(arg);
}

static void phy_write(struct e1000 *e, unsigned reg, uint16_t val)
{
    if (reg == PHY_CTRL && val & MII_RESET) {
        e1000_phy_reset(e);
        e1000_link_update(e);
    } else if (reg == PHY_CTRL) {
        e->phy[reg] = val & 0x7dff;
        if (val & MII_AN_ENABLE && val & MII_AN_RESTART) {
            timer_set(&e->autoneg, clock_now(e->autoneg.clock) + AUTONEG_NS);
            e1000_link_update(e);
        }
    } else if (reg == PHY_ADV || reg == PHY_1000T_CTRL || reg == PHY_SPEC_CTRL ||
               reg == PHY_INT_ENABLE || reg == PHY_EXT_CTRL || reg > PHY_EXT_CTRL) {
        e->phy[reg] = val;
    }
}

void e1000_mdic_write(struct e1000 *e, uint32_t val)
{
    unsigned reg = val >> MDIC_REG_SHIFT & 31, phy = val >> MDIC_PHY_SHIFT & 31;
    uint32_t *mdic = e1000_reg(e, E1000_MDIC);

    *mdic = (val & ~(uint32_t)MDIC_E) | MDIC_R;
    if (phy != PHY_ADDRESS)
        *mdic |= MDIC_E;
    else if ((val & (3u << 26)) == MDIC_OP_READ)
        *mdic = (*mdic & ~0xffffu) | e->phy[reg];
    else if ((val & (3u << 26)) == MDIC_OP_WRITE)
        phy_write(e, reg, (uint16_t)val);
    if (val & MDIC_I)
        e1000_cause(e, ICR_MDAC);
}
