/* SPDX-License-Identifier: MIT */
/* Options that describe the machine: they fill struct machine_config. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options_int.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

/* Of the topology; the limit of xAPIC IDs. */
#define MAX_CPUS 255

/* ---- -machine ------------------------------------------------------------------------ */

#define ANY_ID "ID"

/* Keys of -machine other than type and accel, with the values that Hostel can honour. */
static const struct machine_key {
    const char *name;
    const char *values[4];
    const char *help;
} machine_keys[] = {
    {"acpi", {"on", "off", "auto"}, "ACPI tables (on)"},
    {"hpet", {"on", "off"}, "high precision event timer (on)"},
    {"smm", {"off", "auto"}, "system management mode: not modelled"},
    {"pic", {"on", "auto"}, "8259A interrupt controllers: always there"},
    {"pit", {"on", "auto"}, "8254 timer: always there"},
    {"i8042", {"on"}, "keyboard controller: always there"},
    {"usb", {"off"}, "USB controller: not modelled"},
    {"vmport", {"off", "auto"}, "VMware port: not modelled"},
    {"graphics", {"on", "off"}, "off: firmware uses the serial port as well"},
    {"mem-merge", {"off"}, "merging of equal memory pages by the host: not asked for"},
    {"dump-guest-core", {"on", "off"}, "guest memory is part of Hostel's core dumps (on)"},
    {"kernel-irqchip", {"split", "off", "on"}, "KVM: local APICs in the kernel (split; no on)"},
    {"nvdimm", {"off"}, "NVDIMMs: not modelled"},
    {"pcspk-audiodev", {ANY_ID}, "the -audiodev that the PC speaker is heard on"},
    {"pflash0", {ANY_ID}, "block node with firmware, in flash memory below 4 GiB"},
    {"pflash1", {ANY_ID}, "block node with the firmware's variables"},
};

void options_describe_machine_keys(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(machine_keys); i++) {
        const struct machine_key *k = &machine_keys[i];

        g_string_append_printf(out, "  %s=%s", k->name, k->values[0]);
        for (int v = 1; v < 4 && k->values[v]; v++)
            g_string_append_printf(out, "|%s", k->values[v]);
        g_string_append_printf(out, "  -- %s\n", k->help);
    }
}

void options_list_machine_keys(json_t *parameters)
{
    options_list_key(parameters, "type", "string", NULL);
    options_list_key(parameters, "accel", "string", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(machine_keys); i++)
        options_list_key(parameters, machine_keys[i].name, "string", machine_keys[i].help);
}

static const struct machine_key *find_machine_key(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (size_t i = 0; i < G_N_ELEMENTS(machine_keys); i++) {
        if (strcmp(machine_keys[i].name, name) == 0)
            return &machine_keys[i];
        suggest_offer(&s, machine_keys[i].name);
    }
    suggest_offer(&s, "type");
    suggest_offer(&s, "accel");
    error_set(err, "a machine has no setting '%s'%s", name, suggest_text(&s));
    return NULL;
}

static bool machine_setting(struct options *o, const char *name, const char *value, GError **err)
{
    struct machine_config *c = &o->config;

    if (strcmp(name, "type") == 0)
        return options_string(&c->machine_type, value);
    if (strcmp(name, "accel") == 0)
        return options_string(&c->accel, value);
    const struct machine_key *key = find_machine_key(name, err);
    int choice;
    if (!key)
        return false;
    if (strcmp(key->values[0], ANY_ID) != 0 && !parse_choice(value, key->values, &choice, err))
        return error_prefix(err, "%s (%s)", name, key->help);
    if (strcmp(name, "acpi") == 0)
        c->acpi = strcmp(value, "off") != 0;
    else if (strcmp(name, "hpet") == 0)
        c->hpet = strcmp(value, "off") != 0;
    else if (strcmp(name, "dump-guest-core") == 0)
        c->no_core = strcmp(value, "off") == 0;
    else if (strcmp(name, "graphics") == 0)
        c->graphics = strcmp(value, "off") != 0;
    g_hash_table_replace(c->machine_opts, g_strdup(name), g_strdup(value));
    return true;
}

bool opt_machine(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_MACHINE, NULL);
    struct keyvals *kv = keyvals_parse(arg, "type", err);
    bool ok = kv != NULL;

    for (unsigned i = 0; ok && i < keyvals_count(kv); i++) {
        const struct keyval *item = keyvals_at(kv, i);

        if (options_is_help(item->key) || options_is_help(item->value))
            ok = options_ask(o, strcmp(item->key, "type") ? HELP_MACHINE_KEYS : HELP_MACHINE, NULL);
        else {
            g_autofree char *name = g_strdelimit(g_strdup(item->key), "_", '-');

            ok = machine_setting(o, name, item->value, err);
        }
    }
    keyvals_free(kv);
    return ok;
}

/* ---- -accel, -cpu -------------------------------------------------------------------- */

/* Keys of -accel other than the name: whose they are, and what they may be. Where `text` stands
 * for the value, the accelerator itself looks at it. */
static const struct accel_key {
    const char *accel, *alias;
    const char *name;
    const char *values[4];
    const char *text;
    const char *help;
} accel_keys[] = {
    {"tcg-interp", "tcg", "thread", {"multi"}, NULL, "each CPU has its own (-icount: one for all)"},
    {"tcg-interp", "tcg", "switch-every", {NULL}, "MS", "as for kvm"},
    {"kvm", NULL, "rescue", {"on", "off"}, NULL, "the interpreter executes what KVM cannot (on)"},
    {"kvm", NULL, "switch-every", {NULL}, "MS", "switch at random, about so often"},
    {"compare", NULL, "a", {NULL}, "NAME", "the accelerator that has the devices"},
    {"compare", NULL, "b", {NULL}, "NAME", "the one compared with it; may be the same"},
    {"compare", NULL, "every", {NULL}, "COUNT", "compare after so many instructions (1)"},
    {"compare", NULL, "from", {NULL}, "COUNT", "... but after each one once COUNT have run"},
    {"compare", NULL, "limit", {NULL}, "COUNT", "end, with status 0, after so many equal ones"},
    {"compare", NULL, "last", {NULL}, "COUNT", "how many of the last a report shows (16)"},
};

void options_describe_accel_keys(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(accel_keys); i++) {
        const struct accel_key *k = &accel_keys[i];

        g_string_append_printf(out, "  %s,%s=%s", k->accel, k->name,
                               k->text ? k->text : k->values[0]);
        for (int v = 1; v < 4 && k->values[v]; v++)
            g_string_append_printf(out, "|%s", k->values[v]);
        g_string_append_printf(out, "  -- %s\n", k->help);
    }
}

static const struct accel_key *find_accel_key(const char *accel, const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (size_t i = 0; i < G_N_ELEMENTS(accel_keys); i++) {
        const struct accel_key *k = &accel_keys[i];

        if (strcmp(k->accel, accel) != 0 && (!k->alias || strcmp(k->alias, accel) != 0))
            continue;
        if (strcmp(k->name, name) == 0)
            return k;
        suggest_offer(&s, k->name);
    }
    error_set(err, "%s has no setting '%s'%s", accel, name, suggest_text(&s));
    return NULL;
}

static bool accel_settings(struct options *o, const char *accel, const struct keyvals *kv,
                           GError **err)
{
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *item = keyvals_at(kv, i);
        const struct accel_key *key;
        int choice;

        if (strcmp(item->key, "accel") == 0)
            continue;
        key = find_accel_key(accel, item->key, err);
        if (!key)
            return false;
        if (!key->text && !parse_choice(item->value, key->values, &choice, err))
            return error_prefix(err, "%s (%s)", key->name, key->help);
        g_hash_table_replace(o->config.accel_opts, g_strdup(key->name), g_strdup(item->value));
    }
    return true;
}

/* Several -accel are alternatives, like names with a colon between. */
bool opt_accel(struct options *o, const char *arg, GError **err)
{
    struct keyvals *kv = keyvals_parse(arg, "accel", err);
    const char *name = kv ? keyvals_get(kv, "accel") : NULL;
    bool ok = kv != NULL;

    if (ok && name && options_is_help(name))
        ok = options_ask(o, HELP_ACCEL, NULL);
    else if (ok && !name)
        ok = error_set(err, "the accelerator's name is missing");
    else if (ok && accel_settings(o, name, kv, err)) {
        char *all = o->config.accel ? g_strconcat(o->config.accel, ":", name, NULL)
                                    : g_strdup(name);
        g_free(o->config.accel);
        o->config.accel = all;
    } else {
        ok = false;
    }
    keyvals_free(kv);
    return ok;
}

bool opt_enable_kvm(struct options *o, const char *arg, GError **err)
{
    return opt_accel(o, "kvm", err);
}

bool opt_cpu(struct options *o, const char *arg, GError **err)
{
    if (options_is_help(arg))
        return options_ask(o, HELP_CPU, NULL);
    return options_string(&o->config.cpu, arg);
}

/* ---- -smp ---------------------------------------------------------------------------- */

/* What was not said follows from the rest: cores first, then sockets, then threads. */
static bool smp_complete(struct machine_config *c, uint64_t cpus, uint64_t max, uint64_t sockets,
                         uint64_t cores, uint64_t threads, GError **err)
{
    uint64_t total = max ? max : cpus;

    if (!total) {
        sockets = MAX(sockets, 1);
        cores = MAX(cores, 1);
        threads = MAX(threads, 1);
        total = sockets * cores * threads;
    } else if (!cores) {
        sockets = MAX(sockets, 1);
        threads = MAX(threads, 1);
        cores = total / (sockets * threads);
    } else if (!sockets) {
        threads = MAX(threads, 1);
        sockets = total / (cores * threads);
    } else if (!threads) {
        threads = total / (sockets * cores);
    }
    if (!cpus)
        cpus = total;
    if (sockets * cores * threads != total)
        return error_set(err, "%" G_GUINT64_FORMAT " sockets * %" G_GUINT64_FORMAT
                              " cores * %" G_GUINT64_FORMAT " threads are not %" G_GUINT64_FORMAT
                              " CPUs", sockets, cores, threads, total);
    if (total > MAX_CPUS)
        return error_set(err, "%" G_GUINT64_FORMAT " CPUs are more than the %d a PC can have",
                         total, MAX_CPUS);
    if (total != cpus)
        return error_set(err, "CPUs cannot be added to a running machine: leave out maxcpus, or "
                              "give it the value of cpus");
    c->cpus = c->max_cpus = total;
    c->sockets = sockets;
    c->cores = cores;
    c->threads = threads;
    return true;
}

bool opt_smp(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"cpus",  "maxcpus", "sockets",  "cores",
                                        "threads", "dies",  "clusters", NULL};
    uint64_t cpus = 0, max = 0, sockets = 0, cores = 0, threads = 0, dies = 1, clusters = 1;
    struct keyvals *kv = keyvals_parse(arg, "cpus", err);
    bool ok = kv && keyvals_check(kv, valid, err) &&
              keyvals_uint(kv, "cpus", 1, MAX_CPUS, &cpus, err) &&
              keyvals_uint(kv, "maxcpus", 1, MAX_CPUS, &max, err) &&
              keyvals_uint(kv, "sockets", 1, MAX_CPUS, &sockets, err) &&
              keyvals_uint(kv, "cores", 1, MAX_CPUS, &cores, err) &&
              keyvals_uint(kv, "threads", 1, MAX_CPUS, &threads, err) &&
              keyvals_uint(kv, "dies", 1, 1, &dies, err) &&
              keyvals_uint(kv, "clusters", 1, 1, &clusters, err);

    keyvals_free(kv);
    return ok && smp_complete(&o->config, cpus, max, sockets, cores, threads, err);
}

/* ---- -m, -boot, -name, -uuid --------------------------------------------------------- */

bool opt_memory(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"size", NULL};
    struct keyvals *kv = keyvals_parse(arg, "size", err);
    const char *size = kv ? keyvals_get(kv, "size") : NULL;
    uint64_t bytes = 0;
    bool ok = kv != NULL;

    if (ok && (keyvals_get(kv, "maxmem") || keyvals_get(kv, "slots")))
        ok = error_set(err, "memory cannot be added to a running machine: leave out slots and "
                            "maxmem");
    ok = ok && keyvals_check(kv, valid, err);
    if (ok && !size)
        ok = error_set(err, "the size is missing");
    ok = ok && parse_size(size, 1 << 20, &bytes, err);
    if (ok && (bytes < 1 << 20 || bytes > 1ull << 40))
        ok = error_set(err, "memory may have 1 MiB to 1 TiB (a number without a suffix counts "
                            "MiB)");
    if (ok)
        o->config.ram_size = (bytes + 4095) & ~4095ull;
    keyvals_free(kv);
    return ok;
}

static bool boot_letters(const char *text, GError **err)
{
    if (text && text[strspn(text, "acdnop")])
        return error_set(err, "'%s' is not a boot order: letters are a (floppy), c (disk), "
                              "d (CD-ROM), n (network)", text);
    return true;
}

/* Several -boot add up; the last word on a key counts. */
bool opt_boot(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"order", "once", "menu", "strict", "splash",
                                        "splash-time", "reboot-timeout", NULL};
    struct machine_boot *b = &o->config.boot;
    struct keyvals *kv = keyvals_parse(arg, "order", err);
    uint64_t splash = UINT64_MAX, reboot = UINT64_MAX;
    bool ok = kv && keyvals_check(kv, valid, err) && boot_letters(keyvals_get(kv, "order"), err) &&
              boot_letters(keyvals_get(kv, "once"), err) &&
              keyvals_bool(kv, "menu", &b->menu, err) &&
              keyvals_bool(kv, "strict", &b->strict, err) &&
              keyvals_uint(kv, "splash-time", 0, 65535, &splash, err) &&
              keyvals_uint(kv, "reboot-timeout", 0, 65535, &reboot, err);

    if (ok && keyvals_get(kv, "order"))
        options_string(&b->order, keyvals_get(kv, "order"));
    if (ok && keyvals_get(kv, "once"))
        options_string(&b->once, keyvals_get(kv, "once"));
    if (ok && keyvals_get(kv, "splash"))
        options_string(&b->splash, keyvals_get(kv, "splash"));
    if (splash != UINT64_MAX)
        b->splash_ms = (int)splash;
    if (reboot != UINT64_MAX)
        b->reboot_ms = (int)reboot;
    keyvals_free(kv);
    return ok;
}

bool opt_name(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"guest", "process", "debug-threads", NULL};
    struct keyvals *kv = keyvals_parse(arg, "guest", err);
    bool ok = kv && keyvals_check(kv, valid, err), threads = true;

    if (ok && keyvals_get(kv, "process"))
        ok = error_set(err, "the process keeps its name: leave out 'process'");
    ok = ok && keyvals_bool(kv, "debug-threads", &threads, err);
    if (ok && keyvals_get(kv, "guest"))
        options_string(&o->config.name, keyvals_get(kv, "guest"));
    keyvals_free(kv);
    return ok;
}

bool opt_uuid(struct options *o, const char *arg, GError **err)
{
    if (!g_uuid_string_is_valid(arg))
        return error_set(err, "a UUID looks like 550e8400-e29b-41d4-a716-446655440000");
    return options_string(&o->config.uuid, arg);
}

bool opt_smbios(struct options *o, const char *arg, GError **err)
{
    g_ptr_array_add(o->config.smbios, g_strdup(arg));
    return true;
}

bool opt_fw_cfg(struct options *o, const char *arg, GError **err)
{
    g_ptr_array_add(o->config.fw_cfg, g_strdup(arg));
    return true;
}

/* ---- -rtc, -icount ------------------------------------------------------------------- */

/* 2006-06-17T16:01:21 or 2006-06-17, as UTC. */
static bool parse_date(const char *text, int64_t *seconds, GError **err)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end) {
        memset(&tm, 0, sizeof(tm));
        end = strptime(text, "%Y-%m-%d", &tm);
    }
    if (!end || *end)
        return error_set(err, "base: '%s' is not utc, localtime or a date like "
                              "2026-06-17T16:01:21", text);
    *seconds = timegm(&tm);
    return true;
}

static bool rtc_base(struct machine_config *c, const char *base, GError **err)
{
    c->rtc_localtime = strcmp(base, "localtime") == 0;
    c->rtc_base = INT64_MIN;
    return c->rtc_localtime || strcmp(base, "utc") == 0 || parse_date(base, &c->rtc_base, err);
}

bool opt_rtc(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"base", "clock", "driftfix", NULL};
    static const char *const clocks[] = {"host", "vm", NULL};
    static const char *const driftfix[] = {"none", NULL};
    struct machine_config *c = &o->config;
    struct keyvals *kv = keyvals_parse(arg, "base", err);
    bool ok = kv && keyvals_check(kv, valid, err);
    const char *base = ok ? keyvals_get(kv, "base") : NULL;
    const char *clock = ok ? keyvals_get(kv, "clock") : NULL;
    const char *drift = ok ? keyvals_get(kv, "driftfix") : NULL;
    int choice;

    ok = ok && (!base || rtc_base(c, base, err));
    if (ok && clock && !parse_choice(clock, clocks, &c->rtc_clock, err))
        ok = error_prefix(err, "clock");
    if (ok && drift && !parse_choice(drift, driftfix, &choice, err))
        ok = error_prefix(err, "driftfix");
    keyvals_free(kv);
    return ok;
}

bool opt_icount(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"shift", "sleep", "align", NULL};
    struct machine_config *c = &o->config;
    struct keyvals *kv = keyvals_parse(arg, "shift", err);
    bool ok = kv && keyvals_check(kv, valid, err), align = false;
    const char *text = ok ? keyvals_get(kv, "shift") : NULL;
    uint64_t shift = 0;

    if (ok && !text)
        ok = error_set(err, "shift=N is missing");
    if (ok && strcmp(text, "auto") == 0)
        ok = error_set(err, "shift=auto would not be repeatable; give a number from 0 to 10");
    ok = ok && keyvals_uint(kv, "shift", 0, 10, &shift, err) &&
         keyvals_bool(kv, "sleep", &c->icount_sleep, err) &&
         keyvals_bool(kv, "align", &align, err);
    if (ok && align)
        ok = error_set(err, "align=on is not supported");
    keyvals_free(kv);
    c->icount = ok;
    c->icount_shift = shift;
    return ok;
}

/* ---- What options mean together ------------------------------------------------------ */

bool options_machine_finish(struct options *o, GError **err)
{
    struct machine_config *c = &o->config;

    if (!c->kernel && c->append)
        return error_set(err, "-append: needs -kernel");
    if (!c->kernel && c->initrd)
        return error_set(err, "-initrd: needs -kernel");
    if (!c->machine_type)
        c->machine_type = g_strdup("pc");
    return true;
}
