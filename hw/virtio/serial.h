/* SPDX-License-Identifier: MIT */
/*
 * virtio-serial: ports of a guest that are character devices of the host.
 *
 *   serial.c       the PCI function: queues, control messages
 *   serial_port.c  virtconsole and virtserialport, a device each
 *
 * Queues (VIRTIO 1.2, 5.3.2): 0, 1 receive and transmit of port 0; 2, 3 control; then a pair per
 * port.
 */
#ifndef HW_VIRTIO_SERIAL_H
#define HW_VIRTIO_SERIAL_H

#include "chardev/chardev.h"
#include "hw/virtio/virtio.h"

#define SERIAL_MAX_PORTS 31
#define PORT_PENDING_MAX 4096

struct virtio_serial;

struct serial_port {
    struct device dev;
    /* properties */
    struct chardev *chr;
    char *name, *bus_name;
    uint32_t nr; /* UINT32_MAX: the next free one */

    struct virtio_serial *bus; /* NULL: it has gone */
    bool is_console;
    bool guest_open, host_open;
    uint32_t sent;         /* of the buffer that is being transmitted */
    GByteArray *pending;   /* received, no room in the guest yet */
    struct virtq_elem *tx; /* waits until the chardev takes the rest, or NULL */
};

struct virtio_serial {
    struct virtio_device v;
    /* properties */
    uint32_t max_ports;
    bool emergency;

    struct serial_port *port[SERIAL_MAX_PORTS];
    GByteArray *control; /* messages that wait for buffers: u16 length, bytes */
};

extern const struct virtio_type virtio_serial_type;
extern const struct device_type virtconsole_type, virtserialport_type;

/* 5.3.6.2 */
enum serial_event {
    SERIAL_DEVICE_READY,
    SERIAL_PORT_ADD,
    SERIAL_PORT_REMOVE,
    SERIAL_PORT_READY,
    SERIAL_CONSOLE_PORT,
    SERIAL_RESIZE,
    SERIAL_PORT_OPEN,
    SERIAL_PORT_NAME,
};

/* Between the two files. */
void serial_send(struct virtio_serial *s, uint32_t port, enum serial_event event, uint16_t value,
                 const void *more, size_t len);
/* Is the driver one that knows of ports? */
bool serial_multiport(const struct virtio_serial *s);
struct virtq *serial_rx_queue(const struct serial_port *p);
struct virtq *serial_tx_queue(const struct serial_port *p);
void port_rx(struct serial_port *p); /* there may be room in the guest */
void port_tx(struct serial_port *p); /* there may be something from the guest */
void port_ready(struct serial_port *p);
void port_set_guest_open(struct serial_port *p, bool open);
void port_reset(struct serial_port *p); /* the device was reset */
void port_write(struct serial_port *p, const void *buf, size_t len);

#endif
