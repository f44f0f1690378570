/* SPDX-License-Identifier: MIT */
/* A stream of bytes into JSON values, by their brackets and quotes. */
#include "monitor/json_split.h"

#include <string.h>

void json_split_init(struct json_split *s)
{
    s->text = g_string_new(NULL);
    json_split_reset(s);
}

void json_split_fini(struct json_split *s)
{
    g_string_free(s->text, TRUE);
}

void json_split_reset(struct json_split *s)
{
    if (s->text->allocated_len > 65536) { /* one large value does not stay for ever */
        g_string_free(s->text, TRUE);
        s->text = g_string_new(NULL);
    }
    g_string_truncate(s->text, 0);
    s->state = SPLIT_OUTSIDE;
    s->depth = 0;
    s->skipping = false;
}

static void finish(struct json_split *s)
{
    if (!s->skipping)
        s->value(s->arg, s->text->str, s->text->len);
    json_split_reset(s);
}

static void give_up(struct json_split *s, const char *why)
{
    if (!s->skipping)
        s->broken(s->arg, why);
    s->skipping = true;
    g_string_truncate(s->text, 0);
}

static void keep(struct json_split *s, char c)
{
    if (s->skipping)
        return;
    if (s->text->len == JSON_MAX_BYTES)
        give_up(s, "JSON message size limit exceeded");
    else
        g_string_append_c(s->text, c);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Outside strings: what this byte does to the nesting. */
static void bracket(struct json_split *s, uint8_t c)
{
    if (c == '{' || c == '[') {
        s->state = SPLIT_INSIDE;
        if (++s->depth == JSON_MAX_DEPTH + 1)
            give_up(s, "JSON nesting depth limit exceeded");
    } else if (s->depth == 0 || --s->depth == 0) {
        finish(s); /* also a closing bracket that nothing opened: its reader complains */
    }
}

static void outside(struct json_split *s, uint8_t c)
{
    if (is_blank(c))
        return;
    keep(s, (char)c);
    if (strchr("{}[]", c) && c)
        bracket(s, c);
    else
        s->state = c == '"' ? SPLIT_STRING : SPLIT_WORD;
}

static void inside(struct json_split *s, uint8_t c)
{
    keep(s, (char)c);
    if (c == '"')
        s->state = SPLIT_STRING;
    else if (strchr("{}[]", c) && c)
        bracket(s, c);
}

/* A number, true, or nonsense: up to a blank or whatever begins something else. */
static void word(struct json_split *s, uint8_t c)
{
    if (is_blank(c) || strchr("{}[]\",", c)) {
        finish(s);
        outside(s, c);
    } else {
        keep(s, (char)c);
    }
}

static void string(struct json_split *s, uint8_t c)
{
    if (c < 0x20) {
        give_up(s, "JSON parse error, control character in a string");
        json_split_reset(s);
        return;
    }
    keep(s, (char)c);
    if (s->state == SPLIT_ESCAPE)
        s->state = SPLIT_STRING;
    else if (c == '\\')
        s->state = SPLIT_ESCAPE;
    else if (c == '"' && s->depth)
        s->state = SPLIT_INSIDE;
    else if (c == '"')
        finish(s);
}

void json_split_feed(struct json_split *s, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == 0xff) {
            json_split_reset(s);
            continue;
        }
        switch (s->state) {
        case SPLIT_OUTSIDE: outside(s, bytes[i]); break;
        case SPLIT_INSIDE: inside(s, bytes[i]); break;
        case SPLIT_WORD: word(s, bytes[i]); break;
        case SPLIT_STRING:
        case SPLIT_ESCAPE: string(s, bytes[i]); break;
        }
    }
}
