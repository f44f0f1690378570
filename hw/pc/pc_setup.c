/* SPDX-License-Identifier: MIT */
/*
 * What firmware would do, for kernels that are started without any: tables in the BIOS area,
 * shadow RAM open, PCI functions given addresses and interrupts, the bridges set up. And what
 * firmware is told when there is one: CMOS bytes and fw_cfg files.
 */
#include <string.h>

#include "config.h"
#include "hw/misc/pvpanic.h"
#include "hw/block/fdc.h"
#include "hw/pc/board.h"
#include "hw/pc/pc.h"
#include "hw/pci/pci_bridge.h"
#include "util/error.h"
#include "util/keyval.h"

enum { FW_CFG_USER_MAX = 64 << 20 };

enum { RSDP_OFFSET = 0x10000, NULL_SERVICE = 0xff53, OPCODE_IRET = 0xcf };

/* ---- CMOS: memory sizes where the AT's BIOS, and firmware for QEMU, look for them ------- */

/* Bits of the equipment byte: there are drives, and how many beyond one. */
static uint8_t floppies(uint8_t types)
{
    return types & 0x0f ? 0x41 : types ? 0x01 : 0;
}

void pc_setup_cmos(struct board *b)
{
    uint8_t types = b->fdc ? fdc_cmos_types(b->fdc) : 0;
    enum { CMOS_BASE_KIB = 0x15, CMOS_EXT_KIB = 0x17, CMOS_EXT_KIB_2 = 0x30, CMOS_ABOVE_16M = 0x34,
           CMOS_ABOVE_4G = 0x5b, CMOS_CPUS = 0x5f, CMOS_FLOPPY = 0x10,
           CMOS_EQUIPMENT = 0x14, EQUIPMENT = 0x06, MIB16 = 16 << 20 };
    struct {
        unsigned at;
        uint64_t value;
        unsigned bytes;
    } v[] = {
        {CMOS_BASE_KIB, 640, 2},
        {CMOS_EXT_KIB, MIN((b->low_ram - BOOT_ONE_MIB) >> 10, 65535), 2},
        {CMOS_EXT_KIB_2, MIN((b->low_ram - BOOT_ONE_MIB) >> 10, 65535), 2},
        {CMOS_ABOVE_16M, b->low_ram > MIB16 ? MIN((b->low_ram - MIB16) >> 16, 65535) : 0, 2},
        {CMOS_ABOVE_4G, b->high_ram >> 16, 3},
        {CMOS_CPUS, b->nlapics ? MIN(b->nlapics - 1, 255) : 0, 1},
        {CMOS_EQUIPMENT, EQUIPMENT | floppies(types), 1}, /* coprocessor, mouse */
        {CMOS_FLOPPY, types, 1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(v); i++)
        for (unsigned k = 0; k < v[i].bytes; k++)
            mc146818_set_cmos(b->rtc, v[i].at + k, (uint8_t)(v[i].value >> (8 * k)));
}

/* ---- Tables --------------------------------------------------------------------------- */

static bool parse_uuid(const char *text, uint8_t out[16], GError **err)
{
    unsigned n = 0;

    for (const char *p = text; *p && n < 32; p++) {
        if (*p == '-')
            continue;
        int v = g_ascii_xdigit_value(*p);
        if (v < 0)
            break;
        out[n / 2] = (uint8_t)(n & 1 ? out[n / 2] | v : v << 4);
        n++;
    }
    if (n != 32 || !g_uuid_string_is_valid(text))
        return error_set(err, "-uuid %s: not of the form 550e8400-e29b-41d4-a716-446655440000",
                         text);
    return true;
}

static void build_acpi(struct board *b, bool now, struct acpi_tables *t)
{
    struct machine *m = b->dev.machine;
    uint64_t top = PC_HIGH_RAM + b->high_ram;
    uint64_t mem64 = (top + PC_PCI64_SIZE - 1) & ~(PC_PCI64_SIZE - 1);
    uint32_t *ids = g_new0(uint32_t, b->nlapics + 1);
    struct acpi_config c = {
        .cpus = b->nlapics,
        .apic_ids = ids,
        .hpet = b->hpet,
        .i8042 = b->kbd,
        .fdc = b->fdc,
        .fw_cfg = true,
        .vga = m->vga,
        .hpet_id = b->hpet ? as_ld32(&m->mem, PC_HPET_BASE) : 0,
        .mem32_first = (b->low_ram + BOOT_ONE_MIB - 1) & ~(uint64_t)(BOOT_ONE_MIB - 1),
        .mem32_last = PC_PCI_LAST,
        .mem64_first = mem64,
        .mem64_last = mem64 + PC_PCI64_SIZE - 1,
    };

    for (unsigned i = 0; i < b->nlapics; i++)
        ids[i] = b->lapics[i]->id;
    for (guint i = 0; i < m->devices->len; i++) {
        struct device *d = g_ptr_array_index(m->devices, i);
        struct isa_serial *s = (struct isa_serial *)d;
        if (d->type == &isa_serial_type && s->index < 4)
            c.serial[s->index] = true;
        else if (d->type == &pvpanic_isa_type)
            c.pvpanic_port = (uint16_t)((struct pvpanic_isa *)d)->ioport;
    }
    b->chipset->describe(b, now, &c);
    acpi_build(t, &c);
    b->offered_pm_base = c.pm_base;
    b->offered_ecam_base = c.ecam_base;
    g_free(ids);
}

static bool read_smbios_options(struct smbios_opts *o, const GPtrArray *texts, GError **err)
{
    for (unsigned i = 0; texts && i < texts->len; i++)
        if (!smbios_opts_add(o, texts->pdata[i], err))
            return error_prefix(err, "-smbios %s", (char *)texts->pdata[i]);
    return true;
}

static bool build_smbios_with(struct board *b, const struct smbios_opts *opts, GError **err)
{
    const struct machine_config *mc = b->dev.machine->config;
    struct smbios_config c = {
        .version = HOSTEL_VERSION,
        .serial = mc->name,
        .sockets = mc->sockets ? mc->sockets : 1,
        .cores = mc->cores ? mc->cores : 1,
        .threads = mc->threads ? mc->threads : 1,
        .low_ram = b->low_ram,
        .high_ram = b->high_ram,
        .opts = opts,
    };
    const char *uuid = smbios_opt(opts, 1, "uuid", mc->uuid);

    if (uuid && !parse_uuid(uuid, c.uuid, err))
        return false;
    if (uuid)
        fw_cfg_add(b->fw_cfg, FW_CFG_UUID, c.uuid, sizeof(c.uuid));
    b->smbios = smbios_build(&c);
    return true;
}

static bool build_smbios(struct board *b, GError **err)
{
    struct smbios_opts opts;

    smbios_opts_init(&opts);
    bool ok = read_smbios_options(&opts, b->dev.machine->config->smbios, err) &&
              build_smbios_with(b, &opts, err);
    smbios_opts_fini(&opts);
    return ok;
}

/* -fw_cfg name=NAME,file=FILE|string=TEXT */
static bool offer_file(struct fw_cfg *f, const struct keyvals *kv, GError **err)
{
    static const char *const valid[] = {"name", "file", "string", NULL};
    const char *name, *file, *text;
    g_autofree char *contents = NULL;
    gsize len;

    if (!keyvals_check(kv, valid, err))
        return false;
    name = keyvals_get(kv, "name");
    file = keyvals_get(kv, "file");
    text = keyvals_get(kv, "string");
    if (!name || !*name || !file == !text)
        return error_set(err, "a name and either file= or string= are wanted");
    if (file && !g_file_get_contents(file, &contents, &len, err))
        return false;
    if (file && len > FW_CFG_USER_MAX)
        return error_set(err, "%s: more than 64 MiB", file);
    if (fw_cfg_add_file(f, name, file ? contents : text, file ? len : strlen(text)))
        return true;
    return error_set(err, "the name is longer than %d letters, or there are too many files",
                     FW_CFG_NAME_MAX - 1);
}

static bool offer_files(struct board *b, GError **err)
{
    const GPtrArray *texts = b->dev.machine->config->fw_cfg;

    for (unsigned i = 0; texts && i < texts->len; i++) {
        struct keyvals *kv = keyvals_parse(texts->pdata[i], "name", err);
        bool ok = kv && offer_file(b->fw_cfg, kv, err);

        if (kv)
            keyvals_free(kv);
        if (!ok)
            return error_prefix(err, "-fw_cfg %s", (char *)texts->pdata[i]);
    }
    return true;
}

/* Unpatched, with the list of what to patch: firmware applies that itself. */
static void offer_acpi(struct board *b, bool now)
{
    struct acpi_tables t;

    build_acpi(b, now, &t);
    GByteArray *script = acpi_loader_script(&t);
    GByteArray *tables = t.blob[ACPI_TABLES], *rsdp = t.blob[ACPI_RSDP];
    fw_cfg_add_file(b->fw_cfg, "etc/acpi/tables", tables->data, tables->len);
    fw_cfg_add_file(b->fw_cfg, "etc/acpi/rsdp", rsdp->data, rsdp->len);
    fw_cfg_add_file(b->fw_cfg, "etc/table-loader", script->data, script->len);
    g_byte_array_free(script, TRUE);
    acpi_free(&t);
}

/* Firmware chooses where the PM I/O space and the window of PCI Express configuration are; the
 * tables it then reads must say so. */
static void file_selected(void *arg, const char *name)
{
    struct board *b = arg;
    struct acpi_config c = {0};

    if (!g_str_has_prefix(name, "etc/acpi/"))
        return;
    b->chipset->describe(b, true, &c);
    if (c.pm_base &&
        (c.pm_base != b->offered_pm_base || c.ecam_base != b->offered_ecam_base))
        offer_acpi(b, true);
}

static void offer(struct board *b)
{
    static const uint8_t system_states[6] = {128, 0, 0, 0, 0, 128}; /* S0 and S5 only */
    const struct machine_config *mc = b->dev.machine->config;
    uint8_t anchor[SMBIOS_ANCHOR_LEN];
    struct fw_cfg *f = b->fw_cfg;

    fw_cfg_add_u64(f, FW_CFG_RAM_SIZE, b->low_ram + b->high_ram);
    fw_cfg_add_u16(f, FW_CFG_NOGRAPHIC, !(mc->graphics && b->dev.machine->vga));
    fw_cfg_add_u16(f, FW_CFG_NB_CPUS, (uint16_t)b->nlapics);
    fw_cfg_add_u16(f, FW_CFG_MAX_CPUS, (uint16_t)b->nlapics);
    fw_cfg_add_u64(f, FW_CFG_NUMA, 0);
    fw_cfg_add_u32(f, FW_CFG_IRQ0_OVERRIDE, 1);
    fw_cfg_add_file(f, "etc/e820", b->map.e, b->map.n * sizeof(b->map.e[0]));
    fw_cfg_add_file(f, "etc/system-states", system_states, sizeof(system_states));
    smbios_anchor(b->smbios, 0, anchor);
    fw_cfg_add_file(f, "etc/smbios/smbios-anchor", anchor, sizeof(anchor));
    fw_cfg_add_file(f, "etc/smbios/smbios-tables", b->smbios->data, b->smbios->len);
    if (mc->acpi) {
        offer_acpi(b, false);
        f->selected = file_selected;
        f->selected_arg = b;
    }
}

/* Where the tables go in E0000h-FFFFFh: ACPI, then SMBIOS, then the two entry points. */
static bool lay_out(struct board *b, GError **err)
{
    uint64_t at = PC_BIOS_BASE;

    b->acpi_gpa = at;
    if (b->dev.machine->config->acpi)
        at += b->acpi.blob[ACPI_TABLES]->len;
    b->smbios_gpa = (at + 15) & ~15ull;
    at = (b->smbios_gpa + b->smbios->len + 15) & ~15ull;
    b->rsdp_gpa = MAX(at, PC_BIOS_BASE + RSDP_OFFSET);
    if (b->rsdp_gpa + 0x100 > PC_BIOS_BASE + RSDP_OFFSET + NULL_SERVICE)
        return error_set(err, "-smp: the tables for %u processors do not fit below 1 MiB",
                         b->nlapics);
    return true;
}

bool pc_setup_tables(struct board *b, GError **err)
{
    const struct machine_config *mc = b->dev.machine->config;

    if (!build_smbios(b, err))
        return false;
    build_acpi(b, false, &b->acpi);
    e820_build(&b->map, b->low_ram, b->high_ram, PC_BIOS_BASE);
    if (!lay_out(b, err))
        return false;
    offer(b);
    if (!offer_files(b, err))
        return false;
    if (b->offered_ecam_base) /* firmware says so of itself */
        e820_add(&b->map, b->offered_ecam_base, PC_ECAM_SIZE, E820_RESERVED);
    if (mc->acpi)
        acpi_place(&b->acpi, b->acpi_gpa);
    else
        b->rsdp_gpa = 0;
    return true;
}

/* ---- At reset, without firmware ------------------------------------------------------- */

static void write_tables(struct board *b)
{
    struct address_space *mem = &b->dev.machine->mem;
    uint8_t anchor[SMBIOS_ANCHOR_LEN];
    uint64_t anchor_gpa = PC_BIOS_BASE + RSDP_OFFSET + 0x40;

    if (b->rsdp_gpa) {
        as_write(mem, b->acpi_gpa, b->acpi.blob[ACPI_TABLES]->data,
                 b->acpi.blob[ACPI_TABLES]->len);
        as_write(mem, b->rsdp_gpa, b->acpi.blob[ACPI_RSDP]->data, b->acpi.blob[ACPI_RSDP]->len);
        anchor_gpa = b->rsdp_gpa + 0x40;
    }
    as_write(mem, b->smbios_gpa, b->smbios->data, b->smbios->len);
    smbios_anchor(b->smbios, (uint32_t)b->smbios_gpa, anchor);
    as_write(mem, anchor_gpa, anchor, sizeof(anchor));
}

/* The BIOS data area: where the extended area lies, how much memory is below it, COM ports. And
 * interrupt vectors, for kernels that ask the BIOS from real mode: all lead to an IRET at the
 * usual F000:FF53, so that every service answers as one that is not there. */
static void write_bios_data(struct board *b)
{
    static const uint16_t com[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    struct machine *m = b->dev.machine;
    unsigned n = 0;

    for (guint i = 0; i < m->devices->len; i++) {
        struct isa_serial *s = g_ptr_array_index(m->devices, i);
        if (s->dev.type == &isa_serial_type && s->index < 4 && n < 4)
            as_st16(&m->mem, 0x400 + 2 * n++, com[s->index]);
    }
    for (unsigned vector = 0; vector < 256; vector++)
        as_st32(&m->mem, 4 * vector, 0xf0000000u | NULL_SERVICE);
    as_st8(&m->mem, PC_BIOS_BASE + RSDP_OFFSET + NULL_SERVICE, OPCODE_IRET);
    as_st16(&m->mem, 0x40e, BOOT_LOW_END >> 4);
    as_st16(&m->mem, 0x413, BOOT_LOW_END >> 10);
    as_st8(&m->mem, BOOT_LOW_END, 1); /* KiB of extended data area */
}

void pc_setup_firmware(struct board *b)
{
    b->chipset->open(b);
    pc_setup_pci(b);
    write_bios_data(b);
    write_tables(b);
}
