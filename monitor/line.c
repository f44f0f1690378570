/* SPDX-License-Identifier: MIT */
/* From a line of text to a row of the command table with its arguments. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/command.h"
#include "monitor/expr.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

static bool unknown(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    FOR_EACH_COMMAND(c)
        suggest_offer(&s, c->name);
    return error_set(err, "unknown command: '%s'%s ('help' lists all)", name, suggest_text(&s));
}

static void skip_blanks(const char **p)
{
    while (**p == ' ' || **p == '\t')
        (*p)++;
}

static bool look_up(void *arg, const char *name, uint64_t *value)
{
    struct command_context *ctx = arg;
    const struct cpu_inspect *inspect = ctx->machine->inspect;

    return inspect && ctx->vcpu && inspect->register_value(ctx->vcpu, name, value);
}

/* /4xw: count, then letters in any order. */
static bool parse_format(const char **p, struct command_format *f, GError **err)
{
    const char *s = *p;
    uint64_t count = 0;

    f->count = 1;
    f->format = 0;
    f->size = 0;
    if (*s != '/')
        return true;
    s++;
    for (; g_ascii_isdigit(*s); s++)
        count = MIN(count * 10 + (*s - '0'), 1 << 20);
    if (count)
        f->count = count;
    for (; *s && *s != ' '; s++) {
        static const char sizes[] = "bhwg";
        const char *size = strchr(sizes, *s);

        if (size)
            f->size = 1 << (size - sizes);
        else if (strchr("xduoci", *s))
            f->format = *s;
        else
            return error_set(err, "'%c' is neither a format (x d u o c i) nor a size (b h w g)",
                             *s);
    }
    *p = s;
    return true;
}

static char *parse_word(const char **p, GError **err)
{
    GString *s = g_string_new(NULL);
    bool quoted = **p == '"';

    if (quoted)
        (*p)++;
    while (**p && (quoted ? **p != '"' : **p != ' ')) {
        if (quoted && **p == '\\' && (*p)[1])
            (*p)++;
        g_string_append_c(s, *(*p)++);
    }
    if (quoted && *(*p)++ != '"') {
        (*p)--;
        error_set(err, "a closing '\"' is missing");
        g_string_free(s, TRUE);
        return NULL;
    }
    return g_string_free(s, FALSE);
}

static bool parse_on_off(struct command_value *v, const char **p, GError **err)
{
    g_autofree char *word = parse_word(p, err);

    return word && parse_bool(word, &v->on, err);
}

/* "-f" where a word would stand: is it one of the command's? */
static bool parse_flags(struct command_call *call, const struct command *c, const char **p,
                        GError **err)
{
    for (skip_blanks(p); **p == '-' && g_ascii_isalpha((*p)[1]) &&
                         ((*p)[2] == ' ' || !(*p)[2]); skip_blanks(p)) {
        int i = 0;

        while (c->args[i].kind != ARG_NONE &&
               (c->args[i].kind != ARG_FLAG || c->args[i].flag != (*p)[1]))
            i++;
        if (c->args[i].kind == ARG_NONE)
            return error_set(err, "there is no flag -%c", (*p)[1]);
        call->arg[i].given = call->arg[i].on = true;
        *p += 2;
    }
    return true;
}

static bool parse_arg(struct command_call *call, const struct command_arg *a,
                      struct command_value *v, const char **p, GError **err)
{
    if (a->kind == ARG_FORMAT) {
        v->given = **p == '/';
        return parse_format(p, &v->format, err);
    }
    if (a->kind == ARG_FLAG || a->kind == ARG_JSON)
        return true;
    skip_blanks(p);
    if (!**p)
        return a->optional || error_set(err, "the argument '%s' is missing", a->name);
    v->given = true;
    switch (a->kind) {
    case ARG_INT:
        return expr_parse(p, look_up, call->ctx, &v->num, err) ||
               error_prefix(err, "%s", a->name);
    case ARG_BOOL:
        return parse_on_off(v, p, err) || error_prefix(err, "%s", a->name);
    case ARG_WORD:
        v->text = parse_word(p, err);
        return v->text != NULL;
    default:
        v->text = g_strdup(*p);
        *p += strlen(*p);
        return true;
    }
}

static bool has_flags(const struct command *c)
{
    for (const struct command_arg *a = c->args; a->kind != ARG_NONE; a++)
        if (a->kind == ARG_FLAG)
            return true;
    return false;
}

static bool parse_args(struct command_call *call, const struct command *c, const char *p,
                       GError **err)
{
    for (int i = 0; c->args[i].kind != ARG_NONE; i++)
        if ((has_flags(c) && !parse_flags(call, c, &p, err)) ||
            !parse_arg(call, &c->args[i], &call->arg[i], &p, err))
            return error_prefix(err, "%s", c->name);
    if (has_flags(c) && !parse_flags(call, c, &p, err))
        return error_prefix(err, "%s", c->name);
    skip_blanks(&p);
    if (*p)
        return error_set(err, "%s: '%s' is too much", c->name, p);
    return true;
}

static void show(const struct command *c, struct command_call *call)
{
    if (!call->ret)
        return;
    if (c->show)
        c->show(call->ret, call->out);
    else
        show_json(call->ret, call->out);
    json_decref(call->ret);
}

static bool run_row(struct command_context *ctx, const struct command *c, const char *args,
                    GString *out, GError **err)
{
    struct command_call call = {.ctx = ctx, .out = out};
    bool ok = parse_args(&call, c, args, err) && c->run(&call, err);

    if (ok)
        show(c, &call);
    for (int i = 0; i < COMMAND_MAX_ARGS; i++)
        g_free(call.arg[i].text);
    return ok;
}

bool command_run(struct command_context *ctx, const char *line, GString *out, GError **err)
{
    skip_blanks(&line);
    if (!*line || *line == '#')
        return true;
    size_t n = strcspn(line, " \t/");
    g_autofree char *name = g_strndup(line, n);
    const struct command *c = command_find(name);
    if (!c)
        return unknown(name, err);
    return run_row(ctx, c, line + n, out, err);
}

/* ---- Completion --------------------------------------------------------------------------- */

void command_complete(struct command_context *ctx, const char *start, const char *word,
                      GPtrArray *words)
{
    g_autofree char *before = g_strstrip(g_strdup(start));
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    if (!*before || strcmp(before, "help") == 0) {
        FOR_EACH_COMMAND(c)
            if (c->name)
                g_ptr_array_add(all, g_strdup(c->name));
    } else if (strcmp(before, "info") == 0) {
        info_names(ctx->machine, all);
    }
    for (unsigned i = 0; i < all->len; i++)
        if (g_str_has_prefix(all->pdata[i], word))
            g_ptr_array_add(words, g_strdup(all->pdata[i]));
}
