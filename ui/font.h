/* SPDX-License-Identifier: MIT */
/* The font of consoles that are terminals: a byte for each of 16 rows, the leftmost dot is its
 * highest bit. */
#ifndef UI_FONT_H
#define UI_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };
extern const uint8_t font_8x16[256][FONT_HEIGHT];

#endif
