/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART. National Semiconductor PC16550D data sheet.
 *
 * Modelled: both FIFOs with trigger levels and the receiver timeout, prioritised interrupts,
 * loopback, modem lines, break, divisor latch. The line has no speed: a byte goes to the
 * stream when it is written; while the stream takes no more, it stays in the transmitter FIFO
 * and THRE stays low. A receiver that is full stops the stream, so nothing is lost. The peer's
 * CTS, DSR and DCD are always on. The interrupt is not gated by OUT2.
 */
#include "hw/char/serial.h"
#include "hw/char/serial_regs.h"
#include "chardev/chardev.h"
#include "core/machine.h"

#define PEER_LINES (MSR_CTS | MSR_DSR | MSR_DCD)
#define LSR_ERRORS (LSR_OE | LSR_PE | LSR_FE | LSR_BI)
#define BAUD_BASE 115200
#define TIMEOUT_BITS 40 /* four characters */

static bool fifos(const struct serial *s)
{
    return s->fcr & FCR_ENABLE;
}

static unsigned rx_room(const struct serial *s)
{
    return (fifos(s) ? SERIAL_FIFO : 1) - s->rx_count;
}

static unsigned rx_trigger(const struct serial *s)
{
    static const uint8_t level[4] = {1, 4, 8, 14};
    return fifos(s) ? level[s->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* ---- Interrupt ------------------------------------------------------------------------------- */

static uint8_t interrupt_id(const struct serial *s)
{
    if ((s->ier & IER_LINE) && (s->lsr & LSR_ERRORS))
        return IIR_LINE;
    if ((s->ier & IER_RX) && s->rx_count >= rx_trigger(s))
        return IIR_RX;
    if ((s->ier & IER_RX) && s->timeout)
        return IIR_TIMEOUT;
    if ((s->ier & IER_THRE) && s->thre_pending)
        return IIR_THRE;
    if ((s->ier & IER_MODEM) && (s->modem & 0x0f))
        return IIR_MODEM;
    return IIR_NONE;
}

static void serial_update(struct serial *s)
{
    irq_set(s->irq, interrupt_id(s) != IIR_NONE);
}

/* The receiver timeout runs again after each byte in or out of a FIFO with data. */
static void restart_timeout(struct serial *s)
{
    s->timeout = false;
    if (fifos(s) && s->rx_count && s->rx_count < rx_trigger(s)) {
        int64_t divisor = s->divisor ? s->divisor : 1;
        timer_set(&s->timeout_timer, clock_now(&s->machine->vclock) +
                                         TIMEOUT_BITS * divisor * NSEC_PER_SEC / BAUD_BASE);
    } else {
        timer_del(&s->timeout_timer);
    }
}

static void timed_out(void *opaque)
{
    struct serial *s = opaque;
    s->timeout = s->rx_count > 0;
    serial_update(s);
}

/* ---- Receiver -------------------------------------------------------------------------------- */

static void rx_push(struct serial *s, uint8_t byte, uint8_t flags)
{
    if (!rx_room(s)) {
        s->lsr |= LSR_OE; /* the FIFO keeps its bytes, the holding register does not */
        if (!fifos(s))
            s->rx[s->rx_head] = byte;
        return;
    }
    unsigned i = (s->rx_head + s->rx_count) % SERIAL_FIFO;
    s->rx[i] = byte;
    s->rx_flags[i] = flags;
    if (s->rx_count++ == 0)
        s->lsr |= flags; /* errors show when their byte is at the head */
    restart_timeout(s);
}

static uint8_t rx_pop(struct serial *s)
{
    if (!s->rx_count)
        return s->rsr;
    s->rsr = s->rx[s->rx_head];
    s->rx_head = (s->rx_head + 1) % SERIAL_FIFO;
    s->rx_count--;
    if (s->rx_count)
        s->lsr |= s->rx_flags[s->rx_head];
    restart_timeout(s);
    return s->rsr;
}

static void rx_clear(struct serial *s)
{
    s->rx_count = s->rx_head = 0;
    restart_timeout(s);
}

static void accept_input(struct serial *s)
{
    if (s->chr && rx_room(s) && !(s->mcr & MCR_LOOP))
        chr_accept_input(s->chr);
}

static size_t chr_room(void *opaque)
{
    struct serial *s = opaque;
    return s->mcr & MCR_LOOP ? 0 : rx_room(s);
}

static void chr_bytes(void *opaque, const uint8_t *buf, size_t len)
{
    struct serial *s = opaque;
    for (size_t i = 0; i < len; i++)
        rx_push(s, buf[i], 0);
    serial_update(s);
}

static void chr_happened(void *opaque, enum chr_event ev)
{
    struct serial *s = opaque;
    if (ev != CHR_BREAK || (s->mcr & MCR_LOOP))
        return;
    rx_push(s, 0, LSR_BI);
    serial_update(s);
}

/* ---- Transmitter ----------------------------------------------------------------------------- */

/* Give the stream what it takes; THRE rises when the last byte has gone. */
static void tx_flush(struct serial *s)
{
    while (s->tx_count) {
        unsigned run = MIN(s->tx_count, SERIAL_FIFO - s->tx_head);
        size_t taken = s->chr ? chr_write(s->chr, &s->tx[s->tx_head], run) : run;
        s->tx_head = (s->tx_head + taken) % SERIAL_FIFO;
        s->tx_count -= taken;
        if (taken < run)
            return;
        if (!s->tx_count)
            s->thre_pending = true;
    }
}

static void chr_has_room(void *opaque)
{
    struct serial *s = opaque;
    tx_flush(s);
    serial_update(s);
}

static void tx_write(struct serial *s, uint8_t byte)
{
    s->thre_pending = false;
    if (s->mcr & MCR_LOOP) {
        rx_push(s, byte, 0);
        s->thre_pending = true;
        return;
    }
    if (s->tx_count == (fifos(s) ? SERIAL_FIFO : 1))
        s->tx_count--; /* written without looking at THRE: the last byte is replaced */
    s->tx[(s->tx_head + s->tx_count) % SERIAL_FIFO] = byte;
    s->tx_count++;
    tx_flush(s);
}

/* ---- Modem lines ----------------------------------------------------------------------------- */

static void modem_update(struct serial *s)
{
    uint8_t old = s->modem, now = PEER_LINES;
    if (s->mcr & MCR_LOOP)
        now = (s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_RTS ? MSR_CTS : 0) |
              (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
    uint8_t changed = (old ^ now) >> 4;
    uint8_t delta = changed & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
    if ((old & MSR_RI) && !(now & MSR_RI))
        delta |= MSR_TERI;
    s->modem = now | (old & 0x0f) | delta;
}

/* ---- Registers ------------------------------------------------------------------------------- */

static uint8_t line_status(struct serial *s)
{
    uint8_t v = s->lsr & LSR_ERRORS;
    if (s->rx_count)
        v |= LSR_DR;
    if (!s->tx_count)
        v |= LSR_THRE | LSR_TEMT;
    for (unsigned i = 0; fifos(s) && i < s->rx_count; i++)
        if (s->rx_flags[(s->rx_head + i) % SERIAL_FIFO])
            v |= LSR_FIFO_ERROR;
    s->lsr = 0;
    return v;
}

static uint8_t interrupt_register(struct serial *s)
{
    uint8_t id = interrupt_id(s);
    if (id == IIR_THRE)
        s->thre_pending = false;
    return id | (fifos(s) ? IIR_FIFOS : 0);
}

static uint64_t serial_read(void *dev, uint64_t off, unsigned size)
{
    struct serial *s = dev;
    uint8_t v = 0xff;
    switch (off) {
    case UART_DATA:
        if (s->lcr & LCR_DLAB)
            return s->divisor & 0xff;
        v = rx_pop(s);
        accept_input(s);
        break;
    case UART_IER:
        return s->lcr & LCR_DLAB ? s->divisor >> 8 : s->ier;
    case UART_IIR:
        v = interrupt_register(s);
        break;
    case UART_LCR:
        return s->lcr;
    case UART_MCR:
        return s->mcr;
    case UART_LSR:
        v = line_status(s);
        break;
    case UART_MSR:
        v = s->modem;
        s->modem &= 0xf0;
        break;
    case UART_SCR:
        return s->scr;
    }
    serial_update(s);
    return v;
}

static void write_fcr(struct serial *s, uint8_t v)
{
    bool toggled = (v ^ s->fcr) & FCR_ENABLE;
    s->fcr = v & FCR_ENABLE ? v & ~(FCR_CLEAR_RX | FCR_CLEAR_TX | 0x30) : 0;
    if (toggled || (v & FCR_CLEAR_RX))
        rx_clear(s);
    if ((toggled || (v & FCR_CLEAR_TX)) && s->tx_count) {
        s->tx_count = 0;
        s->thre_pending = true;
    }
    restart_timeout(s);
    accept_input(s);
}

static void write_ier(struct serial *s, uint8_t v)
{
    bool thre_on = (v & IER_THRE) && !(s->ier & IER_THRE);
    s->ier = v & 0x0f;
    if (thre_on && !s->tx_count)
        s->thre_pending = true; /* enabling it asks at once */
}

static void serial_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct serial *s = dev;
    switch (off) {
    case UART_DATA:
        if (s->lcr & LCR_DLAB)
            s->divisor = (s->divisor & 0xff00) | val;
        else
            tx_write(s, val);
        break;
    case UART_IER:
        if (s->lcr & LCR_DLAB)
            s->divisor = (s->divisor & 0xff) | val << 8;
        else
            write_ier(s, val);
        break;
    case UART_FCR:
        write_fcr(s, val);
        break;
    case UART_LCR:
        s->lcr = val; /* no back end can send a break on */
        break;
    case UART_MCR:
        s->mcr = val & 0x1f;
        modem_update(s);
        accept_input(s);
        break;
    case UART_SCR:
        s->scr = val;
        break;
    }
    serial_update(s);
}

static const struct region_ops serial_ops = {
    .read = serial_read, .write = serial_write, .min = 1, .max = 1};

/* ---- Life ------------------------------------------------------------------------------------ */

void serial_reset(struct serial *s)
{
    s->divisor = 12; /* 9600 baud */
    s->ier = s->fcr = s->lcr = s->lsr = s->scr = s->rsr = 0;
    s->mcr = MCR_OUT2;
    s->modem = PEER_LINES;
    s->tx_count = s->tx_head = 0;
    s->thre_pending = false;
    rx_clear(s);
    serial_update(s);
    accept_input(s);
}

void serial_loaded(struct serial *s)
{
    s->rx_head %= SERIAL_FIFO;
    s->tx_head %= SERIAL_FIFO;
    s->rx_count = MIN(s->rx_count, SERIAL_FIFO);
    s->tx_count = MIN(s->tx_count, SERIAL_FIFO);
    tx_flush(s);
    serial_update(s);
    accept_input(s);
}

bool serial_init(struct serial *s, struct machine *m, const char *name, GError **err)
{
    s->machine = m;
    timer_init(&s->timeout_timer, &m->vclock, "serial", timed_out, s);
    region_init_io(&s->io, name, &serial_ops, s, 8);
    serial_reset(s);
    if (!s->chr)
        return true;
    const struct chr_frontend fe = {
        .can_receive = chr_room,
        .receive = chr_bytes,
        .event = chr_happened,
        .writable = chr_has_room,
        .arg = s,
    };
    return chr_attach(s->chr, &fe, err);
}

void serial_fini(struct serial *s)
{
    if (s->chr)
        chr_detach(s->chr, s);
    timer_del(&s->timeout_timer);
    region_fini(&s->io);
}
