/* SPDX-License-Identifier: MIT */
/* The nearest valid word: optimal string alignment distance over three rows. */
#include "util/suggest.h"

#include <glib.h>
#include <string.h>

#define MAX_WORD 64

unsigned edit_distance(const char *a, const char *b)
{
    size_t na = strnlen(a, MAX_WORD), nb = strnlen(b, MAX_WORD);
    unsigned rows[3][MAX_WORD + 1];

    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            char ca = g_ascii_tolower(a[i - 1]), cb = g_ascii_tolower(b[j - 1]);
            unsigned d = up[j - 1] + (ca != cb);

            d = MIN(d, MIN(up[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && ca == g_ascii_tolower(b[j - 2]) &&
                cb == g_ascii_tolower(a[i - 2]))
                d = MIN(d, up2[j - 2] + 1);
            now[j] = d;
        }
    }
    return rows[na % 3][nb];
}

struct suggest suggest_begin(const char *word)
{
    return (struct suggest){.word = word, .distance = ~0u};
}

/* One word being the start of the other is nearer than its length difference tells:
 * "acc" is meant to be "accel", "tcg" to be "tcg-interp". */
static unsigned nearness(const char *word, const char *candidate)
{
    unsigned d = edit_distance(word, candidate);
    size_t n = MIN(strlen(word), strlen(candidate));

    if (n >= 3 && g_ascii_strncasecmp(word, candidate, n) == 0)
        d = MIN(d, 1);
    return d;
}

void suggest_offer(struct suggest *s, const char *candidate)
{
    if (!candidate || !s->word)
        return;
    unsigned d = nearness(s->word, candidate);
    if (d < s->distance) {
        s->distance = d;
        s->best = candidate;
    }
}

void suggest_offer_all(struct suggest *s, const char *const *candidates)
{
    while (*candidates)
        suggest_offer(s, *candidates++);
}

const char *suggest_best(const struct suggest *s)
{
    size_t len = s->word ? strlen(s->word) : 0;
    /* A third of the word may be wrong, and at least one letter of more than one. */
    unsigned limit = len <= 1 ? 0 : MAX(1, (len + 2) / 3);

    return s->best && s->distance <= limit ? s->best : NULL;
}

const char *suggest_text(struct suggest *s)
{
    const char *best = suggest_best(s);

    s->text[0] = 0;
    if (best)
        g_snprintf(s->text, sizeof(s->text), "; did you mean '%s'?", best);
    return s->text;
}
