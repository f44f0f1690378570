/* SPDX-License-Identifier: MIT */
/* Lists of buffers (struct iovec) as one range of bytes. */
#ifndef UTIL_IOV_H
#define UTIL_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

size_t iov_size(const struct iovec *iov, unsigned n);
/* Copy len bytes from / to offset off of the list, as far as it reaches. */
void iov_read(const struct iovec *iov, unsigned n, size_t off, void *buf, size_t len);
void iov_write(const struct iovec *iov, unsigned n, size_t off, const void *buf, size_t len);
void iov_fill(const struct iovec *iov, unsigned n, size_t off, int byte, size_t len);
bool iov_is_zero(const struct iovec *iov, unsigned n);
/* The bytes [off, off + len) of the list into out, which has room for n; how many it took. */
unsigned iov_slice(const struct iovec *iov, unsigned n, size_t off, size_t len, struct iovec *out);

bool buffer_is_zero(const void *buf, size_t len);

#endif
