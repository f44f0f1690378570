/* SPDX-License-Identifier: MIT */
/*
 * PCI-to-PCI bridges: what pci-bridge and PCI Express ports have in common. A bridge embeds
 * struct pci_bridge first; its secondary bus has the name of the device's id. Machine lock.
 *
 * There is no copy of the address map behind a bridge: a BAR is mapped where the root bus maps
 * its own, as long as one window of each bridge above holds all of it.
 */
#ifndef HW_PCI_PCI_BRIDGE_H
#define HW_PCI_PCI_BRIDGE_H

#include "hw/pci/pci.h"

struct pci_bridge {
    struct pci_device pci;
    struct pci_bus bus; /* secondary */
    char *name;
};

static inline bool pci_is_bridge(const struct pci_device *d)
{
    return pci_type(d)->class_code >> 8 == 0x0604;
}

/* Calls for the type, or from the type's own calls. */
bool pci_bridge_init(struct pci_bridge *b, bool express, GError **err);
void pci_bridge_fini(struct pci_device *d);
void pci_bridge_reset(struct pci_device *d);
void pci_bridge_loaded(struct pci_device *d);
void pci_bridge_config_written(struct pci_device *d, unsigned off, unsigned size);
/* Subsystem IDs are a capability in header type 1. */
void pci_bridge_add_ssvid(struct pci_device *d);

/* Does every bridge above this bus pass [first, last] down? */
bool pci_bus_reachable(const struct pci_bus *bus, bool io, uint64_t first, uint64_t last);

extern const struct pci_device_type pci_bridge_type;

#endif
