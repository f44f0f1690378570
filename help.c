/* SPDX-License-Identifier: MIT */
/* Lists on request: each comes from the table of what it lists. */
#include "help.h"

#include <stdio.h>

#include "accel/accel.h"
#include "audio/audio.h"
#include "backend/types.h"
#include "config.h"
#include "hw/pc/pc.h"
#include "hw/types.h"
#include "net/netdev.h"
#include "options.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

static void list_machines(GString *out)
{
    g_string_append(out, "Supported machines are:\n");
    for (const struct pc_machine_type *t = pc_machine_types; t->name; t++) {
        g_string_append_printf(out, "%-20s %s\n", t->name, t->help);
        if (t->alias)
            g_string_append_printf(out, "%-20s %s (alias of %s)\n", t->alias, t->help, t->name);
    }
}

static void list_chardevs(GString *out)
{
    g_string_append(out, "Available chardev backend types:\n"
                         "  file     path=PATH[,append=on|off][,input-path=PATH]\n"
                         "  null\n"
                         "  pipe     path=PATH: PATH.in and PATH.out, or PATH for both\n"
                         "  pty\n"
                         "  ringbuf  [size=BYTES]\n"
                         "  socket   path=PATH, or [host=HOST,]port=PORT; [server=on|off]\n"
                         "           [wait=on|off][reconnect=SECONDS]\n"
                         "  stdio    [signal=on|off]\n"
                         "Any may have mux=on: several may share it, Ctrl-A C goes to the next.\n");
}

static bool is_card(const struct device_type *t)
{
    for (const struct prop *p = t->props; p && p->name; p++)
        if (p->kind == PROP_NETDEV)
            return true;
    return false;
}

static void list_cards(GString *out)
{
    g_string_append(out, "Available NIC models:\n");
    for (const struct device_type *const *t = hw_types; *t; t++)
        if (is_card(*t))
            g_string_append_printf(out, "%s\n", (*t)->name);
}

static bool list_networks(const char *type, GString *out, GError **err)
{
    if (type)
        return netdev_type_help(type, out, err);
    netdev_help(out);
    return true;
}

static bool device_props(const struct options *o, GString *out, GError **err)
{
    const struct device_type *type = device_type_lookup(o->help_arg, err);

    return type && device_types_help(type->name, out);
}

bool help_print(const struct options *o, GError **err)
{
    g_autoptr(GString) out = g_string_new(NULL);
    bool ok = true;

    switch (o->help) {
    case HELP_NONE: break;
    case HELP_USAGE: options_usage(out); break;
    case HELP_VERSION:
        g_string_printf(out, "Hostel PC emulator version %s\n", HOSTEL_VERSION);
        break;
    case HELP_CPU: cpu_model_help(out); break;
    case HELP_ACCEL:
        accel_help(out);
        g_string_append(out, "Settings:\n");
        options_describe_accel_keys(out);
        break;
    case HELP_MACHINE: list_machines(out); break;
    case HELP_MACHINE_KEYS: options_describe_machine_keys(out); break;
    case HELP_DEVICE: device_types_help(NULL, out); break;
    case HELP_DEVICE_PROPS: ok = device_props(o, out, err); break;
    case HELP_OBJECT: object_types_help(object_types, NULL, out); break;
    case HELP_OBJECT_PROPS:
        ok = object_types_help(object_types, o->help_arg, out) ||
             error_set(err, "there is no object type '%s' (-object help lists them)", o->help_arg);
        break;
    case HELP_CHARDEV: list_chardevs(out); break;
    case HELP_AUDIODEV: audiodev_help(out); break;
    case HELP_DISPLAY: options_describe_displays(out); break;
    case HELP_NETDEV: ok = list_networks(o->help_arg, out, err); break;
    case HELP_NIC: list_cards(out); break;
    case HELP_LOG: log_describe_channels(out); break;
    }
    if (ok && (fputs(out->str, stdout) == EOF || fflush(stdout) == EOF))
        ok = error_set(err, "standard output cannot be written");
    return ok;
}
