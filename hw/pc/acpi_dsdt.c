/* SPDX-License-Identifier: MIT */
/*
 * The DSDT: what the board is made of, in AML. ACPI specification 6.4, ch. 5.3, 6.1, 6.2, 9.
 *
 *   \_SB.PCI0            host bridge: windows, _PRT
 *   \_SB.PCI0.ISA        PIIX3 at 1.0: PIRQ registers, RTC, i8042, COM ports
 *   \_SB.LNKA .. LNKD    PCI interrupt links on the PIRQ registers
 *   \_SB.HPET, FWCF, Cnnn
 *   \_S5                 soft off
 */
#include "hw/pc/acpi.h"

#include <stdio.h>

#include "hw/pc/aml.h"

static void isa_device(GByteArray *a, const char *name, const char *hid, unsigned uid,
                       const uint16_t *io, unsigned nio, int irq)
{
    struct aml_resources r;
    size_t dev = aml_device(a, name);

    aml_name_eisaid(a, "_HID", hid);
    aml_name_int(a, "_UID", uid);
    aml_name_int(a, "_STA", 0xf);
    aml_name(a, "_CRS");
    aml_res_begin(&r);
    for (unsigned i = 0; i < nio; i++)
        aml_res_io(&r, io[2 * i], (uint8_t)io[2 * i + 1]);
    if (irq >= 0)
        aml_res_irq(&r, (unsigned)irq);
    aml_res_end(a, &r);
    aml_end(a, dev);
}

static void serial_ports(GByteArray *a, const struct acpi_config *c)
{
    static const uint16_t port[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const int irq[4] = {4, 3, 4, 3};

    for (unsigned i = 0; i < 4; i++) {
        char name[5] = {'C', 'O', 'M', (char)('1' + i), 0};
        const uint16_t io[2] = {port[i], 8};
        if (c->serial[i])
            isa_device(a, name, "PNP0501", i + 1, io, 1, irq[i]);
    }
}

/* QEMU's "PVPANIC DEVICE": what the guest may report is read, what happened is written. */
static void pvpanic(GByteArray *a, uint16_t port)
{
    struct aml_resources r;
    size_t dev = aml_device(a, "PEVT");

    aml_name_string(a, "_HID", "QEMU0001");
    aml_name_int(a, "_STA", 0xf);
    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_io(&r, port, 1);
    aml_res_end(a, &r);
    aml_region(a, "PEOR", AML_SPACE_IO, port, 1);
    size_t f = aml_field(a, "PEOR", AML_FIELD_BYTE);
    aml_field_unit(a, "PEPT", 8);
    aml_end(a, f);
    size_t m = aml_method(a, "RDPT", 0, false);
    aml_op(a, AML_RETURN);
    aml_ref(a, "PEPT");
    aml_end(a, m);
    m = aml_method(a, "WRPT", 1, false);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_ref(a, "PEPT");
    aml_end(a, m);
    aml_end(a, dev);
}

static void isa_bridge(GByteArray *a, const struct acpi_config *c)
{
    static const uint16_t rtc[] = {0x70, 8}, kbd[] = {0x60, 1, 0x64, 1};
    size_t isa = aml_device(a, "ISA");

    aml_name_int(a, "_ADR", 0x00010000);
    aml_region(a, "PIRQ", AML_SPACE_PCI_CONFIG, 0x60, 4);
    size_t f = aml_field(a, "PIRQ", AML_FIELD_BYTE);
    for (unsigned i = 0; i < 4; i++) {
        char name[5] = {'P', 'R', 'Q', (char)('0' + i), 0};
        aml_field_unit(a, name, 8);
    }
    aml_end(a, f);
    isa_device(a, "RTC", "PNP0B00", 0, rtc, 1, 8);
    if (c->i8042) {
        isa_device(a, "KBD", "PNP0303", 0, kbd, 2, 1);
        isa_device(a, "MOU", "PNP0F13", 0, NULL, 0, 12);
    }
    serial_ports(a, c);
    if (c->pvpanic_port)
        pvpanic(a, c->pvpanic_port);
    aml_end(a, isa);
}

static void root_bridge_resources(GByteArray *a, const struct acpi_config *c)
{
    struct aml_resources r;

    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_window(&r, AML_WINDOW_BUS, 0, 0xff);
    aml_res_io(&r, 0xcf8, 8);
    aml_res_window(&r, AML_WINDOW_IO, 0, 0xcf7);
    aml_res_window(&r, AML_WINDOW_IO, 0xd00, 0xffff);
    aml_res_window(&r, AML_WINDOW_MEM, 0xa0000, 0xbffff);
    aml_res_window(&r, AML_WINDOW_MEM, c->mem32_first, c->mem32_last);
    if (c->mem64_last)
        aml_res_window(&r, AML_WINDOW_MEM, c->mem64_first, c->mem64_last);
    aml_res_end(a, &r);
}

/* Slot s, pin p is soldered to link (s + p - 1) mod 4, as on boards for this chip set. */
static void routing_table(GByteArray *a)
{
    enum { SLOTS = 32, PINS = 4 };

    aml_name(a, "_PRT");
    size_t table = aml_package(a, SLOTS * PINS);
    for (unsigned s = 0; s < SLOTS; s++) {
        for (unsigned p = 0; p < PINS; p++) {
            char link[] = {'\\', '_', 'S', 'B', '.', 'L', 'N', 'K',
                           (char)('A' + (s + p + 3) % 4), 0};
            size_t row = aml_package(a, 4);
            aml_int(a, s << 16 | 0xffff);
            aml_int(a, p);
            aml_ref(a, link);
            aml_int(a, 0);
            aml_end(a, row);
        }
    }
    aml_end(a, table);
}

/* The byte of PIIX3 that routes link n. */
static void prq(GByteArray *a, unsigned n)
{
    char path[] = "\\_SB.PCI0.ISA.PRQ0";
    path[sizeof(path) - 2] = (char)('0' + n);
    aml_ref(a, path);
}

enum { LINK_DISABLED = 0x80, LINK_IRQ = 0x0f, EXT_IRQ_NUMBER_AT = 5 };

/* CreateDWordField (source, 5, PRRI): the number in an extended interrupt descriptor. */
static void create_number_field(GByteArray *a, void (*source)(GByteArray *))
{
    aml_op(a, AML_CREATE_DWORD_FIELD);
    source(a);
    aml_int(a, EXT_IRQ_NUMBER_AT);
    aml_ref(a, "PRRI");
}

static void source_template(GByteArray *a)
{
    aml_ref(a, "PRR0");
}

static void source_arg0(GByteArray *a)
{
    aml_op(a, AML_ARG0);
}

static void link_status(GByteArray *a, unsigned n)
{
    size_t m = aml_method(a, "_STA", 0, false);
    size_t off = aml_if(a);

    aml_op(a, AML_AND);
    prq(a, n);
    aml_int(a, LINK_DISABLED);
    aml_op(a, AML_ZERO); /* no target */
    aml_op(a, AML_RETURN);
    aml_int(a, 0x9);
    aml_end(a, off);
    aml_op(a, AML_RETURN);
    aml_int(a, 0xb);
    aml_end(a, m);
}

static void link_disable(GByteArray *a, unsigned n)
{
    size_t m = aml_method(a, "_DIS", 0, false);

    aml_op(a, AML_OR);
    prq(a, n);
    aml_int(a, LINK_DISABLED);
    prq(a, n);
    aml_end(a, m);
}

static void link_current(GByteArray *a, unsigned n)
{
    static const uint32_t none[1] = {0};
    struct aml_resources r;

    aml_name(a, "PRR0");
    aml_res_begin(&r);
    aml_res_interrupts(&r, none, 1);
    aml_res_end(a, &r);
    size_t m = aml_method(a, "_CRS", 0, true);
    create_number_field(a, source_template);
    size_t on = aml_if(a);
    aml_op(a, AML_LLESS);
    prq(a, n);
    aml_int(a, LINK_DISABLED);
    aml_op(a, AML_AND);
    prq(a, n);
    aml_int(a, LINK_IRQ);
    aml_ref(a, "PRRI");
    aml_end(a, on);
    aml_op(a, AML_RETURN);
    aml_ref(a, "PRR0");
    aml_end(a, m);
}

static void link_set(GByteArray *a, unsigned n)
{
    size_t m = aml_method(a, "_SRS", 1, true);

    create_number_field(a, source_arg0);
    aml_op(a, AML_STORE);
    aml_ref(a, "PRRI");
    prq(a, n);
    aml_end(a, m);
}

static void interrupt_link(GByteArray *a, unsigned n)
{
    static const uint32_t possible[] = {5, 10, 11};
    char name[5] = {'L', 'N', 'K', (char)('A' + n), 0};
    struct aml_resources r;
    size_t dev = aml_device(a, name);

    aml_name_eisaid(a, "_HID", "PNP0C0F");
    aml_name_int(a, "_UID", n);
    aml_name(a, "_PRS");
    aml_res_begin(&r);
    aml_res_interrupts(&r, possible, G_N_ELEMENTS(possible));
    aml_res_end(a, &r);
    link_status(a, n);
    link_disable(a, n);
    link_current(a, n);
    link_set(a, n);
    aml_end(a, dev);
}

static void hpet(GByteArray *a)
{
    struct aml_resources r;
    size_t dev = aml_device(a, "HPET");

    aml_name_eisaid(a, "_HID", "PNP0103");
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_STA", 0xf);
    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_memory(&r, 0xfed00000, 0x400);
    aml_res_end(a, &r);
    aml_end(a, dev);
}

static void fw_cfg(GByteArray *a)
{
    struct aml_resources r;
    size_t dev = aml_device(a, "FWCF");

    aml_name_string(a, "_HID", "QEMU0002");
    aml_name_int(a, "_STA", 0xb);
    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_io(&r, 0x510, 0xc);
    aml_res_end(a, &r);
    aml_end(a, dev);
}

static void processors(GByteArray *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[8];
        snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        size_t dev = aml_device(a, name);
        aml_name_string(a, "_HID", "ACPI0007");
        aml_name_int(a, "_UID", i);
        aml_name_int(a, "_STA", 0xf);
        aml_end(a, dev);
    }
}

void acpi_build_dsdt(GByteArray *a, const struct acpi_config *c)
{
    size_t sb = aml_scope(a, "\\_SB");
    size_t pci = aml_device(a, "PCI0");

    aml_name_eisaid(a, "_HID", "PNP0A03");
    aml_name_int(a, "_UID", 0);
    root_bridge_resources(a, c);
    routing_table(a);
    isa_bridge(a, c);
    aml_end(a, pci);
    for (unsigned i = 0; i < 4; i++)
        interrupt_link(a, i);
    if (c->hpet)
        hpet(a);
    if (c->fw_cfg)
        fw_cfg(a);
    processors(a, c->cpus);
    aml_end(a, sb);

    aml_name(a, "\\_S5");
    size_t s5 = aml_package(a, 4);
    for (unsigned i = 0; i < 4; i++)
        aml_int(a, 0);
    aml_end(a, s5);
}
