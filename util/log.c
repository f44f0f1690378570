/* SPDX-License-Identifier: MIT */
/* Log channels and guest warnings. */
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "util/error.h"
#include "util/suggest.h"

#define WARN_WINDOW_US 1000000 /* at most WARN_MAX guest warnings in this time */
#define WARN_MAX       10

void log_init(struct log *log)
{
    memset(log, 0, sizeof(*log));
    log->file = stderr;
    g_mutex_init(&log->lock);
}

void log_fini(struct log *log)
{
    if (log->file && log->file != stderr)
        fclose(log->file);
    log->file = NULL;
    g_mutex_clear(&log->lock);
}

static const struct {
    uint32_t bit;
    const char *name, *help;
} channels[] = {
#define X(sym, nm, hlp) {LOG_##sym, nm, hlp},
    LOG_CHANNELS(X)
#undef X
};

static bool parse_channel(const char *word, uint32_t *mask, GError **err)
{
    struct suggest s = suggest_begin(word);

    for (size_t i = 0; i < G_N_ELEMENTS(channels); i++) {
        if (strcmp(word, channels[i].name) == 0) {
            *mask |= channels[i].bit;
            return true;
        }
        suggest_offer(&s, channels[i].name);
    }
    return error_set(err, "there is no log channel '%s'%s ('-d help' lists them)", word,
                     suggest_text(&s));
}

bool log_parse_mask(const char *list, uint32_t *mask, GError **err)
{
    char **words = g_strsplit(list, ",", -1);
    uint32_t bits = 0;
    bool ok = true;

    for (char **w = words; ok && *w; w++)
        ok = parse_channel(*w, &bits, err);
    g_strfreev(words);
    if (ok)
        *mask = bits;
    return ok;
}

void log_describe_channels(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(channels); i++)
        g_string_append_printf(out, "%-14s %s\n", channels[i].name, channels[i].help);
}

bool log_set_file(struct log *log, const char *path, GError **err)
{
    FILE *f = fopen(path, "we");

    if (!f)
        return error_set(err, "cannot write the log to '%s': %s", path, g_strerror(errno));
    setvbuf(f, NULL, _IOLBF, 0);
    if (log->file && log->file != stderr)
        fclose(log->file);
    log->file = f;
    return true;
}

void log_timestamp(FILE *f)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

    fprintf(f, "%s.%06dZ ", text, g_date_time_get_microsecond(now));
}

void log_write(struct log *log, const char *fmt, ...)
{
    va_list ap;

    g_mutex_lock(&log->lock);
    va_start(ap, fmt);
    if (log->file && log->timestamps)
        log_timestamp(log->file);
    if (log->file)
        vfprintf(log->file, fmt, ap);
    va_end(ap);
    g_mutex_unlock(&log->lock);
}

/* Called with the lock held: may one more warning be shown now? */
static bool warn_allowed(struct log *log)
{
    int64_t now = g_get_monotonic_time();

    if (now - log->warn_window_start >= WARN_WINDOW_US) {
        if (log->warn_dropped)
            fprintf(log->file, "guest: %u more warnings were dropped\n", log->warn_dropped);
        log->warn_window_start = now;
        log->warn_in_window = 0;
        log->warn_dropped = 0;
    }
    if (log->warn_in_window >= WARN_MAX) {
        log->warn_dropped++;
        return false;
    }
    log->warn_in_window++;
    return true;
}

void guest_warn(struct log *log, const char *who, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(log, LOG_GUEST_ERRORS))
        return;
    g_mutex_lock(&log->lock);
    if (log->file && warn_allowed(log)) {
        fprintf(log->file, "guest: %s: ", who);
        va_start(ap, fmt);
        vfprintf(log->file, fmt, ap);
        va_end(ap);
        fputc('\n', log->file);
    }
    g_mutex_unlock(&log->lock);
}
