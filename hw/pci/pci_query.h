/* SPDX-License-Identifier: MIT */
/* What query-pci tells of a machine: see machine_add_query() in core/inspect.h. */
#ifndef HW_PCI_PCI_QUERY_H
#define HW_PCI_PCI_QUERY_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

bool pci_query(void *machine, json_t *args, json_t **ret, GError **err);

#endif
