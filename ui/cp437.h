/* SPDX-License-Identifier: MIT */
/* Code page 437, a PC's character set, and Unicode. */
#ifndef UI_CP437_H
#define UI_CP437_H

#include <stdint.h>

extern const uint16_t cp437_unicode[256];
/* '?' for what the code page has not. */
uint8_t cp437_of(uint32_t c);

#endif
