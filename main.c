/* SPDX-License-Identifier: MIT */
/* The way in: options -> machine -> main loop -> exit status. */
#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/accel.h"
#include "accel/switch.h"
#include "backend/types.h"
#include "audio/audio.h"
#include "block/drive.h"
#include "block/inactive.h"
#include "catalogue.h"
#include "chardev/chardev.h"
#include "config.h"
#include "core/machine.h"
#include "core/vcpu_ops.h"
#include "help.h"
#include "hw/pc/pc.h"
#include "hw/types.h"
#include "hw/virtio/blk.h"
#include "inspect.h"
#include "migration/migration.h"
#include "migration/snapshot.h"
#include "monitor/gdb.h"
#include "monitor/monitor.h"
#include "monitor/qmp.h"
#include "net/netdev.h"
#include "options.h"
#include "target/x86/cpuid.h"
#include "ui/curses.h"
#include "ui/keysym.h"
#ifdef CONFIG_SDL
#include "ui/sdl.h"
#endif
#include "ui/vc.h"
#include "ui/vnc.h"
#include "util/daemon.h"
#include "util/error.h"

/* ---- Building the machine ------------------------------------------------------------- */

static bool choose_accel(struct machine *m, GError **err)
{
    const struct machine_config *c = m->config;

    /* Only one of them counts instructions. */
    m->accel = accel_select(c->accel || !c->icount ? c->accel : accel_tcg_interp.name,
                            &m->accel_note, err);
    m->vcpu_ops = &accel_vcpu_ops;
    return m->accel || error_prefix(err, "-accel %s", c->accel);
}

/* What nobody named is the host's processor where the guest runs on it: it alone knows which of
 * the processor's leaks a kernel has to mind. */
static const char *cpu_text(const struct machine *m)
{
    if (m->config->cpu)
        return m->config->cpu;
    return m->accel == &accel_kvm && m->accel->preferred(NULL) ? "host" : "max";
}

static bool make_cpus(struct machine *m, GError **err)
{
    const struct machine_config *c = m->config;

    if (!choose_accel(m, err))
        return false;
    struct cpu_model *model = cpu_model_new(cpu_text(m), c->sockets, c->cores, c->threads, err);
    m->cpu_model = model;
    if (!model || !accel_fit_model(m, model, err))
        return error_prefix(err, "-cpu %s", cpu_text(m));
    uint64_t hz = c->icount ? 0 : accel_host_tsc_hz();
    if (hz)
        model->tsc_hz = hz;
    m->tsc_hz = model->tsc_hz;
    m->inspect = &x86_inspect;
    return machine_create_vcpus(m, c->cpus, err);
}

static bool make_chardevs(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->chardevs->len; i++)
        if (!chardev_new_from_options(m, o->chardevs->pdata[i], err))
            return error_prefix(err, "-chardev %s", (char *)o->chardevs->pdata[i]);
    return true;
}

/* -serial none leaves a place without a port; every other text gives it one. */
static bool make_serials(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->serials->len; i++) {
        const char *text = o->serials->pdata[i];
        g_autofree char *id = g_strdup_printf("serial%u", i);
        bool wants_monitor = false;

        if (strcmp(text, "none") == 0)
            continue;
        struct chardev *chr = chardev_new_from_text(m, id, text, &wants_monitor, err);
        /* On a mux whoever comes last has the keyboard: that is the guest. */
        if (!chr || (wants_monitor && !monitor_new(m, chr, err)) ||
            !pc_board_add_serial(m, i, chr, err))
            return error_prefix(err, "-serial %s", text);
    }
    return true;
}

/* -mon, -qmp, -qmp-pretty */
static bool make_mon(struct machine *m, const struct option_mon *mon, unsigned n, GError **err)
{
    g_autofree char *id = g_strdup_printf("compat_qmp%u", n);
    const char *option = mon->text ? "qmp" : "mon";
    struct chardev *chr = mon->text ? chardev_new_from_text(m, id, mon->chardev, NULL, err)
                                    : chardev_find(m, mon->chardev);

    if (!chr && !mon->text)
        error_set(err, "there is no -chardev with id=%s", mon->chardev);
    return (chr && (mon->control ? qmp_new(m, chr, mon->pretty, err)
                                 : monitor_new(m, chr, err))) ||
           error_prefix(err, "-%s %s", option, mon->chardev);
}

static bool make_monitors(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->monitors->len; i++) {
        const char *text = o->monitors->pdata[i];
        g_autofree char *id = g_strdup_printf("compat_monitor%u", i);

        if (strcmp(text, "none") == 0)
            continue;
        struct chardev *chr = chardev_new_from_text(m, id, text, NULL, err);
        if (!chr || !monitor_new(m, chr, err))
            return error_prefix(err, "-monitor %s", text);
    }
    for (unsigned i = 0; i < o->mons->len; i++)
        if (!make_mon(m, o->mons->pdata[i], i, err))
            return false;
    return true;
}

static bool make_debugcon(struct machine *m, struct options *o, GError **err)
{
    if (!o->config.debugcon)
        return true;
    struct chardev *chr = chardev_new_from_text(m, "debugcon", o->config.debugcon, NULL, err);
    return (chr && device_add_from_text(m, "isa-debugcon,iobase=0xe9,chardev=debugcon", err)) ||
           error_prefix(err, "-debugcon %s", o->config.debugcon);
}

/* A wrong -global is told as such before devices trip over it. */
static bool check_globals(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->config.globals->len; i++) {
        const struct machine_global *g = o->config.globals->pdata[i];
        const struct device_type *type = device_type_lookup(g->driver, NULL);
        struct device *dev = type ? device_new(m, type) : NULL;

        if (dev && dev->error) {
            g_propagate_error(err, g_steal_pointer(&dev->error));
            device_free(dev);
            return false;
        }
        if (dev)
            device_free(dev);
    }
    return true;
}

/* What no device of the board took was meant for one that there is not. */
static bool all_globals_used(struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->config.globals->len; i++) {
        const struct machine_global *g = o->config.globals->pdata[i];

        if (!g->used && !device_type_lookup(g->driver, err))
            return error_prefix(err, "-global %s.%s=%s", g->driver, g->property, g->value);
    }
    return true;
}

static bool make_drives(struct machine *m, struct options *o, GError **err)
{
    drive_set_ide_units(m, pc_ide_units(m->config->machine_type));
    for (unsigned i = 0; i < o->blockdevs->len; i++)
        if (!blockdev_add(m, o->blockdevs->pdata[i], err))
            return error_prefix(err, "-blockdev %s", (char *)o->blockdevs->pdata[i]);
    for (unsigned i = 0; i < o->drives->len; i++)
        if (!drive_add(m, o->drives->pdata[i], o->snapshot, err))
            return error_prefix(err, "-drive %s", (char *)o->drives->pdata[i]);
    return true;
}

/* A filter stands on a network, which must be there. */
static bool is_filter(const char *text)
{
    return g_str_has_prefix(text, "filter-") || (*text == '{' && strstr(text, "\"filter-"));
}

static bool make_objects(struct machine *m, struct options *o, bool filters, GError **err)
{
    for (unsigned i = 0; i < o->objects->len; i++)
        if (is_filter(o->objects->pdata[i]) == filters &&
            !object_add_from_text(m, o->objects->pdata[i], err))
            return error_prefix(err, "-object %s", (char *)o->objects->pdata[i]);
    return true;
}

#define DEFAULT_CARD "e1000"

static bool make_networks(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->netdevs->len; i++)
        if (!netdev_add_from_text(m, o->netdevs->pdata[i], err))
            return error_prefix(err, "-netdev %s", (char *)o->netdevs->pdata[i]);
    return true;
}

typedef bool net_option(struct machine *m, const char *text, const char *model, char **device,
                        GError **err);

static bool make_card(struct machine *m, const char *text, net_option *option, GError **err)
{
    g_autofree char *device = NULL;

    return option(m, text, DEFAULT_CARD, &device, err) &&
           (!device || device_add_from_text(m, device, err));
}

/* They have their places on the bus before -device. */
static bool make_cards(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->nics->len; i++)
        if (!make_card(m, o->nics->pdata[i], net_nic_option, err))
            return error_prefix(err, "-nic %s", (char *)o->nics->pdata[i]);
    for (unsigned i = 0; i < o->nets->len; i++)
        if (!make_card(m, o->nets->pdata[i], net_net_option, err))
            return error_prefix(err, "-net %s", (char *)o->nets->pdata[i]);
    return true;
}

static bool make_devices(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->devices->len; i++)
        if (!device_add_from_text(m, o->devices->pdata[i], err))
            return error_prefix(err, "-device %s", (char *)o->devices->pdata[i]);
    return virtio_blk_add_drives(m, err);
}

static bool make_audiodevs(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->audiodevs->len; i++)
        if (!audiodev_add(m, o->audiodevs->pdata[i], err))
            return error_prefix(err, "-audiodev %s", (char *)o->audiodevs->pdata[i]);
    return true;
}

static bool make_vncs(struct machine *m, struct options *o, GError **err)
{
    for (unsigned i = 0; i < o->vncs->len; i++)
        if (!vnc_open(m, o->vncs->pdata[i], err))
            return error_prefix(err, "-vnc %s", (char *)o->vncs->pdata[i]);
    return true;
}

/* Found out before somebody types. */
static bool check_keymap(struct machine *m, GError **err)
{
    struct keysyms *k = m->config->keymap ? keysyms_new(m->config->keymap, err) : NULL;

    if (m->config->keymap && !k)
        return error_prefix(err, "-k %s", m->config->keymap);
    keysyms_free(k);
    return true;
}

static bool make_display(struct machine *m, struct options *o, GError **err)
{
    if (!check_keymap(m, err) || !make_vncs(m, o, err))
        return false;
    if (o->display && strcmp(o->display, "curses") == 0)
        return curses_open(m, err) || error_prefix(err, "-display curses");
#ifdef CONFIG_SDL
    if (o->display && strcmp(o->display, "sdl") == 0)
        return sdl_open(m, &o->display_settings, err) || error_prefix(err, "-display sdl");
#endif
    /* Whoever boots from disks expects to see it. */
    if (!o->display && !o->nographic && !o->daemonize && m->vga && !o->config.kernel)
        fprintf(stderr, "hostel: no desktop here (DISPLAY, WAYLAND_DISPLAY), so no window: serial "
                        "port and monitor are on this terminal (Ctrl-A H helps; screendump in the "
                        "monitor takes pictures)\n");
    return true;
}

static bool make_gdb(struct machine *m, struct options *o, GError **err)
{
    return !o->gdb || gdb_server_start(m, o->gdb, err) || error_prefix(err, "-gdb %s", o->gdb);
}

static const struct device_catalogue catalogue = {.types = hw_types, .add = device_add};

static bool build(struct machine *m, struct options *o, GError **err)
{
    m->catalogue = &catalogue;
    m->object_types = object_types;
    m->program = &program_catalogue;
    m->make_vc = vc_new;
    m->log.mask = o->log_mask;
    m->log.timestamps = o->timestamps;
    if (o->log_file && !log_set_file(&m->log, o->log_file, err))
        return false;
    if (!make_cpus(m, err))
        return false;
    machine_lock(m);
    if (o->incoming)
        block_begin_inactive(m);
    bool ok = make_chardevs(m, o, err) && make_audiodevs(m, o, err) &&
              make_objects(m, o, false, err) &&
              make_drives(m, o, err) && check_globals(m, o, err) &&
              pc_board_build(m, err) && make_serials(m, o, err) && make_debugcon(m, o, err) &&
              make_networks(m, o, err) && make_objects(m, o, true, err) &&
              make_cards(m, o, err) && make_devices(m, o, err) &&
              drives_all_used(m, err) && all_globals_used(o, err) &&
              pc_board_finish(m, err) && make_monitors(m, o, err) && make_display(m, o, err) &&
              accel_switch_init(m, err) && make_gdb(m, o, err);
    machine_unlock(m);
    return ok;
}

/* ---- Running it ----------------------------------------------------------------------- */

static gboolean on_signal(void *arg)
{
    machine_request_shutdown(arg, CAUSE_HOST_SIGNAL);
    return G_SOURCE_CONTINUE;
}

static void watch_signals(struct machine *m)
{
    g_unix_signal_add(SIGINT, on_signal, m);
    g_unix_signal_add(SIGTERM, on_signal, m);
    g_unix_signal_add(SIGHUP, on_signal, m);
    signal(SIGPIPE, SIG_IGN);
}

/* From its reset state, from a snapshot, or from another process. */
static bool set_off(struct machine *m, const struct options *o, GError **err)
{
    machine_reset(m);
    if (o->incoming)
        return migration_expect(m, o->incoming, err) ||
               error_prefix(err, "-incoming %s", o->incoming);
    if (o->loadvm && !snapshot_load(m, o->loadvm, err))
        return error_prefix(err, "-loadvm %s", o->loadvm);
    if (!m->config->start_paused && !gdb_server_attached(m))
        machine_start(m);
    return true;
}

static int complain(const struct options *o, GError *err)
{
    if (o->timestamps)
        log_timestamp(stderr);
    fprintf(stderr, "hostel: %s\n", err->message);
    g_error_free(err);
    return 1;
}

/* Also what is allocated later. */
static bool lock_memory(const struct options *o, GError **err)
{
    return !o->lock_memory || mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ||
           error_set(err, "-overcommit mem-lock=on: %s (ulimit -l may allow more)",
                     g_strerror(errno));
}

static int launch(struct options *o)
{
    GError *err = NULL;
    char *pidfile = NULL;
    int ready = -1, status = 1;

    if (o->daemonize && !daemon_fork(&ready, &err))
        return complain(o, err);
    if (o->pidfile && !(pidfile = pidfile_write(o->pidfile, &err))) {
        error_prefix(&err, "-pidfile %s", o->pidfile);
        return complain(o, err);
    }
    struct machine *m = lock_memory(o, &err) ? machine_new(&o->config, &err) : NULL;
    if (m) {
        watch_signals(m);
        if (build(m, o, &err)) {
            if (m->accel_note)
                fprintf(stderr, "hostel: %s\n", m->accel_note);
            machine_lock(m);
            bool ok = set_off(m, o, &err);
            machine_unlock(m);
            if (ok && ready >= 0)
                daemon_started(ready);
            if (ok)
                status = machine_run(m);
        }
    }
    struct cpu_model *model = m ? (struct cpu_model *)m->cpu_model : NULL;
    machine_free(m);
    cpu_model_free(model);
    pidfile_remove(pidfile);
    return err ? complain(o, err) : status;
}

int main(int argc, char **argv)
{
    struct options o;
    GError *err = NULL;
    int status;

    setlocale(LC_CTYPE, "");
    options_init(&o);
#ifdef CONFIG_SDL
    o.desktop = sdl_desktop();
#endif
    if (!options_parse(&o, argc, argv, &err))
        status = complain(&o, err);
    else if (o.help != HELP_NONE)
        status = help_print(&o, &err) ? 0 : complain(&o, err);
    else
        status = launch(&o);
    options_free(&o);
    return status;
}
