/* SPDX-License-Identifier: MIT */
/* Nodes: opening a tree from options, names, references, the end. */
#include "block/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/opts.h"
#include "block/raw.h"
#include "config.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/suggest.h"

#ifdef CONFIG_NBD
#define NBD_WORD "nbd, "
#else
#define NBD_WORD ""
#endif

static const struct node_driver *const drivers[] = {&file_driver, &raw_driver, &qcow2_driver,
#ifdef CONFIG_NBD
                                                    &nbd_driver,
#endif
};

/* ---- Finding -------------------------------------------------------------------------- */

static const struct node_driver *driver_find(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i]->name, name) == 0 ||
            (drivers[i]->alias && strcmp(drivers[i]->alias, name) == 0))
            return drivers[i];
        suggest_offer(&s, drivers[i]->name);
    }
    error_set(err, "there is no disk format or protocol '%s' here%s (file, host_device, " NBD_WORD
                   "raw and qcow2 are; 'qemu-img convert' makes a qcow2 image of others)", name,
              suggest_text(&s));
    return NULL;
}

/* What a file name that stands alone is for. */
static const char *protocol_of(const char *filename)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (drivers[i]->claims && drivers[i]->claims(filename))
            return drivers[i]->name;
    return file_driver.name;
}

struct node *node_find(struct block *b, const char *name)
{
    for (unsigned i = 0; i < b->nodes->len; i++) {
        struct node *n = b->nodes->pdata[i];
        if (n->name && strcmp(n->name, name) == 0)
            return n;
    }
    return NULL;
}

static bool set_name(struct node *n, const char *name, GError **err)
{
    if (!name) {
        n->name = g_strdup_printf("#block%u", n->block->next_name++);
        return true;
    }
    if (!g_ascii_isalpha(*name) || strlen(name) > 31)
        return error_set(err, "node-name=%s: a name begins with a letter and has at most 31 "
                              "characters", name);
    if (node_find(n->block, name))
        return error_set(err, "node-name=%s: that name is taken", name);
    n->name = g_strdup(name);
    return true;
}

/* ---- References ----------------------------------------------------------------------- */

void node_ref(struct node *n)
{
    n->refs++;
}

static void node_free(struct node *n)
{
    if (n->driver && n->driver->close && n->opaque)
        n->driver->close(n);
    if (n->backing)
        node_unref(n->backing);
    if (n->file)
        node_unref(n->file);
    g_ptr_array_remove(n->block->nodes, n);
    g_free(n->name);
    g_free(n->filename);
    g_free(n->opaque);
    g_free(n);
}

void node_unref(struct node *n)
{
    if (--n->refs == 0)
        node_free(n);
}

static void close_one(void *n)
{
    node_unref(n);
}

/* A node that no other is built upon, so that who holds a reference to it is not a node. */
static struct node *find_top(const struct block *b)
{
    for (unsigned i = 0; i < b->nodes->len; i++) {
        bool child = false;

        for (unsigned k = 0; k < b->nodes->len && !child; k++) {
            const struct node *parent = b->nodes->pdata[k];

            child = parent->file == b->nodes->pdata[i] || parent->backing == b->nodes->pdata[i];
        }
        if (!child)
            return b->nodes->pdata[i];
    }
    return NULL;
}

/* What -blockdev opened and no disk uses is held by its own reference, and by nodes above it. */
void nodes_close_all(struct block *b)
{
    while (b->nodes->len)
        block_run(b, close_one, find_top(b));
}

/* ---- Options of every node ------------------------------------------------------------ */

static bool read_flags(struct node *n, struct blkopts *o, GError **err)
{
    static const char *const discard[] = {"ignore", "off", "unmap", "on", NULL};
    static const char *const detect[] = {"off", "on", "unmap", NULL};
    struct node_flags *f = &n->flags;
    int d = f->unmap ? 2 : 0;
    bool force_share = false;

    if (!blkopts_bool(o, "read-only", &f->read_only, err) ||
        !blkopts_bool(o, "auto-read-only", &f->auto_read_only, err) ||
        !blkopts_bool(o, "cache.direct", &f->direct, err) ||
        !blkopts_bool(o, "cache.no-flush", &f->no_flush, err) ||
        !blkopts_bool(o, "force-share", &force_share, err) ||
        !blkopts_choice(o, "discard", discard, &d, err) ||
        !blkopts_choice(o, "detect-zeroes", detect, &f->detect_zeroes, err))
        return false;
    f->unmap = d >= 2;
    if (f->detect_zeroes == 2 && !f->unmap)
        return error_set(err, "detect-zeroes=unmap wants discard=unmap");
    if (force_share)
        return error_set(err, "force-share=on is not there; locking=off opens an image that "
                              "another process has");
    return true;
}

/* ---- Opening -------------------------------------------------------------------------- */

static struct node *open_tree(struct block *b, struct blkopts *o, const struct node_flags *inherit,
                              GError **err);

static struct node *reference(struct block *b, const char *name, GError **err)
{
    struct node *n = node_find(b, name);

    if (!n)
        error_set(err, "there is no node '%s'; -blockdev ...,node-name=%s makes one", name, name);
    else if (n->refs > 1)
        error_set(err, "node '%s' is in use already", name);
    else {
        node_ref(n);
        return n;
    }
    return NULL;
}

struct node *node_open_child(struct node *parent, struct blkopts *o, const char *key, GError **err)
{
    const char *name = blkopts_get(o, key);
    struct blkopts sub;

    if (name)
        return reference(parent->block, name, err);
    blkopts_sub(&sub, o, key);
    struct node_flags inherit = parent->flags;
    inherit.detect_zeroes = 0;
    struct node *n = NULL;
    if (sub.depth > NODE_MAX_DEPTH)
        error_set(err, "more than %u images in a chain", NODE_MAX_DEPTH);
    else
        n = open_tree(parent->block, &sub, &inherit, err);
    blkopts_sub_fini(&sub);
    return n;
}

static int guess(struct node *n, char **name, GError **err)
{
    uint8_t head[FORMAT_HEAD];
    int rc = node_read_buf(n->file, 0, head, sizeof(head));

    if (rc < 0)
        return error_set(err, "cannot read '%s': %s", n->filename, g_strerror(-rc));
    *name = g_strdup(format_probe(head, sizeof(head)));
    return true;
}

static void warn_guessed(struct node *n)
{
    log_write(&n->block->machine->log,
              "hostel: warning: '%s': no format given, and it looks like a raw image. Guessing is "
              "dangerous for raw images: writes to block 0 are restricted. 'format=raw' says so "
              "and lifts the restriction.\n", n->filename);
}

/* The file below a format, and which format it is. */
static bool open_format(struct node *n, const char *driver, struct blkopts *o, GError **err)
{
    g_autofree char *guessed = NULL;

    n->file = node_open_child(n, o, "file", err);
    if (!n->file)
        return false;
    if (n->file->flags.read_only)
        n->flags.read_only = true;
    n->filename = g_strdup(n->file->filename);
    if (!driver) {
        if (!guess(n, &guessed, err))
            return false;
        driver = guessed;
    }
    n->driver = driver_find(driver, err);
    if (!n->driver)
        return error_prefix(err, "'%s'", n->filename);
    n->opaque = g_malloc0(MAX(n->driver->size, 1));
    if (guessed && n->driver == &raw_driver && !n->flags.read_only) {
        raw_set_guessed(n);
        warn_guessed(n);
    }
    return n->driver->open(n, o, err);
}

static bool open_driver(struct node *n, struct blkopts *o, GError **err)
{
    const char *driver = blkopts_get(o, "driver");

    if (!driver && blkopts_get(o, "filename"))
        driver = protocol_of(blkopts_get(o, "filename"));
    const struct node_driver *d = driver ? driver_find(driver, err) : NULL;
    if (driver && !d)
        return false;
    if (!set_name(n, blkopts_get(o, "node-name"), err) || !read_flags(n, o, err))
        return false;
    if (!d || !d->protocol)
        return open_format(n, driver, o, err);
    n->driver = d;
    n->opaque = g_malloc0(d->size);
    return d->open(n, o, err);
}

static struct node *open_tree(struct block *b, struct blkopts *o, const struct node_flags *inherit,
                              GError **err)
{
    struct node *n = g_new0(struct node, 1);

    n->block = b;
    n->refs = 1;
    n->flags = *inherit;
    g_ptr_array_add(b->nodes, n);
    if (open_driver(n, o, err))
        return n;
    node_free(n);
    return NULL;
}

struct node *node_open(struct block *b, const struct keyvals *kv, GError **err)
{
    const struct node_flags none = {0};
    struct blkopts o;

    blkopts_init(&o, kv);
    struct node *n = open_tree(b, &o, &none, err);
    if (n && !blkopts_all_used(&o, err)) {
        node_free(n);
        n = NULL;
    }
    blkopts_fini(&o);
    return n;
}

/* ---- Backing files -------------------------------------------------------------------- */

/* A name in an image is relative to the directory the image is in. */
static char *backing_path(const struct node *parent, const char *name)
{
    const char *slash = strrchr(parent->filename, '/');

    if (g_str_has_prefix(name, "file:"))
        name += 5;
    if (name[0] == '/' || !slash || strcmp(protocol_of(name), file_driver.name) != 0)
        return g_strdup(name);
    return g_strdup_printf("%.*s/%s", (int)(slash - parent->filename), parent->filename, name);
}

/* The same file twice in a chain: each image of a loop would be looked for in the next. */
static bool in_chain(const struct node *top, const struct node *n)
{
    for (; top; top = top->backing)
        if (top->file && n->file && top != n && top->file->ino &&
            top->file->ino == n->file->ino && top->file->dev == n->file->dev)
            return true;
    return false;
}

struct node *node_open_backing(struct node *parent, struct blkopts *o, const char *filename,
                               const char *format, GError **err)
{
    g_autofree char *path = backing_path(parent, filename);
    struct keyvals *kv = keyvals_new();
    struct blkopts sub;
    struct node *n = NULL;

    keyvals_add(kv, "file.filename", path);
    if (format)
        keyvals_add(kv, "driver", format);
    blkopts_init(&sub, kv);
    sub.depth = o->depth + 1;
    struct node_flags inherit = parent->flags;
    inherit.read_only = true;
    inherit.detect_zeroes = 0;
    if (sub.depth > NODE_MAX_DEPTH)
        error_set(err, "more than %u images in a chain: do backing files form a loop?",
                  NODE_MAX_DEPTH);
    else
        n = open_tree(parent->block, &sub, &inherit, err);
    blkopts_fini(&sub);
    keyvals_free(kv);
    if (n && in_chain(n, parent)) {
        node_unref(n);
        n = NULL;
        error_set(err, "'%s' is its own backing file, in a loop", path);
    }
    return n ? n : (error_prefix(err, "backing file of '%s'", parent->filename), NULL);
}
