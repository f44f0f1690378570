/* SPDX-License-Identifier: MIT */
/*
 * A layout as libxkbcommon knows it, turned over: from each symbol to the first key, and the
 * lowest of its levels, that gives it. Latin symbols that a layout does without are those of a
 * US keyboard.
 */
#include "ui/keysym.h"

#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "ui/evdev.h"
#include "util/error.h"

enum { XKB_EVDEV_OFFSET = 8, LEVELS = 4 };

struct keysyms {
    GHashTable *keys; /* keysym -> key | held << 16 */
};

/* QEMU's names that are not XKB's. */
static const struct {
    const char *name, *layout, *variant;
} names[] = {
    {"ar", "ara", NULL},   {"bepo", "fr", "bepo"}, {"da", "dk", NULL},    {"de-ch", "ch", "de"},
    {"en-gb", "gb", NULL}, {"en-us", "us", NULL},  {"et", "ee", NULL},    {"fr-be", "be", NULL},
    {"fr-ca", "ca", "fr"}, {"fr-ch", "ch", "fr"},  {"ja", "jp", NULL},    {"nl-be", "be", NULL},
    {"pt-br", "br", NULL}, {"sl", "si", NULL},     {"sv", "se", NULL},
};

/* "ch(fr)" or a name of the table, as XKB's layout and variant, both followed by the US one. */
static void layout_names(const char *text, char **layout, char **variant)
{
    const char *open = strchr(text, '(');

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].name, text) == 0) {
            *layout = g_strdup_printf("%s,us", names[i].layout);
            *variant = g_strdup_printf("%s,", names[i].variant ? names[i].variant : "");
            return;
        }
    }
    g_autofree char *base = open ? g_strndup(text, (gsize)(open - text)) : g_strdup(text);
    *layout = g_strdup_printf("%s,us", base);
    *variant = open ? g_strdup_printf("%.*s,", (int)strcspn(open + 1, ")"), open + 1)
                    : g_strdup(",");
}

static struct xkb_keymap *compile(const char *text)
{
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    g_autofree char *layout = NULL, *variant = NULL;
    struct xkb_keymap *map = NULL;

    if (!context)
        return NULL;
    layout_names(text, &layout, &variant);
    xkb_context_set_log_level(context, (enum xkb_log_level)0);
    struct xkb_rule_names rules = {
        .rules = "evdev", .model = "pc105", .layout = layout, .variant = variant};
    map = xkb_keymap_new_from_names(context, &rules, XKB_KEYMAP_COMPILE_NO_FLAGS);
    xkb_context_unref(context);
    return map;
}

/* What must be held for that level, as far as Shift and AltGr do it. */
static unsigned held_for(struct xkb_keymap *map, xkb_keycode_t code, unsigned group,
                         unsigned level)
{
    xkb_mod_mask_t masks[8], shift, altgr;
    size_t n = xkb_keymap_key_get_mods_for_level(map, code, group, level, masks,
                                                 G_N_ELEMENTS(masks));

    shift = 1u << xkb_keymap_mod_get_index(map, XKB_MOD_NAME_SHIFT);
    altgr = 1u << xkb_keymap_mod_get_index(map, "Mod5");
    for (size_t i = 0; i < n; i++)
        if (!(masks[i] & ~(shift | altgr)))
            return (masks[i] & shift ? KEYSYM_SHIFT : 0) | (masks[i] & altgr ? KEYSYM_ALTGR : 0);
    return 0;
}

struct walk {
    struct keysyms *out;
    unsigned group, level;
};

static void take(struct xkb_keymap *map, xkb_keycode_t code, void *arg)
{
    const struct walk *w = arg;
    uint16_t key = code > XKB_EVDEV_OFFSET ? evdev_to_key(code - XKB_EVDEV_OFFSET) : 0;
    const xkb_keysym_t *syms;

    if (!key || w->group >= xkb_keymap_num_layouts_for_key(map, code) ||
        w->level >= xkb_keymap_num_levels_for_key(map, code, w->group) ||
        xkb_keymap_key_get_syms_by_level(map, code, w->group, w->level, &syms) != 1 ||
        g_hash_table_contains(w->out->keys, GUINT_TO_POINTER(syms[0])))
        return;
    unsigned held = held_for(map, code, w->group, w->level);
    g_hash_table_insert(w->out->keys, GUINT_TO_POINTER(syms[0]),
                        GUINT_TO_POINTER(key | held << 16));
}

struct keysyms *keysyms_new(const char *layout, GError **err)
{
    struct xkb_keymap *map = compile(layout ? layout : "en-us");
    struct keysyms *k;

    if (!map) {
        error_set(err, "there is no keyboard layout '%s'; its name is QEMU's (de, en-us, pt-br) "
                       "or XKB's (us, ch(fr)), and package xkb-data has them", layout);
        return NULL;
    }
    k = g_new0(struct keysyms, 1);
    k->keys = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (unsigned group = 0; group < 2; group++)
        for (unsigned level = 0; level < LEVELS; level++)
            xkb_keymap_key_for_each(map, take, &(struct walk){k, group, level});
    xkb_keymap_unref(map);
    return k;
}

void keysyms_free(struct keysyms *k)
{
    if (!k)
        return;
    g_hash_table_destroy(k->keys);
    g_free(k);
}

uint16_t keysyms_find(const struct keysyms *k, uint32_t keysym, unsigned *held)
{
    unsigned found = GPOINTER_TO_UINT(g_hash_table_lookup(k->keys, GUINT_TO_POINTER(keysym)));

    *held = found >> 16;
    return (uint16_t)found;
}

uint32_t keysym_of_char(uint32_t c)
{
    return xkb_utf32_to_keysym(c);
}

uint32_t keysym_char(uint32_t keysym)
{
    return xkb_keysym_to_utf32(keysym);
}
