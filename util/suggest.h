/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the nearest of a set of valid words, by edit distance. The candidates are
 * offered one by one, so that any kind of table can be searched.
 *
 *     struct suggest s = suggest_begin(word);
 *     for (each row) suggest_offer(&s, row->name);
 *     error_set(err, "unknown device '%s'%s", word, suggest_text(&s));
 */
#ifndef UTIL_SUGGEST_H
#define UTIL_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word;
    const char *best; /* nearest candidate so far, or NULL */
    unsigned distance;
    char text[128];
};

struct suggest suggest_begin(const char *word);
/* A NULL candidate is ignored. The string must live until suggest_text(). */
void suggest_offer(struct suggest *s, const char *candidate);
/* Offer a NULL-terminated list. */
void suggest_offer_all(struct suggest *s, const char *const *candidates);
/* The nearest candidate, or NULL if none is near enough to be worth naming. */
const char *suggest_best(const struct suggest *s);
/* "; did you mean 'x'?" or "". Valid as long as s. */
const char *suggest_text(struct suggest *s);

/* Number of insertions, deletions, replacements and swaps of neighbours that turn a into b,
 * upper and lower case being the same. */
unsigned edit_distance(const char *a, const char *b);

#endif
