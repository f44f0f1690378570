/* SPDX-License-Identifier: MIT */
/*
 * OpenFirmware's names of PCI functions, as firmware's boot order has them (PCI Bus Binding to
 * IEEE 1275, 2.2 and 2.5): /pci@i0cf8/pci-bridge@1e/ethernet@3,1/ethernet-phy@0
 */
#include "hw/pci/pci.h"

/* By class and subclass; others are called by their IDs. */
static const struct {
    uint16_t class;
    const char *name, *unit; /* of the function; of the one thing behind it that boots */
} names[] = {
    {0x0100, "scsi", "disk@0,0"}, {0x0101, "ide", NULL},    {0x0200, "ethernet", "ethernet-phy@0"},
    {0x0601, "isa", NULL},        {0x0604, "pci-bridge", NULL}, {0x0c03, "usb", NULL},
};

static int find(const struct pci_device *d)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].class == pci_get16(d->config + PCI_CLASS + 1))
            return (int)i;
    return -1;
}

char *pci_fw_path(const struct pci_device *d)
{
    g_autofree char *above = d->bus->bridge ? pci_fw_path(d->bus->bridge)
                                            : g_strdup("/pci@i0cf8");
    g_autoptr(GString) s = g_string_new(above);
    int known = find(d);

    if (known >= 0)
        g_string_append_printf(s, "/%s@", names[known].name);
    else
        g_string_append_printf(s, "/pci%04x,%04x@", pci_get16(d->config + PCI_VENDOR_ID),
                               pci_get16(d->config + PCI_DEVICE_ID));
    g_string_append_printf(s, "%x", d->devfn >> 3);
    if (d->devfn & 7)
        g_string_append_printf(s, ",%x", d->devfn & 7);
    return g_strdup(s->str);
}

char *pci_device_fw_path(const struct device *dev)
{
    const struct pci_device *d = (const struct pci_device *)dev;
    g_autofree char *path = pci_fw_path(d);
    int known = find(d);

    return known >= 0 && names[known].unit ? g_strdup_printf("%s/%s", path, names[known].unit)
                                           : g_steal_pointer(&path);
}
