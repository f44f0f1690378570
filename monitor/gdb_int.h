/* SPDX-License-Identifier: MIT */
/*
 * The parts of the gdb server:
 *
 *   gdb.c         the stream, connections, what the machine's state changes mean
 *   gdb_packet.c  framing
 *   gdb_table.c   the table of packets; registers, memory, threads, monitor commands
 *   gdb_query.c   packets that begin with q and Q
 *   gdb_run.c     breakpoints, going on, stopping and saying why
 */
#ifndef MONITOR_GDB_INT_H
#define MONITOR_GDB_INT_H

#include "core/debug.h"
#include "core/machine.h"
#include "monitor/command.h"
#include "monitor/gdb_packet.h"

enum { SSTEP_ENABLE = 1, SSTEP_NOIRQ = 2 };

struct gdb_point {
    struct debug_point point;
    unsigned type; /* 0 software, 1 hardware breakpoint, 2 write, 3 read, 4 access */
};

struct gdb {
    struct machine *machine;
    struct chardev *chr;
    bool own_chr;
    char *where;
    struct gdb_parser parser;
    GString *out;  /* what the stream has not taken yet */
    GString *last; /* the last packet, for a retry */

    /* The present connection: */
    bool connected, no_ack;
    bool waiting;    /* the machine runs, and gdb is told when it stops */
    bool stopped_it; /* it stands still because of gdb */
    bool resuming;
    bool says_swbreak, says_hwbreak; /* gdb understands these reasons */
    unsigned g_cpu, c_cpu;           /* chosen by H packets: for registers, for c and s */
    unsigned sstep;                  /* SSTEP_* */
    bool physical;                   /* m and M mean guest-physical addresses */
    GArray *points;                  /* struct gdb_point */
    struct command_context ctx;      /* of `monitor` commands */
    bool in_command;
    char *description; /* target.xml, once it was read */
};

/* ---- gdb.c */
void gdb_reply(struct gdb *g, const char *text);
void gdb_reply_bytes(struct gdb *g, const void *bytes, size_t len);
void gdb_reply_error(struct gdb *g, unsigned number);    /* an errno */
void gdb_reply_failure(struct gdb *g, const char *text); /* gdb shows the text */

/* ---- gdb_table.c */
void gdb_handle(struct gdb *g, const char *packet, size_t len);
static inline struct vcpu *gdb_cpu(const struct gdb *g, unsigned n)
{
    return g->machine->vcpus->pdata[n];
}
/* A thread's number at *p ("-1": all, "0": any). False: not one. *cpu is -1 for all and any. */
bool gdb_thread(struct gdb *g, const char **p, int *cpu);
/* Does `packet` begin with `word`? Then *rest is what follows. */
bool gdb_skip(const char *packet, const char *word, const char **rest);

/* ---- gdb_query.c */
void gdb_query(struct gdb *g, const char *packet);

/* ---- gdb_run.c */
void gdb_forget_points(struct gdb *g);
void gdb_insert(struct gdb *g, const char *args); /* Z and z */
void gdb_remove(struct gdb *g, const char *args);
void gdb_continue(struct gdb *g, const char *args); /* c C s S */
void gdb_continue_signal(struct gdb *g, const char *args);
void gdb_step(struct gdb *g, const char *args);
void gdb_step_signal(struct gdb *g, const char *args);
void gdb_vcont(struct gdb *g, const char *args);
void gdb_back(struct gdb *g, bool step); /* bc, bs */
void gdb_detach(struct gdb *g);
void gdb_tell_stop(struct gdb *g); /* the machine has stopped: a stop reply */
void gdb_release(struct gdb *g);   /* no steps, nobody is held */

#endif
