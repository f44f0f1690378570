/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: register offsets and bits. PCI Local Bus Specification 3.0, ch. 6
 * (header type 0, capabilities, MSI 6.8.1, MSI-X 6.8.2).
 */
#ifndef HW_PCI_PCI_REGS_H
#define HW_PCI_PCI_REGS_H

enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09, /* prog-if, subclass, class: one byte each */
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BIST = 0x0f,
    PCI_BAR0 = 0x10,
    PCI_SUBVENDOR = 0x2c,
    PCI_SUBDEVICE = 0x2e,
    PCI_ROM_BAR = 0x30,
    PCI_CAP_PTR = 0x34,
    PCI_INT_LINE = 0x3c,
    PCI_INT_PIN = 0x3d,
    PCI_CONFIG_SIZE = 256,
    /* header type 1: PCI-to-PCI Bridge Architecture Specification 1.2, ch. 3 */
    PCI_PRIMARY_BUS = 0x18,
    PCI_SECONDARY_BUS = 0x19,
    PCI_SUBORDINATE_BUS = 0x1a,
    PCI_IO_BASE = 0x1c,
    PCI_IO_LIMIT = 0x1d,
    PCI_SEC_STATUS = 0x1e,
    PCI_MEM_BASE = 0x20,
    PCI_MEM_LIMIT = 0x22,
    PCI_PREF_BASE = 0x24,
    PCI_PREF_LIMIT = 0x26,
    PCI_PREF_BASE_HIGH = 0x28,
    PCI_PREF_LIMIT_HIGH = 0x2c,
    PCI_BRIDGE_CTL = 0x3e,
};

enum { /* PCI_BRIDGE_CTL */
    PCI_BRIDGE_RESET = 0x0040,
    PCI_BRIDGE_WRITABLE = 0x0fdf,
};

enum { /* PCI_COMMAND */
    PCI_CMD_IO = 0x001,
    PCI_CMD_MEM = 0x002,
    PCI_CMD_MASTER = 0x004,
    PCI_CMD_PARITY = 0x040,
    PCI_CMD_SERR = 0x100,
    PCI_CMD_INTX_OFF = 0x400,
    PCI_CMD_WRITABLE = PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER | PCI_CMD_PARITY | PCI_CMD_SERR |
                       PCI_CMD_INTX_OFF,
};

enum { /* PCI_STATUS */
    PCI_ST_INTX = 0x0008,
    PCI_ST_CAPS = 0x0010,
    PCI_ST_FAST_B2B = 0x0080,
    PCI_ST_DEVSEL_MEDIUM = 0x0200,
    PCI_ST_W1C = 0xf900, /* error bits: cleared by writing one */
};

enum { /* low bits of a BAR */
    PCI_BAR_SPACE_IO = 0x1,
    PCI_BAR_64 = 0x4,
    PCI_BAR_PREFETCH = 0x8,
};

enum { /* capability IDs */
    PCI_CAP_PM = 0x01,
    PCI_CAP_MSI = 0x05,
    PCI_CAP_VENDOR = 0x09,
    PCI_CAP_SSVID = 0x0d,
    PCI_CAP_EXPRESS = 0x10,
    PCI_CAP_MSIX = 0x11,
};

enum { /* MSI message control, at capability + 2 */
    PCI_MSI_CTRL = 2,
    PCI_MSI_ADDR = 4,
    PCI_MSI_ENABLE = 0x0001,
    PCI_MSI_MMC_SHIFT = 1, /* vectors the function can use, log2 */
    PCI_MSI_MME = 0x0070,  /* vectors software granted, log2 */
    PCI_MSI_64 = 0x0080,
    PCI_MSI_MASKABLE = 0x0100,
    /* with 64-bit address and masking, as every function here */
    PCI_MSI_DATA = 12,
    PCI_MSI_MASK = 16,
    PCI_MSI_PENDING = 20,
    PCI_MSI_LEN = 24,
};

enum { /* MSI-X, at capability + 2 */
    PCI_MSIX_CTRL = 2,
    PCI_MSIX_TABLE = 4,
    PCI_MSIX_PBA = 8,
    PCI_MSIX_LEN = 12,
    PCI_MSIX_FUNC_MASK = 0x4000,
    PCI_MSIX_ENABLE = 0x8000,
    /* one table entry */
    PCI_MSIX_ENTRY = 16,
    PCI_MSIX_ENTRY_DATA = 8,
    PCI_MSIX_ENTRY_CTRL = 12,
    PCI_MSIX_ENTRY_MASKED = 1,
};

#endif
