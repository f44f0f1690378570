/* SPDX-License-Identifier: MIT */
/*
 * The flat view: which section answers at each address, computed from the tree of regions.
 *
 * The tree is walked with the highest priority first, and a leaf takes what is still free of
 * its range:
 *
 *     prio 1    |        [VGA]            |
 *     prio 0    |[RAM                    ]|
 *     view      |[RAM   ][VGA][RAM       ]|
 *
 * Ranges are kept as first and last address, so that 2^64 needs no special case.
 */
#include "core/flatview.h"
#include "core/notifier.h"

#include <assert.h>
#include <string.h>

struct range {
    uint64_t first, last;
};

static inline uint64_t section_last(const struct region_section *s)
{
    return s->base + (s->size - 1);
}

static struct region_section section_make(struct region *r, uint64_t origin, struct range g,
                                          bool readonly)
{
    struct region_section s = {.base = g.first,
                               .size = g.last - g.first + 1,
                               .region = r,
                               .offset = g.first - origin,
                               .readonly = readonly || r->readonly};
    if (s.size == 0)
        s.size = UINT64_MAX; /* all of 2^64: its last byte is given up */
    if (r->kind == REGION_RAM) {
        s.ram = r->ram;
        s.ram_offset = r->ram_offset + s.offset;
    }
    return s;
}

/* Put the parts of `g` that no section holds yet into the sorted list. */
static void fill_gaps(GArray *list, struct region *r, uint64_t origin, struct range g,
                      bool readonly)
{
    unsigned i = 0;
    while (i < list->len && section_last(&g_array_index(list, struct region_section, i)) < g.first)
        i++;
    uint64_t at = g.first;
    for (;;) {
        const struct region_section *next =
            i < list->len ? &g_array_index(list, struct region_section, i) : NULL;
        uint64_t next_last = next ? section_last(next) : 0;
        uint64_t stop = next ? next->base : 0; /* first address that is taken */
        if (!next || stop > g.last) {
            struct region_section s = section_make(r, origin, (struct range){at, g.last}, readonly);
            g_array_insert_val(list, i, s);
            return;
        }
        if (stop > at) {
            struct region_section s =
                section_make(r, origin, (struct range){at, stop - 1}, readonly);
            g_array_insert_val(list, i, s);
            i++;
        }
        if (next_last >= g.last)
            return;
        at = next_last + 1;
        i++;
    }
}

static void render(GArray *list, struct region *r, uint64_t origin, struct range clip,
                   bool readonly)
{
    if (!r->enabled || r->size == 0)
        return;
    uint64_t last = r->size == UINT64_MAX ? UINT64_MAX : origin + (r->size - 1);
    if (last < origin)
        last = UINT64_MAX;
    struct range g = {MAX(clip.first, origin), MIN(clip.last, last)};
    if (g.first > g.last)
        return;
    if (r->kind != REGION_CONTAINER) {
        fill_gaps(list, r, origin, g, readonly);
        return;
    }
    for (unsigned i = 0; i < r->children->len; i++) {
        struct region *child = r->children->pdata[i];
        if (child->addr <= UINT64_MAX - origin)
            render(list, child, origin + child->addr, g, readonly || r->readonly);
    }
}

static struct flat_view *view_new(struct region *root)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct region_section));
    if (root)
        render(list, root, 0, (struct range){0, UINT64_MAX}, false);
    struct flat_view *v =
        g_malloc(sizeof(*v) + list->len * sizeof(struct region_section));
    v->n = list->len;
    if (list->len)
        memcpy(v->s, list->data, list->len * sizeof(struct region_section));
    g_array_free(list, TRUE);
    return v;
}

static bool section_equal(const struct region_section *a, const struct region_section *b)
{
    return a->base == b->base && a->size == b->size && a->region == b->region &&
           a->offset == b->offset && a->ram == b->ram && a->ram_offset == b->ram_offset &&
           a->readonly == b->readonly;
}

/* Call fn for every section of `of` that `not_in` does not have. Both are sorted. */
static void tell_difference(struct region_listener *l, const struct flat_view *of,
                            const struct flat_view *not_in,
                            void (*fn)(struct region_listener *, const struct region_section *))
{
    unsigned j = 0;
    for (unsigned i = 0; fn && i < of->n; i++) {
        while (j < not_in->n && not_in->s[j].base < of->s[i].base)
            j++;
        if (j == not_in->n || !section_equal(&of->s[i], &not_in->s[j]))
            fn(l, &of->s[i]);
    }
}

static void tell_listener(struct region_listener *l, const struct flat_view *from,
                          const struct flat_view *to)
{
    if (l->begin)
        l->begin(l);
    tell_difference(l, from, to, l->del);
    tell_difference(l, to, from, l->add);
    if (l->commit)
        l->commit(l);
}

static bool view_equal(const struct flat_view *a, const struct flat_view *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (!section_equal(&a->s[i], &b->s[i]))
            return false;
    return true;
}

static void publish(struct address_space *as)
{
    as->stale = false;
    struct flat_view *old = as->view;
    struct flat_view *view = view_new(as->root);
    if (view_equal(old, view)) {
        g_free(view);
        return;
    }
    __atomic_store_n(&as->view, view, __ATOMIC_RELEASE);
    __atomic_store_n(&as->generation, as->generation + 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < as->listeners->len; i++)
        tell_listener(as->listeners->pdata[i], old, view);
    g_ptr_array_add(as->retired, old);
    if (as->retire)
        as->retire(as->retire_arg);
}

void as_stale(struct address_space *as)
{
    as->stale = true;
    if (as->batch == 0)
        publish(as);
}

void as_init(struct address_space *as, const char *name, struct region *root)
{
    assert(!root->parent && !root->space);
    memset(as, 0, sizeof(*as));
    as->name = name;
    as->root = root;
    as->listeners = g_ptr_array_new();
    as->retired = g_ptr_array_new_with_free_func(g_free);
    as->view = view_new(root);
    root->space = as;
}

void as_fini(struct address_space *as)
{
    as->root->space = NULL;
    g_ptr_array_unref(as->retired);
    g_ptr_array_unref(as->listeners);
    g_free(as->view);
    memset(as, 0, sizeof(*as));
}

void as_begin(struct address_space *as)
{
    as->batch++;
}

void as_commit(struct address_space *as)
{
    assert(as->batch > 0);
    if (--as->batch == 0 && as->stale)
        publish(as);
}

bool section_has_doorbell(const struct region_section *s, const struct doorbell *d, uint64_t *gpa)
{
    if (d->off < s->offset || d->off - s->offset >= s->size ||
        s->size - (d->off - s->offset) < d->size)
        return false;
    *gpa = s->base + (d->off - s->offset);
    return true;
}

void region_tell_doorbell(struct region *r, struct doorbell *d, bool on)
{
    struct region *root = r;
    uint64_t gpa;

    while (root->parent)
        root = root->parent;
    struct address_space *as = root->space;
    for (unsigned i = 0; as && i < as->view->n; i++) {
        const struct region_section *s = &as->view->s[i];
        if (s->region != r || !section_has_doorbell(s, d, &gpa))
            continue;
        for (unsigned n = 0; n < as->listeners->len; n++) {
            struct region_listener *l = as->listeners->pdata[n];
            if (l->doorbell)
                l->doorbell(l, gpa, d, on);
        }
    }
}

static const struct flat_view empty_view = {.n = 0};

void as_add_listener(struct address_space *as, struct region_listener *l)
{
    g_ptr_array_add(as->listeners, l);
    tell_listener(l, &empty_view, as->view);
}

void as_del_listener(struct address_space *as, struct region_listener *l)
{
    if (g_ptr_array_remove(as->listeners, l))
        tell_listener(l, as->view, &empty_view);
}

GPtrArray *as_take_retired(struct address_space *as)
{
    GPtrArray *views = as->retired;
    as->retired = g_ptr_array_new_with_free_func(g_free);
    return views;
}

void as_reclaim(struct address_space *as)
{
    g_ptr_array_set_size(as->retired, 0);
}

/* ---- "info mtree" --------------------------------------------------------------------- */

static const char *kind_name(const struct region *r, bool readonly)
{
    switch (r->kind) {
    case REGION_RAM:
        return readonly || r->readonly ? "rom" : "ram";
    case REGION_IO:
        return "i/o";
    default:
        return "container";
    }
}

static void describe_tree(GString *out, const struct region *r, uint64_t origin, int depth)
{
    uint64_t last = r->size == UINT64_MAX ? UINT64_MAX : origin + (r->size - 1);
    g_string_append_printf(out, "%*s%016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER
                           "x (prio %d, %s): %s%s\n",
                           2 + depth * 2, "", origin, last, r->priority, kind_name(r, false),
                           r->name, r->enabled ? "" : " [disabled]");
    for (unsigned i = 0; r->children && i < r->children->len; i++) {
        const struct region *child = r->children->pdata[i];
        describe_tree(out, child, origin + child->addr, depth + 1);
    }
}

void as_describe(struct address_space *as, GString *out)
{
    g_string_append_printf(out, "address-space: %s\n", as->name);
    describe_tree(out, as->root, 0, 0);
    g_string_append_printf(out, "flat view of %s:\n", as->name);
    for (unsigned i = 0; i < as->view->n; i++) {
        const struct region_section *s = &as->view->s[i];
        g_string_append_printf(out, "  %016" G_GINT64_MODIFIER "x-%016" G_GINT64_MODIFIER
                               "x (%s): %s",
                               s->base, section_last(s), kind_name(s->region, s->readonly),
                               s->region->name);
        if (s->offset)
            g_string_append_printf(out, " @%" G_GINT64_MODIFIER "x", s->offset);
        g_string_append_c(out, '\n');
    }
}
