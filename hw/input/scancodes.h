/* SPDX-License-Identifier: MIT */
/* Scan code sets 1 and 2: the translation in the keyboard controller and its inverse. */
#ifndef HW_INPUT_SCANCODES_H
#define HW_INPUT_SCANCODES_H

#include <stdint.h>

/* One byte as the i8042 translates it (release codes aside): set 2 to set 1. */
uint8_t scancode_set2_to_set1(uint8_t code);
/* A make code of set 1 (0-7f) in set 2. */
uint8_t scancode_set1_to_set2(uint8_t code);

#endif
