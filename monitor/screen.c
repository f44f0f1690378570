/* SPDX-License-Identifier: MIT */
/* Commands for the screen, the keyboard and the pointer. */
#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "ui/console.h"
#include "ui/input.h"
#include "ui/keys.h"
#include "ui/screenshot.h"
#include "util/error.h"
#include "util/parse.h"

/* ---- screendump ------------------------------------------------------------------------- */

/* "-f png", or nothing. */
static bool parse_format(const char *text, enum screenshot_format *format, GError **err)
{
    static const char *const names[] = {"ppm", "png", NULL};
    int choice = SCREENSHOT_PPM;

    if (text) {
        if (!g_str_has_prefix(text, "-f"))
            return error_set(err, "'%s' is not understood; a format is given as -f png", text);
        g_autofree char *name = g_strstrip(g_strdup(text + 2));
        if (!parse_choice(name, names, &choice, err))
            return error_prefix(err, "-f");
    }
    *format = (enum screenshot_format)choice;
    return true;
}

static bool run_screendump(struct command_call *call, GError **err)
{
    struct console *c = console_get(call->ctx->machine, 0);
    enum screenshot_format format = SCREENSHOT_PPM;

    if (!parse_format(call->arg[1].text, &format, err))
        return error_prefix(err, "screendump");
    if (!c)
        return error_set(err, "screendump: there is no display adapter (-vga std has one)");
    console_refresh(c);
    return screenshot_write(&c->surface, call->arg[0].text, format, err) ||
           error_prefix(err, "screendump");
}

/* QMP's: the display is named by the id of its device, of which there is one. */
static bool run_screendump_qmp(struct command_call *call, GError **err)
{
    struct console *c = console_get(call->ctx->machine, 0);
    bool png = g_strcmp0(call->arg[3].text, "png") == 0;

    if (call->arg[2].given && !call->arg[1].given)
        return error_set(err, "'head' must be specified together with 'device'");
    if (call->arg[1].given && !device_find(call->ctx->machine, call->arg[1].text))
        return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found",
                               call->arg[1].text);
    if (call->arg[2].num != 0)
        return error_set(err, "there is no head %d of that display", (int)call->arg[2].num);
    if (!c)
        return error_set(err, "There is no console to take a screendump from");
    console_refresh(c);
    return screenshot_write(&c->surface, call->arg[0].text,
                            png ? SCREENSHOT_PNG : SCREENSHOT_PPM, err);
}

/* ---- Keys and pointer ------------------------------------------------------------------- */

enum { HOLD_MS = 100, HOLD_MAX_MS = 60 * 1000 };

static bool run_sendkey(struct command_call *call, GError **err)
{
    uint16_t keys[INPUT_SENDKEY_MAX];
    int64_t ms = call->arg[1].given ? call->arg[1].num : HOLD_MS;
    unsigned n = keys_parse(call->arg[0].text, keys, G_N_ELEMENTS(keys), err);

    if (!n)
        return error_prefix(err, "sendkey");
    if (ms < 0 || ms > HOLD_MAX_MS)
        return error_set(err, "sendkey: keys are held for 0 to %d ms", HOLD_MAX_MS);
    input_chord(call->ctx->machine, keys, n, ms * 1000000);
    return true;
}

static bool run_mouse_move(struct command_call *call, GError **err)
{
    int d[3] = {0};

    for (unsigned i = 0; i < 3; i++)
        if (call->arg[i].given)
            d[i] = (int)CLAMP(call->arg[i].num, -32768, 32767);
    input_motion(call->ctx->machine, d[0], d[1], d[2]);
    return true;
}

static bool run_mouse_button(struct command_call *call, GError **err)
{
    int64_t buttons = call->arg[0].num;

    if (buttons < 0 || buttons > 31)
        return error_set(err, "mouse_button: the sum of 1 left, 2 right, 4 middle, 8 and 16 side");
    input_buttons(call->ctx->machine, (unsigned)buttons);
    return true;
}

const struct command screen_commands[] = {
    {.name = "screendump", .args = {{"file", ARG_WORD}, {"-f ppm|png", ARG_REST, true}},
     .run = run_screendump, .help = "write a picture of the screen to a file"},
    {.qmp = "screendump", .run = run_screendump_qmp,
     .args = {{"filename", ARG_WORD}, {"device", ARG_WORD, true}, {"head", ARG_INT, true},
              {"format", ARG_WORD, true, "ImageFormat"}},
     .help = "write a picture of the screen to a file"},
    {.name = "sendkey", .args = {{"keys", ARG_WORD}, {"hold_ms", ARG_INT, true}},
     .run = run_sendkey, .help = "press keys together, like ctrl-alt-f1, and release them"},
    {.name = "mouse_move", .args = {{"dx", ARG_INT}, {"dy", ARG_INT}, {"dz", ARG_INT, true}},
     .run = run_mouse_move, .help = "move the mouse: right, down, wheel away from the user"},
    {.name = "mouse_button", .args = {{"buttons", ARG_INT}}, .run = run_mouse_button,
     .help = "hold these mouse buttons: 1 left, 2 right, 4 middle; 0 none"},
    {0}};
