/* SPDX-License-Identifier: MIT */
/*
 * Integer expressions of the monitor: decimal and 0x numbers, 'c' characters, $register,
 * ( ), unary - + ~, and * / % << >> + - & ^ | with C's precedence, 64 bits wrapping.
 */
#ifndef MONITOR_EXPR_H
#define MONITOR_EXPR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Value of a register, or false. */
typedef bool expr_register_fn(void *arg, const char *name, uint64_t *value);

/* Evaluate what is at *text, and move it over what was used (up to a blank, a comma or an end
 * outside parentheses). lookup may be NULL. */
bool expr_parse(const char **text, expr_register_fn *lookup, void *arg, int64_t *value,
                GError **err);

#endif
