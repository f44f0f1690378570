/* SPDX-License-Identifier: MIT */
/* Shared by the files of migration/ that move a machine. */
#ifndef MIGRATION_MIGRATION_INT_H
#define MIGRATION_MIGRATION_INT_H

#include "core/machine.h"
#include "migration/channel.h"
#include "migration/migration.h"
#include "migration/saved.h"

enum migration_status {
    MIG_NONE,
    MIG_SETUP,
    MIG_CANCELLING,
    MIG_CANCELLED,
    MIG_ACTIVE,
    MIG_DEVICE,
    MIG_COMPLETED,
    MIG_FAILED,
};

enum { CAP_AUTO_CONVERGE, CAP_EVENTS, CAP_COUNT };
enum {
    PARAM_BANDWIDTH,        /* bytes a second, while the machine runs */
    PARAM_DOWNTIME,         /* ms */
    PARAM_THROTTLE_TRIGGER, /* per cent of what is sent that may be dirtied meanwhile */
    PARAM_THROTTLE_INITIAL,
    PARAM_THROTTLE_INCREMENT,
    PARAM_THROTTLE_MAX, /* per cent */
    PARAM_COUNT,
};

/* What a migration's thread has the main thread do. */
struct main_call {
    bool (*fn)(struct migration *g, GError **err);
    GError *err;
    bool done, ok;
};

struct migration {
    struct machine *m;
    bool caps[CAP_COUNT];
    uint64_t params[PARAM_COUNT]; /* atomic */

    /* Under the machine lock: */
    enum migration_status status; /* of what went out, or came in, last */
    bool in;                      /* it came in */
    char *error;                  /* why it failed, or NULL */
    struct channel channel;
    bool running;    /* the machine ran before it was stopped for this */
    bool stopped;    /* it was */
    bool disks_away; /* the other side has the disks */
    bool start;      /* in: it is to run when it is there */
    int64_t began, setup, total, downtime, stop_time; /* ms */
    struct main_call *call;
    GSource *source; /* of `call` and `ended` */
    bool ended;      /* the thread is done */
    bool ended_ok;
    GError *ended_error;
    bool closing; /* the machine ends */

    GThread *thread;
    int cancel_fd;  /* an eventfd */
    bool cancelled; /* atomic */
    struct ram_out out;
    char *config;
    GByteArray *state;
    struct saved saved; /* in */
    struct lazy *lazy;  /* pages are being checked, or NULL */

    /* The thread's, read by others (atomic): */
    uint64_t passes, remaining, dirty_rate, bandwidth, expected_downtime;
    struct {
        int64_t window; /* us */
        uint64_t bytes; /* in it */
        int64_t sync;   /* us: when throttling was decided last */
        uint64_t sent, dirty;
        unsigned slow; /* how often too much was dirtied, in a row */
    } pace;
};

/* migration.c */
struct migration *migration_get(struct machine *m);
void migration_set_status(struct migration *g, enum migration_status status);
bool migration_busy(const struct migration *g);
/* One begins: its thread runs body(). */
bool migration_launch(struct migration *g, bool in, bool (*body)(struct migration *g, GError **err),
                      GError **err);
/* From the thread: fn on the main thread, under the lock, and wait. */
bool migration_on_main(struct migration *g, bool (*fn)(struct migration *g, GError **err),
                       GError **err);

/* outgoing.c, incoming.c: the thread's body, and on the main thread what is left to do. */
bool outgoing_run(struct migration *g, GError **err);
void outgoing_ended(struct migration *g, bool ok);
bool incoming_run(struct migration *g, GError **err);
void incoming_ended(struct migration *g, bool ok);

/* params.c */
void params_init(struct migration *g);
static inline uint64_t param(const struct migration *g, unsigned which)
{
    return __atomic_load_n(&g->params[which], __ATOMIC_RELAXED);
}

/* throttle.c: keep the vCPUs from running that many per cent of the time; 0: not at all. */
void throttle_set(struct machine *m, unsigned percent);

/* lazy.c: check the pages of a mapped file while the machine runs. Takes over saved->ram's sums. */
struct lazy *lazy_start(struct machine *m, struct saved *saved, int fd, const char *filename);
void lazy_free(struct lazy *l);

#endif
