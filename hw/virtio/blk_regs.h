/* SPDX-License-Identifier: MIT */
/* Names of VIRTIO 1.2, 5.2: block device. */
#ifndef HW_VIRTIO_BLK_REGS_H
#define HW_VIRTIO_BLK_REGS_H

/* 5.2.3 */
#define VIRTIO_BLK_F_SEG_MAX      (1ull << 2)
#define VIRTIO_BLK_F_GEOMETRY     (1ull << 4)
#define VIRTIO_BLK_F_RO           (1ull << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (1ull << 6)
#define VIRTIO_BLK_F_FLUSH        (1ull << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (1ull << 10)
#define VIRTIO_BLK_F_CONFIG_WCE   (1ull << 11)
#define VIRTIO_BLK_F_MQ           (1ull << 12)
#define VIRTIO_BLK_F_DISCARD      (1ull << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (1ull << 14)

/* 5.2.4 offsets in the configuration space */
enum {
    BLK_CAPACITY = 0,
    BLK_SEG_MAX = 12,
    BLK_CYLINDERS = 16,
    BLK_HEADS = 18,
    BLK_SECTORS = 19,
    BLK_BLK_SIZE = 20,
    BLK_PHYSICAL_EXP = 24,
    BLK_MIN_IO_SIZE = 26,
    BLK_OPT_IO_SIZE = 28,
    BLK_WRITEBACK = 32,
    BLK_NUM_QUEUES = 34,
    BLK_MAX_DISCARD = 36,
    BLK_MAX_DISCARD_SEG = 40,
    BLK_DISCARD_ALIGNMENT = 44,
    BLK_MAX_ZEROES = 48,
    BLK_MAX_ZEROES_SEG = 52,
    BLK_ZEROES_MAY_UNMAP = 56,
    BLK_CONFIG_SIZE = 60,
};

/* 5.2.6: le32 type, le32 reserved, le64 sector; data; u8 status */
enum {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
    BLK_HEADER = 16,
    BLK_ID_SIZE = 20,
    BLK_SECTOR = 512,
};
enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };

/* Of discard and write zeroes: le64 sector, le32 num_sectors, le32 flags */
enum { BLK_RANGE_SIZE = 16, BLK_RANGE_UNMAP = 1 };

#endif
