/* SPDX-License-Identifier: MIT */
/*
 * virtconsole and virtserialport: a port of a virtio-serial with a character device behind it.
 * Either side waits for the other: what the guest sends stays in its buffer until the chardev
 * takes it, and the chardev is read only while the guest has the port open and room in it.
 */
#include <string.h>

#include "core/event.h"
#include "core/machine.h"
#include "hw/virtio/serial.h"
#include "util/error.h"

/* ---- From the guest ------------------------------------------------------------------------- */

void port_write(struct serial_port *p, const void *buf, size_t len)
{
    if (p->chr)
        chr_write(p->chr, buf, len);
}

/* As much of the buffer as the chardev takes. True: all. */
static bool send(struct serial_port *p, const struct virtq_elem *e)
{
    size_t at = 0;

    if (!p->chr || !p->host_open)
        return true;
    for (unsigned i = 0; i < e->nout; i++) {
        const uint8_t *base = e->out[i].iov_base;
        size_t len = e->out[i].iov_len, skip = p->sent > at ? MIN(p->sent - at, len) : 0;
        size_t n = skip < len ? chr_write(p->chr, base + skip, len - skip) : 0;
        at += len;
        p->sent = (uint32_t)MIN(p->sent + n, UINT32_MAX);
        if (skip + n < len)
            return false;
    }
    return true;
}

void port_tx(struct serial_port *p)
{
    struct virtq *vq = serial_tx_queue(p);

    while (p->tx || (p->tx = virtq_pop(vq, sizeof(*p->tx)))) {
        if (!send(p, p->tx))
            break; /* on_writable() */
        p->sent = 0;
        virtq_push(g_steal_pointer(&p->tx), 0);
    }
    virtq_notify(vq);
}

static void on_writable(void *arg)
{
    struct serial_port *p = arg;

    if (p->bus)
        port_tx(p);
}

/* ---- To the guest --------------------------------------------------------------------------- */

static bool listens(const struct serial_port *p)
{
    return p->bus && p->guest_open;
}

static void deliver(struct serial_port *p)
{
    struct virtq *vq = serial_rx_queue(p);
    struct virtq_elem *e;
    size_t at = 0;

    while (at < p->pending->len && (e = virtq_pop(vq, sizeof(*e)))) {
        size_t n = MIN(e->in_len, p->pending->len - at);
        iov_write(e->in, e->nin, 0, p->pending->data + at, n);
        virtq_push(e, n);
        at += n;
    }
    g_byte_array_remove_range(p->pending, 0, (guint)at);
    virtq_notify(vq);
}

void port_rx(struct serial_port *p)
{
    deliver(p);
    if (p->chr && !p->pending->len)
        chr_accept_input(p->chr);
}

static size_t can_receive(void *arg)
{
    struct serial_port *p = arg;

    return listens(p) && !p->pending->len && virtq_ready(serial_rx_queue(p)) ? PORT_PENDING_MAX : 0;
}

static void receive(void *arg, const uint8_t *buf, size_t len)
{
    struct serial_port *p = arg;

    if (!listens(p))
        return;
    g_byte_array_append(p->pending, buf, (guint)len);
    deliver(p);
}

/* ---- Open and closed ------------------------------------------------------------------------ */

static void set_host_open(struct serial_port *p, bool open)
{
    if (open == p->host_open)
        return;
    p->host_open = open;
    if (!p->bus)
        return;
    serial_send(p->bus, p->nr, SERIAL_PORT_OPEN, open, NULL, 0);
    port_tx(p); /* nobody is there: what waits is lost */
}

/* A console is always open, as a terminal without anybody before it is. */
static void on_event(void *arg, enum chr_event ev)
{
    struct serial_port *p = arg;

    if (!p->is_console && (ev == CHR_OPENED || ev == CHR_CLOSED))
        set_host_open(p, ev == CHR_OPENED);
}

void port_set_guest_open(struct serial_port *p, bool open)
{
    if (open == p->guest_open)
        return;
    p->guest_open = open;
    if (!open)
        g_byte_array_set_size(p->pending, 0);
    if (!p->is_console && p->dev.id)
        machine_event(p->dev.machine, "VSERPORT_CHANGE",
                      json_pack("{s:b, s:s}", "open", open, "id", p->dev.id));
    if (open && p->chr)
        chr_accept_input(p->chr);
}

/* The driver knows the port: what it should know about it (5.3.6.2). */
void port_ready(struct serial_port *p)
{
    if (p->is_console)
        serial_send(p->bus, p->nr, SERIAL_CONSOLE_PORT, 1, NULL, 0);
    if (p->name)
        serial_send(p->bus, p->nr, SERIAL_PORT_NAME, 1, p->name, strlen(p->name));
    if (p->host_open)
        serial_send(p->bus, p->nr, SERIAL_PORT_OPEN, 1, NULL, 0);
}

void port_reset(struct serial_port *p)
{
    p->tx = NULL;
    p->sent = 0;
    g_byte_array_set_size(p->pending, 0);
    port_set_guest_open(p, false);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static bool bus_is(const struct virtio_serial *s, unsigned index, const char *name)
{
    g_autofree char *mine = s->v.pci.dev.id ? g_strdup_printf("%s.0", s->v.pci.dev.id)
                                            : g_strdup_printf("virtio-serial-bus.%u", index);

    return !name || !strcmp(mine, name);
}

static struct virtio_serial *find_bus(struct machine *m, const char *name, GError **err)
{
    unsigned index = 0;

    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (d->type != &virtio_serial_type.pci.dev)
            continue;
        if (bus_is((struct virtio_serial *)d, index++, name))
            return (struct virtio_serial *)d;
    }
    if (index)
        error_set(err, "bus=%s: there is no such virtio-serial", name);
    else
        error_set(err,
                  "there is no virtio-serial to plug it into; -device virtio-serial makes one");
    return NULL;
}

/* Number 0 is left to a console: drivers that know one port only think it is one. */
static bool choose_number(struct serial_port *p, struct virtio_serial *s, GError **err)
{
    if (p->nr == UINT32_MAX) {
        p->nr = p->is_console || s->max_ports == 1 ? 0 : 1;
        while (p->nr < s->max_ports && s->port[p->nr])
            p->nr++;
        return p->nr < s->max_ports || error_set(err, "all %u ports are taken", s->max_ports);
    }
    if (p->nr >= s->max_ports)
        return error_set(err, "nr=%u: this virtio-serial has ports 0 to %u", p->nr,
                         s->max_ports - 1);
    if (p->nr == 0 && !p->is_console)
        return error_set(err, "nr=0 is for a virtconsole");
    return !s->port[p->nr] || error_set(err, "nr=%u is taken", p->nr);
}

static bool attach(struct serial_port *p, GError **err)
{
    struct chr_frontend fe = {.can_receive = can_receive,
                              .receive = receive,
                              .event = on_event,
                              .writable = on_writable,
                              .arg = p};

    return !p->chr || chr_attach(p->chr, &fe, err);
}

static bool port_realize(struct device *dev, GError **err)
{
    struct serial_port *p = (struct serial_port *)dev;
    struct virtio_serial *s = find_bus(dev->machine, p->bus_name, err);

    p->is_console = dev->type == &virtconsole_type;
    if (!s || !choose_number(p, s, err))
        return false;
    p->pending = g_byte_array_new();
    p->host_open = p->is_console;
    if (!attach(p, err)) {
        g_byte_array_unref(p->pending);
        return false;
    }
    p->bus = s;
    s->port[p->nr] = p;
    dev->parent_bus_owner = &s->v.pci.dev;
    serial_send(s, p->nr, SERIAL_PORT_ADD, 1, NULL, 0);
    return true;
}

static void port_unrealize(struct device *dev)
{
    struct serial_port *p = (struct serial_port *)dev;

    if (p->chr)
        chr_detach(p->chr, p);
    if (p->bus) {
        if (p->tx) /* what is left of it is lost */
            virtq_push(g_steal_pointer(&p->tx), 0);
        p->bus->port[p->nr] = NULL;
        serial_send(p->bus, p->nr, SERIAL_PORT_REMOVE, 1, NULL, 0);
    }
    g_byte_array_unref(p->pending);
}

static bool port_unplug(struct device *dev, GError **err)
{
    device_removed(dev);
    return true;
}

static void port_loaded(struct device *dev)
{
    struct serial_port *p = (struct serial_port *)dev;

    p->host_open = p->is_console || (p->chr && chr_is_open(p->chr));
}

static const struct prop port_props[] = {
    PROP(struct serial_port, chr, "chardev", PROP_CHARDEV, NULL, "id of a -chardev"),
    PROP(struct serial_port, name, "name", PROP_STRING, NULL,
         "for the guest: /dev/virtio-ports/NAME"),
    PROP(struct serial_port, bus_name, "bus", PROP_STRING, NULL,
         "ID.0 of a virtio-serial; default: the first"),
    PROP(struct serial_port, nr, "nr", PROP_U32, "0xffffffff", "port number; default: the next"),
    {0}};
static const struct state_field port_state[] = {
    STATE_FIELD(struct serial_port, guest_open), STATE_FIELD(struct serial_port, sent),
    STATE_BLOB_FIELD(struct serial_port, pending, PORT_PENDING_MAX), STATE_END};

#define PORT_CALLS                                                                                 \
    .bus = "virtio-serial-bus", .size = sizeof(struct serial_port), .props = port_props,           \
    .state = port_state, .realize = port_realize, .unrealize = port_unrealize,                     \
    .unplug = port_unplug, .loaded = port_loaded
const struct device_type virtconsole_type = {
    .name = "virtconsole", .help = "console (hvc0) on a virtio-serial", PORT_CALLS};
const struct device_type virtserialport_type = {
    .name = "virtserialport", .help = "port on a virtio-serial", PORT_CALLS};
