/* SPDX-License-Identifier: MIT */
/* Background processes and pid files. */
#include "util/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"

static G_GNUC_NORETURN void parent_waits(int fd)
{
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1); /* the child printed why */
}

bool daemon_fork(int *ready_fd, GError **err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(err, "cannot create a pipe: %s", g_strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return error_set(err, "cannot fork: %s", g_strerror(errno));
    }
    if (pid > 0) {
        close(fds[1]);
        parent_waits(fds[0]);
    }
    close(fds[0]);
    setsid();
    *ready_fd = fds[1];
    return true;
}

void daemon_started(int ready_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ssize_t n;

    if (null >= 0) {
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        if (null > 2)
            close(null);
    }
    do
        n = write(ready_fd, "", 1);
    while (n < 0 && errno == EINTR);
    close(ready_fd);
}

/* Open and lock. The file may have been removed and made anew by another process between the
 * two: then what we hold is no longer what the name says. */
static int open_locked(const char *path, GError **err)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat held, named;
        int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0) {
            error_set(err, "cannot create '%s': %s", path, g_strerror(errno));
            return -1;
        }
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
            error_set(err, "'%s' is locked: another machine uses it", path);
            close(fd);
            return -1;
        }
        if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
    error_set(err, "'%s' is removed again and again by others", path);
    return -1;
}

char *pidfile_write(const char *path, GError **err)
{
    int fd = open_locked(path, err); /* stays open: closing it would unlock it */
    char text[24];

    if (fd < 0)
        return NULL;
    int len = g_snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0 || write(fd, text, len) != len) {
        error_set(err, "cannot write '%s': %s", path, g_strerror(errno));
        close(fd);
        return NULL;
    }
    return g_canonicalize_filename(path, NULL);
}

void pidfile_remove(char *name)
{
    if (name)
        unlink(name);
    g_free(name);
}
