/* SPDX-License-Identifier: MIT */
/* Image locks. The byte ranges are those of QEMU's block/file-posix.c (as fcntl(2) shows them). */
#include "block/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util/error.h"

enum {
    USED = 100,
    DENIED = 200,
    PERM_READ = 1,
    PERM_WRITE = 2,
    PERM_RESIZE = 8,
    PERM_BITS = 4,
};
static const char *const perm_names[PERM_BITS] = {"consistent read", "write", "write unchanged",
                                                  "resize"};

static struct flock one_byte(short type, int at)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

/* Share bytes base + bit for all bits of the mask. 0 or an errno. */
static int take(int fd, int base, unsigned mask)
{
    for (int bit = 0; bit < PERM_BITS; bit++) {
        struct flock l = one_byte(F_RDLCK, base + bit);
        if ((mask >> bit & 1) && fcntl(fd, F_OFD_SETLK, &l) < 0)
            return errno;
    }
    return 0;
}

/* The first bit of the mask whose byte somebody else holds, or -1. */
static int held(int fd, int base, unsigned mask)
{
    for (int bit = 0; bit < PERM_BITS; bit++) {
        struct flock l = one_byte(F_WRLCK, base + bit);
        if ((mask >> bit & 1) && fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK)
            return bit;
    }
    return -1;
}

static bool supported(int fd)
{
    struct flock l = one_byte(F_WRLCK, USED);

    return fcntl(fd, F_OFD_GETLK, &l) == 0;
}

bool image_lock(int fd, const char *filename, bool writer, bool force, GError **err)
{
    unsigned used = writer ? PERM_READ | PERM_WRITE | PERM_RESIZE : PERM_READ;
    unsigned denied = PERM_WRITE | PERM_RESIZE;

    if (!supported(fd)) {
        if (!force)
            return true;
        return error_set(err, "'%s': its file system has no locks (locking=on)", filename);
    }
    int rc = take(fd, USED, used);
    if (rc == 0)
        rc = take(fd, DENIED, denied);
    if (rc)
        return error_set(err, "cannot lock '%s': %s", filename, g_strerror(rc));
    int bit = held(fd, DENIED, used);
    if (bit >= 0)
        return error_set(err, "failed to get the \"%s\" lock: is another process using the image "
                              "'%s'?", perm_names[bit], filename);
    bit = held(fd, USED, denied);
    if (bit >= 0)
        return error_set(err, "failed to get the shared \"%s\" lock: is another process using the "
                              "image '%s'?", perm_names[bit], filename);
    return true;
}

void image_unlock(int fd)
{
    struct flock l = one_byte(F_UNLCK, USED);

    l.l_len = DENIED + PERM_BITS - USED;
    fcntl(fd, F_OFD_SETLK, &l);
}
