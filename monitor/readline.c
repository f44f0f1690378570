/* SPDX-License-Identifier: MIT */
/* Line editing with history and completion; ECMA-48 control sequences both ways. */
#include "monitor/readline.h"

#include <string.h>

#define CTRL(c) ((c) & 0x1f)

enum { ESC_NONE, ESC_SEEN, ESC_CSI, ESC_SS3 };

void readline_init(struct readline *r)
{
    r->buf = g_string_new(NULL);
    r->history = g_ptr_array_new_with_free_func(g_free);
}

void readline_fini(struct readline *r)
{
    g_string_free(r->buf, TRUE);
    g_ptr_array_free(r->history, TRUE);
    g_free(r->typed);
}

static void put(struct readline *r, const char *text)
{
    r->write(r->arg, text, strlen(text));
}

/* Draw the line anew: carriage return, erase to the end, then the cursor back to its place. */
void readline_show(struct readline *r)
{
    g_autoptr(GString) s = g_string_new("\r\033[K");

    g_string_append(s, r->prompt);
    g_string_append(s, r->buf->str);
    if (r->cursor < r->buf->len)
        g_string_append_printf(s, "\033[%zuD", r->buf->len - r->cursor);
    r->write(r->arg, s->str, s->len);
}

static void set_line(struct readline *r, const char *text)
{
    g_string_assign(r->buf, text);
    r->cursor = r->buf->len;
    readline_show(r);
}

static void insert(struct readline *r, const char *text, size_t len)
{
    if (r->buf->len + len > READLINE_MAX)
        return;
    g_string_insert_len(r->buf, r->cursor, text, len);
    r->cursor += len;
    if (r->cursor == r->buf->len)
        r->write(r->arg, text, len);
    else
        readline_show(r);
}

static void erase(struct readline *r, size_t from, size_t to)
{
    if (from >= to)
        return;
    g_string_erase(r->buf, from, to - from);
    r->cursor = from;
    readline_show(r);
}

static void move(struct readline *r, size_t to)
{
    r->cursor = MIN(to, r->buf->len);
    readline_show(r);
}

static size_t word_start(const struct readline *r)
{
    size_t at = r->cursor;

    while (at > 0 && r->buf->str[at - 1] == ' ')
        at--;
    while (at > 0 && r->buf->str[at - 1] != ' ')
        at--;
    return at;
}

/* ---- History ------------------------------------------------------------------------- */

static void browse(struct readline *r, unsigned to)
{
    if (to > r->history->len || to == r->browsing)
        return;
    if (r->browsing == r->history->len) {
        g_free(r->typed);
        r->typed = g_strdup(r->buf->str);
    }
    r->browsing = to;
    set_line(r, to == r->history->len ? r->typed : r->history->pdata[to]);
}

static void remember(struct readline *r, const char *line)
{
    unsigned n = r->history->len;

    if (*line && (n == 0 || strcmp(r->history->pdata[n - 1], line) != 0)) {
        if (n == READLINE_HISTORY)
            g_ptr_array_remove_index(r->history, 0);
        g_ptr_array_add(r->history, g_strdup(line));
    }
    r->browsing = r->history->len;
}

static void finish_line(struct readline *r)
{
    char *line = g_strdup(r->buf->str);

    put(r, "\n");
    remember(r, line);
    g_string_truncate(r->buf, 0);
    r->cursor = 0;
    r->line(r->arg, line);
    g_free(line);
}

/* ---- Completion ---------------------------------------------------------------------- */

static size_t common_prefix(const GPtrArray *words)
{
    const char *first = words->pdata[0];
    size_t n = strlen(first);

    for (unsigned i = 1; i < words->len; i++) {
        size_t k = 0;
        const char *w = words->pdata[i];
        while (k < n && w[k] == first[k])
            k++;
        n = k;
    }
    return n;
}

static void complete(struct readline *r)
{
    size_t at = r->cursor;

    if (!r->complete)
        return;
    while (at > 0 && r->buf->str[at - 1] != ' ')
        at--;
    g_autofree char *start = g_strndup(r->buf->str, at);
    g_autofree char *word = g_strndup(r->buf->str + at, r->cursor - at);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    r->complete(r->arg, start, word, words);
    if (!words->len)
        return;
    size_t common = common_prefix(words), have = strlen(word);
    if (common > have)
        insert(r, (const char *)words->pdata[0] + have, common - have);
    if (words->len == 1) {
        insert(r, " ", 1);
    } else if (common <= have) {
        put(r, "\n");
        for (unsigned i = 0; i < words->len; i++) {
            put(r, words->pdata[i]);
            put(r, "\n");
        }
        readline_show(r);
    }
}

/* ---- Keys ---------------------------------------------------------------------------- */

static void backspace(struct readline *r)
{
    if (r->cursor > 0)
        erase(r, r->cursor - 1, r->cursor);
}

static void delete(struct readline *r)
{
    if (r->cursor < r->buf->len)
        erase(r, r->cursor, r->cursor + 1);
}

static void left(struct readline *r)
{
    if (r->cursor > 0)
        move(r, r->cursor - 1);
}

static void older(struct readline *r)
{
    if (r->browsing > 0)
        browse(r, r->browsing - 1);
}

static void drop_line(struct readline *r)
{
    put(r, "^C\n");
    r->browsing = r->history->len;
    set_line(r, "");
}

static void plain_key(struct readline *r, uint8_t c)
{
    char ch = c;

    switch (c) {
    case '\r': case '\n': finish_line(r); break;
    case '\t': complete(r); break;
    case 0x7f: case CTRL('H'): backspace(r); break;
    case CTRL('A'): move(r, 0); break;
    case CTRL('B'): left(r); break;
    case CTRL('C'): drop_line(r); break;
    case CTRL('D'): delete(r); break;
    case CTRL('E'): move(r, r->buf->len); break;
    case CTRL('F'): move(r, r->cursor + 1); break;
    case CTRL('K'):
        g_string_truncate(r->buf, r->cursor);
        readline_show(r);
        break;
    case CTRL('L'):
        put(r, "\033[H\033[2J");
        readline_show(r);
        break;
    case CTRL('N'): browse(r, r->browsing + 1); break;
    case CTRL('P'): older(r); break;
    case CTRL('U'): erase(r, 0, r->cursor); break;
    case CTRL('W'): erase(r, word_start(r), r->cursor); break;
    case 0x1b: r->escape = ESC_SEEN; break;
    default:
        if (c >= ' ')
            insert(r, &ch, 1);
    }
}

/* The final byte of ESC [ ... or ESC O .... */
static void escape_key(struct readline *r, uint8_t c)
{
    switch (c) {
    case 'A': older(r); break;
    case 'B': browse(r, r->browsing + 1); break;
    case 'C': move(r, r->cursor + 1); break;
    case 'D': left(r); break;
    case 'F': move(r, r->buf->len); break;
    case 'H': move(r, 0); break;
    case '~':
        if (r->escape_arg == 1 || r->escape_arg == 7)
            move(r, 0);
        else if (r->escape_arg == 3)
            delete(r);
        else if (r->escape_arg == 4 || r->escape_arg == 8)
            move(r, r->buf->len);
        break;
    }
}

static void key(struct readline *r, uint8_t c)
{
    switch (r->escape) {
    case ESC_NONE:
        plain_key(r, c);
        break;
    case ESC_SEEN:
        r->escape = c == '[' ? ESC_CSI : c == 'O' ? ESC_SS3 : ESC_NONE;
        r->escape_arg = 0;
        break;
    default:
        if (g_ascii_isdigit(c) && r->escape_arg < 100) {
            r->escape_arg = r->escape_arg * 10 + (c - '0');
        } else if (c >= 0x40) {
            r->escape = ESC_NONE;
            escape_key(r, c);
        }
    }
}

void readline_input(struct readline *r, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        key(r, bytes[i]);
}
