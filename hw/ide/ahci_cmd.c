/* SPDX-License-Identifier: MIT */
/*
 * An AHCI port's commands: fetched from the command list, given to the drive, their data moved
 * between the drive and the PRDT, their end told by FISes. Serial ATA AHCI 1.3.1, 4 and 5.
 *
 *   list    32 x { DW0: PRDTL 31:16 | C 10 | A 5 | CFL 4:0; PRDBC; CTBA (64 bits); - }
 *   table   0 CFIS | 40h ACMD | 80h PRDT: { DBA (64 bits); -; I 31 | DBC 21:0, length - 1 }
 */
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ahci.h"

static struct ahci_port *port_of(const struct ide_channel *c)
{
    return (struct ahci_port *)((char *)c - offsetof(struct ahci_port, channel));
}

static struct address_space *space(struct ahci_port *p)
{
    return pci_dma(&p->hba->pci);
}

/* ---- FISes from the drive ------------------------------------------------------------- */

static void receive(struct ahci_port *p, unsigned at, const uint8_t *fis, unsigned len,
                    uint32_t cause)
{
    if (p->cmd & PXC_FRE)
        as_write(space(p), p->fb + at, fis, len);
    p->is |= cause;
}

static void fill_registers(const struct ide_drive *d, uint8_t *fis)
{
    const uint8_t regs[] = {d->status, d->error, d->low, d->mid, d->high,
                            (uint8_t)(d->device | DEV_FIXED), d->hob_low, d->hob_mid, d->hob_high,
                            0, d->count, d->hob_count};

    memcpy(fis + 2, regs, sizeof(regs));
}

void ahci_receive_d2h(struct ahci_port *p, bool interrupt)
{
    const struct ide_drive *d = ahci_drive(p);
    uint8_t fis[FIS_REG_LEN] = {FIS_D2H, interrupt ? FIS_I : 0};

    fill_registers(d, fis);
    p->tfd = d->status | (uint32_t)d->error << 8;
    receive(p, RFIS_D2H, fis, sizeof(fis), interrupt ? PXI_DHRS : 0);
}

/* The status after the data is the last byte of the set-up, and the port's. */
static void receive_pio_setup(struct ahci_port *p, bool to_host, uint32_t len, uint8_t end_status)
{
    const struct ide_drive *d = ahci_drive(p);
    uint8_t fis[FIS_REG_LEN] = {FIS_PIO_SETUP, (uint8_t)(FIS_I | (to_host ? FIS_D : 0))};

    fill_registers(d, fis);
    fis[15] = end_status;
    fis[16] = (uint8_t)len;
    fis[17] = (uint8_t)(len >> 8);
    p->tfd = end_status | (uint32_t)d->error << 8;
    receive(p, RFIS_PIO, fis, sizeof(fis), PXI_PSS);
}

/* ---- The PRDT ------------------------------------------------------------------------- */

/* Its pieces from p->moved on, up to len bytes. What it has beyond, or -1. */
static int64_t prdt_areas(struct ahci_port *p, uint64_t len, GArray *areas)
{
    struct address_space *as = space(p);
    uint64_t skip = p->moved, has = 0;

    for (uint32_t i = 0; i < p->header >> CMD_PRDTL_SHIFT && has < len; i++) {
        uint64_t at = p->table + TABLE_PRDT + (uint64_t)i * PRD_SIZE;
        uint64_t n = (as_ld32(as, at + PRD_LEN_AT) & PRD_DBC) + 1, from = MIN(skip, n);
        struct ide_dma_area a = {(as_ld64(as, at) & ~1ull) + from, MIN(n - from, len - has)};
        skip -= from;
        has += n - from;
        if (a.len)
            g_array_append_val(areas, a);
    }
    return has >= len ? (int64_t)(has - len) : -1;
}

/* One PIO block between the drive's buffer and the PRDT. False: that has no room. */
static bool move_block(struct ahci_port *p, struct ide_drive *d)
{
    struct address_space *as = space(p);
    g_autoptr(GArray) areas = g_array_new(FALSE, FALSE, sizeof(struct ide_dma_area));
    uint8_t *buf = d->buffer + d->pos;

    if (prdt_areas(p, d->end - d->pos, areas) < 0)
        return false;
    for (guint i = 0; i < areas->len; i++) {
        const struct ide_dma_area *a = &g_array_index(areas, struct ide_dma_area, i);
        if (ide_to_guest(d))
            as_write(as, a->addr, buf, a->len);
        else
            as_read(as, a->addr, buf, a->len);
        buf += a->len;
    }
    p->moved += d->end - d->pos;
    d->pos = d->end;
    return true;
}

/* ---- A command's way ------------------------------------------------------------------ */

static void finish(struct ahci_port *p)
{
    struct ide_drive *d = ahci_drive(p);
    unsigned slot = p->slot;

    as_st32(space(p), p->clb + (uint64_t)slot * CMD_HEADER + CMD_PRDBC_AT, (uint32_t)p->moved);
    if (!p->told || (d->status & ST_ERR))
        ahci_receive_d2h(p, true);
    if (d->status & ST_ERR) { /* CI keeps the bit: it tells which command failed (6.2.2) */
        p->is |= PXI_TFES;
        p->failed = true;
    } else {
        p->ci &= ~(1u << slot);
    }
    p->slot = AHCI_NO_SLOT;
}

/* A block by PIO; the packet of a PACKET command is in the command table. */
static void pio(struct ahci_port *p, struct ide_drive *d)
{
    uint32_t len = d->end - d->pos;
    bool to_host = ide_to_guest(d), fits;

    if (d->transfer == XFER_PACKET) {
        as_read(space(p), p->table + TABLE_ACMD, d->buffer, sizeof(d->packet));
        d->pos = d->end;
        fits = true;
    } else {
        fits = move_block(p, d);
    }
    if (!fits) {
        p->is |= PXI_OFS;
        ide_abort(d, ER_ABRT);
        return;
    }
    bool packet = d->transfer == XFER_PACKET;
    ide_moved(d);
    if (!packet)
        receive_pio_setup(p, to_host, len, d->status);
    p->told = to_host && !d->cdrom; /* data to the host has no FIS behind it */
}

static void set_registers(struct ide_drive *d, const uint8_t *f)
{
    d->feature = f[3];
    d->low = f[4];
    d->mid = f[5];
    d->high = f[6];
    d->device = f[7] & (uint8_t)~(DEV_FIXED | DEV_SLAVE);
    d->hob_low = f[8];
    d->hob_mid = f[9];
    d->hob_high = f[10];
    d->hob_feature = f[11];
    d->count = f[12];
    d->hob_count = f[13];
}

/* A register FIS with C clear: the device control register. SRST up and down resets the drive,
 * which then sends its signature. */
static void control(struct ahci_port *p, uint8_t value)
{
    bool released = (p->control & CTL_SRST) && !(value & CTL_SRST);

    p->control = value;
    p->ci &= ~(1u << p->slot);
    p->slot = AHCI_NO_SLOT;
    if (released) {
        ide_drive_reset(ahci_drive(p));
        p->sign = true;
    }
}

static void begin(struct ahci_port *p, unsigned slot)
{
    struct address_space *as = space(p);
    struct ide_drive *d = ahci_drive(p);
    uint64_t at = p->clb + (uint64_t)slot * CMD_HEADER;
    uint8_t fis[FIS_REG_LEN];

    p->slot = (uint8_t)slot;
    p->moved = 0;
    p->told = false;
    p->header = as_ld32(as, at);
    p->table = as_ld64(as, at + CMD_CTBA_AT) & ~0x7full;
    as_read(as, p->table, fis, sizeof(fis));
    if (fis[0] != FIS_H2D || (p->header & CMD_CFL) < FIS_REG_LEN / 4) {
        guest_warn(&p->channel.machine->log, "ahci", "a command without a command FIS");
        p->is |= PXI_HBFS;
        p->failed = true;
        p->slot = AHCI_NO_SLOT;
        return;
    }
    if (!(fis[1] & FIS_IS_COMMAND)) {
        control(p, fis[15]);
        return;
    }
    set_registers(d, fis);
    p->tfd |= ST_BSY;
    if (fis[2] == ATA_DIAGNOSTIC)
        ide_drive_reset(d);
    else
        ide_execute(d, fis[2]);
}

static bool next_slot(struct ahci_port *p, unsigned *slot)
{
    if (!(p->cmd & PXC_ST) || p->failed || !p->ci || p->ssts != SSTS_ONLINE)
        return false;
    *slot = (unsigned)__builtin_ctz(p->ci);
    return true;
}

static void send_signature(struct ahci_port *p)
{
    const struct ide_drive *d = ahci_drive(p);

    p->sign = false;
    p->sig = d->cdrom ? SIG_ATAPI : SIG_ATA;
    ahci_receive_d2h(p, false);
}

/* One step of whatever is next. False: nothing is, or it waits for the disk. */
static bool step(struct ahci_port *p)
{
    struct ide_drive *d = ahci_drive(p);
    unsigned slot;

    if (!d || d->busy || d->retry)
        return false;
    if (p->sign) {
        send_signature(p);
    } else if (p->slot != AHCI_NO_SLOT && (d->status & ST_DRQ)) {
        pio(p, d);
    } else if (p->slot != AHCI_NO_SLOT) {
        finish(p);
    } else if (next_slot(p, &slot)) {
        if (d->status & (ST_BSY | ST_DRQ)) /* left behind by a command that was dropped */
            ide_drive_reset(d);
        begin(p, slot);
    } else {
        return false;
    }
    return true;
}

void ahci_port_run(struct ahci_port *p)
{
    if (p->running) /* the guest had data written to the port itself */
        return;
    p->running = true;
    while (step(p))
        ;
    p->running = false;
    ahci_update(p->hba);
}

/* ---- What drives ask of their channel ------------------------------------------------- */

static void link_interrupt(struct ide_channel *c, bool level)
{
    /* FISes carry it */
}

static void link_progress(struct ide_drive *d)
{
    ahci_port_run(port_of(d->channel));
}

static bool link_armed(const struct ide_channel *c)
{
    return port_of(c)->slot != AHCI_NO_SLOT;
}

static int64_t link_areas(struct ide_drive *d, uint64_t len, GArray *areas)
{
    struct ahci_port *p = port_of(d->channel);
    int64_t rest = -1;

    p->moved = 0; /* all of a command's DMA is one transfer, the same when it is tried again */
    if (p->slot != AHCI_NO_SLOT)
        rest = prdt_areas(p, len, areas);
    if (rest >= 0)
        p->moved = len;
    return rest;
}

static void link_short(struct ide_drive *d)
{
    port_of(d->channel)->is |= PXI_OFS;
    ide_abort(d, ER_ABRT);
}

static void link_ended(struct ide_channel *c, bool all)
{
    /* the FIS at the command's end tells */
}

static struct address_space *link_space(struct device *owner)
{
    return pci_dma(to_pci(owner));
}

const struct ide_link ahci_link = {.sata = true,
                                   .interrupt = link_interrupt,
                                   .progress = link_progress,
                                   .dma_armed = link_armed,
                                   .dma_areas = link_areas,
                                   .dma_short = link_short,
                                   .dma_ended = link_ended,
                                   .dma_space = link_space};
