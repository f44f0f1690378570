/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg, the firmware configuration device of QEMU's PC.
 *
 * Follows QEMU's document "QEMU Firmware Configuration (fw_cfg) Device". Modelled: selector and
 * data port, file directory, DMA with read, skip and select. Nothing here is writable, so a DMA
 * write ends with the error bit and stores to the data port are ignored, as the document allows.
 *
 *   0x510  word, write   selector
 *   0x511  byte, read    next byte of the selected item; zero past its end
 *   0x514  dword x 2     address of the DMA request, big-endian, high half first; the low half
 *                        starts it. Reads give "QEMU CFG".
 *
 *   DMA request (big-endian):  0 control | 4 length | 8 address
 *   control: bit 0 error, 1 read, 2 skip, 3 select (key in 31:16), 4 write
 */
#include "hw/misc/fw_cfg.h"

#include <inttypes.h>
#include <string.h>

#include "core/machine.h"

enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { ID_TRADITIONAL = 1, ID_DMA = 2, DMA_CHUNK = 4096 };
#define DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */

static struct fw_cfg_item *item_of(struct fw_cfg *f, uint16_t key)
{
    unsigned index = key & (uint16_t)~(FW_CFG_WRITE_MODE | FW_CFG_ARCH);

    if (key == FW_CFG_INVALID)
        return NULL;
    if (key & FW_CFG_ARCH)
        return index < G_N_ELEMENTS(f->arch) ? &f->arch[index] : NULL;
    return index < G_N_ELEMENTS(f->item) ? &f->item[index] : NULL;
}

/* ---- Contents ------------------------------------------------------------------------- */

static void item_set(struct fw_cfg_item *it, const void *data, size_t len)
{
    g_free(it->data);
    it->data = g_memdup2(data, len);
    it->len = (uint32_t)len;
}

void fw_cfg_add(struct fw_cfg *f, uint16_t key, const void *data, size_t len)
{
    struct fw_cfg_item *it = item_of(f, key);
    if (it)
        item_set(it, data, len);
}

void fw_cfg_add_u16(struct fw_cfg *f, uint16_t key, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    fw_cfg_add(f, key, &value, sizeof(value));
}

void fw_cfg_add_u32(struct fw_cfg *f, uint16_t key, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    fw_cfg_add(f, key, &value, sizeof(value));
}

void fw_cfg_add_u64(struct fw_cfg *f, uint16_t key, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    fw_cfg_add(f, key, &value, sizeof(value));
}

struct directory_entry {
    uint32_t size;
    uint16_t select, reserved;
    char name[FW_CFG_NAME_MAX];
};

static void directory_build(struct fw_cfg *f)
{
    struct {
        uint32_t count;
        struct directory_entry e[FW_CFG_FILE_SLOTS];
    } dir = {.count = GUINT32_TO_BE(f->nfiles)};

    for (unsigned i = 0; i < f->nfiles; i++) {
        const struct fw_cfg_item *it = &f->item[FW_CFG_FILE_FIRST + i];
        dir.e[i].size = GUINT32_TO_BE(it->len);
        dir.e[i].select = GUINT16_TO_BE(FW_CFG_FILE_FIRST + i);
        memcpy(dir.e[i].name, it->name, FW_CFG_NAME_MAX);
    }
    fw_cfg_add(f, FW_CFG_FILE_DIR, &dir, 4 + f->nfiles * sizeof(dir.e[0]));
}

bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len)
{
    struct fw_cfg_item *files = &f->item[FW_CFG_FILE_FIRST];
    unsigned i = 0;

    while (i < f->nfiles && strcmp(files[i].name, name))
        i++;
    if (i == FW_CFG_FILE_SLOTS || strlen(name) >= FW_CFG_NAME_MAX)
        return false;
    if (i == f->nfiles) {
        f->nfiles++;
        g_strlcpy(files[i].name, name, FW_CFG_NAME_MAX);
    }
    item_set(&files[i], data, len);
    directory_build(f);
    return true;
}

/* ---- Ports ---------------------------------------------------------------------------- */

static void take(struct fw_cfg *f, uint8_t *buf, uint32_t len)
{
    const struct fw_cfg_item *it = item_of(f, f->key);
    uint32_t have = it && f->offset < it->len ? it->len - f->offset : 0;

    if (have > len)
        have = len;
    if (buf) {
        if (have)
            memcpy(buf, it->data + f->offset, have);
        memset(buf + have, 0, len - have);
    }
    f->offset += have;
}

static void select_item(struct fw_cfg *f, uint16_t key)
{
    const struct fw_cfg_item *it = item_of(f, key);

    f->key = key;
    f->offset = 0;
    if (it && it->name[0] && f->selected)
        f->selected(f->selected_arg, it->name);
}

static uint64_t ctl_read(void *dev, uint64_t off, unsigned size)
{
    uint8_t b = 0;

    if (off == 1)
        take(dev, &b, 1);
    return b;
}

static void ctl_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    if (off == 0 && size == 2)
        select_item(dev, (uint16_t)val);
}

static bool dma_transfer(struct fw_cfg *f, uint32_t control, uint64_t addr, uint32_t len)
{
    struct address_space *mem = &f->dev.machine->mem;
    uint8_t buf[DMA_CHUNK];

    if (control & DMA_SELECT)
        select_item(f, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        while (len) {
            uint32_t n = len < DMA_CHUNK ? len : DMA_CHUNK;
            take(f, buf, n);
            if (!as_write(mem, addr, buf, n))
                return false;
            addr += n;
            len -= n;
        }
    } else if (control & DMA_WRITE) {
        return false;
    } else if (control & DMA_SKIP) {
        take(f, NULL, len);
    }
    return true;
}

static void dma_run(struct fw_cfg *f)
{
    struct address_space *mem = &f->dev.machine->mem;
    struct {
        uint32_t control, len;
        uint64_t addr;
    } req;
    uint64_t at = f->dma_addr;

    f->dma_addr = 0;
    if (!as_read(mem, at, &req, sizeof(req))) {
        guest_warn(&f->dev.machine->log, "fw_cfg", "DMA request at %#" PRIx64 " is not memory", at);
        return;
    }
    bool ok = dma_transfer(f, GUINT32_FROM_BE(req.control), GUINT64_FROM_BE(req.addr),
                           GUINT32_FROM_BE(req.len));
    uint32_t status = GUINT32_TO_BE(ok ? 0 : DMA_ERROR);
    as_write(mem, at, &status, sizeof(status));
}

static uint64_t dma_read(void *dev, uint64_t off, unsigned size)
{
    uint64_t v = GUINT64_TO_BE(DMA_SIGNATURE) >> (8 * off);
    return size == 8 ? v : v & ((1ull << (8 * size)) - 1);
}

static void dma_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct fw_cfg *f = dev;

    if (size == 8) {
        f->dma_addr = GUINT64_FROM_BE(val);
        dma_run(f);
    } else if (size == 4 && off == 0) {
        f->dma_addr = (uint64_t)GUINT32_FROM_BE((uint32_t)val) << 32;
    } else if (size == 4 && off == 4) {
        f->dma_addr |= GUINT32_FROM_BE((uint32_t)val);
        dma_run(f);
    }
}

static const struct region_ops ctl_ops = {ctl_read, ctl_write, 1, 2};
static const struct region_ops dma_ops = {dma_read, dma_write, 1, 8};

/* ---- Life ----------------------------------------------------------------------------- */

static bool fw_cfg_realize(struct device *dev, GError **err)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;

    region_init_io(&f->ctl, "fw_cfg", &ctl_ops, f, 2);
    region_init_io(&f->dma, "fw_cfg-dma", &dma_ops, f, 8);
    fw_cfg_add(f, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    directory_build(f);
    return true;
}

static void fw_cfg_reset(struct device *dev)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;

    f->key = FW_CFG_SIGNATURE;
    f->offset = 0;
    f->dma_addr = 0;
}

static void fw_cfg_unrealize(struct device *dev)
{
    struct fw_cfg *f = (struct fw_cfg *)dev;

    region_fini(&f->ctl);
    region_fini(&f->dma);
    for (unsigned i = 0; i < G_N_ELEMENTS(f->item); i++)
        g_free(f->item[i].data);
    for (unsigned i = 0; i < G_N_ELEMENTS(f->arch); i++)
        g_free(f->arch[i].data);
}

static const struct state_field fw_cfg_state[] = {
    STATE_FIELD(struct fw_cfg, key), STATE_FIELD(struct fw_cfg, offset),
    STATE_FIELD(struct fw_cfg, dma_addr), STATE_END};

const struct device_type fw_cfg_type = {
    .name = "fw_cfg_io",
    .help = "firmware configuration (ports 0x510-0x51b)",
    .bus = "System",
    .size = sizeof(struct fw_cfg),
    .state = fw_cfg_state,
    .internal = true,
    .realize = fw_cfg_realize,
    .reset = fw_cfg_reset,
    .unrealize = fw_cfg_unrealize,
};
