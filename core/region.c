/* SPDX-License-Identifier: MIT */
/*
 * The tree of regions. Every change ends in region_changed(), which has the address space at
 * the root compute its flat view anew (core/flatview.c).
 */
#include "core/region.h"

#include <assert.h>
#include <string.h>

#include "core/flatview.h"

static void region_changed(struct region *r)
{
    while (r->parent)
        r = r->parent;
    if (r->space)
        as_stale(r->space);
}

static void region_init(struct region *r, const char *name, enum region_kind kind, uint64_t size)
{
    memset(r, 0, sizeof(*r));
    r->name = name;
    r->kind = kind;
    r->size = size;
    r->enabled = true;
}

void region_init_container(struct region *r, const char *name, uint64_t size)
{
    region_init(r, name, REGION_CONTAINER, size);
    r->children = g_ptr_array_new();
}

void region_init_io(struct region *r, const char *name, const struct region_ops *ops, void *dev,
                    uint64_t size)
{
    region_init(r, name, REGION_IO, size);
    r->ops = ops;
    r->dev = dev;
}

void region_init_ram(struct region *r, const char *name, struct ram_block *ram, uint64_t ram_offset,
                     uint64_t size, bool readonly)
{
    assert(ram_offset <= ram->size && size <= ram->size - ram_offset);
    region_init(r, name, REGION_RAM, size);
    r->ram = ram;
    r->ram_offset = ram_offset;
    r->readonly = readonly;
}

void region_fini(struct region *r)
{
    region_del(r);
    if (!r->children)
        return;
    for (unsigned i = 0; i < r->children->len; i++)
        ((struct region *)r->children->pdata[i])->parent = NULL;
    g_ptr_array_free(r->children, TRUE);
    r->children = NULL;
}

void region_add(struct region *parent, uint64_t addr, struct region *child, int priority)
{
    assert(parent->kind == REGION_CONTAINER && !child->parent && !child->space);
    child->parent = parent;
    child->addr = addr;
    child->priority = priority;
    unsigned i = 0;
    while (i < parent->children->len &&
           ((struct region *)parent->children->pdata[i])->priority > priority)
        i++;
    g_ptr_array_insert(parent->children, (int)i, child);
    region_changed(parent);
}

void region_del(struct region *child)
{
    struct region *parent = child->parent;
    if (!parent)
        return;
    g_ptr_array_remove(parent->children, child);
    child->parent = NULL;
    region_changed(parent);
}

void region_set_enabled(struct region *r, bool enabled)
{
    if (r->enabled == enabled)
        return;
    r->enabled = enabled;
    region_changed(r);
}

void region_set_addr(struct region *r, uint64_t addr)
{
    if (r->addr == addr)
        return;
    r->addr = addr;
    region_changed(r);
}

void region_set_readonly(struct region *r, bool readonly)
{
    if (r->readonly == readonly)
        return;
    r->readonly = readonly;
    region_changed(r);
}

void region_set_ram(struct region *r, struct ram_block *ram, uint64_t ram_offset)
{
    assert(r->kind == REGION_RAM);
    assert(ram_offset <= ram->size && r->size <= ram->size - ram_offset);
    if (r->ram == ram && r->ram_offset == ram_offset)
        return;
    r->ram = ram;
    r->ram_offset = ram_offset;
    region_changed(r);
}
