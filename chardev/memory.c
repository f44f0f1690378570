/* SPDX-License-Identifier: MIT */
/* In memory: the tests' back end, and ringbuf, which keeps the last `size` bytes. */
#include "chardev/chardev_int.h"

#include <assert.h>

#include "core/machine.h"
#include "util/error.h"
#include "util/parse.h"

struct memory_chr {
    struct chardev chr;
    GByteArray *written; /* by the front end */
    GByteArray *pending; /* for the front end */
    size_t room;         /* bytes `written` may hold before writes are refused */
    size_t ring;         /* ringbuf: bytes kept; 0: all */
    bool refused;
};

static size_t memory_write(struct chardev *chr, const void *buf, size_t len)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    size_t free = c->room - MIN(c->room, c->written->len);
    size_t n = MIN(len, free);
    g_byte_array_append(c->written, buf, (guint)n);
    if (c->ring && c->written->len > c->ring)
        g_byte_array_remove_range(c->written, 0, (guint)(c->written->len - c->ring));
    c->refused = n < len;
    return n;
}

static void memory_accept_input(struct chardev *chr)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    while (c->pending->len) {
        size_t n = MIN(chr_room(chr), c->pending->len);
        if (n == 0)
            return;
        g_autoptr(GByteArray) now = g_byte_array_new();
        g_byte_array_append(now, c->pending->data, (guint)n);
        g_byte_array_remove_range(c->pending, 0, (guint)n);
        chr_deliver(chr, now->data, n);
    }
}

static void memory_free(struct chardev *chr)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    g_byte_array_unref(c->written);
    g_byte_array_unref(c->pending);
}

static const struct chardev_ops memory_ops = {.name = "memory",
                                              .write = memory_write,
                                              .accept_input = memory_accept_input,
                                              .free = memory_free};
static const struct chardev_ops ringbuf_ops = {.name = "ringbuf",
                                               .write = memory_write,
                                               .accept_input = memory_accept_input,
                                               .free = memory_free};

static struct memory_chr *make(struct machine *m, const struct chardev_ops *ops, const char *id)
{
    struct memory_chr *c = chardev_alloc(m, ops, sizeof(*c), id);
    c->written = g_byte_array_new();
    c->pending = g_byte_array_new();
    c->room = SIZE_MAX;
    c->chr.open = true;
    return c;
}

struct chardev *chardev_memory_new(struct machine *m, const char *id)
{
    return &make(m, &memory_ops, id)->chr;
}

struct chardev *chardev_make_ringbuf(struct machine *m, const char *id, const struct keyvals *kv,
                                     GError **err)
{
    uint64_t size = 65536;
    const char *text = keyvals_get(kv, "size");
    if (text && !parse_size(text, 1, &size, err)) {
        error_prefix(err, "ringbuf: size");
        return NULL;
    }
    if (size == 0 || (size & (size - 1)) || size > (1 << 30)) {
        error_set(err, "ringbuf: size must be a power of two, at most 1G");
        return NULL;
    }
    struct memory_chr *c = make(m, &ringbuf_ops, id);
    c->ring = size;
    return &c->chr;
}

bool chardev_is_ringbuf(const struct chardev *chr)
{
    return chr->ops == &ringbuf_ops;
}

GByteArray *chardev_ringbuf_read(struct chardev *chr, size_t size)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    if (!chardev_is_ringbuf(chr))
        return NULL;
    GByteArray *out = g_byte_array_new();
    guint n = (guint)MIN(size, c->written->len);
    g_byte_array_append(out, c->written->data, n);
    g_byte_array_remove_range(c->written, 0, n);
    return out;
}

GByteArray *chardev_memory_take(struct chardev *chr)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    assert(chr->ops->write == memory_write);
    GByteArray *all = c->written;
    c->written = g_byte_array_new();
    if (c->refused) {
        c->refused = false;
        chr_tell_writable(chr);
    }
    return all;
}

void chardev_memory_send(struct chardev *chr, const void *buf, size_t len)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    assert(chr->ops->write == memory_write);
    g_byte_array_append(c->pending, buf, (guint)len);
    memory_accept_input(chr);
}

void chardev_memory_set_room(struct chardev *chr, size_t room)
{
    struct memory_chr *c = (struct memory_chr *)chr;
    assert(chr->ops->write == memory_write);
    c->room = room;
    if (c->refused && c->written->len < room) {
        c->refused = false;
        chr_tell_writable(chr);
    }
}
