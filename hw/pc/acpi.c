/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: RSDP, XSDT, RSDT, FADT, FACS, MADT, HPET, MCFG. ACPI specification 6.4, 5.2;
 * IA-PC HPET specification 1.0a, 3.2.4; PCI Firmware specification 3.0, 4.1.2 (MCFG).
 *
 * The loader script's format is the one firmware for QEMU reads: 128-byte commands, allocate,
 * add pointer, add checksum.
 */
#include "hw/pc/acpi.h"

#include <assert.h>
#include <string.h>

enum {
    HEADER_LEN = 36, HEADER_LENGTH_AT = 4, HEADER_CHECKSUM_AT = 9,
    FADT_LEN = 244, FADT_FACS = 36, FADT_DSDT = 40, FADT_X_FACS = 132, FADT_X_DSDT = 140,
    FACS_LEN = 64, RSDP_LEN = 36, RSDP_V1_LEN = 20,
};

static void put(GByteArray *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t x = (uint8_t)(v >> (8 * i));
        g_byte_array_append(b, &x, 1);
    }
}

static void set(GByteArray *b, size_t at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        b->data[at + i] = (uint8_t)(v >> (8 * i));
}

static void fix_pointer(struct acpi_tables *t, enum acpi_blob blob, size_t offset, unsigned size)
{
    struct acpi_fixup f = {.kind = ACPI_FIX_POINTER, .blob = blob, .offset = (uint32_t)offset,
                           .size = size};
    g_array_append_val(t->fixups, f);
}

static void fix_checksum(struct acpi_tables *t, enum acpi_blob blob, size_t offset, size_t start,
                         size_t len)
{
    struct acpi_fixup f = {.kind = ACPI_FIX_CHECKSUM, .blob = blob, .offset = (uint32_t)offset,
                           .start = (uint32_t)start, .len = (uint32_t)len};
    g_array_append_val(t->fixups, f);
}

static size_t table_begin(struct acpi_tables *t, const char *sig, uint8_t revision)
{
    GByteArray *b = t->blob[ACPI_TABLES];

    while (b->len % 16)
        put(b, 0, 1);
    size_t at = b->len;
    g_byte_array_append(b, (const uint8_t *)sig, 4);
    put(b, 0, 4); /* length */
    put(b, revision, 1);
    put(b, 0, 1); /* checksum */
    g_byte_array_append(b, (const uint8_t *)"HOSTEL", 6);
    g_byte_array_append(b, (const uint8_t *)"HOSTELPC", 8);
    put(b, 1, 4);
    g_byte_array_append(b, (const uint8_t *)"HSTL", 4);
    put(b, 1, 4);
    return at;
}

static void table_end(struct acpi_tables *t, size_t at)
{
    GByteArray *b = t->blob[ACPI_TABLES];

    set(b, at + HEADER_LENGTH_AT, b->len - at, 4);
    fix_checksum(t, ACPI_TABLES, at + HEADER_CHECKSUM_AT, at, b->len - at);
}

/* ---- The tables ----------------------------------------------------------------------- */

static size_t build_facs(struct acpi_tables *t)
{
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = b->len;

    assert(at % 64 == 0);
    g_byte_array_append(b, (const uint8_t *)"FACS", 4);
    put(b, FACS_LEN, 4);
    g_byte_array_set_size(b, (guint)(at + FACS_LEN));
    memset(b->data + at + 8, 0, FACS_LEN - 8);
    b->data[at + 32] = 2; /* version */
    return at;
}

static size_t build_dsdt(struct acpi_tables *t, const struct acpi_config *c)
{
    size_t at = table_begin(t, "DSDT", 2);
    acpi_build_dsdt(t->blob[ACPI_TABLES], c);
    table_end(t, at);
    return at;
}

/* Generic address structure in system I/O space. */
static void put_gas_io(GByteArray *b, unsigned bits, unsigned access, uint64_t addr)
{
    put(b, addr ? 1 : 0, 1);
    put(b, addr ? bits : 0, 1);
    put(b, 0, 1);
    put(b, addr ? access : 0, 1);
    put(b, addr, 8);
}

enum {
    BOOT_LEGACY_DEVICES = 1, BOOT_8042 = 2, BOOT_NO_VGA = 4,
    FADT_WBINVD = 1 << 0, FADT_PROC_C1 = 1 << 2, FADT_SLP_BUTTON = 1 << 5, FADT_RTC_S4 = 1 << 7,
    FADT_RESET_REG = 1 << 10,
    PM_EVT = 0, PM_CNT = 4, PM_TMR = 8, /* from the PM base */
    RESET_PORT = 0xcf9, RESET_VALUE = 6, CMOS_CENTURY = 0x32,
    NO_C_STATE = 0xfff,
};

static size_t build_fadt(struct acpi_tables *t, const struct acpi_config *c, size_t facs,
                         size_t dsdt)
{
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = table_begin(t, "FACP", 4);

    put(b, facs, 4);
    put(b, dsdt, 4);
    put(b, 0, 1);
    put(b, 0, 1); /* preferred profile: unspecified */
    put(b, ACPI_SCI_IRQ, 2);
    put(b, ACPI_SMI_CMD, 4);
    put(b, ACPI_ENABLE_CMD, 1);
    put(b, ACPI_DISABLE_CMD, 1);
    put(b, 0, 2); /* S4BIOS, processor performance */
    put(b, c->pm_base + PM_EVT, 4);
    put(b, 0, 4);
    put(b, c->pm_base + PM_CNT, 4);
    put(b, 0, 8); /* PM1b control, PM2 control */
    put(b, c->pm_base + PM_TMR, 4);
    put(b, c->pm_base + c->gpe0, 4);
    put(b, 0, 4); /* GPE1 */
    put(b, 4, 1); /* lengths: PM1 event, PM1 control, PM2, timer, GPE0, GPE1 */
    put(b, 2, 1);
    put(b, 0, 1);
    put(b, 4, 1);
    put(b, c->gpe0_len, 1);
    put(b, 0, 3); /* GPE1 length and base, C-state command */
    put(b, NO_C_STATE, 2);
    put(b, NO_C_STATE, 2);
    put(b, 0, 8); /* flush size and stride, duty cycle, day and month alarm */
    put(b, CMOS_CENTURY, 1);
    put(b, BOOT_LEGACY_DEVICES | (c->i8042 ? BOOT_8042 : 0) | (c->vga ? 0 : BOOT_NO_VGA), 2);
    put(b, 0, 1);
    put(b, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_RTC_S4 | FADT_RESET_REG, 4);
    put_gas_io(b, 8, 1, RESET_PORT);
    put(b, RESET_VALUE, 1);
    put(b, 0, 3);
    put(b, facs, 8);
    put(b, dsdt, 8);
    put_gas_io(b, 32, 2, c->pm_base + PM_EVT);
    put_gas_io(b, 0, 0, 0);
    put_gas_io(b, 16, 2, c->pm_base + PM_CNT);
    put_gas_io(b, 0, 0, 0);
    put_gas_io(b, 0, 0, 0);
    put_gas_io(b, 32, 3, c->pm_base + PM_TMR);
    put_gas_io(b, 8u * c->gpe0_len, 1, c->pm_base + c->gpe0);
    put_gas_io(b, 0, 0, 0);
    assert(b->len - at == FADT_LEN);
    fix_pointer(t, ACPI_TABLES, at + FADT_FACS, 4);
    fix_pointer(t, ACPI_TABLES, at + FADT_X_FACS, 8);
    fix_pointer(t, ACPI_TABLES, at + FADT_DSDT, 4);
    fix_pointer(t, ACPI_TABLES, at + FADT_X_DSDT, 8);
    table_end(t, at);
    return at;
}

enum {
    MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4, MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10, MADT_PCAT_COMPAT = 1, MADT_ENABLED = 1, MADT_LEVEL_HIGH = 0xd,
    APIC_ID_ALL = 0xff, APIC_ID_X2_FIRST = 255,
};
#define LAPIC_BASE  0xfee00000u
#define IOAPIC_BASE 0xfec00000u

static void put_override(GByteArray *b, unsigned irq, unsigned gsi, unsigned flags)
{
    put(b, MADT_OVERRIDE, 1);
    put(b, 10, 1);
    put(b, 0, 1);
    put(b, irq, 1);
    put(b, gsi, 4);
    put(b, flags, 2);
}

static size_t build_madt(struct acpi_tables *t, const struct acpi_config *c)
{
    static const uint8_t level_irqs[] = {5, ACPI_SCI_IRQ, 10, 11}; /* PIRQ links and the SCI */
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = table_begin(t, "APIC", 3);
    bool x2 = false;

    put(b, LAPIC_BASE, 4);
    put(b, MADT_PCAT_COMPAT, 4);
    for (unsigned i = 0; i < c->cpus; i++) {
        bool small = c->apic_ids[i] < APIC_ID_X2_FIRST && i < APIC_ID_X2_FIRST;
        put(b, small ? MADT_LAPIC : MADT_X2APIC, 1);
        put(b, small ? 8 : 16, 1);
        if (small) {
            put(b, i, 1);
            put(b, c->apic_ids[i], 1);
            put(b, MADT_ENABLED, 4);
        } else {
            put(b, 0, 2);
            put(b, c->apic_ids[i], 4);
            put(b, MADT_ENABLED, 4);
            put(b, i, 4);
            x2 = true;
        }
    }
    put(b, MADT_IOAPIC, 1);
    put(b, 12, 1);
    put(b, 0, 2); /* ID 0 */
    put(b, IOAPIC_BASE, 4);
    put(b, 0, 4);
    put_override(b, 0, 2, 0); /* the PIT is on pin 2 */
    for (unsigned i = 0; i < G_N_ELEMENTS(level_irqs); i++)
        put_override(b, level_irqs[i], level_irqs[i], MADT_LEVEL_HIGH);
    put(b, MADT_LAPIC_NMI, 1);
    put(b, 6, 1);
    put(b, APIC_ID_ALL, 1);
    put(b, 0, 2);
    put(b, 1, 1); /* LINT1 */
    if (x2) {
        put(b, MADT_X2APIC_NMI, 1);
        put(b, 12, 1);
        put(b, 0, 2);
        put(b, UINT32_MAX, 4);
        put(b, 1, 1);
        put(b, 0, 3);
    }
    table_end(t, at);
    return at;
}

static size_t build_hpet(struct acpi_tables *t, const struct acpi_config *c)
{
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = table_begin(t, "HPET", 1);

    put(b, c->hpet_id, 4);
    put(b, 0, 4); /* system memory */
    put(b, 0xfed00000u, 8);
    put(b, 0, 4); /* number, minimum tick, page protection */
    table_end(t, at);
    return at;
}

static size_t build_mcfg(struct acpi_tables *t, const struct acpi_config *c)
{
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = table_begin(t, "MCFG", 1);

    put(b, 0, 8);
    put(b, c->ecam_base, 8);
    put(b, 0, 2);
    put(b, 0, 1);
    put(b, c->ecam_last_bus, 1);
    put(b, 0, 4);
    table_end(t, at);
    return at;
}

static size_t build_root(struct acpi_tables *t, const char *sig, unsigned width,
                         const size_t *table, unsigned n)
{
    GByteArray *b = t->blob[ACPI_TABLES];
    size_t at = table_begin(t, sig, 1);

    for (unsigned i = 0; i < n; i++) {
        fix_pointer(t, ACPI_TABLES, b->len, width);
        put(b, table[i], width);
    }
    table_end(t, at);
    return at;
}

static void build_rsdp(struct acpi_tables *t, size_t rsdt, size_t xsdt)
{
    GByteArray *b = t->blob[ACPI_RSDP];

    g_byte_array_append(b, (const uint8_t *)"RSD PTR ", 8);
    put(b, 0, 1);
    g_byte_array_append(b, (const uint8_t *)"HOSTEL", 6);
    put(b, 2, 1); /* revision */
    fix_pointer(t, ACPI_RSDP, b->len, 4);
    put(b, rsdt, 4);
    put(b, RSDP_LEN, 4);
    fix_pointer(t, ACPI_RSDP, b->len, 8);
    put(b, xsdt, 8);
    put(b, 0, 4); /* extended checksum, reserved */
    fix_checksum(t, ACPI_RSDP, 8, 0, RSDP_V1_LEN);
    fix_checksum(t, ACPI_RSDP, 32, 0, RSDP_LEN);
}

void acpi_build(struct acpi_tables *t, const struct acpi_config *c)
{
    size_t table[8];
    unsigned n = 0;

    t->blob[ACPI_TABLES] = g_byte_array_new();
    t->blob[ACPI_RSDP] = g_byte_array_new();
    t->fixups = g_array_new(FALSE, FALSE, sizeof(struct acpi_fixup));
    size_t facs = build_facs(t);
    size_t dsdt = build_dsdt(t, c);
    table[n++] = build_fadt(t, c, facs, dsdt);
    table[n++] = build_madt(t, c);
    if (c->hpet)
        table[n++] = build_hpet(t, c);
    if (c->ecam_base)
        table[n++] = build_mcfg(t, c);
    size_t rsdt = build_root(t, "RSDT", 4, table, n);
    size_t xsdt = build_root(t, "XSDT", 8, table, n);
    build_rsdp(t, rsdt, xsdt);
}

void acpi_free(struct acpi_tables *t)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(t->blob); i++)
        if (t->blob[i])
            g_byte_array_free(t->blob[i], TRUE);
    if (t->fixups)
        g_array_free(t->fixups, TRUE);
    memset(t, 0, sizeof(*t));
}

/* ---- Placement ------------------------------------------------------------------------ */

static void apply(struct acpi_tables *t, const struct acpi_fixup *f, uint64_t gpa)
{
    uint8_t *d = t->blob[f->blob]->data, sum = 0;

    if (f->kind == ACPI_FIX_POINTER) {
        uint64_t v = 0;
        memcpy(&v, d + f->offset, f->size);
        v = GUINT64_FROM_LE(v) + gpa;
        set(t->blob[f->blob], f->offset, v, f->size);
        return;
    }
    for (uint32_t i = 0; i < f->len; i++)
        sum = (uint8_t)(sum + d[f->start + i]);
    d[f->offset] = (uint8_t)(d[f->offset] - sum);
}

void acpi_place(struct acpi_tables *t, uint64_t tables_gpa)
{
    for (guint i = 0; i < t->fixups->len; i++)
        apply(t, &g_array_index(t->fixups, struct acpi_fixup, i), tables_gpa);
}

enum { LOADER_ALLOCATE = 1, LOADER_POINTER = 2, LOADER_CHECKSUM = 3, LOADER_LEN = 128,
       LOADER_NAME = 56, LOADER_ZONE_HIGH = 1, LOADER_ZONE_FSEG = 2 };
static const char *const blob_file[2] = {"etc/acpi/tables", "etc/acpi/rsdp"};

static void put_file(GByteArray *s, enum acpi_blob blob)
{
    char name[LOADER_NAME] = {0};
    g_strlcpy(name, blob_file[blob], sizeof(name));
    g_byte_array_append(s, (const uint8_t *)name, sizeof(name));
}

static void command_end(GByteArray *s)
{
    while (s->len % LOADER_LEN)
        put(s, 0, 1);
}

static void put_allocate(GByteArray *s, enum acpi_blob blob, uint32_t align, uint8_t zone)
{
    put(s, LOADER_ALLOCATE, 4);
    put_file(s, blob);
    put(s, align, 4);
    put(s, zone, 1);
    command_end(s);
}

GByteArray *acpi_loader_script(const struct acpi_tables *t)
{
    GByteArray *s = g_byte_array_new();

    put_allocate(s, ACPI_RSDP, 16, LOADER_ZONE_FSEG);
    put_allocate(s, ACPI_TABLES, 64, LOADER_ZONE_HIGH);
    for (guint i = 0; i < t->fixups->len; i++) {
        const struct acpi_fixup *f = &g_array_index(t->fixups, struct acpi_fixup, i);
        put(s, f->kind == ACPI_FIX_POINTER ? LOADER_POINTER : LOADER_CHECKSUM, 4);
        put_file(s, f->blob);
        if (f->kind == ACPI_FIX_POINTER) {
            put_file(s, ACPI_TABLES);
            put(s, f->offset, 4);
            put(s, f->size, 1);
        } else {
            put(s, f->offset, 4);
            put(s, f->start, 4);
            put(s, f->len, 4);
        }
        command_end(s);
    }
    return s;
}
