/* SPDX-License-Identifier: MIT */
/*
 * Going back in a counted run (-icount): checkpoints while it goes on, and the way from one of them
 * to an earlier instruction. See docs/debugging.md, "Backwards".
 *
 *     n0          n1          n2        present
 *     |-----------|-----------|------------x        instructions executed so far
 *     state       state       state
 *     pages ----> pages ----> shadow of RAM
 *
 * A checkpoint has the machine's state (machine_save()) and those pages of RAM, as they were then,
 * that differ at the next checkpoint; a shadow copy of RAM is as RAM was at the latest one. To go
 * back, the machine returns to a checkpoint before the instruction that is looked for, and runs.
 * That run is the same as it was, unless something came from outside: whoever brings that calls
 * machine_outside(), which makes a checkpoint there, so that no run has to cross it. At the end of
 * each stretch the state is compared with what was saved there: a difference is told, and nothing
 * before it is believed.
 *
 * Where the machine has gone back to is the present. What came later is forgotten.
 */
#ifndef ACCEL_HISTORY_H
#define ACCEL_HISTORY_H

#include "accel/accel.h"

/* Where a counted run is (accel/icount.c). */
struct icount_position {
    int64_t done, warp, slice_left;
    unsigned turn;
};
void icount_get(struct machine *m, struct icount_position *p);
void icount_set(struct machine *m, const struct icount_position *p);

/* ---- Main thread, lock held, vCPUs parked -------------------------------------------------- */

/* Keep a history from now on. False: this machine cannot (it does not count instructions). */
bool history_begin(struct machine *m);
void history_end(struct machine *m); /* no-op without one */
/* When the machine is started next, it goes back: by one instruction, or to where a point of
 * machine.debug was met last. It pauses there, with the reason in vcpu->debug; DEBUG_HISTORY where
 * the history begins. False: there is no history. */
bool history_back(struct machine *m, bool step);
void history_add_info(struct machine *m); /* "info history" */
/* What keeps it from going back further, for the user; NULL: the beginning of the run. */
const char *history_limit_text(struct machine *m);

/* ---- The thread that runs the vCPUs, without the lock --------------------------------------- */

/* Between two turns, when due timers have fired. True: the machine was asked to pause. */
bool history_turn(struct machine *m);
/* How many instructions the next turn may have. */
int64_t history_budget(struct machine *m);
/* v returned VCPU_DEBUG. True: that was on the way, go on. */
bool history_debug(struct machine *m, struct vcpu *v);
/* A vCPU whose turn it was is held by the debugger, another one goes first. */
void history_skipped(struct machine *m);

/* ---- RAM (history_ram.c) ----------------------------------------------------------------------
 */

struct history_ram;
struct history_ram *history_ram_new(struct machine *m); /* the shadow is RAM as it is */
void history_ram_free(struct history_ram *r);
/* Is it that of the machine's present blocks? */
bool history_ram_fits(const struct history_ram *r);
/* The shadow becomes RAM. Pages that were different before are added to `old`. */
void history_ram_keep(struct history_ram *r, GPtrArray *old);
/* RAM becomes the shadow. */
void history_ram_revert(struct history_ram *r);
/* The pages of the list go into RAM and shadow, which are the same, and those there into the list.
 */
void history_ram_swap(struct history_ram *r, GPtrArray *pages);
#define HISTORY_PAGE_COST (RAM_PAGE_SIZE + 16)

#endif
