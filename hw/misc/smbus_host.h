/* SPDX-License-Identifier: MIT */
/*
 * SMBus host controller of Intel south bridges (PIIX4: 290562, 7.3; ICH9: 316972, 18.2), on a
 * board without SMBus devices: every transaction ends with "device error", as nobody
 * acknowledges. Machine lock.
 */
#ifndef HW_MISC_SMBUS_HOST_H
#define HW_MISC_SMBUS_HOST_H

#include "core/device.h"
#include "core/region.h"

enum {
    SMBHSTSTS = 0, SMBHSTCNT = 2, SMBHSTCMD = 3, SMBHSTADD = 4, SMBHSTDAT0 = 5, SMBHSTDAT1 = 6,
    SMBBLKDAT = 7,
    SMBSTS_INTR = 0x02, SMBSTS_DEV_ERR = 0x04, SMBSTS_W1C = 0x1e,
    SMBCNT_INTEN = 0x01, SMBCNT_START = 0x40, SMBCNT_PROT = 0x1c,
};

struct smbus_host {
    struct region io;
    void (*changed)(void *arg); /* smbus_host_interrupt() may have another level */
    void *arg;
    uint8_t sts, cnt, cmd, add, dat0, dat1, index;
    uint8_t block[32];
};

#define SMBUS_HOST_STATE(T, f)                                                                     \
    STATE_FIELD(T, f.sts), STATE_FIELD(T, f.cnt), STATE_FIELD(T, f.cmd), STATE_FIELD(T, f.add),    \
        STATE_FIELD(T, f.dat0), STATE_FIELD(T, f.dat1), STATE_FIELD(T, f.index),                   \
        STATE_BUFFER(T, f.block)

/* size: of the chip's I/O space; what is beyond the registers reads as zero. */
void smbus_host_init(struct smbus_host *s, const char *name, unsigned size,
                     void (*changed)(void *arg), void *arg);
void smbus_host_fini(struct smbus_host *s);
void smbus_host_reset(struct smbus_host *s);
bool smbus_host_interrupt(const struct smbus_host *s);

#endif
