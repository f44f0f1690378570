/* SPDX-License-Identifier: MIT */
/* Lists of buffers. */
#include "util/iov.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

size_t iov_size(const struct iovec *iov, unsigned n)
{
    size_t size = 0;

    for (unsigned i = 0; i < n; i++)
        size += iov[i].iov_len;
    return size;
}

/* Call fn for each piece of [off, off + len): where it lies, where it is in the range. */
static void walk(const struct iovec *iov, unsigned n, size_t off, size_t len,
                 void (*fn)(void *arg, void *piece, size_t at, size_t len), void *arg)
{
    size_t done = 0;

    for (unsigned i = 0; i < n && done < len; i++) {
        if (off >= iov[i].iov_len) {
            off -= iov[i].iov_len;
            continue;
        }
        size_t now = MIN(iov[i].iov_len - off, len - done);
        fn(arg, (uint8_t *)iov[i].iov_base + off, done, now);
        done += now;
        off = 0;
    }
}

static void copy_out(void *buf, void *piece, size_t at, size_t len)
{
    memcpy((uint8_t *)buf + at, piece, len);
}

static void copy_in(void *buf, void *piece, size_t at, size_t len)
{
    memcpy(piece, (const uint8_t *)buf + at, len);
}

static void fill(void *byte, void *piece, size_t at, size_t len)
{
    memset(piece, *(int *)byte, len);
}

void iov_read(const struct iovec *iov, unsigned n, size_t off, void *buf, size_t len)
{
    walk(iov, n, off, len, copy_out, buf);
}

void iov_write(const struct iovec *iov, unsigned n, size_t off, const void *buf, size_t len)
{
    walk(iov, n, off, len, copy_in, (void *)buf);
}

void iov_fill(const struct iovec *iov, unsigned n, size_t off, int byte, size_t len)
{
    walk(iov, n, off, len, fill, &byte);
}

struct slice {
    struct iovec *out;
    unsigned n;
};

static void take(void *arg, void *piece, size_t at, size_t len)
{
    struct slice *s = arg;

    s->out[s->n++] = (struct iovec){piece, len};
}

unsigned iov_slice(const struct iovec *iov, unsigned n, size_t off, size_t len, struct iovec *out)
{
    struct slice s = {out, 0};

    walk(iov, n, off, len, take, &s);
    return s.n;
}

bool buffer_is_zero(const void *buf, size_t len)
{
    const char *p = buf;

    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

bool iov_is_zero(const struct iovec *iov, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!buffer_is_zero(iov[i].iov_base, iov[i].iov_len))
            return false;
    return true;
}
