/* SPDX-License-Identifier: MIT */
/* The one table of device types, and -device text -> device. */
#include "hw/types.h"

#include <string.h>

#include "core/machine.h"
#include "hw/block/fdc.h"
#include "hw/char/debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/display/vga_pci.h"
#include "hw/ide/ahci.h"
#include "hw/ide/piix_ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/lapic.h"
#include "hw/misc/debugexit.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/i8237.h"
#include "hw/misc/i6300esb.h"
#include "hw/misc/pc_testdev.h"
#include "hw/misc/pci_testdev.h"
#include "hw/misc/pflash.h"
#include "hw/misc/port61.h"
#include "hw/misc/port92.h"
#include "hw/misc/pvpanic.h"
#include "hw/net/e1000.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/ich9_lpc.h"
#include "hw/pci/ich9_smbus.h"
#include "hw/pci/mch.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/virtio/blk.h"
#include "hw/virtio/p9.h"
#include "hw/virtio/net.h"
#include "hw/virtio/input.h"
#include "hw/virtio/rng.h"
#include "hw/virtio/serial.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/suggest.h"

const struct device_type *const hw_types[] = {
    /* what -device takes */
    &e1000_type.dev, &virtio_net_type.pci.dev,
    &pci_bridge_type.dev, &ahci_type.dev,
    &isa_serial_type, &debugcon_type, &debugexit_type, &pc_testdev_type, &pci_testdev_type.dev,
    &pvpanic_isa_type, &pvpanic_pci_type.dev, &i6300esb_type.dev,
    &vga_pci_type.dev, &ide_hd_type, &ide_cd_type,
    &virtio_blk_type.pci.dev, &virtio_rng_type.pci.dev, &virtio_serial_type.pci.dev,
    &virtconsole_type, &virtserialport_type, &virtio_9p_type.pci.dev,
    &virtio_keyboard_type.pci.dev, &virtio_mouse_type.pci.dev, &virtio_tablet_type.pci.dev,
    /* parts of the board */
    &i8237_type, &fdc_type,
    &i8259_type, &ioapic_type, &lapic_type, &i8254_type, &mc146818_type, &hpet_type, &i8042_type,
    &port61_type, &port92_type, &fw_cfg_type, &i440fx_type.dev, &piix3_type.dev,
    &piix4_pm_type.dev, &piix_ide_type.dev, &mch_type.dev, &ich9_lpc_type.dev,
    &ich9_smbus_type.dev, &pflash_type, NULL};

const struct device_type *device_type_lookup(const char *name, GError **err)
{
    const struct device_type *t = device_type_find(hw_types, name);
    struct suggest s = suggest_begin(name);

    if (t && !t->internal)
        return t;
    if (t) {
        error_set(err, "device '%s' is part of the board and cannot be added", name);
        return NULL;
    }
    for (const struct device_type *const *p = hw_types; *p; p++) {
        if ((*p)->internal)
            continue;
        suggest_offer(&s, (*p)->name);
        suggest_offer(&s, (*p)->alias);
        for (const struct device_form *f = (*p)->forms; f && f->name; f++)
            suggest_offer(&s, f->name);
    }
    error_set(err, "there is no device '%s'%s (-device help lists them)", name, suggest_text(&s));
    return NULL;
}

static const struct prop *find_prop(const struct device_type *t, const char *name)
{
    for (const struct prop *p = t->props; p && p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}

static bool id_taken(struct machine *m, const char *id)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct device *d = g_ptr_array_index(m->devices, i);
        if (d->id && !strcmp(d->id, id))
            return true;
    }
    return false;
}

static bool set_id(struct device *d, const char *id, GError **err)
{
    bool ok = g_ascii_isalpha(*id);

    for (const char *p = id; *p && ok; p++)
        ok = g_ascii_isalnum(*p) || strchr("-._", *p);
    if (!ok)
        return error_set(err, "id=%s: an id begins with a letter and has letters, digits, - . _",
                         id);
    if (id_taken(d->machine, id))
        return error_set(err, "id=%s is taken by another device", id);
    g_free(d->id);
    d->id = g_strdup(id);
    return true;
}

/* Devices without a choice of buses take the name of the one there is. */
static bool check_bus(const struct device *d, const char *bus, GError **err)
{
    if (!strcmp(d->type->bus, "ISA") && !strcmp(bus, "isa.0"))
        return true;
    return error_set(err, "bus=%s: '%s' plugs into %s", bus, d->type->name,
                     !strcmp(d->type->bus, "ISA") ? "isa.0" : "no bus that could be chosen");
}

static bool set_all(struct device *d, const struct keyvals *kv, GError **err)
{
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        bool ok;
        if (!strcmp(k->key, "driver"))
            continue;
        if (!strcmp(k->key, "id"))
            ok = set_id(d, k->value, err);
        else if (!strcmp(k->key, "bus") && !find_prop(d->type, "bus"))
            ok = check_bus(d, k->value, err);
        else
            ok = device_set(d, k->key, k->value, err);
        if (!ok)
            return false;
    }
    return true;
}

/* What the name itself says about properties. */
static bool set_preset(struct device *d, const char *name, GError **err)
{
    const struct device_form *form = device_form_find(d->type, name);
    struct keyvals *kv;

    if (!form)
        return true;
    kv = keyvals_parse(form->preset, NULL, err);
    bool ok = kv && set_all(d, kv, err);
    keyvals_free(kv);
    return ok;
}

struct device *device_add(struct machine *m, const struct keyvals *kv, GError **err)
{
    const char *name = keyvals_get(kv, "driver");
    const struct device_type *t;

    if (!name) {
        error_set(err, "no device named");
        return NULL;
    }
    t = device_type_lookup(name, err);
    if (!t)
        return NULL;
    if (!m->board) {
        error_set(err, "this machine has no buses; use -machine pc or q35");
        return NULL;
    }
    struct device *d = device_new(m, t);
    if (set_preset(d, name, err) && set_all(d, kv, err) && device_realize(d, err))
        return d;
    device_free(d);
    return NULL;
}

struct device *device_add_from_text(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "driver", err);
    struct device *d = NULL;

    if (kv) {
        d = device_add(m, kv, err);
        keyvals_free(kv);
    }
    return d;
}

/* ---- Help ----------------------------------------------------------------------------- */

static const char *kind_name(const struct prop *p)
{
    switch (p->kind) {
    case PROP_BOOL:
        return "on|off";
    case PROP_U8:
    case PROP_U16:
    case PROP_U32:
    case PROP_U64:
        return "number";
    case PROP_SIZE:
        return "size";
    case PROP_STRING:
        return "text";
    case PROP_ENUM:
        return "choice";
    case PROP_CHARDEV:
        return "chardev";
    case PROP_DRIVE:
        return "drive";
    case PROP_NETDEV:
        return "netdev";
    case PROP_MAC:
        return "address";
    case PROP_ADDR:
        return "slot[.function]";
    case PROP_ORDER:
        return "number";
    }
    return "";
}

static void describe_prop(const struct prop *p, GString *out)
{
    g_autofree char *left = g_strdup_printf("%s=<%s>", p->name, kind_name(p));

    g_string_append_printf(out, "  %-28s %s", left, p->help ? p->help : "");
    if (p->def)
        g_string_append_printf(out, " (default: %s)", p->def);
    for (unsigned i = 0; p->kind == PROP_ENUM && p->choices[i]; i++)
        g_string_append_printf(out, "%s%s", i ? "|" : ": ", p->choices[i]);
    g_string_append_c(out, '\n');
}

bool device_types_help(const char *name, GString *out)
{
    if (!name) {
        for (const struct device_type *const *p = hw_types; *p; p++)
            if (!(*p)->internal)
                g_string_append_printf(out, "%-20s bus %-8s %s\n", (*p)->name, (*p)->bus,
                                       (*p)->help);
        return true;
    }
    const struct device_type *t = device_type_lookup(name, NULL);
    if (!t)
        return false;
    g_string_append_printf(out, "%s: %s\n", t->name, t->help);
    for (const struct prop *p = t->props; p && p->name; p++)
        describe_prop(p, out);
    return true;
}
