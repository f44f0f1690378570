/* SPDX-License-Identifier: MIT */
/* Descriptors that a client passes along with its bytes. */
#include <string.h>
#include <unistd.h>

#include "chardev/chardev.h"
#include "core/fds.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

static int passed(struct command_call *call, GError **err)
{
    int fd = call->ctx->chr ? chr_take_fd(call->ctx->chr) : -1;

    if (fd < 0)
        error_set(err, "No file descriptor supplied via SCM_RIGHTS");
    return fd;
}

static bool run_getfd(struct command_call *call, GError **err)
{
    const char *name = call->arg[0].text;
    int fd = passed(call, err);

    if (fd < 0)
        return false;
    if (g_ascii_isdigit(*name)) {
        close(fd);
        return error_set(err, "Parameter 'fdname' expects a name not starting with a digit");
    }
    machine_add_fd(call->ctx->machine, name, fd);
    return true;
}

static bool run_closefd(struct command_call *call, GError **err)
{
    int fd = machine_take_fd(call->ctx->machine, call->arg[0].text);

    if (fd < 0)
        return error_set(err, "File descriptor named '%s' not found", call->arg[0].text);
    close(fd);
    return true;
}

/* A connection that was made elsewhere, for a socket that waits for one. */
static bool run_add_client(struct command_call *call, GError **err)
{
    const char *id = call->arg[0].text, *name = call->arg[1].text;
    struct chardev *chr = chardev_find(call->ctx->machine, id);

    if (call->arg[2].on || call->arg[3].on)
        return error_set(err, "a character device has neither authentication nor TLS");
    int fd = machine_take_fd(call->ctx->machine, name);
    if (fd < 0)
        return error_set(err, "File descriptor named '%s' not found", name);
    if (!chr)
        error_set(err, "protocol '%s' is invalid", id);
    else if (chr_add_client(chr, fd, err))
        return true;
    close(fd);
    return false;
}

const struct command fd_commands[] = {
    {.name = "getfd", .qmp = "getfd", .args = {{"fdname", ARG_WORD}}, .run = run_getfd,
     .help = "give a name to the descriptor that was passed with this command"},
    {.name = "closefd", .qmp = "closefd", .args = {{"fdname", ARG_WORD}}, .run = run_closefd,
     .help = "close a descriptor by its name"},
    {.qmp = "add_client", .run = run_add_client,
     .args = {{"protocol", ARG_WORD}, {"fdname", ARG_WORD}, {"skipauth", ARG_BOOL, true},
              {"tls", ARG_BOOL, true}},
     .help = "give a connection to a socket's character device, by its id"},
    {0}};
