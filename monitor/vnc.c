/* SPDX-License-Identifier: MIT */
/* Commands for VNC viewers. */
#include "ui/vnc.h"

#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/parse.h"

static bool is_vnc(const char *protocol, GError **err)
{
    return strcmp(protocol, "vnc") == 0 ||
           error_set(err, "'%s': only vnc has a password", protocol);
}

static bool run_set_password(struct command_call *call, GError **err)
{
    const char *connected = call->arg[2].text;

    if (connected && strcmp(connected, "keep") != 0)
        return error_set(err, "'keep' is what VNC can do with who is connected");
    return is_vnc(call->arg[0].text, err) &&
           vnc_set_password(call->ctx->machine, call->arg[1].text, err);
}

static bool run_change_password(struct command_call *call, GError **err)
{
    return vnc_set_password(call->ctx->machine, call->arg[0].text, err);
}

/* now, never, +SECONDS from now, or seconds since 1970. */
static bool parse_when(const char *text, int64_t *when, GError **err)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    uint64_t n = 0;

    if (strcmp(text, "never") == 0)
        *when = INT64_MAX;
    else if (strcmp(text, "now") == 0)
        *when = now;
    else if (!parse_uint(text[0] == '+' ? text + 1 : text, 0, INT64_MAX / 2, &n, err))
        return false;
    else
        *when = text[0] == '+' ? now + (int64_t)n : (int64_t)n;
    return true;
}

static bool run_expire_password(struct command_call *call, GError **err)
{
    int64_t when;

    return is_vnc(call->arg[0].text, err) && parse_when(call->arg[1].text, &when, err) &&
           vnc_expire_password(call->ctx->machine, when, err);
}

static bool run_query(struct command_call *call, GError **err)
{
    call->ret = vnc_query(call->ctx->machine);
    return true;
}

static bool run_query_servers(struct command_call *call, GError **err)
{
    call->ret = vnc_query_servers(call->ctx->machine);
    return true;
}

static bool run_info(struct command_call *call, GError **err)
{
    vnc_describe(call->ctx->machine, call->out);
    return true;
}

const struct command vnc_commands[] = {
    {.info = "vnc", .run = run_info, .help = "VNC servers and who looks"},
    {.qmp = "query-vnc", .returns = "VncInfo", .run = run_query,
     .help = "the VNC server and who looks"},
    {.qmp = "query-vnc-servers", .returns = "[VncInfo2]", .run = run_query_servers,
     .help = "VNC servers and who looks"},
    {.name = "set_password", .qmp = "set_password", .run = run_set_password,
     .args = {{"protocol", ARG_WORD, false, "DisplayProtocol"}, {"password", ARG_WORD},
              {"connected", ARG_WORD, true, "SetPasswordAction"}},
     .help = "what VNC viewers have to know from now on"},
    {.name = "expire_password", .qmp = "expire_password", .run = run_expire_password,
     .args = {{"protocol", ARG_WORD, false, "DisplayProtocol"}, {"time", ARG_WORD}},
     .help = "until when it is worth something: now, never, +SECONDS, or seconds since 1970"},
    {.qmp = "change-vnc-password", .args = {{"password", ARG_WORD}}, .run = run_change_password,
     .help = "what VNC viewers have to know from now on"},
    {0}};
