/* SPDX-License-Identifier: MIT */
/*
 * What happened to the machine, told to programs that watch it: QMP's events. Devices and back
 * ends say it; monitors listen; without a listener it costs nothing.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <jansson.h>

struct machine;

struct event_listener {
    /* data is the caller's, or NULL: json_incref() what is to be kept. Lock held, any thread. */
    void (*fn)(void *arg, const char *name, json_t *data);
    void *arg;
};

void machine_add_listener(struct machine *m, void (*fn)(void *arg, const char *name, json_t *data),
                          void *arg);
void machine_del_listener(struct machine *m, void *arg);

/* An event by QMP's name ("DEVICE_DELETED") with QMP's data. data is taken over; NULL: none.
 * Lock held, any thread. */
void machine_event(struct machine *m, const char *name, json_t *data);

#endif
