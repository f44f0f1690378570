/* SPDX-License-Identifier: MIT */
/* Configuration and host errors as GError values. */
#include "util/error.h"

#include <stdarg.h>

bool error_set(GError **err, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        g_clear_error(err);
        *err = g_error_new_valist(HOSTEL_ERROR, 0, fmt, ap);
        va_end(ap);
    }
    return false;
}

bool error_set_class(GError **err, enum error_class class, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        g_clear_error(err);
        *err = g_error_new_valist(HOSTEL_ERROR, class, fmt, ap);
        va_end(ap);
    }
    return false;
}

const char *error_class_name(const GError *err)
{
    static const char *const names[] = {"GenericError", "CommandNotFound", "DeviceNotActive",
                                        "DeviceNotFound", "KVMMissingCap"};
    bool ours = err->domain == HOSTEL_ERROR && err->code > 0 &&
                err->code < (int)G_N_ELEMENTS(names);

    return names[ours ? err->code : ERROR_GENERIC];
}

bool error_prefix(GError **err, const char *fmt, ...)
{
    va_list ap;

    if (err && *err) {
        va_start(ap, fmt);
        char *context = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        char *message = g_strdup_printf("%s: %s", context, (*err)->message);

        g_free((*err)->message);
        (*err)->message = message;
        g_free(context);
    }
    return false;
}
