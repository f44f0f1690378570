/* SPDX-License-Identifier: MIT */
/* Between the ordinary loop (accel/loop.c) and the counted one (accel/icount.c). */
#ifndef ACCEL_ICOUNT_H
#define ACCEL_ICOUNT_H

#include "accel/accel.h"

/* Hang the virtual clock on the instruction counter. Before vCPUs exist. */
void icount_init(struct machine *m);
void icount_fini(struct machine *m);
/* Body of the one thread that runs all vCPUs. */
void icount_loop(struct machine *m);
/* What a vCPU's exit asks of the machine. */
void accel_decide(struct vcpu *v, enum vcpu_exit why);

#endif
