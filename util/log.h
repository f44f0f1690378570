/* SPDX-License-Identifier: MIT */
/*
 * Log channels (-d LIST, -D FILE) and the rate-limited guest warning.
 *
 * A struct log hangs from its machine. The mask is read without a lock on hot paths:
 * test log_on() before formatting. Lines of several threads never mix.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* X(symbol, name on the command line, help) */
#define LOG_CHANNELS(X)                                                                            \
    X(INT, "int", "interrupts and exceptions")                                                     \
    X(CPU_RESET, "cpu_reset", "CPU state before a CPU reset or a triple fault")                    \
    X(GUEST_ERRORS, "guest_errors", "the guest does something a device's document forbids")        \
    X(IN_ASM, "in_asm", "guest instructions of each block when it is decoded")                     \
    X(EXEC, "exec", "each block as it is entered (slow)")                                          \
    X(CPU, "cpu", "registers before each block (slow)")                                            \
    X(MMU, "mmu", "page walks, TLB flushes")                                                       \
    X(PCALL, "pcall", "protected mode far transfers and task switches")                            \
    X(UNIMP, "unimp", "accesses to registers that are not modelled")                               \
    X(IOPORT, "ioport", "port accesses nobody answers")                                            \
    X(STRACE, "trace", "device events")

enum log_channel {
#define X(sym, name, help) LOG_BIT_##sym,
    LOG_CHANNELS(X)
#undef X
    LOG_NCHANNELS
};
enum {
#define X(sym, name, help) LOG_##sym = 1u << LOG_BIT_##sym,
    LOG_CHANNELS(X)
#undef X
};

struct log {
    uint32_t mask; /* LOG_* bits; set before vCPUs run, or under the machine lock */
    FILE *file;    /* stderr unless -D */
    bool timestamps; /* before each line: -msg timestamp=on */
    GMutex lock;   /* one line at a time */
    int64_t warn_window_start; /* guest_warn: host microseconds */
    unsigned warn_in_window;
    unsigned warn_dropped;
};

void log_init(struct log *log);
void log_fini(struct log *log);
/* "int,cpu_reset" -> mask; "help" is the caller's. Unknown names are an error that lists
 * the nearest valid one. */
bool log_parse_mask(const char *list, uint32_t *mask, GError **err);
/* One line per channel: "-d help". */
void log_describe_channels(GString *out);
bool log_set_file(struct log *log, const char *path, GError **err);

static inline bool log_on(const struct log *log, uint32_t channel)
{
    return __builtin_expect((log->mask & channel) != 0, 0);
}

/* The time as it stands before a message. */
void log_timestamp(FILE *f);
/* Write one message (with its own newlines). Any thread. */
void log_write(struct log *log, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
#define LOG(log, channel, ...)                                                                     \
    do {                                                                                           \
        if (log_on(log, channel))                                                                  \
            log_write(log, __VA_ARGS__);                                                           \
    } while (0)

/* The guest misbehaved towards `who`. Shown under -d guest_errors, at most a few a second. */
void guest_warn(struct log *log, const char *who, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

#endif
