/* SPDX-License-Identifier: MIT */
/* Keys and the pointer, as QMP has them. */
#include "ui/input.h"

#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "ui/keys.h"
#include "ui/ui.h"
#include "util/error.h"

enum { HOLD_MS = 100, HOLD_MAX_MS = 60 * 1000, ABS_MAX = 32767, EVENTS_MAX = 1024 };

/* {"type": "qcode", "data": "ret"} or {"type": "number", "data": 28}; 0 with *err. */
static uint16_t key_of(json_t *v, GError **err)
{
    json_t *data = json_object_get(v, "data");

    if (json_is_string(data))
        return key_by_name(json_string_value(data), err);
    g_autofree char *number = g_strdup_printf("0x%" G_GINT64_MODIFIER "x",
                                              (gint64)json_integer_value(data));
    return key_by_name(number, err);
}

static bool run_send_key(struct command_call *call, GError **err)
{
    uint16_t keys[INPUT_SENDKEY_MAX];
    int64_t ms = call->arg[1].given ? call->arg[1].num : HOLD_MS;
    json_t *v;
    size_t i;

    if (json_array_size(call->arg[0].json) > INPUT_SENDKEY_MAX)
        return error_set(err, "more than %d keys at once", INPUT_SENDKEY_MAX);
    if (ms < 0 || ms > HOLD_MAX_MS)
        return error_set(err, "keys are held for 0 to %d ms", HOLD_MAX_MS);
    json_array_foreach(call->arg[0].json, i, v)
        if (!(keys[i] = key_of(v, err)))
            return false;
    input_chord(call->ctx->machine, keys, (unsigned)json_array_size(call->arg[0].json),
                ms * 1000000);
    return true;
}

/* ---- input-send-event ----------------------------------------------------------------------- */

/* What a list of events does to the pointer, all together. */
struct pointing {
    int dx, dy, dz, x, y;
    unsigned buttons;
    bool moved, placed;
};

static void add_button(struct pointing *p, json_t *data)
{
    static const struct {
        const char *name;
        unsigned bit;
        int wheel;
    } buttons[] = {
        {"left", BUTTON_LEFT, 0}, {"right", BUTTON_RIGHT, 0},   {"middle", BUTTON_MIDDLE, 0},
        {"side", BUTTON_SIDE, 0}, {"extra", BUTTON_EXTRA, 0},   {"wheel-up", 0, 1},
        {"wheel-down", 0, -1},
    };
    const char *name = json_string_value(json_object_get(data, "button"));
    bool down = json_is_true(json_object_get(data, "down"));

    for (unsigned i = 0; i < G_N_ELEMENTS(buttons); i++) {
        if (strcmp(buttons[i].name, name) != 0)
            continue;
        p->buttons = down ? p->buttons | buttons[i].bit : p->buttons & ~buttons[i].bit;
        if (down && buttons[i].wheel) {
            p->dz += buttons[i].wheel;
            p->moved = true;
        }
    }
}

static void add_axis(struct pointing *p, json_t *data, bool absolute)
{
    bool x = strcmp(json_string_value(json_object_get(data, "axis")), "x") == 0;
    json_int_t v = json_integer_value(json_object_get(data, "value"));

    if (absolute) {
        *(x ? &p->x : &p->y) = (int)CLAMP(v, 0, ABS_MAX);
        p->placed = true;
    } else {
        int *d = x ? &p->dx : &p->dy;
        *d = (int)CLAMP(*d + CLAMP(v, -ABS_MAX, ABS_MAX), -ABS_MAX, ABS_MAX);
        p->moved = true;
    }
}

static bool add_event(struct machine *m, struct pointing *p, json_t *event, GError **err)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    json_t *data = json_object_get(event, "data");

    if (strcmp(type, "key") == 0) {
        uint16_t key = key_of(json_object_get(data, "key"), err);
        if (key)
            input_key(m, key, json_is_true(json_object_get(data, "down")));
        return key != 0;
    }
    if (strcmp(type, "btn") == 0)
        add_button(p, data);
    else
        add_axis(p, data, strcmp(type, "abs") == 0);
    return true;
}

static bool run_send_event(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    struct input *in = &ui_of(m)->input;
    struct pointing p = {.buttons = in->buttons, .x = in->x, .y = in->y};
    json_t *event;
    size_t i;

    if (!machine_running(m))
        return error_set(err, "VM not running");
    if (json_array_size(call->arg[2].json) > EVENTS_MAX)
        return error_set(err, "at most %d events at once", EVENTS_MAX);
    json_array_foreach(call->arg[2].json, i, event)
        if (!add_event(m, &p, event, err))
            return false;
    if (p.placed) {
        in->x = p.x;
        in->y = p.y;
        input_position(m, p.x, p.y, p.dz);
    } else if (p.moved) {
        input_motion(m, p.dx, p.dy, p.dz);
    }
    input_buttons(m, p.buttons);
    return true;
}

/* ---- Pointers ----------------------------------------------------------------------------- */

static bool run_mice(struct command_call *call, GError **err)
{
    GPtrArray *sinks = ui_of(call->ctx->machine)->input.sinks;
    bool current = true;

    call->ret = json_array();
    for (unsigned i = 0; i < sinks->len; i++) {
        const struct input_sink *s = sinks->pdata[i];

        if (!s->motion && !s->position)
            continue;
        json_array_append_new(call->ret,
                              json_pack("{s:s, s:i, s:b, s:b}", "name",
                                        s->name ? s->name : "pointer", "index", (int)i, "current",
                                        current, "absolute", s->position != NULL));
        current = false;
    }
    return true;
}

static void show_mice(json_t *ret, GString *out)
{
    json_t *row;
    size_t i;

    json_array_foreach(ret, i, row)
        g_string_append_printf(out, "%c Mouse #%d: %s%s\n",
                               json_is_true(json_object_get(row, "current")) ? '*' : ' ',
                               (int)json_integer_value(json_object_get(row, "index")),
                               json_string_value(json_object_get(row, "name")),
                               json_is_true(json_object_get(row, "absolute")) ? " (absolute)"
                                                                              : "");
}

static bool run_mouse_set(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    GPtrArray *sinks = ui_of(m)->input.sinks;
    int64_t n = call->arg[0].num;
    const struct input_sink *s = n >= 0 && n < sinks->len ? sinks->pdata[n] : NULL;

    if (!s || (!s->motion && !s->position))
        return error_set(err, "there is no mouse %d ('info mice' lists them)", (int)n);
    input_prefer(m, s->dev);
    return true;
}

const struct command input_commands[] = {
    {.qmp = "send-key", .run = run_send_key,
     .args = {{"keys", ARG_JSON, false, "[KeyValue]"}, {"hold-time", ARG_INT, true}},
     .help = "press keys together and release them"},
    {.qmp = "input-send-event", .run = run_send_event,
     .args = {{"device", ARG_WORD, true}, {"head", ARG_INT, true},
              {"events", ARG_JSON, false, "[InputEvent]"}},
     .help = "keys and motion, as they would come from a window"},
    {.qmp = "query-mice", .info = "mice", .returns = "[MouseInfo]", .run = run_mice,
     .show = show_mice, .help = "pointers; '*' is the one that moves"},
    {.name = "mouse_set", .args = {{"index", ARG_INT}}, .run = run_mouse_set,
     .help = "move this pointer from now on"},
    {0}};
