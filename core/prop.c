/* SPDX-License-Identifier: MIT */
/* Properties of a device, from and to the text of the command line. */
#include "core/device.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "core/machine.h"
#include "core/prop.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

static void *field(const struct device *dev, const struct prop *p)
{
    return (char *)dev + p->offset;
}

static bool set_uint(const struct prop *p, void *to, const char *text, uint64_t max, GError **err)
{
    uint64_t v;
    if (!parse_uint(text, 0, max, &v, err))
        return false;
    switch (p->kind) {
    case PROP_U8:
        *(uint8_t *)to = (uint8_t)v;
        break;
    case PROP_U16:
        *(uint16_t *)to = (uint16_t)v;
        break;
    case PROP_U32:
        *(uint32_t *)to = (uint32_t)v;
        break;
    default:
        *(uint64_t *)to = v;
    }
    return true;
}

/* "1f" or "1f.7", hexadecimal as everywhere in PCI. */
static bool set_addr(int *to, const char *text, GError **err)
{
    char *end;
    uint64_t slot = g_ascii_strtoull(text, &end, 16);
    uint64_t fn = 0;
    bool ok = end != text && g_ascii_isxdigit(text[0]);
    if (ok && *end == '.') {
        const char *f = end + 1;
        fn = g_ascii_strtoull(f, &end, 16);
        ok = g_ascii_isxdigit(*f);
    }
    if (!ok || *end || slot > 31 || fn > 7)
        return error_set(err, "'%s' is not a PCI address: SLOT[.FUNCTION], hexadecimal, 0 to 1f "
                              "and 0 to 7", text);
    *to = (int)(slot * 8 + fn);
    return true;
}

static bool set_order(int *to, const char *text, GError **err)
{
    uint64_t v;

    *to = -1;
    if (strcmp(text, "-1") == 0)
        return true;
    if (!parse_uint(text, 0, INT_MAX, &v, err))
        return false;
    *to = (int)v;
    return true;
}

static bool set_chardev(struct machine *m, struct chardev **to, const char *id, GError **err)
{
    struct chardev *c = m->chardev_find ? m->chardev_find(m, id) : NULL;
    if (!c)
        return error_set(err, "there is no chardev '%s'; create it with -chardev BACKEND,id=%s", id,
                         id);
    *to = c;
    return true;
}

static bool set_drive(struct machine *m, struct blk **to, const char *id, GError **err)
{
    if (!m->drive_claim)
        return error_set(err, "there is no drive '%s'; -drive if=none,id=%s,file=... makes one",
                         id, id);
    *to = m->drive_claim(m, id, err);
    return *to != NULL;
}

static bool set_netdev(struct machine *m, struct net_client **to, const char *id, GError **err)
{
    if (!m->net_claim)
        return error_set(err, "there is no network '%s'; -netdev user,id=%s makes one", id, id);
    *to = m->net_claim(m, id, err);
    return *to != NULL;
}

/* Six bytes, between colons or dashes. */
static bool set_mac(uint8_t *to, const char *text, GError **err)
{
    uint8_t mac[6];
    const char *p = text;

    for (unsigned i = 0; i < sizeof(mac); i++, p += 3) {
        bool last = i == sizeof(mac) - 1;
        if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1]) ||
            (last ? p[2] != '\0' : p[2] != ':' && p[2] != '-'))
            return error_set(err, "'%s' is not an address like 52:54:00:12:34:56", text);
        mac[i] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
    }
    memcpy(to, mac, sizeof(mac));
    return true;
}

static bool set_value(struct machine *m, void *base, const struct prop *p, const char *text,
                      GError **err)
{
    void *to = (char *)base + p->offset;
    switch (p->kind) {
    case PROP_BOOL:
        return parse_bool(text, to, err);
    case PROP_U8:
        return set_uint(p, to, text, UINT8_MAX, err);
    case PROP_U16:
        return set_uint(p, to, text, UINT16_MAX, err);
    case PROP_U32:
        return set_uint(p, to, text, UINT32_MAX, err);
    case PROP_U64:
        return set_uint(p, to, text, UINT64_MAX, err);
    case PROP_SIZE:
        return parse_size(text, 1, to, err);
    case PROP_STRING:
        g_free(*(char **)to);
        *(char **)to = g_strdup(text);
        return true;
    case PROP_ENUM:
        return parse_choice(text, p->choices, to, err);
    case PROP_CHARDEV:
        return set_chardev(m, to, text, err);
    case PROP_DRIVE:
        return set_drive(m, to, text, err);
    case PROP_NETDEV:
        return set_netdev(m, to, text, err);
    case PROP_MAC:
        return set_mac(to, text, err);
    case PROP_ADDR:
        return set_addr(to, text, err);
    case PROP_ORDER:
        return set_order(to, text, err);
    }
    return false;
}

static const struct prop *find_in(const struct prop *props, const char *name, struct suggest *s)
{
    *s = suggest_begin(name);
    for (const struct prop *p = props; p && p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
        suggest_offer(s, p->name);
    }
    return NULL;
}

static const struct prop *prop_find(const struct device_type *type, const char *name, GError **err)
{
    struct suggest s;
    const struct prop *p = find_in(type->props, name, &s);
    if (!p)
        error_set(err, "device '%s' has no property '%s'%s", type->name, name, suggest_text(&s));
    return p;
}

bool device_set(struct device *dev, const char *prop, const char *value, GError **err)
{
    assert(!dev->realized);
    const struct prop *p = prop_find(dev->type, prop, err);
    if (!p)
        return false;
    if (!set_value(dev->machine, dev, p, value, err))
        return error_prefix(err, "%s: property '%s'", dev->type->name, prop);
    return true;
}

bool device_set_chardev(struct device *dev, const char *prop, struct chardev *chardev, GError **err)
{
    const struct prop *p = prop_find(dev->type, prop, err);
    if (!p)
        return false;
    if (p->kind != PROP_CHARDEV)
        return error_set(err, "%s: property '%s' is not a chardev", dev->type->name, prop);
    *(struct chardev **)field(dev, p) = chardev;
    return true;
}

static char *enum_text(const struct prop *p, int v)
{
    for (int i = 0; p->choices[i]; i++)
        if (i == v)
            return g_strdup(p->choices[i]);
    return NULL;
}

static char *mac_text(const uint8_t *mac)
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                           mac[5]);
}

char *device_get(const struct device *dev, const struct prop *p)
{
    const void *from = field(dev, p);
    int addr;
    switch (p->kind) {
    case PROP_BOOL:
        return g_strdup(*(const bool *)from ? "on" : "off");
    case PROP_U8:
        return g_strdup_printf("%u", *(const uint8_t *)from);
    case PROP_U16:
        return g_strdup_printf("%u", *(const uint16_t *)from);
    case PROP_U32:
        return g_strdup_printf("%" PRIu32, *(const uint32_t *)from);
    case PROP_U64:
    case PROP_SIZE:
        return g_strdup_printf("%" PRIu64, *(const uint64_t *)from);
    case PROP_STRING:
        return g_strdup(*(char *const *)from);
    case PROP_ENUM:
        return enum_text(p, *(const int *)from);
    case PROP_MAC:
        return mac_text(from);
    case PROP_CHARDEV:
    case PROP_DRIVE:
    case PROP_NETDEV:
        return NULL;
    case PROP_ADDR:
        addr = *(const int *)from;
        return addr < 0 ? NULL : g_strdup_printf("%02x.%x", (unsigned)addr >> 3, addr & 7);
    case PROP_ORDER:
        return g_strdup_printf("%d", *(const int *)from);
    }
    return NULL;
}

void props_default_at(struct machine *m, const struct prop *props, void *base)
{
    for (const struct prop *p = props; p && p->name; p++) {
        if (p->kind == PROP_ADDR)
            *(int *)((char *)base + p->offset) = -1;
        if (p->def) {
            bool ok = set_value(m, base, p, p->def, NULL);
            assert(ok); /* the type's own table is wrong */
            (void)ok;
        }
    }
}

bool props_set_at(struct machine *m, const struct prop *props, void *base, const char *owner,
                  const char *name, const char *value, GError **err)
{
    struct suggest s;
    const struct prop *p = find_in(props, name, &s);
    if (!p)
        return error_set(err, "'%s' has no property '%s'%s", owner, name, suggest_text(&s));
    return set_value(m, base, p, value, err) || error_prefix(err, "property '%s'", name);
}

void props_free_at(const struct prop *props, void *base)
{
    for (const struct prop *p = props; p && p->name; p++)
        if (p->kind == PROP_STRING)
            g_clear_pointer((char **)((char *)base + p->offset), g_free);
}

void props_defaults(struct device *dev)
{
    props_default_at(dev->machine, dev->type->props, dev);
}

static bool global_is_for(const struct machine_global *g, const struct device_type *type)
{
    return strcmp(g->driver, type->name) == 0 ||
           (type->alias && strcmp(g->driver, type->alias) == 0);
}

void props_globals(struct device *dev)
{
    GPtrArray *globals = dev->machine->config->globals;
    for (unsigned i = 0; globals && i < globals->len; i++) {
        struct machine_global *g = globals->pdata[i];
        if (!global_is_for(g, dev->type))
            continue;
        g->used = true;
        if (!dev->error && !device_set(dev, g->property, g->value, &dev->error))
            error_prefix(&dev->error, "-global %s.%s=%s", g->driver, g->property, g->value);
    }
}

void props_free(struct device *dev)
{
    props_free_at(dev->type->props, dev);
}
