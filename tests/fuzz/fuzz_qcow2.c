/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a qcow2 image end in a disk that can be read, written, zeroed, discarded
 * and closed, or in errors. First byte: bit 0 read-only, bit 1 lazy refcounts on.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block/block.h"
#include "core/machine_test.h"
#include "util/keyval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned undone;

static void done(struct blk_req *req, int result)
{
    if (result > 0)
        abort();
    undone--;
    g_free(req);
}

static void submit(struct blk *blk, enum blk_op op, uint64_t off, uint64_t len,
                   const struct iovec *iov)
{
    struct blk_req *r = g_new0(struct blk_req, 1);

    *r = (struct blk_req){.op = op, .off = off, .len = len, .iov = iov, .niov = iov ? 1 : 0,
                          .done = done, .flags = BLK_MAY_UNMAP};
    undone++;
    blk_submit(blk, r);
}

static void use(struct blk *blk)
{
    static uint8_t buffer[2][8192];
    struct iovec in = {buffer[0], 8192}, out = {buffer[1], 8192};
    uint64_t size = blk_size(blk), places[] = {0, 512, 32768, size / 2, size - 8192};

    for (unsigned i = 0; i < G_N_ELEMENTS(places) && size >= 65536; i++) {
        uint64_t at = places[i] / 512 * 512;
        submit(blk, BLK_READ, at, 8192, &in);
        submit(blk, BLK_WRITE, at, 8192, &out);
        submit(blk, BLK_ZERO, at, 8192, NULL);
        submit(blk, BLK_FLUSH, 0, 0, NULL);
        submit(blk, BLK_DISCARD, at, 4096, NULL);
        blk_drain(blk);
    }
    if (undone)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine *m; /* an io_uring costs more than an image */
    struct blk_config config = {0};

    if (!size || size > 65536)
        return 0;
    if (!m) {
        m = machine_new_test();
        m->log.file = fopen("/dev/null", "w");
    }
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    g_autofree char *text = g_strdup_printf(
        "driver=qcow2,backing=,discard=unmap,read-only=%s,file.aio=threads,file.locking=off,"
        "file.filename=/proc/self/fd/%d%s", data[0] & 1 ? "on" : "off", fd,
        data[0] & 2 ? ",lazy-refcounts=on" : "");
    struct keyvals *kv = keyvals_parse(text, NULL, NULL);
    GError *err = NULL;

    machine_lock(m);
    struct blk *blk = blk_open(m, kv, &config, &err);
    if (!blk == !err)
        abort();
    if (blk) {
        use(blk);
        blk_close(blk);
    }
    machine_unlock(m);
    g_clear_error(&err);
    keyvals_free(kv);
    close(fd);
    return 0;
}
