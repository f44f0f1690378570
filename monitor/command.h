/* SPDX-License-Identifier: MIT */
/*
 * Commands: a row of a table has everything there is to a command. The prompt and QMP reach the
 * same rows; help, completion, argument checking and query-qmp-schema come from them.
 *
 *     static bool run_ringbuf_read(struct command_call *call, GError **err);
 *     const struct command ringbuf_commands[] = {
 *         {.qmp = "ringbuf-read", .returns = "str", .run = run_ringbuf_read,
 *          .args = {{"device", ARG_WORD}, {"size", ARG_INT}},
 *          .help = "what was written to a ring buffer, and forget it"},
 *         {0}};
 *
 * and `ringbuf_commands` in the list in command.c. Handlers run on the main thread under the
 * machine lock. Text for a person goes to call->out, an answer for a program to call->ret; on
 * failure they set *err and return false.
 */
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct chardev;
struct machine;
struct qmp;
struct vcpu;

enum arg_kind {
    ARG_NONE,   /* ends the list */
    ARG_INT,    /* an integer; at the prompt an expression */
    ARG_WORD,   /* a string; at the prompt up to the next blank, "quotes" may be around it */
    ARG_REST,   /* a string; at the prompt all that follows */
    ARG_BOOL,   /* at the prompt on or off */
    ARG_FLAG,   /* a truth value; at the prompt -L, L being command_arg.flag, anywhere before */
    ARG_FORMAT, /* the prompt alone: /COUNT FORMAT SIZE, glued to the command's name: x/4xw */
    ARG_JSON,   /* QMP alone: a value of command_arg.type */
};

struct command_arg {
    const char *name;
    enum arg_kind kind;
    bool optional;
    const char *type; /* QMP's, where the kind does not say it: an enum, "[KeyValue]" */
    char flag;
};

#define COMMAND_MAX_ARGS 16

/* How memory or a value is shown: letters as in gdb. */
struct command_format {
    unsigned count;
    char format; /* x d u o c i */
    unsigned size; /* 1, 2, 4, 8 */
};

struct command_value {
    bool given;
    bool on;
    int64_t num;
    char *text;
    json_t *json; /* the caller's */
    struct command_format format;
};

/* What a monitor keeps between commands. */
struct command_context {
    struct machine *machine;
    struct vcpu *vcpu;   /* the CPU that is looked at */
    struct chardev *chr; /* where the monitor is: passed descriptors come from here; or NULL */
    struct qmp *qmp;     /* NULL: a person's */
    bool ended;          /* `quit` was given: no prompt any more */
};

struct command_call {
    struct command_context *ctx;
    struct command_value arg[COMMAND_MAX_ARGS];
    json_t *args; /* QMP: all of them, or NULL */
    GString *out;
    json_t *ret;  /* QMP without one: {} */
};

struct command {
    const char *name, *alias; /* at the prompt; NULL: not there */
    struct command_arg args[COMMAND_MAX_ARGS + 1];
    const char *help;
    bool (*run)(struct command_call *call, GError **err);
    const char *qmp;     /* the name in QMP; NULL: not there */
    const char *info;    /* "info NAME" at the prompt */
    const char *returns; /* the type of call->ret (monitor/types.c); NULL: none */
    /* At the prompt: the answer as text. NULL: its members, line by line. */
    void (*show)(json_t *ret, GString *out);
    const char *args_type; /* QMP: the arguments are a value of this type; `args` is empty */
    const char *features;  /* words for query-qmp-schema, separated by blanks */
    bool loose; /* QMP: arguments that no row names are for the handler to check */
    bool oob;   /* quick, and waits for nothing: may overtake others (exec-oob) */
};

extern const struct command *const command_tables[]; /* each ends with help == NULL */
#define FOR_EACH_COMMAND(c)                                                                        \
    for (const struct command *const *table_ = command_tables; *table_; table_++)                  \
        for (const struct command *c = *table_; c->help; c++)

/* Parse and run one line; what it says is appended to out. An empty line is nothing. */
bool command_run(struct command_context *ctx, const char *line, GString *out, GError **err);
/* Words that may stand at the end of this line; for completion. */
void command_complete(struct command_context *ctx, const char *start, const char *word,
                      GPtrArray *words);
/* Run a row as QMP does: args is an object or NULL. The answer, or NULL with *err. */
json_t *command_execute(struct command_context *ctx, const struct command *c, json_t *args,
                        GError **err);
const struct command *command_find_qmp(const char *name);
/* NULL: the prompt has no command of that name. */
const struct command *command_find(const char *name);
/* "x/FMT address [size]" and what it does. */
void command_describe(const struct command *c, GString *out);

/* The names that may follow "info ", appended as char *. */
void info_names(struct machine *m, GPtrArray *names);
/* An answer as lines of "name: value". */
void show_json(json_t *ret, GString *out);

#endif
