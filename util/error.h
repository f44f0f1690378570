/* SPDX-License-Identifier: MIT */
/*
 * Configuration and host errors: a GError that travels to the top and is printed once.
 *
 * The message says what was asked, what is wrong and what to do. Guest misbehaviour never
 * becomes a GError (see guest_warn in util/log.h); a broken invariant of ours is an assert.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <glib.h>
#include <stdbool.h>

#define HOSTEL_ERROR (g_quark_from_static_string("hostel"))

/* Set *err (may be NULL) to the formatted message; returns false so that callers can
 * write `return error_set(err, ...)`. No newline and no "hostel:" in the message. */
bool error_set(GError **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Put the text and ": " before the message in *err, if there is one. Returns false. */
bool error_prefix(GError **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

#endif
