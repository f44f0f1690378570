/* SPDX-License-Identifier: MIT */
/*
 * The PC board: an empty machine becomes a PC. Here is what every PC has, who sits where and which
 * wire goes to whom; the bridges between them are the chip set's, pc_i440fx.c and pc_q35.c.
 * pc_setup.c and pc_load.c prepare what it boots.
 *
 *   memory    0         RAM, to A0000h
 *             A0000h    PCI (VGA window, when there is a display)
 *             C0000h    shadow RAM or PCI, 16 KiB segments by the host bridge's PAM registers;
 *                       E0000h-FFFFFh below it: copy of the last 128 KiB of the ROM
 *             100000h   RAM, up to where the chip set ends it
 *             ...       PCI BARs, to FEBFFFFFh
 *             FEC00000h I/O APIC      FED00000h HPET      FEE00000h local APICs, MSI
 *             4 GiB - n ROM (-bios)
 *             4 GiB     the rest of RAM, then a 64-bit PCI window
 *
 *   interrupts   ISA device --\
 *                PIRQ (bridge) --> OR per line --> 8259A pair --> LINT0 of the local APICs
 *                SCI (bridge) --/             \--> I/O APIC (line 0 at pin 2) --> messages
 *                PIT, RTC --> HPET (legacy replacement) --> lines 0 and 8
 *
 * docs/memory-map.md has the details.
 */
#include "hw/pc/pc.h"

#include <string.h>

#include "core/inspect.h"
#include "hw/display/vga_pci.h"
#include "hw/pc/board.h"
#include "hw/pci/pci_query.h"
#include "util/error.h"
#include "util/suggest.h"

const struct pc_machine_type pc_machine_types[] = {
    {"pc", "pc-i440fx-7.2", "Standard PC (i440FX + PIIX) (default)", &pc_i440fx},
    {"q35", "pc-q35-7.2", "Standard PC (Q35 + ICH9)", &pc_q35},
    {"none", NULL, "empty machine", NULL},
    {NULL, NULL, NULL, NULL},
};

/* ---- Interrupt lines ------------------------------------------------------------------ */

static void gsi_update(struct board *b, int n)
{
    int level = b->gsi_level[n] != 0;

    if (n < 16)
        i8259_set_irq(b->pic, n, level);
    /* The PIC's cascade input is nobody's line; its pin takes line 0. */
    if (n != 2)
        ioapic_set_irq(b->ioapic, n == 0 ? 2 : n, level);
}

static void input_set(void *sink, int n, int level)
{
    struct pc_irq_input *in = sink;
    uint8_t bit = (uint8_t)(1u << in->source), *l = &in->board->gsi_level[n];

    *l = (uint8_t)(level ? *l | bit : *l & ~bit);
    gsi_update(in->board, n);
}

struct irq_line pc_line(struct board *b, enum pc_irq_source source, int n)
{
    return (struct irq_line){.set = input_set, .sink = &b->input[source], .n = n};
}

static void lines_init(struct board *b)
{
    struct machine *m = b->dev.machine;

    for (int s = 0; s < SRC_COUNT; s++)
        b->input[s] = (struct pc_irq_input){.board = b, .source = (enum pc_irq_source)s};
    for (int n = 0; n < PC_GSIS; n++)
        m->gsi[n] = pc_line(b, SRC_ISA, n);
    for (int n = 0; n < 16; n++)
        m->isa_irq[n] = pc_line(b, SRC_ISA, n);
}

/* ---- RAM and the A20 gate ------------------------------------------------------------- */

static void ram_init(struct board *b)
{
    struct machine *m = b->dev.machine;
    uint64_t size = m->ram->size;

    b->low_ram = MIN(size, b->chipset->low_ram_end(size));
    b->high_ram = size - b->low_ram;
    region_init_container(&b->pci_mem, "pci", UINT64_MAX);
    region_add(&m->mem_root, 0, &b->pci_mem, -1);
    region_init_ram(&b->low, "ram-low", m->ram, 0, MIN(b->low_ram, 0xa0000), false);
    region_add(&m->mem_root, 0, &b->low, 0);
    if (b->low_ram > BOOT_ONE_MIB) {
        region_init_ram(&b->above_1m, "ram-1m", m->ram, BOOT_ONE_MIB, b->low_ram - BOOT_ONE_MIB,
                        false);
        region_add(&m->mem_root, BOOT_ONE_MIB, &b->above_1m, 0);
    }
    if (b->high_ram) {
        region_init_ram(&b->high, "ram-4g", m->ram, b->low_ram, b->high_ram, false);
        region_add(&m->mem_root, PC_HIGH_RAM, &b->high, 0);
    }
}

static void alias_free(void *region)
{
    region_fini(region);
    g_free(region);
}

/* With A20 held low every odd megabyte shows the even one below it. */
static void a20_changed(void *arg)
{
    struct board *b = arg;
    struct machine *m = b->dev.machine;

    as_begin(&m->mem);
    g_ptr_array_set_size(b->a20_alias, 0);
    for (uint64_t at = BOOT_ONE_MIB; !m->a20 && at < b->low_ram; at += 2 * BOOT_ONE_MIB) {
        struct region *r = g_new0(struct region, 1);
        region_init_ram(r, "a20-wrap", m->ram, at - BOOT_ONE_MIB,
                        MIN(BOOT_ONE_MIB, b->low_ram - at), false);
        region_add(&m->mem_root, at, r, 2);
        g_ptr_array_add(b->a20_alias, r);
    }
    as_commit(&m->mem);
}

/* ---- Chips ---------------------------------------------------------------------------- */

bool pc_chip(struct device *dev, GError **err)
{
    if (device_realize(dev, err))
        return true;
    device_free(dev);
    return false;
}

static void msi(void *arg, uint64_t addr, uint32_t data)
{
    struct machine *m = arg;

    if (addr >> 20 == APIC_DEFAULT_BASE >> 20)
        apic_msi(m, (uint32_t)addr, data);
    else
        as_st32(&m->mem, addr, data);
}

static int extint_ack(void *pic)
{
    return i8259_ack(pic);
}

static bool interrupt_chips(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;

    apic_bus_init(&b->apic_bus, m);
    b->pic = PC_NEW(b, i8259, &i8259_type);
    b->pic->intr = (struct irq_line){.set = apic_bus_set_lint, .sink = &b->apic_bus, .n = 0};
    if (!pc_chip(&b->pic->dev, err))
        return false;
    region_add(&m->io_root, 0x20, &b->pic->io[0], 0);
    region_add(&m->io_root, 0xa0, &b->pic->io[1], 0);
    region_add(&m->io_root, 0x4d0, &b->pic->elcr, 0);

    b->ioapic = PC_NEW(b, ioapic, &ioapic_type);
    if (!pc_chip(&b->ioapic->dev, err))
        return false;
    region_add(&m->mem_root, PC_IOAPIC_BASE, &b->ioapic->mmio, 1);
    b->apic_bus.extint_ack = extint_ack;
    b->apic_bus.extint_arg = b->pic;
    b->apic_bus.eoi = ioapic_eoi;
    b->apic_bus.eoi_arg = b->ioapic;

    b->nlapics = m->vcpus->len;
    b->lapics = g_new0(struct lapic *, b->nlapics + 1);
    for (unsigned i = 0; i < b->nlapics; i++) {
        b->lapics[i] = lapic_create(g_ptr_array_index(m->vcpus, i), &b->apic_bus, err);
        if (!b->lapics[i])
            return false;
    }
    return true;
}

static bool timer_chips(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;
    struct irq_line irq0 = m->isa_irq[0], irq8 = m->isa_irq[8];

    if (m->config->hpet) {
        b->hpet = PC_NEW(b, hpet, &hpet_type);
        memcpy(b->hpet->route, m->gsi, sizeof(b->hpet->route));
        b->hpet->legacy_out[0] = irq0;
        b->hpet->legacy_out[1] = irq8;
        if (!pc_chip(&b->hpet->dev, err))
            return false;
        region_add(&m->mem_root, PC_HPET_BASE, &b->hpet->mmio, 1);
        irq0 = (struct irq_line){.set = hpet_legacy_in, .sink = b->hpet, .n = 0};
        irq8 = (struct irq_line){.set = hpet_legacy_in, .sink = b->hpet, .n = 1};
    }
    b->pit = PC_NEW(b, i8254, &i8254_type);
    b->pit->irq[0] = irq0;
    if (!pc_chip(&b->pit->dev, err))
        return false;
    region_add(&m->io_root, 0x40, &b->pit->io, 0);

    b->rtc = PC_NEW(b, mc146818, &mc146818_type);
    b->rtc->irq = irq8;
    if (!pc_chip(&b->rtc->dev, err))
        return false;
    region_add(&m->io_root, 0x70, &b->rtc->io, 0);
    return true;
}

/* -machine pcspk-audiodev=ID */
static bool speaker(struct port61 *p61, GError **err)
{
    struct machine *m = p61->dev.machine;
    const char *id = m->config->machine_opts
                         ? g_hash_table_lookup(m->config->machine_opts, "pcspk-audiodev") : NULL;
    struct audiodev *dev = id ? audiodev_find(m, id, err) : NULL;

    if (dev)
        voice_attach(&p61->voice, dev);
    return !id || dev || error_prefix(err, "-machine pcspk-audiodev=%s", id);
}

static bool control_ports(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;
    struct port61 *p61 = PC_NEW(b, port61, &port61_type);
    struct port92 *p92;

    p61->pit = b->pit;
    if (!speaker(p61, err))
        return false;
    if (!pc_chip(&p61->dev, err))
        return false;
    region_add(&m->io_root, 0x61, &p61->io, 0);
    p92 = PC_NEW(b, port92, &port92_type);
    if (!pc_chip(&p92->dev, err))
        return false;
    region_add(&m->io_root, 0x92, &p92->io, 0);

    b->kbd = PC_NEW(b, i8042, &i8042_type);
    b->kbd->irq_kbd = m->isa_irq[1];
    b->kbd->irq_aux = m->isa_irq[12];
    if (!pc_chip(&b->kbd->dev, err))
        return false;
    region_add(&m->io_root, 0x60, &b->kbd->io_data, 0);
    region_add(&m->io_root, 0x64, &b->kbd->io_cmd, 0);

    b->fw_cfg = PC_NEW(b, fw_cfg, &fw_cfg_type);
    if (!pc_chip(&b->fw_cfg->dev, err))
        return false;
    region_add(&m->io_root, FW_CFG_PORT, &b->fw_cfg->ctl, 0);
    region_add(&m->io_root, FW_CFG_DMA_PORT, &b->fw_cfg->dma, 0);
    m->fw_cfg = b->fw_cfg;
    return true;
}

struct ram_block *pc_shadow_rom(const struct board *b, uint64_t *offset)
{
    *offset = b->rom && b->rom->size > PC_BIOS_SIZE ? b->rom->size - PC_BIOS_SIZE : 0;
    return b->rom && b->rom->size >= PC_BIOS_SIZE ? b->rom : NULL;
}

static bool pci_chips(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;

    pci_bus_init(&b->pci, m, b->chipset->root_bus, &b->pci_mem, &m->io_root);
    b->pci.msi = msi;
    b->pci.msi_arg = m;
    m->pci = &b->pci;
    if (!b->chipset->build(b, err))
        return false;
    region_add(&m->io_root, 0xcf8, &b->conf->addr_io, 0);
    region_add(&m->io_root, 0xcfc, &b->conf->data_io, 0);
    return true;
}

static bool display(struct board *b, GError **err)
{
    const char *kind = b->dev.machine->config->vga;

    if (!kind || strcmp(kind, "std") != 0)
        return true;
    return pc_chip(device_new(b->dev.machine, &vga_pci_type.dev), err) ||
           error_prefix(err, "-vga %s", kind);
}

/* ---- The board as a device: owns what the chips stand on ------------------------------ */

static void board_reset(void *arg)
{
    struct board *b = arg;

    machine_set_a20(b->dev.machine, true);
    pc_boot_reset(b);
    pc_load_place(b);
}

static void board_unrealize(struct device *dev)
{
    struct board *b = (struct board *)dev;
    struct machine *m = dev->machine;

    pc_load_free(b);
    if (b->pci.machine)
        pci_bus_fini(&b->pci);
    if (b->apic_bus.machine)
        apic_bus_fini(&b->apic_bus);
    g_ptr_array_free(b->a20_alias, TRUE);
    region_fini(&b->low);
    if (b->above_1m.name)
        region_fini(&b->above_1m);
    if (b->high.name)
        region_fini(&b->high);
    region_fini(&b->pci_mem);
    g_free(b->lapics);
    m->pci = NULL;
    m->fw_cfg = NULL;
    m->board = NULL;
}

static bool board_realize(struct device *dev, GError **err)
{
    struct board *b = (struct board *)dev;

    b->a20_alias = g_ptr_array_new_with_free_func(alias_free);
    ram_init(b);
    lines_init(b);
    machine_add_hook(dev->machine->on_a20, a20_changed, b);
    machine_add_hook(dev->machine->on_reset, board_reset, b);
    return true;
}

static const struct device_type board_type = {
    .name = "pc-board",
    .help = "the board of the PC",
    .bus = "System",
    .size = sizeof(struct board),
    .internal = true,
    .realize = board_realize,
    .unrealize = board_unrealize,
};

/* ---- Building ------------------------------------------------------------------------- */

/* "pc-q35-" and any version; the newest is the only one. */
static bool is_named(const struct pc_machine_type *t, const char *name)
{
    const char *version = t->alias ? strrchr(t->alias, '-') : NULL;

    return !strcmp(name, t->name) ||
           (version && !strncmp(name, t->alias, (size_t)(version - t->alias) + 1) &&
            g_ascii_isdigit(name[version - t->alias + 1]));
}

static const struct pc_machine_type *pick_type(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (const struct pc_machine_type *t = pc_machine_types; t->name; t++) {
        if (is_named(t, name))
            return t;
        suggest_offer(&s, t->name);
    }
    error_set(err, "-machine %s: no such machine%s (-machine help lists them)", name,
              suggest_text(&s));
    return NULL;
}

static void info_pic(void *arg, GString *out)
{
    struct board *b = arg;

    i8259_describe(b->pic, out);
    ioapic_describe(b->ioapic, out);
}

static void info_lapic(void *arg, GString *out)
{
    struct board *b = arg;

    irqchip_fetch_all(b->dev.machine);
    for (unsigned i = 0; i < b->nlapics; i++)
        lapic_describe(b->lapics[i], out);
}

/* The levels of the lines that lead to the interrupt controllers, by who drives them. */
static void info_irq(void *arg, GString *out)
{
    static const char *const names[SRC_COUNT] = {"ISA", "PCI", "SCI"};
    struct board *b = arg;

    for (unsigned n = 0; n < PC_GSIS; n++) {
        g_string_append_printf(out, "line %2u: %d", n, b->gsi_level[n] != 0);
        for (unsigned s = 0; s < SRC_COUNT; s++)
            if (b->gsi_level[n] & 1u << s)
                g_string_append_printf(out, " %s", names[s]);
        g_string_append_c(out, '\n');
    }
}

static void add_infos(struct machine *m, struct board *b)
{
    machine_add_query(m, "query-pci", pci_query, m);
    machine_add_info(m, "irq", "levels of the interrupt lines", info_irq, b);
    machine_add_info(m, "lapic", "local APICs", info_lapic, b);
    machine_add_info(m, "pic", "8259A pair and I/O APIC", info_pic, b);
}

unsigned pc_ide_units(const char *machine_type)
{
    const struct pc_machine_type *t = pick_type(machine_type ? machine_type : "pc", NULL);

    return t && t->chipset ? t->chipset->ide_units : 2;
}

bool pc_board_build(struct machine *m, GError **err)
{
    const char *name = m->config->machine_type ? m->config->machine_type : "pc";
    const struct pc_machine_type *type = pick_type(name, err);

    if (!type)
        return false;
    if (!type->chipset)
        return true;
    if (!m->ram || m->ram->size < BOOT_ONE_MIB)
        return error_set(err, "-m: a PC needs at least 1 MiB of memory");
    struct board *b = (struct board *)device_new(m, &board_type);
    b->chipset = type->chipset;
    if (!pc_chip(&b->dev, err))
        return false;
    m->board = b;
    add_infos(m, b);
    return pc_load_rom(b, err) && interrupt_chips(b, err) && timer_chips(b, err) &&
           pci_chips(b, err) && control_ports(b, err) && pc_floppy(b, err) && display(b, err);
}

bool pc_board_add_serial(struct machine *m, unsigned n, struct chardev *chr, GError **err)
{
    g_autofree char *index = g_strdup_printf("%u", n);

    if (!m->board)
        return error_set(err, "this machine has no serial ports; use -machine pc");
    if (n > 3)
        return error_set(err, "a PC has four serial ports, COM1 to COM4");
    struct device *dev = device_new(m, &isa_serial_type);
    if (!device_set(dev, "index", index, err) || !device_set_chardev(dev, "chardev", chr, err)) {
        device_free(dev);
        return false;
    }
    return pc_chip(dev, err);
}

bool pc_board_finish(struct machine *m, GError **err)
{
    struct board *b = m->board;

    if (!b)
        return true;
    pc_setup_cmos(b);
    return pc_setup_tables(b, err) && pc_boot_offer(b, err) && pc_load_kernel(b, err);
}
