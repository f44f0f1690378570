/* SPDX-License-Identifier: MIT */
/* What the PS/2 keyboard and the PS/2 mouse have in common: the way to the host. */
#include "hw/input/ps2.h"

#include <string.h>

void ps2_queue_clear(struct ps2_queue *q)
{
    memset(q, 0, sizeof(*q));
}

bool ps2_queue_put(struct ps2_queue *q, const uint8_t *bytes, unsigned n)
{
    if (n > (unsigned)PS2_QUEUE - q->count)
        return false;
    for (unsigned i = 0; i < n; i++)
        q->data[(q->head + q->count++) % PS2_QUEUE] = bytes[i];
    return true;
}

uint8_t ps2_queue_pop(struct ps2_queue *q)
{
    if (!q->count)
        return 0;
    uint8_t byte = q->data[q->head];
    q->head = (q->head + 1) % PS2_QUEUE;
    q->count--;
    return byte;
}

void ps2_queue_check(struct ps2_queue *q)
{
    if (q->head >= PS2_QUEUE || q->count > PS2_QUEUE)
        ps2_queue_clear(q);
}

bool ps2_port_ready(const struct ps2_port *p)
{
    return p->reply.count || p->queue.count;
}

uint8_t ps2_port_pop(struct ps2_port *p)
{
    return p->last = ps2_queue_pop(p->reply.count ? &p->reply : &p->queue);
}
