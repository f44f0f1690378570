/* SPDX-License-Identifier: MIT */
/*
 * The host bridge in the DSDT: windows, interrupt routing, what the operating system may control.
 * ACPI specification 6.4, 6.2.13 (_PRT); PCI Firmware specification 3.0, 4.5 (_OSC).
 *
 *   \_SB.PCI0            host bridge
 *   \_SB.LNKA .. LNKD    PCI interrupt links on the PIRQ registers; to LNKH on Q35
 *   \_SB.ECAM            Q35: the window of PCI Express configuration is taken
 *   \_PIC, \PICF         Q35: with the I/O APIC the PIRQs have pins of their own, 16 to 23
 */
#include "hw/pc/acpi.h"

#include <stdio.h>

#include "hw/pc/aml.h"

/* ---- Windows -------------------------------------------------------------------------- */

static uint64_t ecam_end(const struct acpi_config *c)
{
    return c->ecam_base + ((uint64_t)c->ecam_last_bus + 1) * (1 << 20);
}

/* From RAM to the chips, without the window of PCI Express configuration. */
static void memory_windows(struct aml_resources *r, const struct acpi_config *c)
{
    uint64_t first = c->mem32_first;

    if (c->ecam_base && c->ecam_base < c->mem32_last) {
        if (first < c->ecam_base)
            aml_res_window(r, AML_WINDOW_MEM, first, c->ecam_base - 1);
        first = ecam_end(c);
    }
    if (first < c->mem32_last)
        aml_res_window(r, AML_WINDOW_MEM, first, c->mem32_last);
    if (c->mem64_last)
        aml_res_window(r, AML_WINDOW_MEM, c->mem64_first, c->mem64_last);
}

static void root_bridge_resources(GByteArray *a, const struct acpi_config *c)
{
    struct aml_resources r;

    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_window(&r, AML_WINDOW_BUS, 0, c->ecam_base ? c->ecam_last_bus : 0xff);
    aml_res_io(&r, 0xcf8, 8);
    aml_res_window(&r, AML_WINDOW_IO, 0, 0xcf7);
    aml_res_window(&r, AML_WINDOW_IO, 0xd00, 0xffff);
    aml_res_window(&r, AML_WINDOW_MEM, 0xa0000, 0xbffff);
    memory_windows(&r, c);
    aml_res_end(a, &r);
}

static void ecam(GByteArray *a, const struct acpi_config *c)
{
    struct aml_resources r;
    size_t dev = aml_device(a, "ECAM");

    aml_name_eisaid(a, "_HID", "PNP0C02");
    aml_name_int(a, "_UID", 0xecab);
    aml_name(a, "_CRS");
    aml_res_begin(&r);
    aml_res_memory(&r, (uint32_t)c->ecam_base, (uint32_t)(ecam_end(c) - c->ecam_base));
    aml_res_end(a, &r);
    aml_end(a, dev);
}

/* ---- Routing -------------------------------------------------------------------------- */

/* To which PIRQ pin p of slot s is soldered. PIIX: slot 1 starts at PIRQA. ICH9: its own devices
 * by their routing registers, A to D; the others are on E to H. */
static unsigned pirq_of(const struct acpi_config *c, unsigned s, unsigned p)
{
    if (!c->q35)
        return (s + p + 3) % 4;
    return s >= 25 ? p : 4 + (s + p) % 4;
}

enum { PIRQ_GSI = 16 }; /* of PIRQA, with the I/O APIC */

/* With links, or, for an operating system that uses the I/O APIC, with its pins. */
static void routing_table(GByteArray *a, const struct acpi_config *c, const char *name, bool apic)
{
    enum { SLOTS = 32, PINS = 4 };

    aml_name(a, name);
    size_t table = aml_package(a, SLOTS * PINS);
    for (unsigned s = 0; s < SLOTS; s++) {
        for (unsigned p = 0; p < PINS; p++) {
            unsigned n = pirq_of(c, s, p);
            char link[] = {'\\', '_', 'S', 'B', '.', 'L', 'N', 'K', (char)('A' + n), 0};
            size_t row = aml_package(a, 4);
            aml_int(a, s << 16 | 0xffff);
            aml_int(a, p);
            if (apic)
                aml_int(a, 0);
            else
                aml_ref(a, link);
            aml_int(a, apic ? PIRQ_GSI + n : 0);
            aml_end(a, row);
        }
    }
    aml_end(a, table);
}

static void routing(GByteArray *a, const struct acpi_config *c)
{
    if (!c->q35) {
        routing_table(a, c, "_PRT", false);
        return;
    }
    routing_table(a, c, "PRTP", false);
    routing_table(a, c, "PRTA", true);
    size_t m = aml_method(a, "_PRT", 0, false);
    size_t apic = aml_if(a);
    aml_ref(a, "\\PICF");
    aml_op(a, AML_RETURN);
    aml_ref(a, "PRTA");
    aml_end(a, apic);
    aml_op(a, AML_RETURN);
    aml_ref(a, "PRTP");
    aml_end(a, m);
}

/* ---- Links ---------------------------------------------------------------------------- */

/* The byte of the ISA bridge that routes link n. */
static void prq(GByteArray *a, unsigned n)
{
    char path[] = "\\_SB.PCI0.ISA.PRQ0";
    path[sizeof(path) - 2] = (char)('0' + n);
    aml_ref(a, path);
}

enum { LINK_DISABLED = 0x80, LINK_IRQ = 0x0f, EXT_IRQ_NUMBER_AT = 5 };

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
    aml_create_dword_field_of(a, "PRR0", EXT_IRQ_NUMBER_AT, "PRRI");
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

    aml_create_dword_field(a, AML_ARG0, EXT_IRQ_NUMBER_AT, "PRRI");
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

void acpi_build_pci_links(GByteArray *a, const struct acpi_config *c)
{
    for (unsigned i = 0; i < (c->q35 ? 8 : 4); i++)
        interrupt_link(a, i);
    if (c->ecam_base)
        ecam(a, c);
}

/* ---- The host bridge ------------------------------------------------------------------ */

/* What the operating system may take over: native hot-plug, PME, error reporting, capability
 * control. Bits that are not granted are cleared, and the first doubleword says so. */
static void osc(GByteArray *a)
{
    static const uint8_t pci_uuid[16] = {0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
                                         0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66};
    enum { GRANTED = 0x1d, BAD_UUID = 4, BAD_REVISION = 8, MASKED = 0x10 };
    size_t m = aml_method(a, "_OSC", 4, true);

    aml_create_dword_field(a, AML_ARG0 + 3, 0, "CDW1");
    size_t ours = aml_if(a);
    aml_op(a, AML_LEQUAL);
    aml_op(a, AML_ARG0);
    aml_buffer(a, pci_uuid, sizeof(pci_uuid));
    aml_create_dword_field(a, AML_ARG0 + 3, 8, "CDW3");
    aml_op(a, AML_AND);
    aml_ref(a, "CDW3");
    aml_int(a, GRANTED);
    aml_op(a, AML_LOCAL0);
    size_t masked = aml_if(a);
    aml_op(a, AML_LNOT);
    aml_op(a, AML_LEQUAL);
    aml_op(a, AML_LOCAL0);
    aml_ref(a, "CDW3");
    aml_or_into(a, "CDW1", MASKED);
    aml_end(a, masked);
    size_t revision = aml_if(a);
    aml_op(a, AML_LNOT);
    aml_op(a, AML_LEQUAL);
    aml_op(a, AML_ARG0 + 1);
    aml_int(a, 1);
    aml_or_into(a, "CDW1", BAD_REVISION);
    aml_end(a, revision);
    aml_op(a, AML_STORE);
    aml_op(a, AML_LOCAL0);
    aml_ref(a, "CDW3");
    aml_end(a, ours);
    size_t other = aml_else(a);
    aml_or_into(a, "CDW1", BAD_UUID);
    aml_end(a, other);
    aml_op(a, AML_RETURN);
    aml_op(a, AML_ARG0 + 3);
    aml_end(a, m);
}

void acpi_build_pci_root(GByteArray *a, const struct acpi_config *c)
{
    aml_name_eisaid(a, "_HID", c->q35 ? "PNP0A08" : "PNP0A03");
    if (c->q35) {
        aml_name_eisaid(a, "_CID", "PNP0A03");
        osc(a);
    }
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_BBN", 0);
    root_bridge_resources(a, c);
    routing(a, c);
}
