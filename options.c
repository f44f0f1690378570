/* SPDX-License-Identifier: MIT */
/*
 * The option table and the walk over argv. A row is all there is to an option: what is parsed,
 * what -help prints and what the nearest spelling is searched in. Names that QEMU has and
 * Hostel has not are listed at the end: they are refused by name, never ignored.
 */
#include "options.h"

#include <string.h>

#include "config.h"
#include "options_int.h"
#include "util/error.h"
#include "util/suggest.h"

/* ---- Small handlers ------------------------------------------------------------------ */

bool options_ask(struct options *o, enum options_help help, const char *arg)
{
    if (o->help == HELP_NONE) {
        o->help = help;
        o->help_arg = g_strdup(arg);
    }
    return true;
}

bool options_string(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
    return true;
}

bool options_is_help(const char *text)
{
    return strcmp(text, "help") == 0 || strcmp(text, "?") == 0;
}

static bool opt_help(struct options *o, const char *arg, GError **err)
{
    return options_ask(o, HELP_USAGE, NULL);
}

static bool opt_version(struct options *o, const char *arg, GError **err)
{
    return options_ask(o, HELP_VERSION, NULL);
}

/* Settings that an option without an argument turns on or off. */
#define FLAG(fn, field, val)                                                                       \
    static bool fn(struct options *o, const char *arg, GError **err)                               \
    {                                                                                              \
        o->field = val;                                                                            \
        return true;                                                                               \
    }
FLAG(opt_nographic, nographic, true)
FLAG(opt_nodefaults, config.no_defaults, true)
FLAG(opt_no_reboot, config.actions[ON_REBOOT], ACTION_SHUTDOWN)
FLAG(opt_no_shutdown, config.actions[ON_SHUTDOWN], ACTION_PAUSE)
FLAG(opt_no_acpi, config.acpi, false)
FLAG(opt_no_hpet, config.hpet, false)
FLAG(opt_paused, config.start_paused, true)
FLAG(opt_daemonize, daemonize, true)
FLAG(opt_snapshot, snapshot, true)
FLAG(opt_full_screen, display_settings.full_screen, true)

/* There is no user configuration file, so there is nothing to switch off. */
static bool opt_no_user_config(struct options *o, const char *arg, GError **err)
{
    return true;
}

/* Settings that are a text. */
#define TEXT(fn, field)                                                                            \
    static bool fn(struct options *o, const char *arg, GError **err)                               \
    {                                                                                              \
        return options_string(&o->field, arg);                                                     \
    }
TEXT(opt_kernel, config.kernel)
TEXT(opt_initrd, config.initrd)
TEXT(opt_append, config.append)
TEXT(opt_bios, config.bios)
TEXT(opt_keymap, config.keymap)
TEXT(opt_debugcon, config.debugcon)
TEXT(opt_pidfile, pidfile)
TEXT(opt_gdb, gdb)

static bool opt_gdb_usual(struct options *o, const char *arg, GError **err)
{
    return options_string(&o->gdb, "tcp::1234");
}
TEXT(opt_incoming, incoming)
TEXT(opt_loadvm, loadvm)

/* The last one named is the first one searched. */
static bool opt_firmware_dir(struct options *o, const char *arg, GError **err)
{
    g_autofree char *path = g_strconcat(arg, ":", o->config.firmware_path, NULL);

    if (strchr(arg, ':'))
        return error_set(err, "the name of a directory of firmware has no ':'");
    return options_string(&o->config.firmware_path, path);
}
TEXT(opt_logfile, log_file)

/* ---- The table ----------------------------------------------------------------------- */

struct option_row {
    const char *name;
    const char *arg;   /* what follows, as -help shows it; NULL: nothing */
    option_fn *handle; /* NULL: the row is a heading, `name` its text */
    const char *help;
};

static const struct option_row rows[] = {
    {"Machine", NULL, NULL, NULL},
    {"machine", "[type=]NAME[,KEY=VALUE...]", opt_machine,
     "the board; '-machine help' lists boards, '-machine NAME,help' keys"},
    {"M", "NAME", opt_machine, "the same as -machine"},
    {"accel", "NAME[:NAME...][,KEY=VALUE...]", opt_accel,
     "what runs the CPU; several names or options: the first that works here"},
    {"enable-kvm", NULL, opt_enable_kvm, "the same as -accel kvm"},
    {"cpu", "MODEL[,+FEATURE|-FEATURE|FEATURE=on|off...]", opt_cpu,
     "CPU model and features; '-cpu help' lists both"},
    {"smp", "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]", opt_smp,
     "number of CPUs and how they are arranged (default 1)"},
    {"m", "[size=]MEGS", opt_memory, "memory size, in MiB or with a suffix K, M, G, T (128)"},
    {"name", "[guest=]NAME", opt_name, "name of the machine, for the monitor and tools"},
    {"uuid", "UUID", opt_uuid, "UUID of the machine, as the guest sees it in SMBIOS"},
    {"rtc", "[base=utc|localtime|DATE][,clock=host|vm]", opt_rtc,
     "what the real-time clock starts with and follows"},
    {"smbios", "type=N,KEY=VALUE...", opt_smbios,
     "what SMBIOS says: type 0 firmware, 1 system, 2 board, 3 chassis, 4 processor,\n"
     "11 OEM strings (value=TEXT, path=FILE), 17 memory"},
    {"fw_cfg", "[name=]NAME,file=FILE|string=TEXT", opt_fw_cfg,
     "a file for firmware and guest, opt/... by convention"},
    {"no-acpi", NULL, opt_no_acpi, "no ACPI tables"},
    {"no-hpet", NULL, opt_no_hpet, "no HPET"},
    {"nodefaults", NULL, opt_nodefaults, "no serial port and no monitor unless asked for"},
    {"no-user-config", NULL, opt_no_user_config, "accepted; there is no such file"},

    {"Booting", NULL, NULL, NULL},
    {"kernel", "FILE", opt_kernel, "boot this Linux bzImage, PVH ELF or multiboot image"},
    {"append", "TEXT", opt_append, "its command line"},
    {"initrd", "FILE[,FILE...]", opt_initrd, "its initial RAM disk, or multiboot modules"},
    {"bios", "FILE", opt_bios,
     "start this ROM image at the reset vector (SeaBIOS, unless there is -kernel)"},
    {"boot", "[order=]LETTERS[,once=LETTERS][,menu=on|off][,splash=FILE]\n"
             "        [,splash-time=MS][,reboot-timeout=MS][,strict=on|off]", opt_boot,
     "what the firmware starts: a floppy, c disk, d CD-ROM, n network"},
    {"L", "DIR", opt_firmware_dir, "look for firmware images here first"},

    {"Disks", NULL, NULL, NULL},
    {"drive", "file=FILE[,format=raw|qcow2][,if=ide|pflash|none][,index=N][,media=disk|cdrom]\n"
              "[,cache=MODE][,aio=threads|native|io_uring][,discard=unmap|ignore]\n"
              "[,detect-zeroes=off|on|unmap][,readonly=on|off][,snapshot=on|off]\n"
              "[,werror=ACTION][,rerror=ACTION][,id=ID][,KEY=VALUE...]", opt_drive,
     "a disk or CD-ROM; docs/block.md has all keys"},
    {"blockdev", "[driver=]NAME,node-name=NAME[,KEY=VALUE...] or {JSON}", opt_blockdev,
     "open an image for a -device ...,drive=NODE-NAME"},
    {"hda", "FILE", opt_hda, "disk image; the same as a FILE without an option"},
    {"hdb", "FILE", opt_hdb, "second disk image"},
    {"hdc", "FILE", opt_hdc, "third disk image, where -cdrom is otherwise"},
    {"hdd", "FILE", opt_hdd, "fourth disk image"},
    {"cdrom", "FILE", opt_cdrom, "CD-ROM image"},
    {"fda", "FILE", opt_fda, "floppy disk image in drive A"},
    {"fdb", "FILE", opt_fdb, "floppy disk image in drive B"},
    {"pflash", "FILE", opt_pflash,
     "firmware in flash memory, and its variables: -drive if=pflash,unit=0 and 1"},
    {"snapshot", NULL, opt_snapshot, "writes to disks go to temporary files and are lost"},

    {"Devices", NULL, NULL, NULL},
    {"device", "NAME[,KEY=VALUE...]", opt_device,
     "add a device; '-device help' lists names, '-device NAME,help' keys"},
    {"virtfs", "local,path=DIR,mount_tag=TAG[,security_model=MODEL][,readonly=on][,id=ID]",
     opt_virtfs, "share a folder: mount -t 9p -o trans=virtio TAG /mnt in the guest"},
    {"fsdev", "local,id=ID,path=DIR[,security_model=MODEL][,readonly=on]", opt_fsdev,
     "a folder for a -device virtio-9p-pci,fsdev=ID,mount_tag=TAG"},
    {"object", "TYPE,id=ID[,KEY=VALUE...] or {JSON}", opt_object,
     "what stands behind a device; '-object help' lists types, '-object TYPE,help' keys"},
    {"global", "NAME.KEY=VALUE", opt_global, "set a key of every device of that name"},
    {"vga", "std|none", opt_vga, "display adapter (std; none with -nodefaults)"},
    {"parallel", "none", opt_none_only, "there is no parallel port"},

    {"Networks", NULL, NULL, NULL},
    {"nic", "[TYPE][,model=NAME][,mac=ADDRESS][,KEY=VALUE...] or none", opt_nic,
     "a card and its network in one; model=help lists cards (e1000 on a user network,\n"
     "unless there is another -nic, -net or -netdev, or -nodefaults)"},
    {"netdev", "TYPE,id=ID[,KEY=VALUE...] or {JSON}", opt_netdev,
     "a network for a -device ...,netdev=ID: user, tap, socket, stream, dgram or hubport;\n"
     "'-netdev help' and '-netdev TYPE,help' list types and keys"},
    {"net", "nic|TYPE[,KEY=VALUE...] or none", opt_net,
     "cards (model=, macaddr=, netdev=) and networks on one hub"},

    {"Terminals", NULL, NULL, NULL},
    {"nographic", NULL, opt_nographic,
     "serial port and monitor on this terminal; Ctrl-A H for help"},
    {"display", "sdl[,KEY=VALUE...]|curses|vnc=WHERE|none", opt_display,
     "a window (the default where there is a desktop, else -nographic), text on this\n"
     "terminal, a VNC server, or nothing; '-display help' lists what there is. The window\n"
     "has full-screen=on, window-close=off, show-cursor=on, grab-mod=lctrl-lalt|\n"
     "lshift-lctrl-lalt|rctrl"},
    {"full-screen", NULL, opt_full_screen, "the window begins as large as the screen"},
    {"vnc", "[HOST]:N|unix:PATH|none[,password=on|off][,share=POLICY][,to=N]\n"
            "        [,connections=N][,id=ID]", opt_vnc,
     "a VNC server on display N (port 5900 + N), without HOST for this host only; no\n"
     "window unless -display asks for one. With password=on nobody gets in before the\n"
     "monitor's 'change vnc password'"},
    {"audiodev", "sdl|wav|none,id=ID[,out.frequency=HZ][,path=FILE]", opt_audiodev,
     "where the guest's sound goes, for -machine pcspk-audiodev=ID; '-audiodev help'"},
    {"k", "LAYOUT", opt_keymap,
     "keyboard layout (de, en-us, fr) of VNC viewers that send symbols, not keys"},
    {"serial", "CHARDEV", opt_serial,
     "connect the next serial port: stdio, mon:stdio, pty, vc, null,\n"
     "none, file:PATH, pipe:PATH, unix:PATH[,server=on][,wait=off],\n"
     "tcp:HOST:PORT[,server=on][,wait=off], chardev:ID"},
    {"monitor", "CHARDEV", opt_monitor, "a human monitor, on the same choice"},
    {"qmp", "CHARDEV", opt_qmp, "a QMP monitor, on the same choice"},
    {"qmp-pretty", "CHARDEV", opt_qmp_pretty, "the same, its answers indented"},
    {"mon", "[chardev=]ID[,mode=readline|control][,pretty=on|off]", opt_mon,
     "a human or QMP monitor on a -chardev"},
    {"chardev", "BACKEND,id=ID[,KEY=VALUE...]", opt_chardev,
     "a character device for others to name; '-chardev help' lists backends"},
    {"debugcon", "CHARDEV", opt_debugcon, "show what the guest writes to port 0xe9"},

    {"Running", NULL, NULL, NULL},
    {"gdb", "CHARDEV", opt_gdb,
     "let gdb debug the machine: tcp:[HOST]:PORT, unix:PATH, stdio, chardev:ID"},
    {"s", NULL, opt_gdb_usual, "the same as -gdb tcp::1234"},
    {"incoming", "ADDRESS|defer", opt_incoming,
     "wait for a machine that was saved or is migrated: exec:COMMAND, file:PATH[,lazy=on],\n"
     "fd:NUMBER, unix:PATH, tcp:HOST:PORT; defer: the monitor says from where"},
    {"loadvm", "NAME", opt_loadvm, "go on from a snapshot that is in the disk images"},
    {"S", NULL, opt_paused, "do not start the CPUs; the monitor's 'cont' does"},
    {"overcommit", "[mem-lock=on|off][,cpu-pm=off]", opt_overcommit,
     "mem-lock=on: keep all memory from being swapped"},
    {"no-reboot", NULL, opt_no_reboot, "end instead of rebooting"},
    {"no-shutdown", NULL, opt_no_shutdown, "stop instead of ending when the guest powers off"},
    {"action", "EVENT=ACTION[,EVENT=ACTION...]", opt_action,
     "reboot=reset|shutdown, shutdown=poweroff|pause, panic=pause|shutdown|exit-failure|none,\n"
     "watchdog=reset|shutdown|poweroff|inject-nmi|pause|debug|none: what the guest's doing does"},
    {"watchdog-action", "ACTION", opt_watchdog_action, "the same as -action watchdog=ACTION"},
    {"icount", "[shift=]N[,sleep=on|off]", opt_icount,
     "count 2^N ns of guest time for each instruction: a repeatable run"},
    {"daemonize", NULL, opt_daemonize, "go to the background once the machine is set up"},
    {"pidfile", "FILE", opt_pidfile, "write the process number to FILE and lock it"},

    {"Watching", NULL, NULL, NULL},
    {"d", "CHANNEL[,CHANNEL...]", opt_log, "log these channels; '-d help' lists them"},
    {"msg", "timestamp=on|off", opt_msg, "put the time before messages on standard error"},
    {"D", "FILE", opt_logfile, "log to FILE instead of standard error"},
    {"version", NULL, opt_version, "print the version"},
    {"help", NULL, opt_help, "print this text"},
    {"h", NULL, opt_help, "the same as -help"},
};

/* QEMU's other options. A row moves up when Hostel learns it. */
static const char *const unsupported[] = {
    "numa", "add-fd", "set", "mem-path", "mem-prealloc", "audio", "audio-help",
    "soundhw", "mtdblock",
    "sd", "iscsi", "usb", "usbdevice", "spice", "sdl",
    "curses", "gtk", "portrait", "rotate", "alt-grab", "ctrl-grab", "no-quit",
    "win2k-hack", "no-fd-bootchk", "acpitable", "tpmdev", "dtb", "compat",
    "singlestep", "preconfig", "dfilter",
    "seed", "xen-domid", "xen-attach", "xen-domid-restrict", "option-rom",
    "watchdog", "echr", "only-migratable", "chroot", "runas",
    "sandbox", "readconfig", "writeconfig", "trace", "plugin", "async-teardown",
    "dump-vmstate", "enable-sync-profile", "tb-size", "realtime", "balloon", "bt",
    "virtioconsole", "prom-env", "semihosting", "old-param", "nouserconfig", NULL};

static bool is_option(const struct option_row *row)
{
    return row->handle != NULL;
}

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_option(&rows[i]) && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool unknown_option(const char *arg, const char *name, GError **err)
{
    if (g_strv_contains(unsupported, name))
        return error_set(err, "-%s: Hostel does not have this option yet ('-help' lists those it "
                              "has)", name);
    struct suggest s = suggest_begin(name);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_option(&rows[i]))
            suggest_offer(&s, rows[i].name);
    const char *best = suggest_best(&s);
    if (best)
        return error_set(err, "%s: there is no such option; did you mean '-%s'?", arg, best);
    return error_set(err, "%s: there is no such option ('-help' lists all)", arg);
}

/* One option with its argument; *i moves over what was used. */
static bool parse_one(struct options *o, int argc, char **argv, int *i, GError **err)
{
    const char *arg = argv[*i];

    if (arg[0] != '-')
        return opt_hda(o, arg, err) || error_prefix(err, "%s", arg);
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    const struct option_row *row = find_row(name);
    if (!row)
        return unknown_option(arg, name, err);
    const char *value = NULL;
    if (row->arg) {
        if (*i + 1 >= argc)
            return error_set(err, "%s: an argument is missing: -%s %s", arg, row->name, row->arg);
        value = argv[++*i];
    }
    if (row->handle(o, value, err))
        return true;
    return value ? error_prefix(err, "%s %s", arg, value) : error_prefix(err, "%s", arg);
}

bool options_parse(struct options *o, int argc, char **argv, GError **err)
{
    for (int i = 1; i < argc; i++) {
        if (!parse_one(o, argc, argv, &i, err))
            return false;
        if (o->help == HELP_USAGE || o->help == HELP_VERSION)
            return true;
    }
    return o->help != HELP_NONE || (options_machine_finish(o, err) && options_host_finish(o, err));
}

/* ---- Help ---------------------------------------------------------------------------- */

#define HELP_COLUMN 8

/* The text of a row, its further lines under the first. */
static void usage_text(GString *out, const char *text)
{
    char **lines = g_strsplit(text, "\n", -1);

    for (char **l = lines; *l; l++)
        g_string_append_printf(out, "%*s%s\n", HELP_COLUMN, "", *l);
    g_strfreev(lines);
}

void options_usage(GString *out)
{
    g_string_append(out, "usage: hostel [options]\n"
                         "An option may begin with one or two dashes. In KEY=VALUE lists a comma "
                         "in a value is ',,'.\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct option_row *row = &rows[i];

        if (!is_option(row)) {
            g_string_append_printf(out, "\n%s:\n", row->name);
            continue;
        }
        g_string_append_printf(out, "  -%s%s%s\n", row->name, row->arg ? " " : "",
                               row->arg ? row->arg : "");
        usage_text(out, row->help);
    }
}

/* ---- For programs --------------------------------------------------------------------- */

void options_list_key(json_t *parameters, const char *name, const char *type, const char *help)
{
    json_t *row = json_pack("{s:s, s:s}", "name", name, "type", type);

    if (help)
        json_object_set_new(row, "help", json_string(help));
    json_array_append_new(parameters, row);
}

/* The keys that the text of an argument names: lower-case words before a '='. */
static void list_keys(const char *arg, json_t *parameters)
{
    for (const char *eq = arg; (eq = strchr(eq, '=')); eq++) {
        const char *start = eq;

        while (start > arg && (g_ascii_islower(start[-1]) || g_ascii_isdigit(start[-1]) ||
                               start[-1] == '-' || start[-1] == '.'))
            start--;
        if (start == eq)
            continue;
        g_autofree char *name = g_strndup(start, (gsize)(eq - start));
        bool on_off = g_str_has_prefix(eq + 1, "on|off");
        options_list_key(parameters, name, on_off ? "boolean" : "string", NULL);
    }
}

static json_t *list_row(const struct option_row *row)
{
    json_t *parameters = json_array();

    if (row->handle == opt_machine)
        options_list_machine_keys(parameters);
    else if (row->arg)
        list_keys(row->arg, parameters);
    return json_pack("{s:s, s:o}", "option", row->name, "parameters", parameters);
}

json_t *options_list(const char *name)
{
    json_t *list = json_array();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_option(&rows[i]) && rows[i].arg && (!name || strcmp(rows[i].name, name) == 0))
            json_array_append_new(list, list_row(&rows[i]));
    return list;
}

/* ---- Life ---------------------------------------------------------------------------- */

static void free_global(void *p)
{
    struct machine_global *g = p;

    g_free(g->driver);
    g_free(g->property);
    g_free(g->value);
    g_free(g);
}

static void free_mon(void *p)
{
    struct option_mon *mon = p;

    g_free(mon->chardev);
    g_free(mon);
}

void options_init(struct options *o)
{
    memset(o, 0, sizeof(*o));
    o->config.machine_opts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    o->config.accel_opts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    o->config.ram_size = 128ull << 20;
    o->config.cpus = o->config.max_cpus = 1;
    o->config.sockets = o->config.cores = o->config.threads = 1;
    o->config.icount_sleep = true;
    o->config.boot.splash_ms = o->config.boot.reboot_ms = -1;
    o->config.rtc_base = INT64_MIN;
    o->config.acpi = o->config.hpet = o->config.graphics = true;
    o->config.firmware_path = g_strdup(HOSTEL_FIRMWARE_PATH);
    o->chardevs = g_ptr_array_new_with_free_func(g_free);
    o->serials = g_ptr_array_new_with_free_func(g_free);
    o->monitors = g_ptr_array_new_with_free_func(g_free);
    o->mons = g_ptr_array_new_with_free_func(free_mon);
    o->vncs = g_ptr_array_new_with_free_func(g_free);
    o->audiodevs = g_ptr_array_new_with_free_func(g_free);
    o->devices = g_ptr_array_new_with_free_func(g_free);
    o->drives = g_ptr_array_new_with_free_func(g_free);
    o->objects = g_ptr_array_new_with_free_func(g_free);
    o->blockdevs = g_ptr_array_new_with_free_func(g_free);
    o->config.smbios = g_ptr_array_new_with_free_func(g_free);
    o->config.fw_cfg = g_ptr_array_new_with_free_func(g_free);
    o->netdevs = g_ptr_array_new_with_free_func(g_free);
    o->nics = g_ptr_array_new_with_free_func(g_free);
    o->nets = g_ptr_array_new_with_free_func(g_free);
    o->config.globals = g_ptr_array_new_with_free_func(free_global);
}

void options_free(struct options *o)
{
    struct machine_config *c = &o->config;
    char *texts[] = {c->name,   c->uuid, c->machine_type, c->cpu,      c->accel, c->kernel,
                     c->initrd, c->append, c->bios,       c->boot.order, c->boot.once,
                     c->boot.splash, c->debugcon, c->keymap,
                     c->vga, c->firmware_path,
                     o->display, o->pidfile, o->log_file, o->help_arg, o->gdb,
                     o->incoming, o->loadvm};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_hash_table_destroy(c->machine_opts);
    g_hash_table_destroy(c->accel_opts);
    g_ptr_array_free(o->chardevs, TRUE);
    g_ptr_array_free(o->serials, TRUE);
    g_ptr_array_free(o->monitors, TRUE);
    g_ptr_array_free(o->vncs, TRUE);
    g_ptr_array_free(o->audiodevs, TRUE);
    g_ptr_array_free(o->mons, TRUE);
    g_ptr_array_free(o->devices, TRUE);
    g_ptr_array_free(o->drives, TRUE);
    g_ptr_array_free(o->objects, TRUE);
    g_ptr_array_free(o->blockdevs, TRUE);
    g_ptr_array_free(c->smbios, TRUE);
    g_ptr_array_free(c->fw_cfg, TRUE);
    g_ptr_array_free(o->netdevs, TRUE);
    g_ptr_array_free(o->nics, TRUE);
    g_ptr_array_free(o->nets, TRUE);
    g_ptr_array_free(c->globals, TRUE);
    memset(o, 0, sizeof(*o));
}
