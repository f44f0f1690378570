/* SPDX-License-Identifier: MIT */
/*
 * i8042 keyboard and auxiliary device controller. IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller".
 *
 * Modelled: command byte and RAM, both ports with their disable bits, scan code translation,
 * self tests, loop-back of bytes (d2h, d3h), A20 and the reset pulse. Input is taken at once
 * (IBF is never set). Not modelled: passwords, timeouts, parity errors.
 */
#include "hw/input/i8042.h"
#include "hw/input/i8042_regs.h"
#include "hw/input/scancodes.h"
#include "core/machine.h"
#include "ui/input.h"

#include <string.h>

/* Set 2 as it comes from the keyboard to set 1; F0 disappears into bit 7. False: no byte. */
static bool translate(struct i8042 *s, uint8_t *byte)
{
    if (!(s->ram[0] & CB_TRANSLATE))
        return true;
    if (*byte == 0xf0) {
        s->release = true;
        return false;
    }
    *byte = scancode_set2_to_set1(*byte);
    if (s->release)
        *byte |= 0x80;
    s->release = false;
    return true;
}

static bool next_byte(struct i8042 *s, bool *aux, uint8_t *byte)
{
    *aux = false;
    if (s->reply.count) {
        *byte = ps2_queue_pop(&s->reply);
        return true;
    }
    *aux = true;
    if (s->reply_aux.count) {
        *byte = ps2_queue_pop(&s->reply_aux);
        return true;
    }
    *aux = false;
    while (!(s->ram[0] & CB_KBD_OFF) && ps2_port_ready(&s->kbd.port)) {
        *byte = ps2_port_pop(&s->kbd.port);
        if (translate(s, byte))
            return true;
    }
    if (!(s->ram[0] & CB_AUX_OFF) && ps2_port_ready(&s->mouse.port)) {
        *aux = true;
        *byte = ps2_port_pop(&s->mouse.port);
        ps2_mouse_taken(&s->mouse);
        return true;
    }
    return false;
}

/* Every path ends here: fill the output buffer, drive the interrupts. */
static void i8042_update(struct i8042 *s)
{
    if (!s->full)
        s->full = next_byte(s, &s->from_aux, &s->data);
    irq_set(s->irq_kbd, s->full && !s->from_aux && (s->ram[0] & CB_KBD_INT));
    irq_set(s->irq_aux, s->full && s->from_aux && (s->ram[0] & CB_AUX_INT));
}

static void device_has_data(void *opaque)
{
    i8042_update(opaque);
}

static void reply(struct i8042 *s, uint8_t byte)
{
    ps2_queue_put(&s->reply, &byte, 1);
}

/* ---- Output port ----------------------------------------------------------------------------- */

static uint8_t output_port(const struct i8042 *s)
{
    return OUT_LINES | OUT_NO_RESET | (s->dev.machine->a20 ? OUT_A20 : 0) |
           (s->full ? s->from_aux ? OUT_AUX_OBF : OUT_KBD_OBF : 0);
}

static void write_output_port(struct i8042 *s, uint8_t v)
{
    machine_set_a20(s->dev.machine, v & OUT_A20);
    if (!(v & OUT_NO_RESET))
        machine_request_reset(s->dev.machine, CAUSE_GUEST_RESET);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void command(struct i8042 *s, uint8_t v)
{
    s->pending = 0;
    switch (v) {
    case KBC_READ_RAM ... KBC_READ_RAM + 31:
        reply(s, s->ram[v & 31]);
        break;
    case KBC_WRITE_RAM ... KBC_WRITE_RAM + 31:
    case KBC_WRITE_OUTPUT:
    case KBC_WRITE_KBD_OBF:
    case KBC_WRITE_AUX_OBF:
    case KBC_WRITE_AUX:
        s->pending = v;
        break;
    case KBC_PASSWORD_TEST:
        reply(s, KBC_NO_PASSWORD);
        break;
    case KBC_AUX_DISABLE:
        s->ram[0] |= CB_AUX_OFF;
        break;
    case KBC_AUX_ENABLE:
        s->ram[0] &= ~CB_AUX_OFF;
        break;
    case KBC_SELF_TEST:
        s->ram[0] |= CB_SYS;
        reply(s, KBC_TEST_OK);
        break;
    case KBC_AUX_TEST:
    case KBC_KBD_TEST:
        reply(s, 0);
        break;
    case KBC_KBD_DISABLE:
        s->ram[0] |= CB_KBD_OFF;
        break;
    case KBC_KBD_ENABLE:
        s->ram[0] &= ~CB_KBD_OFF;
        break;
    case KBC_READ_INPUT:
        reply(s, KBC_INPUT_PORT);
        break;
    case KBC_READ_OUTPUT:
        reply(s, output_port(s));
        break;
    case KBC_A20_OFF:
    case KBC_A20_ON:
        machine_set_a20(s->dev.machine, v == KBC_A20_ON);
        break;
    case KBC_PULSE ... KBC_PULSE + 15: /* low bits: lines that are not pulsed */
        if (!(v & OUT_NO_RESET))
            machine_request_reset(s->dev.machine, CAUSE_GUEST_RESET);
        break;
    default:
        guest_warn(&s->dev.machine->log, "i8042", "unknown command %02xh", v);
    }
}

static void data_byte(struct i8042 *s, uint8_t v)
{
    uint8_t cmd = s->pending;
    s->pending = 0;
    switch (cmd) {
    case KBC_WRITE_RAM ... KBC_WRITE_RAM + 31:
        s->ram[cmd & 31] = v;
        break;
    case KBC_WRITE_OUTPUT:
        write_output_port(s, v);
        break;
    case KBC_WRITE_KBD_OBF:
        reply(s, v);
        break;
    case KBC_WRITE_AUX_OBF:
        ps2_queue_put(&s->reply_aux, &v, 1);
        break;
    case KBC_WRITE_AUX:
        s->ram[0] &= ~CB_AUX_OFF;
        ps2_mouse_write(&s->mouse, v);
        break;
    default: /* sending to the keyboard enables it */
        s->ram[0] &= ~CB_KBD_OFF;
        ps2_kbd_write(&s->kbd, v);
    }
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static uint64_t data_read(void *dev, uint64_t off, unsigned size)
{
    struct i8042 *s = dev;
    uint8_t v = s->data;
    if (s->full) {
        s->full = false;
        irq_set(s->irq_kbd, 0); /* an edge for the next byte */
        irq_set(s->irq_aux, 0);
        i8042_update(s);
    }
    return v;
}

static void data_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i8042 *s = dev;
    s->last_was_cmd = false;
    data_byte(s, val);
    i8042_update(s);
}

static uint64_t status_read(void *dev, uint64_t off, unsigned size)
{
    struct i8042 *s = dev;
    return KBC_UNLOCKED | (s->ram[0] & CB_SYS ? KBC_SYS : 0) | (s->last_was_cmd ? KBC_CMD : 0) |
           (s->full ? KBC_OBF | (s->from_aux ? KBC_AUX_OBF : 0) : 0);
}

static void command_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i8042 *s = dev;
    s->last_was_cmd = true;
    command(s, val);
    i8042_update(s);
}

static const struct region_ops data_ops = {
    .read = data_read, .write = data_write, .min = 1, .max = 1};
static const struct region_ops command_ops = {
    .read = status_read, .write = command_write, .min = 1, .max = 1};

/* ---- Device ---------------------------------------------------------------------------------- */

static void i8042_reset(struct device *dev)
{
    struct i8042 *s = (struct i8042 *)dev;
    memset(s->ram, 0, sizeof(s->ram));
    s->ram[0] = CB_KBD_INT | CB_AUX_INT | CB_TRANSLATE; /* as firmware leaves it */
    s->pending = s->data = 0;
    s->last_was_cmd = s->full = s->from_aux = s->release = false;
    ps2_queue_clear(&s->reply);
    ps2_queue_clear(&s->reply_aux);
    ps2_kbd_reset(&s->kbd);
    ps2_mouse_reset(&s->mouse);
    i8042_update(s);
}

static void i8042_loaded(struct device *dev)
{
    struct i8042 *s = (struct i8042 *)dev;
    ps2_queue_check(&s->reply);
    ps2_queue_check(&s->reply_aux);
    ps2_queue_check(&s->kbd.port.reply);
    ps2_queue_check(&s->kbd.port.queue);
    ps2_queue_check(&s->mouse.port.reply);
    ps2_queue_check(&s->mouse.port.queue);
    i8042_update(s);
}

static void key(void *dev, uint16_t code, bool down)
{
    ps2_kbd_key(&((struct i8042 *)dev)->kbd, code, down);
}

/* The mouse counts upwards, and its wheel towards the user. */
static void motion(void *dev, int dx, int dy, int dz, unsigned buttons)
{
    ps2_mouse_move(&((struct i8042 *)dev)->mouse, dx, -dy, -dz, (uint8_t)buttons);
}

static bool i8042_realize(struct device *dev, GError **err)
{
    struct i8042 *s = (struct i8042 *)dev;
    region_init_io(&s->io_data, "i8042-data", &data_ops, s, 1);
    region_init_io(&s->io_cmd, "i8042-command", &command_ops, s, 1);
    s->kbd.port.notify = s->mouse.port.notify = device_has_data;
    s->kbd.port.arg = s->mouse.port.arg = s;
    input_add(dev->machine, &(struct input_sink){.dev = s, .name = "PS/2 Mouse", .key = key,
                                                .motion = motion});
    i8042_reset(dev);
    return true;
}

static void i8042_unrealize(struct device *dev)
{
    struct i8042 *s = (struct i8042 *)dev;
    input_remove(dev->machine, s);
    region_fini(&s->io_data);
    region_fini(&s->io_cmd);
}

static const struct state_field i8042_state[] = {
    STATE_BUFFER(struct i8042, ram),
    STATE_FIELD(struct i8042, pending),
    STATE_FIELD(struct i8042, last_was_cmd),
    STATE_FIELD(struct i8042, full),
    STATE_FIELD(struct i8042, from_aux),
    STATE_FIELD(struct i8042, data),
    STATE_FIELD(struct i8042, release),
    STATE_BUFFER(struct i8042, reply.data),
    STATE_FIELD(struct i8042, reply.head),
    STATE_FIELD(struct i8042, reply.count),
    STATE_BUFFER(struct i8042, reply_aux.data),
    STATE_FIELD(struct i8042, reply_aux.head),
    STATE_FIELD(struct i8042, reply_aux.count),
    PS2_KBD_STATE(struct i8042, kbd),
    PS2_MOUSE_STATE(struct i8042, mouse),
    STATE_END,
};

const struct device_type i8042_type = {
    .name = "i8042",
    .help = "keyboard controller with PS/2 keyboard and mouse",
    .bus = "ISA",
    .size = sizeof(struct i8042),
    .state = i8042_state,
    .state_version = 1,
    .internal = true,
    .realize = i8042_realize,
    .reset = i8042_reset,
    .loaded = i8042_loaded,
    .unrealize = i8042_unrealize,
};
