/* SPDX-License-Identifier: MIT */
/* Numbers, sizes, switches and choices as typed. */
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/suggest.h"

/* Digits at text: value and where they end. False if there is none or it overflows. */
static bool digits(const char *text, uint64_t *value, const char **end)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *stop;

    if (hex ? !g_ascii_isxdigit(text[2]) : !g_ascii_isdigit(text[0]))
        return false;
    errno = 0;
    *value = strtoull(text, &stop, hex ? 16 : 10);
    *end = stop;
    return errno == 0;
}

bool parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out, GError **err)
{
    const char *end;
    uint64_t v;

    if (!digits(text, &v, &end) || *end)
        return error_set(err, "'%s' is not a number (decimal, or hexadecimal with 0x)", text);
    if (v < min || v > max)
        return error_set(err, "%s is out of range (%" PRIu64 " to %" PRIu64 ")", text, min, max);
    *out = v;
    return true;
}

/* The fraction of "1.5G": ".5" as a part of 1.0. */
static double fraction(const char **text)
{
    double part = 0, scale = 0.1;
    const char *p = *text;

    if (*p != '.' || !g_ascii_isdigit(p[1]))
        return 0;
    for (p++; g_ascii_isdigit(*p); p++, scale /= 10)
        part += (*p - '0') * scale;
    *text = p;
    return part;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *out, GError **err)
{
    static const char suffixes[] = "BKMGTPE";
    const char *end;
    uint64_t whole;

    if (!digits(text, &whole, &end))
        return error_set(err, "'%s' is not a size (a number with a suffix K, M, G or T)", text);
    double part = fraction(&end);
    if (*end) {
        const char *s = strchr(suffixes, g_ascii_toupper(*end));

        if (!s || end[1])
            return error_set(err, "'%s' is not a size (a number with a suffix K, M, G or T)",
                             text);
        unit = 1ull << (10 * (s - suffixes));
    }
    if (whole > (UINT64_MAX - unit) / unit)
        return error_set(err, "%s is larger than 64 bits can say", text);
    *out = whole * unit + (uint64_t)(part * unit);
    return true;
}

bool parse_bool(const char *text, bool *out, GError **err)
{
    static const char *const words[] = {"off", "on",    "no",   "yes", "n",
                                        "y",   "false", "true", NULL};
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i & 1;
            return true;
        }
    }
    return error_set(err, "'%s' is neither on nor off", text);
}

bool parse_choice(const char *text, const char *const *choices, int *out, GError **err)
{
    for (int i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *out = i;
            return true;
        }
    }
    struct suggest s = suggest_begin(text);
    suggest_offer_all(&s, choices);
    char *all = g_strjoinv(", ", (char **)choices);
    error_set(err, "'%s' is not valid here%s (one of: %s)", text, suggest_text(&s), all);
    g_free(all);
    return false;
}
