/* SPDX-License-Identifier: MIT */
/* Networks: links, back ends that come and go, forwarded ports. */
#include <jansson.h>
#include <string.h>

#include "monitor/command.h"
#include "monitor/tables.h"
#include "net/netdev.h"
#include "util/error.h"

static bool run_set_link(struct command_call *call, GError **err)
{
    return net_set_link(call->ctx->machine, call->arg[0].text, call->arg[1].on, err);
}

static bool run_netdev_add(struct command_call *call, GError **err)
{
    g_autofree char *text = json_dumps(call->args, JSON_COMPACT);

    return netdev_add_from_text(call->ctx->machine, text, err);
}

static bool run_netdev_add_text(struct command_call *call, GError **err)
{
    return netdev_add_from_text(call->ctx->machine, call->arg[0].text, err);
}

static bool run_netdev_del(struct command_call *call, GError **err)
{
    return netdev_del(call->ctx->machine, call->arg[0].text, err);
}

/* [ID] RULE */
static void two_words(const struct command_call *call, const char **id, const char **rule)
{
    const struct command_value *a = call->arg;

    *id = a[1].given ? a[0].text : NULL;
    *rule = a[1].given ? a[1].text : a[0].text;
}

static bool run_hostfwd_add(struct command_call *call, GError **err)
{
    const char *id, *rule;

    two_words(call, &id, &rule);
    return net_hostfwd_add(call->ctx->machine, id, rule, err);
}

static bool run_hostfwd_remove(struct command_call *call, GError **err)
{
    const char *id, *rule;

    two_words(call, &id, &rule);
    return net_hostfwd_remove(call->ctx->machine, id, rule, err);
}

const struct command network_commands[] = {
    {.name = "set_link", .qmp = "set_link", .args = {{"name", ARG_WORD}, {"up", ARG_BOOL}},
     .run = run_set_link, .help = "plug or unplug the cable of a card or network"},
    {.qmp = "netdev_add", .loose = true, .run = run_netdev_add,
     .args = {{"type", ARG_WORD}, {"id", ARG_WORD}}, .help = "make a network"},
    {.name = "netdev_add", .args = {{"netdev", ARG_REST}}, .run = run_netdev_add_text,
     .help = "make a network, from the text of a -netdev option"},
    {.name = "netdev_del", .qmp = "netdev_del", .args = {{"id", ARG_WORD}},
     .run = run_netdev_del, .help = "remove a network; its card's cable hangs loose"},
    {.name = "hostfwd_add", .args = {{"id-or-rule", ARG_WORD}, {"rule", ARG_WORD, true}},
     .run = run_hostfwd_add,
     .help = "lead a port into the guest: [ID] [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:PORT"},
    {.name = "hostfwd_remove", .args = {{"id-or-rule", ARG_WORD}, {"rule", ARG_WORD, true}},
     .run = run_hostfwd_remove, .help = "no longer: [ID] [tcp|udp]:[HOSTADDR]:HOSTPORT"},
    {0}};
