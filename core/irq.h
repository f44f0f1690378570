/* SPDX-License-Identifier: MIT */
/*
 * Interrupt line, by value: who is told when a level changes. Callers hold the machine lock.
 * A sink must tolerate being told the same level twice.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include <stdbool.h>

struct irq_line {
    void (*set)(void *sink, int n, int level); /* NULL: not connected */
    void *sink;
    int n;
};

static inline void irq_set(struct irq_line line, int level)
{
    if (line.set)
        line.set(line.sink, line.n, level);
}

static inline void irq_pulse(struct irq_line line)
{
    irq_set(line, 1);
    irq_set(line, 0);
}

#endif
