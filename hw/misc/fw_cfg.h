/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg: named blobs for firmware and operating systems. See fw_cfg.c.
 *
 * Items are added while the board is built; data is copied. All calls need the machine lock.
 */
#ifndef HW_MISC_FW_CFG_H
#define HW_MISC_FW_CFG_H

#include "core/device.h"
#include "core/region.h"

enum { /* keys */
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_FILE_SLOTS = 32,
    FW_CFG_WRITE_MODE = 0x4000,
    FW_CFG_ARCH = 0x8000,
    FW_CFG_IRQ0_OVERRIDE = FW_CFG_ARCH + 2,
    FW_CFG_ARCH_ITEMS = 8,
    FW_CFG_INVALID = 0xffff,
};
enum { FW_CFG_NAME_MAX = 56, FW_CFG_PORT = 0x510, FW_CFG_DMA_PORT = 0x514 };

struct fw_cfg_item {
    uint8_t *data;
    uint32_t len;
    char name[FW_CFG_NAME_MAX]; /* files only */
};

struct fw_cfg {
    struct device dev;
    struct region ctl;  /* 2 bytes: selector (word), data (byte 1) */
    struct region dma;  /* 8 bytes, big-endian address */
    struct fw_cfg_item item[FW_CFG_FILE_FIRST + FW_CFG_FILE_SLOTS];
    struct fw_cfg_item arch[FW_CFG_ARCH_ITEMS];
    unsigned nfiles;
    /* Told when software selects a file, before it reads: contents may be renewed. Or NULL. */
    void (*selected)(void *arg, const char *name);
    void *selected_arg;
    /* state */
    uint16_t key;
    uint32_t offset;
    uint64_t dma_addr;
};

extern const struct device_type fw_cfg_type;

void fw_cfg_add(struct fw_cfg *f, uint16_t key, const void *data, size_t len);
void fw_cfg_add_u16(struct fw_cfg *f, uint16_t key, uint16_t value);
void fw_cfg_add_u32(struct fw_cfg *f, uint16_t key, uint32_t value);
void fw_cfg_add_u64(struct fw_cfg *f, uint16_t key, uint64_t value);
/* A file in the directory; a second one of that name replaces the first. False: no slot free
 * or the name is too long. */
bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len);

#endif
