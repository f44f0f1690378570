/* SPDX-License-Identifier: MIT */
/*
 * The command line: QEMU's spelling, one table (options.c) that is parsed and printed.
 *
 * options_parse() only reads text. It creates nothing and touches no file, so that it can be
 * tested, and fuzzed, by itself; main.c carries out what is asked.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/machine.h"
#include "ui/ui.h"

/* What to print instead of running a machine. */
enum options_help {
    HELP_NONE,
    HELP_USAGE,    /* -help */
    HELP_VERSION,  /* -version */
    HELP_CPU,      /* -cpu help */
    HELP_ACCEL,    /* -accel help */
    HELP_MACHINE,  /* -machine help */
    HELP_MACHINE_KEYS, /* -machine TYPE,help */
    HELP_DEVICE,   /* -device help */
    HELP_DEVICE_PROPS, /* -device NAME,help: the name is help_arg */
    HELP_OBJECT,  /* -object help */
    HELP_OBJECT_PROPS, /* -object TYPE,help: the type is help_arg */
    HELP_CHARDEV,  /* -chardev help */
    HELP_AUDIODEV, /* -audiodev help */
    HELP_DISPLAY,  /* -display help */
    HELP_NETDEV,   /* -netdev help; of one type: the name is help_arg */
    HELP_NIC,      /* -nic model=help */
    HELP_LOG,      /* -d help */
};

struct option_mon {
    char *chardev; /* its id, or with `text` a description */
    bool text;
    bool control;  /* QMP, not a prompt */
    bool pretty;
};

struct options {
    struct machine_config config;
    GPtrArray *chardevs; /* char *: text of each -chardev */
    GPtrArray *serials;  /* char *: text of each serial port, defaults filled in */
    GPtrArray *monitors; /* char *: text of each human monitor, defaults filled in */
    GPtrArray *mons;     /* struct option_mon *: each -mon, -qmp, -qmp-pretty */
    GPtrArray *devices;  /* char *: text of each -device */
    GPtrArray *objects;  /* char *: text of each -object */
    GPtrArray *drives;   /* char *: text of each -drive, also of -hda, -cdrom ... */
    GPtrArray *blockdevs; /* char *: text of each -blockdev */
    GPtrArray *netdevs;  /* char *: text of each -netdev */
    GPtrArray *nics;     /* char *: text of each -nic, the default filled in */
    GPtrArray *nets;     /* char *: text of each -net */
    bool snapshot;
    bool nographic;
    char *display;       /* "sdl", "vnc", "none", or NULL: not said */
    struct display_settings display_settings;
    GPtrArray *audiodevs; /* char *: text of each -audiodev */
    GPtrArray *vncs;     /* char *: text of each -vnc and -display vnc= */
    bool desktop;        /* set before parsing: a window could be opened here */
    bool daemonize;
    char *pidfile;
    char *gdb;           /* where gdb connects, or NULL */
    char *incoming;      /* -incoming, or NULL */
    char *loadvm;        /* -loadvm, or NULL */
    bool lock_memory;    /* -overcommit mem-lock=on */
    bool timestamps;     /* -msg timestamp=on */
    uint32_t log_mask;
    char *log_file;
    enum options_help help;
    char *help_arg;
};

void options_init(struct options *o);
void options_free(struct options *o);
/* argv[0] is skipped. True also when help is asked for (o->help). */
bool options_parse(struct options *o, int argc, char **argv, GError **err);

/* The text of -help, of -display help, of -machine TYPE,help, the end of -accel help. */
void options_usage(GString *out);
void options_describe_displays(GString *out);
void options_describe_machine_keys(GString *out);
void options_describe_accel_keys(GString *out);
/* query-command-line-options: every option that takes KEY=VALUE, or the one of that name, with
 * its keys. */
json_t *options_list(const char *name);

#endif
