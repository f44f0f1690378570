/* SPDX-License-Identifier: MIT */
/* Options around the machine: devices, terminals, logging. */
#include <string.h>

#include "audio/audio.h"
#include "config.h"
#include "options_int.h"
#include "ui/vnc.h"
#include "util/error.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"

#define MAX_SERIALS 4

/* ---- Devices ------------------------------------------------------------------------- */

bool opt_device(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_DEVICE, NULL);
    struct keyvals *kv = keyvals_parse_any(arg, "driver", err);
    if (!kv)
        return false;
    const char *driver = keyvals_get(kv, "driver");
    bool ok = true;
    if (!driver) {
        ok = error_set(err, "the device's name is missing ('-device help' lists them)");
    } else if (keyvals_get(kv, "help") || keyvals_get(kv, "?")) {
        options_ask(o, HELP_DEVICE_PROPS, driver);
    } else {
        g_ptr_array_add(o->devices, g_strdup(arg));
    }
    keyvals_free(kv);
    return ok;
}

bool opt_object(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_OBJECT, NULL);
    struct keyvals *kv = keyvals_parse_any(arg, "qom-type", err);
    if (!kv)
        return false;
    const char *type = keyvals_get(kv, "qom-type");
    if (type && (keyvals_get(kv, "help") || keyvals_get(kv, "?")))
        options_ask(o, HELP_OBJECT_PROPS, type);
    else
        g_ptr_array_add(o->objects, g_strdup(arg));
    keyvals_free(kv);
    return true;
}

/* ---- Shared folders ---------------------------------------------------------------------- */

static void add_key(GString *s, const char *key, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    g_string_append_printf(s, ",%s=%s", key, escaped);
}

/* An object that is the folder and, if `device` is not NULL, the device's text with its tag. */
static bool add_folder(struct options *o, const struct keyvals *kv, GString *device, GError **err)
{
    const char *driver = keyvals_get(kv, "fsdriver");
    g_autoptr(GString) object = g_string_new("fsdev-local");
    bool has_id = keyvals_get(kv, "id") != NULL;

    if (!driver || strcmp(driver, "local"))
        return error_set(err, "'%s': only 'local' is there", driver ? driver : "");
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        if (device && !strcmp(k->key, "mount_tag"))
            add_key(device, k->key, k->value);
        else if (strcmp(k->key, "fsdriver"))
            add_key(object, k->key, k->value);
    }
    g_autofree char *id = has_id ? g_strdup(keyvals_get(kv, "id"))
                                 : g_strdup_printf("virtfs%u", o->objects->len);
    if (!has_id && device)
        add_key(object, "id", id);
    if (device)
        add_key(device, "fsdev", id);
    g_ptr_array_add(o->objects, g_strdup(object->str));
    return true;
}

bool opt_fsdev(struct options *o, const char *arg, GError **err)
{
    struct keyvals *kv = keyvals_parse(arg, "fsdriver", err);
    bool ok = kv && add_folder(o, kv, NULL, err);

    keyvals_free(kv);
    return ok;
}

bool opt_virtfs(struct options *o, const char *arg, GError **err)
{
    struct keyvals *kv = keyvals_parse(arg, "fsdriver", err);
    g_autoptr(GString) device = g_string_new("virtio-9p-pci");
    bool ok = kv && add_folder(o, kv, device, err);

    if (ok)
        g_ptr_array_add(o->devices, g_strdup(device->str));
    keyvals_free(kv);
    return ok;
}

/* ---- Disks ----------------------------------------------------------------------------- */

bool opt_drive(struct options *o, const char *arg, GError **err)
{
    g_ptr_array_add(o->drives, g_strdup(arg));
    return true;
}

bool opt_pflash(struct options *o, const char *arg, GError **err)
{
    char **parts = g_strsplit(arg, ",", -1);
    g_autofree char *name = g_strjoinv(",,", parts);

    g_strfreev(parts);
    g_ptr_array_add(o->drives, g_strdup_printf("if=pflash,file=%s", name));
    return true;
}

bool opt_blockdev(struct options *o, const char *arg, GError **err)
{
    g_ptr_array_add(o->blockdevs, g_strdup(arg));
    return true;
}

/* A file name may have commas. */
static bool add_disk(struct options *o, const char *file, const char *place)
{
    char **parts = g_strsplit(file, ",", -1);
    g_autofree char *name = g_strjoinv(",,", parts);

    g_strfreev(parts);
    g_ptr_array_add(o->drives, g_strdup_printf("%s,file=%s", place, name));
    return true;
}

#define DISK(fn, place)                                                                            \
    bool fn(struct options *o, const char *arg, GError **err)                                      \
    {                                                                                              \
        return add_disk(o, arg, place);                                                            \
    }
DISK(opt_hda, "if=ide,index=0,media=disk")
DISK(opt_hdb, "if=ide,index=1,media=disk")
DISK(opt_hdc, "if=ide,index=2,media=disk")
DISK(opt_hdd, "if=ide,index=3,media=disk")
DISK(opt_cdrom, "if=ide,index=2,media=cdrom")
DISK(opt_fda, "if=floppy,index=0")
DISK(opt_fdb, "if=floppy,index=1")

/* ---- Networks -------------------------------------------------------------------------- */

/* A text, or a question about it. */
static bool add_net(struct options *o, GPtrArray *list, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_NETDEV, NULL);
    struct keyvals *kv = keyvals_parse_any(arg, "type", err);
    if (!kv)
        return false;
    const char *type = keyvals_get(kv, "type"), *model = keyvals_get(kv, "model");
    if (model && options_is_help(model))
        options_ask(o, HELP_NIC, NULL);
    else if (keyvals_get(kv, "help") || keyvals_get(kv, "?"))
        options_ask(o, HELP_NETDEV, type);
    else
        g_ptr_array_add(list, g_strdup(arg));
    keyvals_free(kv);
    return true;
}

bool opt_netdev(struct options *o, const char *arg, GError **err)
{
    return add_net(o, o->netdevs, arg, err);
}

bool opt_nic(struct options *o, const char *arg, GError **err)
{
    return add_net(o, o->nics, arg, err);
}

bool opt_net(struct options *o, const char *arg, GError **err)
{
    return add_net(o, o->nets, arg, err);
}

/* ---- Globals --------------------------------------------------------------------------- */

static void add_global(struct options *o, const char *driver, size_t len, const char *property,
                       size_t plen, const char *value)
{
    struct machine_global *g = g_new0(struct machine_global, 1);

    g->driver = g_strndup(driver, len);
    g->property = g_strndup(property, plen);
    g->value = g_strdup(value);
    g_ptr_array_add(o->config.globals, g);
}

/* driver.property=value, or driver=...,property=...,value=... */
bool opt_global(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"driver", "property", "value", NULL};
    const char *dot = strchr(arg, '.'), *eq = strchr(arg, '=');

    if (dot && eq && dot < eq && dot > arg && eq > dot + 1) {
        add_global(o, arg, dot - arg, dot + 1, eq - dot - 1, eq + 1);
        return true;
    }
    struct keyvals *kv = keyvals_parse(arg, NULL, err);
    bool ok = kv && keyvals_check(kv, valid, err);
    const char *d = ok ? keyvals_get(kv, "driver") : NULL;
    const char *p = ok ? keyvals_get(kv, "property") : NULL;
    const char *v = ok ? keyvals_get(kv, "value") : NULL;

    if (d && p && v)
        add_global(o, d, strlen(d), p, strlen(p), v);
    else
        ok = error_set(err, "write it as NAME.KEY=VALUE");
    keyvals_free(kv);
    return ok;
}

/* -parallel: only "none" is there to be had. */
bool opt_none_only(struct options *o, const char *arg, GError **err)
{
    if (strcmp(arg, "none") == 0)
        return true;
    return error_set(err, "only 'none' is supported yet");
}

/* ---- Terminals ----------------------------------------------------------------------- */

bool opt_chardev(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_CHARDEV, NULL);
    g_ptr_array_add(o->chardevs, g_strdup(arg));
    return true;
}

bool opt_serial(struct options *o, const char *arg, GError **err)
{
    if (o->serials->len == MAX_SERIALS)
        return error_set(err, "a PC has %d serial ports", MAX_SERIALS);
    g_ptr_array_add(o->serials, g_strdup(arg));
    return true;
}

bool opt_monitor(struct options *o, const char *arg, GError **err)
{
    g_ptr_array_add(o->monitors, g_strdup(arg));
    return true;
}

static bool add_mon(struct options *o, const char *chardev, bool text, bool control, bool pretty)
{
    struct option_mon *mon = g_new(struct option_mon, 1);

    *mon = (struct option_mon){g_strdup(chardev), text, control, pretty};
    g_ptr_array_add(o->mons, mon);
    return true;
}

bool opt_mon(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"chardev", "mode", "pretty", "id", NULL};
    static const char *const modes[] = {"readline", "control", NULL};
    struct keyvals *kv = keyvals_parse(arg, "chardev", err);
    bool pretty = false, ok = kv && keyvals_check(kv, valid, err) &&
                              keyvals_bool(kv, "pretty", &pretty, err);
    const char *id = ok ? keyvals_get(kv, "chardev") : NULL;
    const char *mode = ok ? keyvals_get(kv, "mode") : NULL;
    int choice = 0;

    if (ok && mode && !parse_choice(mode, modes, &choice, err))
        ok = error_prefix(err, "mode");
    if (ok && !id)
        ok = error_set(err, "chardev=ID is missing");
    if (ok && pretty && choice == 0)
        ok = error_set(err, "pretty=on is for mode=control");
    if (ok)
        add_mon(o, id, false, choice == 1, pretty);
    keyvals_free(kv);
    return ok;
}

static bool add_qmp(struct options *o, const char *arg, bool pretty)
{
    return strcmp(arg, "none") == 0 || add_mon(o, arg, true, true, pretty);
}

bool opt_qmp(struct options *o, const char *arg, GError **err)
{
    return add_qmp(o, arg, false);
}

bool opt_qmp_pretty(struct options *o, const char *arg, GError **err)
{
    return add_qmp(o, arg, true);
}

static const struct {
    const char *name, *help;
} displays[] = {
#ifdef CONFIG_SDL
    {"sdl", "a window"},
#endif
    {"curses", "text modes on this terminal; Alt-2 is the monitor"},
    {"vnc", "a VNC server: vnc=[HOST]:N or vnc=unix:PATH, and what -vnc takes"},
    {"none", "no display"},
};

static const struct {
    const char *name, *why;
} displays_elsewhere[] = {
#ifndef CONFIG_SDL
    {"sdl", "this hostel was built without SDL; install libsdl2-dev and configure again"},
#endif
    {"gtk", "there is no GTK window; use -display sdl"},
    {"spice-app", "there is no SPICE server; use -display sdl"},
    {"egl-headless", "there is no OpenGL; use -display none"},
    {"dbus", "there is no D-Bus display; use -display sdl"},
};

static bool grab_settings(struct display_settings *d, const struct keyvals *kv, GError **err)
{
    static const char *const mods[] = {"lctrl-lalt", "lshift-lctrl-lalt", "rctrl", NULL};
    const char *mod = keyvals_get(kv, "grab-mod");
    bool shift = d->grab_mod == GRAB_SHIFT_CTRL_ALT, right = d->grab_mod == GRAB_RIGHT_CTRL;

    if (!keyvals_bool(kv, "alt_grab", &shift, err) || !keyvals_bool(kv, "ctrl_grab", &right, err))
        return false;
    d->grab_mod = right ? GRAB_RIGHT_CTRL : shift ? GRAB_SHIFT_CTRL_ALT : GRAB_CTRL_ALT;
    return !mod || parse_choice(mod, mods, &d->grab_mod, err) || error_prefix(err, "grab-mod");
}

/* What may follow the name. */
static bool display_settings(struct options *o, const char *arg, GError **err)
{
    static const char *const window[] = {"type", "gl", "grab-mod", "alt_grab", "ctrl_grab",
                                         "full-screen", "window-close", "show-cursor", NULL};
    static const char *const none[] = {"type", "gl", NULL};
    static const char *const off[] = {"off", NULL};
    struct display_settings *d = &o->display_settings;
    struct keyvals *kv = keyvals_parse(arg, "type", err);
    const char *gl = kv ? keyvals_get(kv, "gl") : NULL;
    bool close = !d->keep_open, sdl = g_str_has_prefix(arg, "sdl");
    int choice;
    bool ok = kv && keyvals_check(kv, sdl ? window : none, err) &&
              (!gl || parse_choice(gl, off, &choice, err) || error_prefix(err, "gl")) &&
              grab_settings(d, kv, err) &&
              keyvals_bool(kv, "full-screen", &d->full_screen, err) &&
              keyvals_bool(kv, "window-close", &close, err) &&
              keyvals_bool(kv, "show-cursor", &d->show_cursor, err);

    d->keep_open = !close;
    keyvals_free(kv);
    return ok;
}

void options_describe_displays(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(displays); i++)
        g_string_append_printf(out, "%-10s %s\n", displays[i].name, displays[i].help);
}

bool opt_display(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_DISPLAY, NULL);
    if (g_str_has_prefix(arg, "vnc="))
        return opt_vnc(o, arg + 4, err) && options_string(&o->display, "vnc");
    if (strcmp(arg, "vnc") == 0)
        return error_set(err, "an address is missing: vnc=[HOST]:N or vnc=unix:PATH");
    g_autofree char *name = g_strndup(arg, strcspn(arg, ","));
    struct suggest s = suggest_begin(name);
    for (size_t i = 0; i < G_N_ELEMENTS(displays); i++) {
        if (strcmp(name, displays[i].name) == 0)
            return display_settings(o, arg, err) && options_string(&o->display, name);
        suggest_offer(&s, displays[i].name);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(displays_elsewhere); i++)
        if (strcmp(name, displays_elsewhere[i].name) == 0)
            return error_set(err, "%s", displays_elsewhere[i].why);
    return error_set(err, "there is no such display%s ('-display help' lists them)",
                     suggest_text(&s));
}

bool opt_vga(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"std", "none", NULL};
    int choice;

    return parse_choice(arg, valid, &choice, err) && options_string(&o->config.vga, arg);
}

bool opt_vnc(struct options *o, const char *arg, GError **err)
{
    if (!vnc_check(arg, err))
        return false;
    if (vnc_is_none(arg))
        return o->display || options_string(&o->display, "none");
    g_ptr_array_add(o->vncs, g_strdup(arg));
    return true;
}

bool opt_audiodev(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_AUDIODEV, NULL);
    if (!audiodev_check(arg, err))
        return false;
    g_ptr_array_add(o->audiodevs, g_strdup(arg));
    return true;
}

bool opt_log(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_LOG, NULL);
    uint32_t mask;
    if (!log_parse_mask(arg, &mask, err))
        return false;
    o->log_mask |= mask;
    return true;
}

/* ---- What options mean together ------------------------------------------------------ */

/* Somebody named this terminal explicitly. */
static bool uses_stdio(const GPtrArray *texts)
{
    for (unsigned i = 0; i < texts->len; i++) {
        const char *t = texts->pdata[i];

        if (strcmp(t, "stdio") == 0 || strcmp(t, "mon:stdio") == 0 ||
            g_str_has_prefix(t, "stdio,"))
            return true;
    }
    return false;
}

static bool chardev_uses_stdio(const struct options *o)
{
    for (unsigned i = 0; i < o->chardevs->len; i++)
        if (g_str_has_prefix(o->chardevs->pdata[i], "stdio"))
            return true;
    return false;
}

static bool monitor_uses_stdio(const struct options *o)
{
    for (unsigned i = 0; i < o->mons->len; i++) {
        const struct option_mon *mon = o->mons->pdata[i];
        if (mon->text && g_str_has_prefix(mon->chardev, "stdio"))
            return true;
    }
    return false;
}

/* A prompt was asked for by -mon. */
static bool has_prompt(const struct options *o)
{
    for (unsigned i = 0; i < o->mons->len; i++)
        if (!((struct option_mon *)o->mons->pdata[i])->control)
            return true;
    return false;
}

static bool has_board(const struct options *o)
{
    return strcmp(o->config.machine_type, "none") != 0;
}

/*
 * Without a window the terminal is the display: the first serial port and the monitor share it,
 * each unless it is said to be elsewhere. With -display none, -nodefaults or -daemonize nothing
 * is on the terminal unless asked for.
 */
static void default_terminals(struct options *o)
{
    bool serial = has_board(o) && o->serials->len == 0;
    bool monitor = o->monitors->len == 0 && !has_prompt(o);
    bool free_stdio = !uses_stdio(o->serials) && !uses_stdio(o->monitors) &&
                      !monitor_uses_stdio(o) && !chardev_uses_stdio(o);

    if (serial && monitor && free_stdio) {
        g_ptr_array_add(o->serials, g_strdup("mon:stdio"));
    } else if (serial) {
        g_ptr_array_add(o->serials, g_strdup(free_stdio ? "stdio" : "null"));
    } else if (monitor && free_stdio) {
        g_ptr_array_add(o->monitors, g_strdup("stdio"));
    }
}

/* With a display the monitor and the first serial port are consoles beside the guest's. */
static void default_consoles(struct options *o)
{
    bool shown = o->display && strcmp(o->display, "none") != 0;

    if (!o->serials->len)
        g_ptr_array_add(o->serials, g_strdup(shown ? "vc" : "null"));
    if (shown && !o->monitors->len && !o->mons->len)
        g_ptr_array_add(o->monitors, g_strdup("vc"));
}

static bool own_adapter(const struct options *o)
{
    for (unsigned i = 0; i < o->devices->len; i++)
        if (g_str_has_prefix(o->devices->pdata[i], "VGA"))
            return true;
    return false;
}

/* A PC has a display adapter, unless it is to have nothing by default or has another one. */
static void default_adapter(struct options *o)
{
    if (!o->config.vga && !o->config.no_defaults && has_board(o) && !own_adapter(o))
        o->config.vga = g_strdup("std");
}

/* A PC has a card on a user network, unless networks are spoken of. */
static void default_card(struct options *o)
{
    if (!o->config.no_defaults && has_board(o) && !o->netdevs->len && !o->nics->len &&
        !o->nets->len)
        g_ptr_array_add(o->nics, g_strdup("user"));
}

static bool has_adapter(const struct options *o)
{
    return (o->config.vga && strcmp(o->config.vga, "none") != 0) || own_adapter(o);
}

bool opt_action(struct options *o, const char *arg, GError **err)
{
    struct keyvals *kv = keyvals_parse(arg, NULL, err);
    bool ok = kv != NULL;

    for (unsigned i = 0; ok && i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        ok = action_set(o->config.actions, k->key, k->value, err);
    }
    if (kv)
        keyvals_free(kv);
    return ok;
}

bool opt_watchdog_action(struct options *o, const char *arg, GError **err)
{
    return action_set(o->config.actions, "watchdog", arg, err);
}

bool options_host_finish(struct options *o, GError **err)
{
    if (o->incoming && o->loadvm)
        return error_set(err, "-incoming and -loadvm: a machine comes from one or the other");
    if (o->daemonize && o->nographic && !o->config.no_defaults)
        return error_set(err, "-daemonize: -nographic needs the terminal that the machine leaves; "
                              "use -display none");
    if (o->daemonize && (uses_stdio(o->serials) || uses_stdio(o->monitors) ||
                         monitor_uses_stdio(o) || chardev_uses_stdio(o)))
        return error_set(err, "-daemonize: the machine leaves the terminal, so nothing can be on "
                              "stdio");
    if (o->display && strcmp(o->display, "curses") == 0 &&
        (o->daemonize || o->nographic || uses_stdio(o->serials) || uses_stdio(o->monitors) ||
         chardev_uses_stdio(o)))
        return error_set(err, "-display curses: it needs the terminal for itself; leave out "
                              "-daemonize, -nographic and stdio");
    default_adapter(o);
    default_card(o);
    if (!o->display && !o->nographic && o->vncs->len)
        options_string(&o->display, "vnc");
    if (!o->display && !o->nographic && !o->daemonize && o->desktop && has_adapter(o))
        options_string(&o->display, "sdl");
    bool terminal = o->nographic || (!o->display && !o->daemonize);
    if (terminal) {
        o->config.graphics = false;
        if (!o->config.no_defaults)
            default_terminals(o);
    } else if (!o->config.no_defaults && has_board(o)) {
        default_consoles(o);
    }
    return true;
}
