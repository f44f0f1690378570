/* SPDX-License-Identifier: MIT */
/* The look into an x86 CPU that main.c lends to the monitor (core/inspect.h). */
#ifndef INSPECT_H
#define INSPECT_H

#include "core/inspect.h"

struct machine;
struct x86_state;

extern const struct cpu_inspect x86_inspect;

/* What this state's page tables map: ranges, or page by page (inspect_pages.c). Lock held. */
void inspect_pages(struct machine *m, const struct x86_state *st, bool ranges, GString *out);

#endif
