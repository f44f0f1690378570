/* SPDX-License-Identifier: MIT */
/* EDID: what a monitor says of itself. See edid.c. */
#ifndef HW_DISPLAY_EDID_H
#define HW_DISPLAY_EDID_H

#include <stdint.h>

enum { EDID_SIZE = 128 };

/* Pure. The preferred mode is width by height at 60 Hz; at most 4095 by 4095. */
void edid_build(uint8_t out[EDID_SIZE], unsigned width, unsigned height);

#endif
