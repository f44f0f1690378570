/* SPDX-License-Identifier: MIT */
/* What all character devices have in common: the list, the front end, the events. */
#include "chardev/chardev_int.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

struct chardev *chardev_find(struct machine *m, const char *id)
{
    for (unsigned i = 0; i < m->chardevs->len; i++) {
        struct chardev *chr = m->chardevs->pdata[i];
        if (strcmp(chr->id, id) == 0)
            return chr;
    }
    return NULL;
}

const char *chardev_id(const struct chardev *chr)
{
    return chr->id;
}

void *chardev_alloc(struct machine *m, const struct chardev_ops *ops, size_t size, const char *id)
{
    struct chardev *chr = g_malloc0(size);
    chr->ops = ops;
    chr->machine = m;
    chr->id = g_strdup(id);
    g_ptr_array_add(m->chardevs, chr);
    m->chardev_find = chardev_find;
    m->chardev_free_all = chardev_free_all;
    return chr;
}

void chardev_free(struct chardev *chr)
{
    g_ptr_array_remove(chr->machine->chardevs, chr);
    if (chr->ops->free)
        chr->ops->free(chr);
    g_free(chr->id);
    g_free(chr);
}

void chardev_free_all(struct machine *m)
{
    while (m->chardevs->len) /* a mux comes after its base and frees it */
        chardev_free(m->chardevs->pdata[m->chardevs->len - 1]);
}

bool chr_attach(struct chardev *chr, const struct chr_frontend *fe, GError **err)
{
    if (chr->ops->attach)
        return chr->ops->attach(chr, fe, err);
    if (chr->has_fe)
        return error_set(err, "chardev '%s' is in use already; share it with mux=on", chr->id);
    chr->fe = *fe;
    chr->has_fe = true;
    if (chr->open)
        chr_event(chr, CHR_OPENED);
    chr_accept_input(chr);
    return true;
}

void chr_detach(struct chardev *chr, void *arg)
{
    if (chr->ops->detach)
        chr->ops->detach(chr, arg);
    else if (chr->has_fe && chr->fe.arg == arg)
        chr->has_fe = false;
}

size_t chr_write(struct chardev *chr, const void *buf, size_t len)
{
    if (chr->machine->replaying && vcpu_current(chr->machine))
        return len; /* it has been seen before */
    return chr->ops->write(chr, buf, len);
}

void chr_set_busy(struct chardev *chr, const void *text, size_t len)
{
    if (chr->ops->set_busy)
        chr->ops->set_busy(chr, text, len);
}

void chr_accept_input(struct chardev *chr)
{
    if (chr->ops->accept_input)
        chr->ops->accept_input(chr);
}

bool chr_is_open(const struct chardev *chr)
{
    return chr->open;
}

size_t chr_room(struct chardev *chr)
{
    return chr->has_fe ? chr->fe.can_receive(chr->fe.arg) : 0;
}

void chr_tell_input(struct chardev *chr, const struct chr_frontend *fe)
{
    if (!fe->tool && !fe->monitor)
        machine_outside(chr->machine, "a character came in", false);
}

void chr_deliver(struct chardev *chr, const uint8_t *buf, size_t len)
{
    if (chr->has_fe && len)
        chr_tell_input(chr, &chr->fe);
    if (chr->has_fe && len)
        chr->fe.receive(chr->fe.arg, buf, len);
}

void chr_event(struct chardev *chr, enum chr_event ev)
{
    if (chr->has_fe && chr->fe.event)
        chr->fe.event(chr->fe.arg, ev);
}

void chr_tell_writable(struct chardev *chr)
{
    if (chr->has_fe && chr->fe.writable)
        chr->fe.writable(chr->fe.arg);
}

void chr_set_open(struct chardev *chr, bool open)
{
    if (chr->open == open)
        return;
    chr->open = open;
    chr_event(chr, open ? CHR_OPENED : CHR_CLOSED);
}

struct chardev *chardev_nth(struct machine *m, unsigned n)
{
    return n < m->chardevs->len ? m->chardevs->pdata[n] : NULL;
}

char *chardev_filename(struct chardev *chr)
{
    GString *out = g_string_new(NULL);

    if (chr->ops->describe)
        chr->ops->describe(chr, out);
    else
        g_string_append(out, chr->ops->name);
    return g_string_free(out, FALSE);
}

bool chardev_in_use(const struct chardev *chr)
{
    return chr->ops->in_use ? chr->ops->in_use(chr) : chr->has_fe;
}

bool chr_can_yank(const struct chardev *chr)
{
    return chr->ops->yank != NULL;
}

bool chr_yank(struct chardev *chr)
{
    if (!chr->ops->yank)
        return false;
    chr->ops->yank(chr);
    return true;
}

int chr_take_fd(struct chardev *chr)
{
    return chr->ops->take_fd ? chr->ops->take_fd(chr) : -1;
}

void chardev_describe(struct machine *m, GString *out)
{
    for (unsigned i = 0; i < m->chardevs->len; i++) {
        struct chardev *chr = m->chardevs->pdata[i];
        g_autofree char *filename = chardev_filename(chr);
        bool said = g_str_has_prefix(filename, "disconnected:");

        g_string_append_printf(out, "%s: filename=%s%s\n", chr->id, filename,
                               chr->open || said ? "" : " (disconnected)");
    }
}

bool chr_add_client(struct chardev *chr, int fd, GError **err)
{
    return (chr->ops->add_client && chr->ops->add_client(chr, fd)) ||
           error_set(err, "chardev '%s' waits for no connection", chr->id);
}
