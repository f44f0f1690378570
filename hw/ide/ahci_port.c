/* SPDX-License-Identifier: MIT */
/* An AHCI port's registers and link. Serial ATA AHCI 1.3.1, 3.3, 5 and 10. */
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ahci.h"

/* ---- Link and reset ------------------------------------------------------------------- */

/* Commands are forgotten; one that is under way ends in nothing. */
static void drop_commands(struct ahci_port *p)
{
    p->ci = p->sact = 0;
    p->slot = AHCI_NO_SLOT;
    p->moved = 0;
    p->failed = false;
}

/* The link came up: the drive sends its signature once it is ready. */
static void connect(struct ahci_port *p)
{
    struct ide_drive *d = ahci_drive(p);

    drop_commands(p);
    p->tfd = TFD_NONE;
    p->sig = SIG_NONE;
    p->ssts = d ? SSTS_ONLINE : SSTS_OFFLINE;
    if (!d)
        return;
    p->serr |= SERR_DIAG_X;
    ide_drive_reset(d);
    p->sign = true;
    ahci_port_run(p);
}

void ahci_port_reset(struct ahci_port *p)
{
    p->clb = p->fb = 0;
    p->is = p->ie = p->serr = p->sctl = 0;
    p->cmd = PXC_SUD | PXC_POD;
    p->control = 0;
    p->sign = false;
    connect(p);
}

static void sctl_write(struct ahci_port *p, uint32_t val)
{
    bool was = (p->sctl & SCTL_DET) == SCTL_DET_INIT, now = (val & SCTL_DET) == SCTL_DET_INIT;

    p->sctl = val & 0xfff;
    if (now && !was) {
        drop_commands(p);
        p->ssts = SSTS_OFFLINE;
        p->tfd = TFD_NONE;
    } else if (was && !now) {
        connect(p);
    }
}

/* ---- Registers ------------------------------------------------------------------------ */

/* The bits of PxIS that follow from PxSERR. */
static uint32_t causes(const struct ahci_port *p)
{
    return (p->serr & SERR_DIAG_X ? PXI_PCS : 0) | (p->serr & SERR_DIAG_N ? PXI_PRCS : 0);
}

static uint32_t cmd_read(const struct ahci_port *p)
{
    const struct ide_drive *d = ahci_drive(p);
    uint32_t v = p->cmd;

    if (v & PXC_FRE)
        v |= PXC_FR;
    /* The engine stops once what the drive is at has ended. */
    if ((v & PXC_ST) || (d && d->busy))
        v |= PXC_CR;
    return v | (uint32_t)(p->slot == AHCI_NO_SLOT ? 0 : p->slot) << PXC_CCS_SHIFT;
}

uint32_t ahci_port_read(struct ahci_port *p, unsigned reg)
{
    switch (reg) {
    case PX_CLB:
        return (uint32_t)p->clb;
    case PX_CLBU:
        return (uint32_t)(p->clb >> 32);
    case PX_FB:
        return (uint32_t)p->fb;
    case PX_FBU:
        return (uint32_t)(p->fb >> 32);
    case PX_IS:
        return p->is;
    case PX_IE:
        return p->ie;
    case PX_CMD:
        return cmd_read(p);
    case PX_TFD:
        return p->tfd;
    case PX_SIG:
        return p->sig;
    case PX_SSTS:
        return p->ssts;
    case PX_SCTL:
        return p->sctl;
    case PX_SERR:
        return p->serr;
    case PX_SACT:
        return p->sact;
    case PX_CI:
        return p->ci;
    default:
        return 0;
    }
}

static void cmd_write(struct ahci_port *p, uint32_t val)
{
    bool stops = (p->cmd & PXC_ST) && !(val & PXC_ST);

    if (val & PXC_CLO)
        p->tfd &= ~(uint32_t)(ST_BSY | ST_DRQ);
    p->cmd = (p->cmd & ~(uint32_t)PXC_WRITABLE) | (val & PXC_WRITABLE);
    if (stops)
        drop_commands(p);
}

static void set_half(uint64_t *reg, bool high, uint32_t val, uint32_t mask)
{
    if (high)
        *reg = (*reg & UINT32_MAX) | (uint64_t)val << 32;
    else
        *reg = (*reg & ~(uint64_t)UINT32_MAX) | (val & mask);
}

void ahci_port_write(struct ahci_port *p, unsigned reg, uint32_t val)
{
    switch (reg) {
    case PX_CLB:
    case PX_CLBU:
        set_half(&p->clb, reg == PX_CLBU, val, ~0x3ffu);
        break;
    case PX_FB:
    case PX_FBU:
        set_half(&p->fb, reg == PX_FBU, val, ~0xffu);
        break;
    case PX_IS:
        p->is &= ~(val & ~(uint32_t)PXI_FROM_SERR);
        break;
    case PX_IE:
        p->ie = val & PXI_ALL;
        break;
    case PX_CMD:
        cmd_write(p, val);
        break;
    case PX_SCTL:
        sctl_write(p, val);
        break;
    case PX_SERR:
        p->serr &= ~val;
        break;
    case PX_CI: /* software cannot clear a bit, nor set one while the engine is stopped */
        if (p->cmd & PXC_ST)
            p->ci |= val;
        break;
    }
    p->is = (p->is & ~(uint32_t)PXI_FROM_SERR) | causes(p);
    ahci_port_run(p);
    ahci_update(p->hba);
}

/* ---- Life ----------------------------------------------------------------------------- */

void ahci_port_init(struct ahci *h, unsigned n)
{
    struct ahci_port *p = &h->port[n];
    struct machine *m = h->pci.dev.machine;
    unsigned before = 0;

    while (ide_channel_find(m, before))
        before++;
    p->hba = h;
    p->n = n;
    p->name = h->pci.dev.id ? g_strdup_printf("%s.%u", h->pci.dev.id, n)
                            : g_strdup_printf("ide.%u", before + n);
    p->channel = (struct ide_channel){.link = &ahci_link, .machine = m, .owner = &h->pci.dev,
                                      .name = p->name, .units = 1};
    p->slot = AHCI_NO_SLOT;
}

/* The drive goes with its port. */
void ahci_port_fini(struct ahci_port *p)
{
    if (ahci_drive(p))
        device_free(&ahci_drive(p)->dev);
    g_clear_pointer(&p->name, g_free);
}

/* What a saved state may claim is bounded here. */
void ahci_port_loaded(struct ahci_port *p)
{
    if (p->slot >= CMD_SLOTS)
        p->slot = AHCI_NO_SLOT;
    p->clb &= ~0x3ffull;
    p->fb &= ~0xffull;
    p->cmd &= PXC_WRITABLE | PXC_SUD | PXC_POD;
}
