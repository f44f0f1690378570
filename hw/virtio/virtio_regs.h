/* SPDX-License-Identifier: MIT */
/* Names of VIRTIO 1.2: device IDs (5), status (2.1), features (6), rings (2.7, 2.8), PCI (4.1). */
#ifndef HW_VIRTIO_VIRTIO_REGS_H
#define HW_VIRTIO_VIRTIO_REGS_H

enum virtio_id {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_ENTROPY = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_SCSI = 8,
    VIRTIO_ID_9P = 9,
    VIRTIO_ID_GPU = 16,
    VIRTIO_ID_INPUT = 18,
    VIRTIO_ID_SOCKET = 19,
};

/* 2.1 device status */
enum {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/* 6 reserved feature bits; those of a device are in its own file. */
#define VIRTIO_F_ANY_LAYOUT      (1ull << 27)
#define VIRTIO_F_INDIRECT_DESC   (1ull << 28)
#define VIRTIO_F_EVENT_IDX       (1ull << 29)
#define VIRTIO_F_VERSION_1       (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_F_RING_PACKED     (1ull << 34)
#define VIRTIO_F_RING_RESET      (1ull << 40)

/* 2.7.5, 2.8.1 descriptor flags */
enum {
    VIRTQ_NEXT = 1,
    VIRTQ_WRITE = 2, /* the device writes it */
    VIRTQ_INDIRECT = 4,
    VIRTQ_AVAIL_SHIFT = 7, /* packed */
    VIRTQ_USED_SHIFT = 15,
};
enum { VIRTQ_DESC_SIZE = 16 };

/*
 * 2.7 split: descriptor table | driver area | device area
 *   le64 addr, le32 len, le16 flags, le16 next
 *   le16 flags, le16 idx, le16 ring[size], le16 used_event
 *   le16 flags, le16 idx, {le32 id, le32 len} ring[size], le16 avail_event
 */
enum {
    AVAIL_FLAGS = 0,
    AVAIL_IDX = 2,
    AVAIL_RING = 4,
    USED_FLAGS = 0,
    USED_IDX = 2,
    USED_RING = 4,
    AVAIL_NO_INTERRUPT = 1,
    USED_NO_NOTIFY = 1,
};

/* 2.8.10 packed: the event suppression structures are le16 off_wrap, le16 flags. */
enum { EVENT_OFF_WRAP = 0, EVENT_FLAGS = 2, EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };

/* ---- 4.1 PCI ---------------------------------------------------------------------------- */

enum {
    VIRTIO_PCI_VENDOR = 0x1af4,
    VIRTIO_PCI_MODERN_BASE = 0x1040, /* + device ID */
    VIRTIO_PCI_SUBDEVICE = 0x1100,
    VIRTIO_PCI_NO_VECTOR = 0xffff,
};

/* 4.1.4 struct virtio_pci_cap */
enum {
    VIRTIO_PCI_CAP_COMMON = 1,
    VIRTIO_PCI_CAP_NOTIFY = 2,
    VIRTIO_PCI_CAP_ISR = 3,
    VIRTIO_PCI_CAP_DEVICE = 4,
    VIRTIO_PCI_CAP_PCI_CFG = 5,
    CAP_LEN = 2, /* offsets in it */
    CAP_CFG_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_SIZE = 16,
    CAP_NOTIFY_MULTIPLIER = 16,
    CAP_PCI_CFG_DATA = 16,
    CAP_SIZE_LONG = 20,
};

/* 4.1.4.3 common configuration */
enum {
    COMMON_DEVICE_FEATURE_SELECT = 0x00,
    COMMON_DEVICE_FEATURE = 0x04,
    COMMON_DRIVER_FEATURE_SELECT = 0x08,
    COMMON_DRIVER_FEATURE = 0x0c,
    COMMON_CONFIG_VECTOR = 0x10,
    COMMON_NUM_QUEUES = 0x12,
    COMMON_STATUS = 0x14,
    COMMON_GENERATION = 0x15,
    COMMON_QUEUE_SELECT = 0x16,
    COMMON_QUEUE_SIZE = 0x18,
    COMMON_QUEUE_VECTOR = 0x1a,
    COMMON_QUEUE_ENABLE = 0x1c,
    COMMON_QUEUE_NOTIFY_OFF = 0x1e,
    COMMON_QUEUE_DESC = 0x20,
    COMMON_QUEUE_DRIVER = 0x28,
    COMMON_QUEUE_DEVICE = 0x30,
    COMMON_QUEUE_NOTIFY_DATA = 0x38,
    COMMON_QUEUE_RESET = 0x3a,
    COMMON_SIZE = 0x3c,
};

/* 4.1.4.10 legacy interface */
enum {
    LEGACY_DEVICE_FEATURES = 0,
    LEGACY_DRIVER_FEATURES = 4,
    LEGACY_QUEUE_PFN = 8,
    LEGACY_QUEUE_SIZE = 12,
    LEGACY_QUEUE_SELECT = 14,
    LEGACY_QUEUE_NOTIFY = 16,
    LEGACY_STATUS = 18,
    LEGACY_ISR = 19,
    LEGACY_CONFIG_VECTOR = 20, /* both only while MSI-X is enabled */
    LEGACY_QUEUE_VECTOR = 22,
    LEGACY_CONFIG = 20,
    LEGACY_CONFIG_MSIX = 24,
    LEGACY_PAGE = 4096,
};

/* 4.1.4.5 ISR */
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

#endif
