/* SPDX-License-Identifier: MIT */
/*
 * virtio-input: VIRTIO 1.2, 5.8, input device; the codes are Linux's (input-event-codes.h).
 *
 * A group of events ends with SYN_REPORT and goes into the event queue as a whole; one for which
 * the driver has not left enough buffers is dropped. Of LEDs the driver may say what it likes.
 */
#include "hw/virtio/input.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "core/machine.h"
#include "ui/evdev.h"
/* ui/input.h has a key of that name too, with another number. */
#undef KEY_PAUSE
#include "ui/input.h"

/* 5.8.2 */
enum { CFG_UNSET = 0, CFG_ID_NAME = 1, CFG_ID_SERIAL = 2, CFG_ID_DEVIDS = 3, CFG_PROP_BITS = 0x10,
       CFG_EV_BITS = 0x11, CFG_ABS_INFO = 0x12 };
enum { CFG_SELECT = 0, CFG_SUBSEL = 1, CFG_SIZE = 2, CFG_DATA = 8, CFG_DATA_MAX = 128,
       CFG_LEN = CFG_DATA + CFG_DATA_MAX };
enum { EVENT_SIZE = 8, GROUP_MAX = 16, QUEUE_SIZE = 64, ABS_MAX_VALUE = 32767,
       BUS_VIRTUAL_ID = 6, VENDOR = 0x0627 };

struct virtio_input {
    struct virtio_device v;
    char *serial;
    uint8_t select, subsel;
    uint8_t buttons; /* as the guest knows them */
};

struct event {
    uint16_t type, code;
    uint32_t value;
};

enum kind { KEYBOARD = 1, MOUSE, TABLET };

static enum kind kind_of(const struct virtio_input *d)
{
    const struct virtio_type *t = virtio_type(&d->v);

    return t == &virtio_keyboard_type ? KEYBOARD : t == &virtio_mouse_type ? MOUSE : TABLET;
}

/* ---- Events --------------------------------------------------------------------------------- */

static void store(const struct virtq_elem *e, const struct event *ev)
{
    uint8_t b[EVENT_SIZE] = {(uint8_t)ev->type, (uint8_t)(ev->type >> 8), (uint8_t)ev->code,
                             (uint8_t)(ev->code >> 8), (uint8_t)ev->value,
                             (uint8_t)(ev->value >> 8), (uint8_t)(ev->value >> 16),
                             (uint8_t)(ev->value >> 24)};
    size_t done = 0;

    for (unsigned i = 0; i < e->nin && done < sizeof(b); i++) {
        size_t n = MIN(e->in[i].iov_len, sizeof(b) - done);
        memcpy(e->in[i].iov_base, b + done, n);
        done += n;
    }
}

/* All n events, which end with a SYN_REPORT of their own, or none. */
static void send(struct virtio_input *d, const struct event *events, unsigned n)
{
    static const struct event syn = {EV_SYN, SYN_REPORT, 0};
    struct virtq_elem *e[GROUP_MAX + 1];
    struct virtq *vq = d->v.vq[0];
    unsigned got = 0;

    if (!virtio_live(&d->v))
        return;
    while (got <= n && (e[got] = virtq_pop(vq, sizeof(*e[0]))))
        got++;
    if (got <= n) {
        while (got)
            virtq_unpop(e[--got]);
        return;
    }
    for (unsigned i = 0; i <= n; i++) {
        store(e[i], i < n ? &events[i] : &syn);
        virtq_push(e[i], MIN(EVENT_SIZE, e[i]->in_len));
    }
    virtq_notify(vq);
}

static void on_key(void *dev, uint16_t key, bool down)
{
    struct event ev = {EV_KEY, (uint16_t)evdev_from_key(key), down};

    if (ev.code)
        send(dev, &ev, 1);
}

static const struct {
    unsigned button;
    uint16_t code;
} buttons[] = {{BUTTON_LEFT, BTN_LEFT}, {BUTTON_RIGHT, BTN_RIGHT}, {BUTTON_MIDDLE, BTN_MIDDLE},
               {BUTTON_SIDE, BTN_SIDE}, {BUTTON_EXTRA, BTN_EXTRA}};

static unsigned add_buttons(struct virtio_input *d, struct event *ev, unsigned held)
{
    unsigned n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(buttons); i++)
        if ((held ^ d->buttons) & buttons[i].button)
            ev[n++] = (struct event){EV_KEY, buttons[i].code, (held & buttons[i].button) != 0};
    d->buttons = (uint8_t)held;
    return n;
}

static unsigned add_relative(struct event *ev, uint16_t code, int value)
{
    if (!value)
        return 0;
    *ev = (struct event){EV_REL, code, (uint32_t)value};
    return 1;
}

static void on_motion(void *dev, int dx, int dy, int dz, unsigned held)
{
    struct event ev[GROUP_MAX];
    unsigned n = add_relative(ev, REL_X, dx);

    n += add_relative(ev + n, REL_Y, dy);
    n += add_relative(ev + n, REL_WHEEL, dz);
    n += add_buttons(dev, ev + n, held);
    if (n)
        send(dev, ev, n);
}

static void on_position(void *dev, int x, int y, int dz, unsigned held)
{
    struct event ev[GROUP_MAX] = {{EV_ABS, ABS_X, (uint32_t)x}, {EV_ABS, ABS_Y, (uint32_t)y}};
    unsigned n = 2 + add_relative(ev + 2, REL_WHEEL, dz);

    n += add_buttons(dev, ev + n, held);
    send(dev, ev, n);
}

/* ---- The guest's driver --------------------------------------------------------------------- */

/* Buffers for events are taken when there are some. */
static void on_event_buffers(struct virtq *vq)
{
}

static void on_status(struct virtq *vq)
{
    struct virtq_elem *e;

    while ((e = virtq_pop(vq, sizeof(*e))))
        virtq_push(e, 0);
    virtq_notify(vq);
}

static void use(struct virtio_device *v)
{
    struct virtio_input *d = (struct virtio_input *)v;
    enum kind kind = kind_of(d);
    struct input_sink sink = {.dev = d,
                              .key = kind == KEYBOARD ? on_key : NULL,
                              .motion = kind == MOUSE ? on_motion : NULL,
                              .position = kind == TABLET ? on_position : NULL};

    input_remove(virtio_machine(v), d);
    input_add(virtio_machine(v), &sink);
}

static void input_dev_reset(struct virtio_device *v)
{
    struct virtio_input *d = (struct virtio_input *)v;

    input_remove(virtio_machine(v), d);
    d->select = d->subsel = d->buttons = 0;
}

static void input_dev_loaded(struct virtio_device *v)
{
    input_remove(virtio_machine(v), v);
    if (virtio_live(v))
        use(v);
}

/* ---- Configuration space -------------------------------------------------------------------- */

static uint8_t put_text(uint8_t *data, const char *text)
{
    size_t n = MIN(strlen(text), CFG_DATA_MAX);

    memcpy(data, text, n);
    return (uint8_t)n;
}

static uint8_t put_words(uint8_t *data, const uint16_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        data[2 * i] = (uint8_t)words[i];
        data[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
    return (uint8_t)(2 * n);
}

static void set_bit(uint8_t *data, unsigned bit, uint8_t *size)
{
    data[bit / 8] |= (uint8_t)(1u << bit % 8);
    *size = (uint8_t)MAX(*size, bit / 8 + 1);
}

static uint8_t put_keys(const struct virtio_input *d, uint8_t *data)
{
    uint8_t size = 0;

    if (kind_of(d) == KEYBOARD) {
        for (unsigned code = 1; code < EVDEV_KEY_MAX; code++)
            if (evdev_to_key(code))
                set_bit(data, code, &size);
    } else {
        for (size_t i = 0; i < G_N_ELEMENTS(buttons); i++)
            set_bit(data, buttons[i].code, &size);
    }
    return size;
}

/* Which codes of this type it sends. */
static uint8_t put_codes(const struct virtio_input *d, uint8_t type, uint8_t *data)
{
    enum kind kind = kind_of(d);
    uint8_t size = 0;

    if (type == EV_KEY)
        return put_keys(d, data);
    if (type == EV_REL && kind != KEYBOARD)
        set_bit(data, REL_WHEEL, &size);
    if ((type == EV_REL && kind == MOUSE) || (type == EV_ABS && kind == TABLET)) {
        set_bit(data, 0, &size); /* X, Y of either */
        set_bit(data, 1, &size);
    }
    if (type == EV_LED && kind == KEYBOARD)
        for (unsigned led = LED_NUML; led <= LED_SCROLLL; led++)
            set_bit(data, led, &size);
    if (type == EV_REP && kind == KEYBOARD)
        set_bit(data, REP_DELAY, &size);
    return size;
}

static uint8_t put_axis(const struct virtio_input *d, uint8_t axis, uint8_t *data)
{
    if (kind_of(d) != TABLET || axis > ABS_Y)
        return 0;
    return (uint8_t)(put_words(data, (uint16_t[]){0, 0, ABS_MAX_VALUE}, 3) + 14);
}

static uint8_t fill(const struct virtio_input *d, uint8_t *data)
{
    static const char *const names[] = {[KEYBOARD] = "QEMU Virtio Keyboard",
                                        [MOUSE] = "QEMU Virtio Mouse",
                                        [TABLET] = "QEMU Virtio Tablet"};
    enum kind kind = kind_of(d);

    switch (d->select) {
    case CFG_ID_NAME: return put_text(data, names[kind]);
    case CFG_ID_SERIAL: return d->serial ? put_text(data, d->serial) : 0;
    case CFG_ID_DEVIDS:
        return put_words(data, (uint16_t[]){BUS_VIRTUAL_ID, VENDOR, (uint16_t)kind, 1}, 4);
    case CFG_EV_BITS: return put_codes(d, d->subsel, data);
    case CFG_ABS_INFO: return put_axis(d, d->subsel, data);
    default: return 0;
    }
}

static void input_get_config(struct virtio_device *v, uint8_t *config)
{
    const struct virtio_input *d = (const struct virtio_input *)v;

    memset(config, 0, CFG_LEN);
    config[CFG_SELECT] = d->select;
    config[CFG_SUBSEL] = d->subsel;
    config[CFG_SIZE] = fill(d, config + CFG_DATA);
}

static void input_set_config(struct virtio_device *v, const uint8_t *config, unsigned off,
                             unsigned len)
{
    struct virtio_input *d = (struct virtio_input *)v;

    d->select = config[CFG_SELECT];
    d->subsel = config[CFG_SUBSEL];
}

/* ---- Life ----------------------------------------------------------------------------------- */

static bool input_realize(struct virtio_device *v, GError **err)
{
    virtio_add_queue(v, QUEUE_SIZE, on_event_buffers);
    virtio_add_queue(v, QUEUE_SIZE, on_status);
    return true;
}

static void input_unrealize(struct virtio_device *v)
{
    input_remove(virtio_machine(v), v);
}

static const struct prop input_props[] = {
    VIRTIO_PROPS(struct virtio_input, v),
    PROP(struct virtio_input, serial, "serial", PROP_STRING, NULL, "serial number"),
    {0}};
static const struct state_field input_state[] = {
    VIRTIO_STATE(struct virtio_input, v), STATE_FIELD(struct virtio_input, select),
    STATE_FIELD(struct virtio_input, subsel), STATE_FIELD(struct virtio_input, buttons),
    STATE_END};

#define INPUT_TYPE(nm, pci_class, text)                                                            \
    {                                                                                              \
        .pci = {.dev = {.name = nm "-pci",                                                         \
                        .alias = nm,                                                               \
                        .help = text,                                                              \
                        .size = sizeof(struct virtio_input),                                       \
                        .props = input_props,                                                      \
                        .state = input_state,                                                      \
                        VIRTIO_DEVICE_CALLS},                                                      \
                .class_code = pci_class,                                                           \
                VIRTIO_PCI_CALLS},                                                                 \
        .id = VIRTIO_ID_INPUT, .config_size = CFG_LEN, .realize = input_realize,                   \
        .unrealize = input_unrealize, .reset = input_dev_reset, .loaded = input_dev_loaded,        \
        .started = use, .get_config = input_get_config, .set_config = input_set_config,            \
    }

const struct virtio_type virtio_keyboard_type =
    INPUT_TYPE("virtio-keyboard", 0x090000, "virtio keyboard");
const struct virtio_type virtio_mouse_type = INPUT_TYPE("virtio-mouse", 0x090200, "virtio mouse");
const struct virtio_type virtio_tablet_type = INPUT_TYPE(
    "virtio-tablet", 0x098000, "virtio pointer that has a place, so that nobody has to grab it");
