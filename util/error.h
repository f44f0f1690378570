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

/* What kind of failure it is, to programs that drive Hostel: QMP's error classes. */
enum error_class {
    ERROR_GENERIC, /* all that error_set() makes */
    ERROR_COMMAND_NOT_FOUND,
    ERROR_DEVICE_NOT_ACTIVE,
    ERROR_DEVICE_NOT_FOUND,
    ERROR_KVM_MISSING_CAP,
};
bool error_set_class(GError **err, enum error_class class, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);
const char *error_class_name(const GError *err);

/* Put the text and ": " before the message in *err, if there is one. Returns false. */
bool error_prefix(GError **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

#endif
