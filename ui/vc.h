/* SPDX-License-Identifier: MIT */
/*
 * vc: a chardev whose other end is a terminal on a console of its own, beside the guest's screen
 * (Ctrl-Alt-2 and on): the monitor, a serial port. Machine lock.
 */
#ifndef UI_VC_H
#define UI_VC_H

#include "chardev/chardev.h"
#include "util/keyval.h"

enum { VC_COLS = 80, VC_ROWS = 24 };

/* -chardev vc,id=ID[,cols=N,rows=N|,width=PIXELS,height=PIXELS]. chardev/ calls it through
 * machine.make_vc, which main.c sets. */
struct chardev *vc_new(struct machine *m, const char *id, const struct keyvals *kv, GError **err);

#endif
