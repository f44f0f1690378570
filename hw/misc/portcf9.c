/* SPDX-License-Identifier: MIT */
/* Reset control register. */
#include "hw/misc/portcf9.h"

#include "core/machine.h"

uint64_t portcf9_read(void *arg)
{
    return ((struct portcf9 *)arg)->rc;
}

void portcf9_write(void *arg, uint8_t val)
{
    struct portcf9 *p = arg;
    bool rising = (val & RC_RESET) && !(p->rc & RC_RESET);

    p->rc = val & p->writable;
    if (rising)
        machine_request_reset(p->machine, CAUSE_GUEST_RESET);
}
