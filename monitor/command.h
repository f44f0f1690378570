/* SPDX-License-Identifier: MIT */
/*
 * Commands: a row of a table has everything there is to a command, so that help, completion,
 * parsing and (for other protocols) typed calls come from the same place.
 *
 * Handlers run on the main thread under the machine lock. Text for the user goes to call->out;
 * on failure they set *err and return false.
 */
#ifndef MONITOR_COMMAND_H
#define MONITOR_COMMAND_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

enum arg_kind {
    ARG_NONE, /* ends the list */
    ARG_INT,  /* an expression */
    ARG_WORD, /* up to the next blank; "quotes" may be around it */
    ARG_REST, /* all that follows */
    ARG_FORMAT, /* /COUNT FORMAT SIZE, glued to the command's name: x/4xw */
};

struct command_arg {
    const char *name;
    enum arg_kind kind;
    bool optional;
};

#define COMMAND_MAX_ARGS 4

/* How memory or a value is shown: letters as in gdb. */
struct command_format {
    unsigned count;
    char format; /* x d u o c i */
    unsigned size; /* 1, 2, 4, 8 */
};

struct command_value {
    bool given;
    int64_t num;
    char *text;
    struct command_format format;
};

/* What a monitor keeps between commands. */
struct command_context {
    struct machine *machine;
    struct vcpu *vcpu; /* the CPU that is looked at */
    bool ended;        /* `quit` was given: no prompt any more */
};

struct command_call {
    struct command_context *ctx;
    struct command_value arg[COMMAND_MAX_ARGS];
    GString *out;
};

struct command {
    const char *name, *alias;
    struct command_arg args[COMMAND_MAX_ARGS + 1];
    const char *help;
    bool (*run)(struct command_call *call, GError **err);
};

extern const struct command *const commands[]; /* NULL-terminated, by name */

/* Parse and run one line; what it says is appended to out. An empty line is nothing. */
bool command_run(struct command_context *ctx, const char *line, GString *out, GError **err);
/* Words that may stand at the end of this line; for completion. */
void command_complete(struct command_context *ctx, const char *start, const char *word,
                      GPtrArray *words);

/* monitor/commands.c */
extern const struct command cmd_cont, cmd_help, cmd_quit, cmd_stop, cmd_system_powerdown,
    cmd_system_reset, cmd_cpu, cmd_accel;
/* monitor/migrate.c */
extern const struct command cmd_delvm, cmd_loadvm, cmd_migrate, cmd_migrate_cancel,
    cmd_migrate_incoming, cmd_migrate_set_capability, cmd_migrate_set_parameter, cmd_savevm;
/* monitor/memory.c */
extern const struct command cmd_print, cmd_x, cmd_xp;
/* monitor/screen.c */
extern const struct command cmd_mouse_button, cmd_mouse_move, cmd_screendump, cmd_sendkey;
/* monitor/info.c */
extern const struct command cmd_info;
/* Names that may follow "info ", appended as char *. */
void info_names(struct machine *m, GPtrArray *names);

#endif
