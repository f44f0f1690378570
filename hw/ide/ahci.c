/* SPDX-License-Identifier: MIT */
/*
 * AHCI controller: the PCI function and its global registers. Serial ATA AHCI 1.3.1, ch. 2 and 3;
 * Intel 316972 (ICH9), ch. 15.
 *
 * Modelled: six ports with 32 command slots, 64-bit addresses, INTx and one MSI, HBA and port
 * reset, command list override. A drive works on one command at a time; native queuing, port
 * multipliers, command completion coalescing, staggered spin-up, link power management, hot plug
 * and enclosure management are not offered. The index and data pair of ICH9 (BAR 4) is not there.
 */
#include "hw/ide/ahci.h"

#include "core/machine.h"

#define ABAR_SIZE 0x1000

/* ---- Interrupts ----------------------------------------------------------------------- */

void ahci_update(struct ahci *h)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (h->port[i].is & h->port[i].ie)
            h->is |= 1u << i;
    uint32_t on = h->ghc & GHC_IE ? h->is : 0;
    uint32_t fresh = on & ~h->told;

    h->told = on;
    if (pci_msi_enabled(&h->pci)) {
        pci_set_intx(&h->pci, 0);
        if (fresh)
            pci_msi_notify(&h->pci, 0);
    } else {
        pci_set_intx(&h->pci, on != 0);
    }
}

/* ---- Registers ------------------------------------------------------------------------ */

static void hba_reset(struct ahci *h)
{
    h->ghc = GHC_AE;
    h->is = h->told = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_reset(&h->port[i]);
}

static uint32_t global_read(struct ahci *h, unsigned reg)
{
    switch (reg) {
    case AHCI_CAP:
        return CAP_S64A | CAP_SCLO | CAP_ISS_3GBPS | CAP_AHCI_ONLY |
               (CMD_SLOTS - 1) << CAP_NCS_SHIFT | (AHCI_PORTS - 1);
    case AHCI_GHC:
        return h->ghc;
    case AHCI_IS:
        return h->is;
    case AHCI_PI:
        return (1u << AHCI_PORTS) - 1;
    case AHCI_VS:
        return AHCI_VERSION_1_3;
    default:
        return 0;
    }
}

static void global_write(struct ahci *h, unsigned reg, uint32_t val)
{
    switch (reg) {
    case AHCI_GHC:
        if (val & GHC_HR)
            hba_reset(h);
        else
            h->ghc = GHC_AE | (val & GHC_IE);
        break;
    case AHCI_IS: /* a port with a cause left sets its bit again, which is news */
        h->is &= ~val;
        h->told &= ~val;
        break;
    }
    ahci_update(h);
}

static uint64_t mmio_read(void *dev, uint64_t off, unsigned size)
{
    struct ahci *h = dev;
    unsigned n = ((unsigned)off - AHCI_PORT_BASE) / AHCI_PORT_SIZE;

    if (off < AHCI_PORT_BASE)
        return global_read(h, (unsigned)off);
    return n < AHCI_PORTS ? ahci_port_read(&h->port[n], off % AHCI_PORT_SIZE) : 0;
}

static void mmio_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ahci *h = dev;
    unsigned n = ((unsigned)off - AHCI_PORT_BASE) / AHCI_PORT_SIZE;

    if (off < AHCI_PORT_BASE)
        global_write(h, (unsigned)off, (uint32_t)val);
    else if (n < AHCI_PORTS)
        ahci_port_write(&h->port[n], off % AHCI_PORT_SIZE, (uint32_t)val);
}

/* 3.: software reads and writes doublewords; bytes of a read are theirs. */
static const struct region_ops mmio_ops = {mmio_read, mmio_write, 4, 4};

/* ---- Life ----------------------------------------------------------------------------- */

/* What an error had stopped is tried again when the machine goes on. */
static void state_changed(void *arg)
{
    struct ahci *h = arg;

    for (unsigned i = 0; i < AHCI_PORTS && machine_running(h->pci.dev.machine); i++) {
        struct ide_drive *d = ahci_drive(&h->port[i]);
        if (d && d->retry) {
            ide_retry(d);
            ahci_port_run(&h->port[i]);
        }
    }
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    ahci_update((struct ahci *)d); /* MSI may be on or off now */
}

static bool ahci_realize(struct pci_device *d, GError **err)
{
    struct ahci *h = (struct ahci *)d;

    pci_put16(d->config + PCI_STATUS, PCI_ST_FAST_B2B | PCI_ST_DEVSEL_MEDIUM);
    pci_add_msi(d, 0);
    region_init_io(&h->mmio, "ahci", &mmio_ops, h, ABAR_SIZE);
    pci_add_bar(d, 5, PCI_BAR_MEM32, &h->mmio);
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_init(h, i);
    machine_add_hook(d->dev.machine->on_state_change, state_changed, h);
    return true;
}

static void ahci_unrealize(struct pci_device *d)
{
    struct ahci *h = (struct ahci *)d;

    machine_del_hook(d->dev.machine->on_state_change, state_changed, h);
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_fini(&h->port[i]);
    region_fini(&h->mmio);
}

static void ahci_reset(struct pci_device *d)
{
    hba_reset((struct ahci *)d);
}

static void ahci_loaded(struct pci_device *d)
{
    struct ahci *h = (struct ahci *)d;

    h->ghc = (h->ghc & GHC_IE) | GHC_AE;
    h->is &= (1u << AHCI_PORTS) - 1;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_loaded(&h->port[i]);
    ahci_update(h);
}

static const struct prop ahci_props[] = {PCI_PROPS(struct ahci, pci), {0}};
#define P(n, f) STATE_FIELD(struct ahci, port[n].f)
#define PORT(n)                                                                                    \
    P(n, clb), P(n, fb), P(n, is), P(n, ie), P(n, cmd), P(n, tfd), P(n, sig), P(n, ssts),          \
        P(n, sctl), P(n, serr), P(n, sact), P(n, ci), P(n, slot), P(n, header), P(n, table),       \
        P(n, moved), P(n, control), P(n, sign), P(n, told),          \
        P(n, failed)
static const struct state_field ahci_state[] = {
    PCI_STATE(struct ahci, pci), STATE_FIELD(struct ahci, ghc), STATE_FIELD(struct ahci, is),
    STATE_FIELD(struct ahci, told), PORT(0), PORT(1), PORT(2), PORT(3), PORT(4), PORT(5),
    STATE_END};

const struct pci_device_type ahci_type = {
    .dev = {.name = "ich9-ahci", .alias = "ahci", .help = "AHCI controller with six SATA ports",
            .size = sizeof(struct ahci), .props = ahci_props, .state = ahci_state,
            PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x2922,
    .revision = 2,
    .class_code = 0x010601,
    .pin = 1,
    .realize = ahci_realize,
    .unrealize = ahci_unrealize,
    .reset = ahci_reset,
    .loaded = ahci_loaded,
    .config_written = config_written,
};
