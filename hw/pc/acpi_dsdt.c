/* SPDX-License-Identifier: MIT */
/*
 * The DSDT: what the board is made of, in AML. ACPI specification 6.4, ch. 5.3, 6.1, 6.2, 9.
 *
 *   \_SB.PCI0            host bridge: acpi_dsdt_pci.c
 *   \_SB.PCI0.ISA        ISA bridge: PIRQ registers, RTC, i8042, COM ports
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
    static const uint16_t fdc[] = {0x3f0, 6, 0x3f7, 1};
    size_t isa = aml_device(a, "ISA");

    aml_name_int(a, "_ADR", c->q35 ? 0x001f0000 : 0x00010000);
    aml_region(a, "PIRQ", AML_SPACE_PCI_CONFIG, 0x60, c->q35 ? 12 : 4);
    size_t f = aml_field(a, "PIRQ", AML_FIELD_BYTE);
    for (unsigned i = 0; i < (c->q35 ? 8 : 4); i++) {
        char name[5] = {'P', 'R', 'Q', (char)('0' + i), 0};
        if (i == 4)
            aml_field_unit(a, "", 32); /* SIRQ_CNTL and what is beside it */
        aml_field_unit(a, name, 8);
    }
    aml_end(a, f);
    isa_device(a, "RTC", "PNP0B00", 0, rtc, 1, 8);
    if (c->i8042) {
        isa_device(a, "KBD", "PNP0303", 0, kbd, 2, 1);
        isa_device(a, "MOU", "PNP0F13", 0, NULL, 0, 12);
    }
    if (c->fdc)
        isa_device(a, "FDC0", "PNP0700", 0, fdc, 2, 6);
    serial_ports(a, c);
    if (c->pvpanic_port)
        pvpanic(a, c->pvpanic_port);
    aml_end(a, isa);
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

    acpi_build_pci_root(a, c);
    isa_bridge(a, c);
    aml_end(a, pci);
    acpi_build_pci_links(a, c);
    if (c->hpet)
        hpet(a);
    if (c->fw_cfg)
        fw_cfg(a);
    processors(a, c->cpus);
    aml_end(a, sb);

    if (c->q35) {
        aml_name_int(a, "\\PICF", 0);
        size_t pic = aml_method(a, "\\_PIC", 1, false);
        aml_op(a, AML_STORE);
        aml_op(a, AML_ARG0);
        aml_ref(a, "\\PICF");
        aml_end(a, pic);
    }
    aml_name(a, "\\_S5");
    size_t s5 = aml_package(a, 4);
    for (unsigned i = 0; i < 4; i++)
        aml_int(a, 0);
    aml_end(a, s5);
}
