/* SPDX-License-Identifier: MIT */
/*
 * virtio-serial: VIRTIO 1.2, 5.3, console device. Modelled: several ports with names, open and
 * close on both sides, emergency write. Ports come and go while the guest runs. Not modelled:
 * the size of a console.
 */
#include "hw/virtio/serial.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

#define CONSOLE_F_MULTIPORT   (1ull << 1)
#define CONSOLE_F_EMERG_WRITE (1ull << 2)

enum {
    CONFIG_MAX_PORTS = 4,
    CONFIG_EMERG = 8,
    CONFIG_SIZE = 12,
    CONTROL_RX = 2,
    CONTROL_TX = 3,
    HEADER = 8,              /* le32 port, le16 event, le16 value */
    MAX_WAITING = 64 * 1024, /* bytes of control messages */
    QUEUE_SIZE = 128,
};

bool serial_multiport(const struct virtio_serial *s)
{
    return virtio_has(&s->v, CONSOLE_F_MULTIPORT);
}

static struct virtq *queue_of(const struct serial_port *p, unsigned n)
{
    return p->bus->v.vq[p->nr ? 2 * p->nr + 2 + n : n];
}

struct virtq *serial_rx_queue(const struct serial_port *p)
{
    return queue_of(p, 0);
}

struct virtq *serial_tx_queue(const struct serial_port *p)
{
    return queue_of(p, 1);
}

static struct serial_port *port_of(struct virtio_serial *s, unsigned queue)
{
    unsigned nr = queue < 2 ? 0 : queue / 2 - 1;

    return nr < SERIAL_MAX_PORTS ? s->port[nr] : NULL;
}

/* ---- Control messages to the guest ---------------------------------------------------------- */

static void deliver_control(struct virtio_serial *s)
{
    struct virtq *vq = s->v.vq[CONTROL_RX];
    struct virtq_elem *e;
    size_t at = 0;

    while (at + 2 <= s->control->len && (e = virtq_pop(vq, sizeof(*e)))) {
        size_t len = pci_get16(s->control->data + at);
        len = MIN(len, s->control->len - at - 2);
        iov_write(e->in, e->nin, 0, s->control->data + at + 2, len);
        virtq_push(e, len);
        at += 2 + len;
    }
    g_byte_array_remove_range(s->control, 0, (guint)at);
    virtq_notify(vq);
}

void serial_send(struct virtio_serial *s, uint32_t port, enum serial_event event, uint16_t value,
                 const void *more, size_t len)
{
    uint8_t head[2 + HEADER];

    if (!serial_multiport(s) || !virtio_live(&s->v))
        return;
    if (s->control->len + sizeof(head) + len > MAX_WAITING) {
        virtio_error(&s->v, "it asks for more messages than it takes");
        return;
    }
    pci_put16(head, (uint16_t)(HEADER + len));
    pci_put32(head + 2, port);
    pci_put16(head + 6, (uint16_t)event);
    pci_put16(head + 8, value);
    g_byte_array_append(s->control, head, sizeof(head));
    g_byte_array_append(s->control, more, (guint)len);
    deliver_control(s);
}

static void on_control_rx(struct virtq *vq)
{
    deliver_control((struct virtio_serial *)vq->dev);
}

/* ---- Control messages from the guest -------------------------------------------------------- */

static void add_ports(struct virtio_serial *s)
{
    for (uint32_t nr = 0; nr < s->max_ports; nr++)
        if (s->port[nr])
            serial_send(s, nr, SERIAL_PORT_ADD, 1, NULL, 0);
}

static void control(struct virtio_serial *s, uint32_t nr, unsigned event, unsigned value)
{
    struct serial_port *p = nr < s->max_ports ? s->port[nr] : NULL;

    if (event == SERIAL_DEVICE_READY) {
        if (value)
            add_ports(s);
        return;
    }
    if (!p) {
        guest_warn(&virtio_machine(&s->v)->log, s->v.pci.dev.path, "message %u for port %u", event,
                   nr);
        return;
    }
    if (event == SERIAL_PORT_READY && value)
        port_ready(p);
    else if (event == SERIAL_PORT_OPEN)
        port_set_guest_open(p, value);
}

static void on_control_tx(struct virtq *vq)
{
    struct virtio_serial *s = (struct virtio_serial *)vq->dev;
    struct virtq_elem *e;

    while ((e = virtq_pop(vq, sizeof(*e)))) {
        uint8_t m[HEADER] = {0};
        size_t len = e->out_len;
        iov_read(e->out, e->nout, 0, m, HEADER);
        virtq_push(e, 0);
        if (len >= HEADER)
            control(s, pci_get32(m), pci_get16(m + 4), pci_get16(m + 6));
    }
    virtq_notify(vq);
}

/* ---- Data ----------------------------------------------------------------------------------- */

static void on_rx(struct virtq *vq)
{
    struct serial_port *p = port_of((struct virtio_serial *)vq->dev, vq->index);

    if (p)
        port_rx(p);
}

static void on_tx(struct virtq *vq)
{
    struct serial_port *p = port_of((struct virtio_serial *)vq->dev, vq->index);
    struct virtq_elem *e;

    if (p) {
        port_tx(p);
        return;
    }
    while ((e = virtq_pop(vq, sizeof(*e))))
        virtq_push(e, 0);
    virtq_notify(vq);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void serial_started(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    if (!serial_multiport(s) && s->port[0])
        port_set_guest_open(s->port[0], true);
}

static void serial_get_config(struct virtio_device *v, uint8_t *c)
{
    pci_put32(c + CONFIG_MAX_PORTS, ((struct virtio_serial *)v)->max_ports);
}

/* 5.3.4: a character without a queue, for the first words of a kernel. */
static void serial_set_config(struct virtio_device *v, const uint8_t *c, unsigned off, unsigned len)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    if (s->emergency && s->port[0] && off <= CONFIG_EMERG && off + len > CONFIG_EMERG)
        port_write(s->port[0], c + CONFIG_EMERG, 1);
}

static uint64_t serial_features(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    return (s->max_ports > 1 ? CONSOLE_F_MULTIPORT : 0) |
           (s->emergency ? CONSOLE_F_EMERG_WRITE : 0);
}

static void serial_reset(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    g_byte_array_set_size(s->control, 0);
    for (uint32_t nr = 0; nr < SERIAL_MAX_PORTS; nr++)
        if (s->port[nr])
            port_reset(s->port[nr]);
}

static void serial_queue_reset(struct virtio_device *v, struct virtq *vq)
{
    struct serial_port *p = port_of((struct virtio_serial *)v, vq->index);

    if (p && vq == serial_tx_queue(p))
        p->tx = NULL;
}

static void serial_loaded(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    if (s->control->len > MAX_WAITING)
        g_byte_array_set_size(s->control, 0);
    for (uint32_t nr = 0; nr < SERIAL_MAX_PORTS; nr++)
        if (s->port[nr])
            s->port[nr]->tx = NULL; /* it comes again */
}

static bool serial_realize(struct virtio_device *v, GError **err)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    if (s->max_ports < 1 || s->max_ports > SERIAL_MAX_PORTS)
        return error_set(err, "max_ports=%u: 1 to %u", s->max_ports, SERIAL_MAX_PORTS);
    s->control = g_byte_array_new();
    for (uint32_t nr = 0; nr < s->max_ports; nr++) {
        virtio_add_queue(v, QUEUE_SIZE, on_rx);
        virtio_add_queue(v, QUEUE_SIZE, on_tx);
        if (nr == 0 && s->max_ports > 1) {
            virtio_add_queue(v, 32, on_control_rx);
            virtio_add_queue(v, 32, on_control_tx);
        }
    }
    return true;
}

static void serial_unrealize(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;

    for (uint32_t nr = 0; nr < SERIAL_MAX_PORTS; nr++)
        if (s->port[nr])
            s->port[nr]->bus = NULL;
    g_byte_array_unref(s->control);
}

static const struct prop serial_props[] = {
    VIRTIO_PROPS(struct virtio_serial, v),
    PROP(struct virtio_serial, max_ports, "max_ports", PROP_U32, "31", "ports it has room for"),
    PROP(struct virtio_serial, emergency, "emergency-write", PROP_BOOL, "on",
         "a register that writes a character to the console"),
    {0}};
static const struct state_field serial_state[] = {
    VIRTIO_STATE(struct virtio_serial, v),
    STATE_BLOB_FIELD(struct virtio_serial, control, MAX_WAITING), STATE_END};
static const struct device_form serial_forms[] = VIRTIO_FORMS("virtio-serial");

const struct virtio_type virtio_serial_type = {
    .pci = {.dev = {.name = "virtio-serial-pci",
                    .alias = "virtio-serial",
                    .forms = serial_forms,
                    .help = "virtio consoles and ports: a bus for virtconsole, virtserialport",
                    .size = sizeof(struct virtio_serial),
                    .props = serial_props,
                    .state = serial_state,
                    VIRTIO_DEVICE_CALLS},
            .class_code = 0x078000,
            VIRTIO_PCI_CALLS},
    .id = VIRTIO_ID_CONSOLE,
    .legacy_id = 0x1003,
    .config_size = CONFIG_SIZE,
    .realize = serial_realize,
    .unrealize = serial_unrealize,
    .reset = serial_reset,
    .queue_reset = serial_queue_reset,
    .get_features = serial_features,
    .started = serial_started,
    .get_config = serial_get_config,
    .set_config = serial_set_config,
    .loaded = serial_loaded,
};
