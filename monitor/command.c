/* SPDX-License-Identifier: MIT */
/* From a line of text to a row of the command table with its arguments. */
#include "monitor/command.h"

#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/expr.h"
#include "util/error.h"
#include "util/suggest.h"

const struct command *const commands[] = {
    &cmd_accel, &cmd_cont, &cmd_cpu, &cmd_delvm, &cmd_help, &cmd_info, &cmd_loadvm, &cmd_migrate,
    &cmd_migrate_cancel, &cmd_migrate_incoming, &cmd_migrate_set_capability,
    &cmd_migrate_set_parameter, &cmd_mouse_button, &cmd_mouse_move, &cmd_print, &cmd_quit,
    &cmd_savevm, &cmd_screendump, &cmd_sendkey, &cmd_stop, &cmd_system_powerdown,
    &cmd_system_reset, &cmd_x, &cmd_xp, NULL,
};

static const struct command *find(const char *name)
{
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0 ||
            (commands[i]->alias && strcmp(commands[i]->alias, name) == 0))
            return commands[i];
    return NULL;
}

static bool unknown(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (int i = 0; commands[i]; i++)
        suggest_offer(&s, commands[i]->name);
    return error_set(err, "unknown command: '%s'%s ('help' lists all)", name, suggest_text(&s));
}

/* ---- Arguments ----------------------------------------------------------------------- */

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

static bool parse_arg(struct command_call *call, const struct command_arg *a,
                      struct command_value *v, const char **p, GError **err)
{
    if (a->kind == ARG_FORMAT) {
        v->given = **p == '/';
        return parse_format(p, &v->format, err);
    }
    skip_blanks(p);
    if (!**p)
        return a->optional || error_set(err, "the argument '%s' is missing", a->name);
    v->given = true;
    switch (a->kind) {
    case ARG_INT:
        return expr_parse(p, look_up, call->ctx, &v->num, err) ||
               error_prefix(err, "%s", a->name);
    case ARG_WORD:
        v->text = parse_word(p, err);
        return v->text != NULL;
    default:
        v->text = g_strdup(*p);
        *p += strlen(*p);
        return true;
    }
}

static bool parse_args(struct command_call *call, const struct command *c, const char *p,
                       GError **err)
{
    for (int i = 0; c->args[i].kind != ARG_NONE; i++)
        if (!parse_arg(call, &c->args[i], &call->arg[i], &p, err))
            return error_prefix(err, "%s", c->name);
    skip_blanks(&p);
    if (*p)
        return error_set(err, "%s: '%s' is too much", c->name, p);
    return true;
}

bool command_run(struct command_context *ctx, const char *line, GString *out, GError **err)
{
    struct command_call call = {.ctx = ctx, .out = out};

    skip_blanks(&line);
    if (!*line || *line == '#')
        return true;
    size_t n = strcspn(line, " \t/");
    g_autofree char *name = g_strndup(line, n);
    const struct command *c = find(name);
    if (!c)
        return unknown(name, err);
    bool ok = parse_args(&call, c, line + n, err) && c->run(&call, err);
    for (int i = 0; i < COMMAND_MAX_ARGS; i++)
        g_free(call.arg[i].text);
    return ok;
}

void command_complete(struct command_context *ctx, const char *start, const char *word,
                      GPtrArray *words)
{
    g_autofree char *before = g_strstrip(g_strdup(start));
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    if (!*before || strcmp(before, "help") == 0) {
        for (int i = 0; commands[i]; i++)
            g_ptr_array_add(all, g_strdup(commands[i]->name));
    } else if (strcmp(before, "info") == 0) {
        info_names(ctx->machine, all);
    }
    for (unsigned i = 0; i < all->len; i++)
        if (g_str_has_prefix(all->pdata[i], word))
            g_ptr_array_add(words, g_strdup(all->pdata[i]));
}
