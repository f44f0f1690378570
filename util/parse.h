/* SPDX-License-Identifier: MIT */
/*
 * Values as they are typed on the command line. On failure the error names the text and what
 * would be valid; the caller puts the option's name before it with error_prefix().
 */
#ifndef UTIL_PARSE_H
#define UTIL_PARSE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Decimal or 0x hexadecimal, in [min, max]. */
bool parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out, GError **err);
/* 512, 1.5G, 64k, 0x1000: suffixes B K M G T P E (powers of 1024, either case). A bare
 * number counts units of `unit` bytes (1, or 1 << 20 for -m). */
bool parse_size(const char *text, uint64_t unit, uint64_t *out, GError **err);
/* on/off, yes/no, true/false, y/n. */
bool parse_bool(const char *text, bool *out, GError **err);
/* Index into a NULL-terminated list of words. */
bool parse_choice(const char *text, const char *const *choices, int *out, GError **err);

#endif
