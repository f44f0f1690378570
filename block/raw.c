/* SPDX-License-Identifier: MIT */
/*
 * The raw format: the disk is its file, or `size` bytes of it from `offset` on.
 *
 * A raw image that was only guessed (no format given) must not become something else: a write
 * of sector 0 that would make it look like another format is refused with EPERM. Else a guest
 * could write a qcow2 header that names any file of the host as its backing file.
 */
#include "block/raw.h"

#include <errno.h>
#include <string.h>

#include "block/opts.h"
#include "util/error.h"
#include "util/iov.h"

struct raw {
    uint64_t offset;
    bool limited;
    bool guessed;
};

void raw_set_guessed(struct node *n)
{
    ((struct raw *)n->opaque)->guessed = true;
}

static bool raw_open(struct node *n, struct blkopts *o, GError **err)
{
    struct raw *r = n->opaque;
    uint64_t size = UINT64_MAX;

    if (!blkopts_size(o, "offset", &r->offset, err) || !blkopts_size(o, "size", &size, err))
        return false;
    r->limited = r->offset || size != UINT64_MAX;
    if (r->offset > n->file->size)
        return error_set(err, "offset=: '%s' is not that long", n->filename);
    n->size = n->file->size - r->offset;
    if (size != UINT64_MAX && size > n->size)
        return error_set(err, "size=: '%s' is not that long", n->filename);
    n->size = MIN(n->size, size);
    if (!r->limited) /* the guest counts sectors */
        n->size += (512 - n->size % 512) % 512;
    else
        n->size -= n->size % 512;
    return true;
}

static int raw_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                    unsigned niov)
{
    return node_read(n->file, off + ((struct raw *)n->opaque)->offset, len, iov, niov);
}

const char *format_probe(const uint8_t *head, size_t len)
{
    static const struct {
        const char *name;
        unsigned at, len;
        const char *magic;
    } formats[] = {
        {"qcow2", 0, 8, "QFI\xfb\0\0\0\2"}, {"qcow2", 0, 8, "QFI\xfb\0\0\0\3"},
        {"qcow", 0, 4, "QFI\xfb"},           {"qed", 0, 4, "QED\0"},
        {"vmdk", 0, 4, "KDMV"},              {"vmdk", 0, 4, "COWD"},
        {"vmdk", 0, 21, "# Disk DescriptorFile"},
        {"vhdx", 0, 8, "vhdxfile"},          {"vpc", 0, 8, "conectix"},
        {"vdi", 0x40, 4, "\x7f\x10\xda\xbe"}, {"luks", 0, 6, "LUKS\xba\xbe"},
        {"parallels", 0, 16, "WithoutFreeSpace"}, {"parallels", 0, 16, "WithouFreSpacExt"},
        {"bochs", 0, 32, "Bochs Virtual HD Image\0\0\0\0\0\0\0\0\0"},
        {"cloop", 0, 36, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++)
        if (len >= formats[i].at + formats[i].len &&
            memcmp(head + formats[i].at, formats[i].magic, formats[i].len) == 0)
            return formats[i].name;
    return "raw";
}

/* Sector 0 as it would be after the write, to the probes of the formats. */
static bool keeps_raw(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                      unsigned niov)
{
    uint8_t head[FORMAT_HEAD];

    if (node_read_buf(n, 0, head, sizeof(head)) < 0)
        return false;
    iov_read(iov, niov, 0, head + off, MIN(len, sizeof(head) - off));
    return strcmp(format_probe(head, sizeof(head)), "raw") == 0;
}

static int raw_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                     unsigned niov)
{
    struct raw *r = n->opaque;

    if (r->guessed && off < 512 && !keeps_raw(n, off, len, iov, niov))
        return -EPERM;
    return node_write(n->file, off + r->offset, len, iov, niov);
}

static int raw_flush(struct node *n)
{
    return node_flush(n->file);
}

static int raw_discard(struct node *n, uint64_t off, uint64_t len)
{
    return node_discard(n->file, off + ((struct raw *)n->opaque)->offset, len);
}

static int raw_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags)
{
    return node_zero(n->file, off + ((struct raw *)n->opaque)->offset, len, flags);
}

static int raw_resize(struct node *n, uint64_t size)
{
    if (((struct raw *)n->opaque)->limited)
        return -ENOTSUP;
    int rc = node_resize(n->file, size);
    if (rc == 0)
        n->size = size;
    return rc;
}

const struct node_driver raw_driver = {
    .name = "raw",
    .size = sizeof(struct raw),
    .open = raw_open,
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .zero = raw_zero,
    .resize = raw_resize,
};
