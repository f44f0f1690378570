/* SPDX-License-Identifier: MIT */
/*
 * Raw mode and its undoing. A process has one controlling terminal and a signal handler has no
 * argument, so this file keeps the only mutable state of the process outside struct machine.
 * Everything in restore() is async-signal-safe (signal-safety(7)).
 */
#define _GNU_SOURCE
#include "chardev/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { MAX_FLAGS = 3 };

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP,
                                    SIGTERM, SIGINT, SIGHUP, SIGQUIT};
#define NFATAL (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static struct {
    volatile sig_atomic_t raw;
    int fd;
    struct termios before, during;
    char farewell[128];
    volatile sig_atomic_t farewell_len;
    /* descriptors that had to be made non-blocking in place */
    volatile sig_atomic_t nflags;
    struct {
        int fd, flags;
    } flags[MAX_FLAGS];
    bool hooked;
    struct sigaction old[NFATAL];
} term;

/* A background process that changes the terminal would be stopped by SIGTTOU. */
static bool in_foreground(int fd)
{
    return tcgetpgrp(fd) == getpgrp();
}

void terminal_restore(void)
{
    if (term.raw) {
        term.raw = 0;
        if (in_foreground(term.fd)) {
            if (write(term.fd, term.farewell, (size_t)term.farewell_len) >= 0)
                term.farewell_len = 0;
            tcsetattr(term.fd, TCSANOW, &term.before);
        }
    }
    while (term.nflags > 0) {
        int i = term.nflags - 1;
        fcntl(term.flags[i].fd, F_SETFL, term.flags[i].flags);
        term.nflags = i;
    }
}

static void on_fatal(int sig)
{
    int saved = errno;
    terminal_restore();
    for (size_t i = 0; i < NFATAL; i++)
        if (fatal_signals[i] == sig)
            sigaction(sig, &term.old[i], NULL);
    raise(sig); /* delivered when this handler returns, to whoever was there before */
    errno = saved;
}

/* After a stop (Ctrl-Z in the shell's hands) the shell has put its own modes. */
static void on_continue(int sig)
{
    int saved = errno;
    if (term.raw && in_foreground(term.fd))
        tcsetattr(term.fd, TCSANOW, &term.during);
    errno = saved;
}

static void hook(void)
{
    if (term.hooked)
        return;
    term.hooked = true;
    atexit(terminal_restore);
    for (size_t i = 0; i < NFATAL; i++) {
        bool handled_by_main = fatal_signals[i] == SIGTERM || fatal_signals[i] == SIGINT ||
                               fatal_signals[i] == SIGHUP || fatal_signals[i] == SIGQUIT;
        sigaction(fatal_signals[i], NULL, &term.old[i]);
        if (handled_by_main && term.old[i].sa_handler != SIG_DFL)
            continue; /* ignored, or an orderly end through the main loop */
        struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = SA_ONSTACK};
        sigaction(fatal_signals[i], &sa, NULL);
    }
    struct sigaction sa = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    sigaction(SIGCONT, &sa, NULL);
}

void terminal_raw(int fd, bool signals)
{
    if (term.raw || !isatty(fd) || tcgetattr(fd, &term.before) < 0)
        return;
    hook();
    term.fd = fd;
    term.during = term.before;
    term.during.c_iflag &=
        ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    term.during.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals)
        term.during.c_lflag &= ~(tcflag_t)ISIG;
    term.during.c_cflag = (term.during.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    term.during.c_cc[VMIN] = 1;
    term.during.c_cc[VTIME] = 0;
    term.raw = 1;
    if (in_foreground(fd))
        tcsetattr(fd, TCSANOW, &term.during);
}

void terminal_farewell(const char *text)
{
    size_t len = strlen(text);

    term.farewell_len = 0;
    if (len >= sizeof(term.farewell))
        return;
    memcpy(term.farewell, text, len);
    term.farewell_len = (sig_atomic_t)len;
}

/* O_NONBLOCK in place: the flag is shared with whoever has the file open, so it is put back. */
static int in_place(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    if (!(flags & O_NONBLOCK) && term.nflags < MAX_FLAGS) {
        hook();
        term.flags[term.nflags].fd = fd;
        term.flags[term.nflags].flags = flags;
        term.nflags++;
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int terminal_nonblocking_dup(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return fcntl(fd, F_DUPFD_CLOEXEC, 3); /* never blocks for long; keeps its position */
    if (!S_ISSOCK(st.st_mode)) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
        int own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            return own;
    }
    return in_place(fd);
}
