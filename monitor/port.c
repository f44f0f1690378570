/* SPDX-License-Identifier: MIT */
/* A look at ports and sums of memory, by hand; what is logged. */
#include <inttypes.h>
#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/log.h"

/* 1 byte unless the format says otherwise. */
static unsigned width(const struct command_value *format)
{
    return format->format.size ? MIN(format->format.size, 4) : 1;
}

static bool check_port(int64_t port, GError **err)
{
    return (port >= 0 && port <= 0xffff) ||
           error_set(err, "a port is a number from 0 to 0xffff");
}

static bool run_in(struct command_call *call, GError **err)
{
    unsigned size = width(&call->arg[0]);
    uint32_t v = 0;

    if (!check_port(call->arg[1].num, err))
        return false;
    as_read(&call->ctx->machine->io, (uint64_t)call->arg[1].num, &v, size);
    g_string_append_printf(call->out, "port%c[0x%04x] = 0x%0*" PRIx32 "\n",
                           size == 1 ? 'b' : size == 2 ? 'w' : 'l', (unsigned)call->arg[1].num,
                           (int)size * 2, v);
    return true;
}

static bool run_out(struct command_call *call, GError **err)
{
    uint32_t v = (uint32_t)call->arg[2].num;

    if (!check_port(call->arg[1].num, err))
        return false;
    as_write(&call->ctx->machine->io, (uint64_t)call->arg[1].num, &v, width(&call->arg[0]));
    return true;
}

/* The BSD checksum: rotate by one, add. */
static bool run_sum(struct command_call *call, GError **err)
{
    uint64_t at = (uint64_t)call->arg[0].num, end = at + (uint64_t)call->arg[1].num;
    uint16_t sum = 0;

    if (call->arg[1].num < 0 || call->arg[1].num > 1 << 30)
        return error_set(err, "sum: a size of 0 to 1 GiB is wanted");
    for (; at != end; at++) {
        uint8_t byte = 0xff;
        as_read(&call->ctx->machine->mem, at, &byte, 1);
        sum = (uint16_t)((sum >> 1 | sum << 15) + byte);
    }
    g_string_append_printf(call->out, "%05u\n", sum);
    return true;
}

static bool run_log(struct command_call *call, GError **err)
{
    struct log *log = &call->ctx->machine->log;
    uint32_t mask = 0;

    if (strcmp(call->arg[0].text, "help") == 0) {
        log_describe_channels(call->out);
        return true;
    }
    if (strcmp(call->arg[0].text, "none") != 0 && !log_parse_mask(call->arg[0].text, &mask, err))
        return false;
    log->mask = mask;
    return true;
}

static bool run_logfile(struct command_call *call, GError **err)
{
    return log_set_file(&call->ctx->machine->log, call->arg[0].text, err);
}

const struct command port_commands[] = {
    {.name = "i", .args = {{"format", ARG_FORMAT, true}, {"port", ARG_INT}}, .run = run_in,
     .help = "read a port; size b h w, as i/h"},
    {.name = "o", .args = {{"format", ARG_FORMAT, true}, {"port", ARG_INT}, {"value", ARG_INT}},
     .run = run_out, .help = "write to a port; size as in o/h"},
    {.name = "sum", .args = {{"address", ARG_INT}, {"size", ARG_INT}}, .run = run_sum,
     .help = "the BSD checksum of guest-physical memory"},
    {.name = "log", .args = {{"channels", ARG_WORD}}, .run = run_log,
     .help = "log these channels ('log help' lists them, 'none' ends it)"},
    {.name = "logfile", .args = {{"file", ARG_WORD}}, .run = run_logfile,
     .help = "log to this file"},
    {0}};
