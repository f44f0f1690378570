/* SPDX-License-Identifier: MIT */
/* SMBus host controller without anybody on the bus. */
#include "hw/misc/smbus_host.h"

#include <string.h>

static uint64_t smb_read(void *dev, uint64_t off, unsigned size)
{
    struct smbus_host *s = dev;

    switch (off) {
    case SMBHSTSTS:
        return s->sts;
    case SMBHSTCNT:
        s->index = 0;
        return s->cnt;
    case SMBHSTCMD:
        return s->cmd;
    case SMBHSTADD:
        return s->add;
    case SMBHSTDAT0:
        return s->dat0;
    case SMBHSTDAT1:
        return s->dat1;
    case SMBBLKDAT:
        return s->block[s->index++ & 31];
    default:
        return 0;
    }
}

static void smb_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct smbus_host *s = dev;
    uint8_t v = (uint8_t)val;

    switch (off) {
    case SMBHSTSTS:
        s->sts &= (uint8_t)~(v & SMBSTS_W1C);
        break;
    case SMBHSTCNT:
        s->cnt = v & (SMBCNT_INTEN | SMBCNT_PROT);
        if (v & SMBCNT_START)
            s->sts |= SMBSTS_DEV_ERR;
        break;
    case SMBHSTCMD:
        s->cmd = v;
        break;
    case SMBHSTADD:
        s->add = v;
        break;
    case SMBHSTDAT0:
        s->dat0 = v;
        break;
    case SMBHSTDAT1:
        s->dat1 = v;
        break;
    case SMBBLKDAT:
        s->block[s->index++ & 31] = v;
        break;
    default:
        break;
    }
    s->changed(s->arg);
}

static const struct region_ops smb_ops = {smb_read, smb_write, 1, 1};

void smbus_host_init(struct smbus_host *s, const char *name, unsigned size,
                     void (*changed)(void *arg), void *arg)
{
    s->changed = changed;
    s->arg = arg;
    region_init_io(&s->io, name, &smb_ops, s, size);
}

void smbus_host_fini(struct smbus_host *s)
{
    region_fini(&s->io);
}

void smbus_host_reset(struct smbus_host *s)
{
    s->sts = s->cnt = s->cmd = s->add = 0;
    s->dat0 = s->dat1 = s->index = 0;
    memset(s->block, 0, sizeof(s->block));
}

bool smbus_host_interrupt(const struct smbus_host *s)
{
    return (s->sts & SMBSTS_W1C) && (s->cnt & SMBCNT_INTEN);
}
