/* SPDX-License-Identifier: MIT */
/* What kind of machine this is: its name, memory, CPUs' number. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"

static bool run_name(struct command_call *call, GError **err)
{
    const char *name = call->ctx->machine->config->name;

    call->ret = name ? json_pack("{s:s}", "name", name) : json_object();
    return true;
}

static void show_name(json_t *ret, GString *out)
{
    const char *name = json_string_value(json_object_get(ret, "name"));

    if (name)
        g_string_append_printf(out, "%s\n", name);
}

static bool run_uuid(struct command_call *call, GError **err)
{
    const char *uuid = call->ctx->machine->config->uuid;

    call->ret = json_pack("{s:s}", "UUID", uuid ? uuid : "00000000-0000-0000-0000-000000000000");
    return true;
}

static void show_uuid(json_t *ret, GString *out)
{
    g_string_append_printf(out, "%s\n", json_string_value(json_object_get(ret, "UUID")));
}

static bool run_memory_size(struct command_call *call, GError **err)
{
    call->ret = json_pack("{s:I, s:i}", "base-memory",
                          (json_int_t)call->ctx->machine->config->ram_size, "plugged-memory", 0);
    return true;
}

static bool run_memory_devices(struct command_call *call, GError **err)
{
    call->ret = json_array();
    return true;
}

static bool run_iothreads(struct command_call *call, GError **err)
{
    call->ret = json_array();
    return true;
}

static bool run_current_machine(struct command_call *call, GError **err)
{
    call->ret = json_pack("{s:b}", "wakeup-suspend-support", call->ctx->machine->board != NULL);
    return true;
}

static bool run_kvm(struct command_call *call, GError **err)
{
    const struct program_inspect *p = call->ctx->machine->program;
    bool present = false, enabled = false;

    if (p)
        p->kvm(call->ctx->machine, &present, &enabled);
    call->ret = json_pack("{s:b, s:b}", "enabled", enabled, "present", present);
    return true;
}

static void show_kvm(json_t *ret, GString *out)
{
    bool enabled = json_is_true(json_object_get(ret, "enabled"));
    bool present = json_is_true(json_object_get(ret, "present"));

    g_string_append_printf(out, "kvm support: %s\n",
                           enabled ? "enabled" : present ? "disabled" : "not available");
}

const struct command machine_commands[] = {
    {.qmp = "query-name", .info = "name", .returns = "NameInfo", .run = run_name,
     .show = show_name, .help = "the machine's name"},
    {.qmp = "query-uuid", .info = "uuid", .returns = "UuidInfo", .run = run_uuid,
     .show = show_uuid, .help = "the machine's UUID"},
    {.qmp = "query-kvm", .info = "kvm", .returns = "KvmInfo", .run = run_kvm, .show = show_kvm,
     .help = "whether there is KVM, and whether it runs the machine"},
    {.qmp = "query-memory-size-summary", .info = "memory_size_summary", .returns = "MemoryInfo",
     .run = run_memory_size, .help = "size of the memory, in bytes"},
    {.qmp = "query-memory-devices", .returns = "[any]", .run = run_memory_devices,
     .help = "memory that was plugged in: there is none"},
    {.qmp = "query-iothreads", .info = "iothreads", .returns = "[IOThreadInfo]",
     .run = run_iothreads, .help = "threads that -object iothread made: there are none"},
    {.qmp = "query-current-machine", .returns = "CurrentMachineParams",
     .run = run_current_machine, .help = "whether the guest can be woken from S3"},
    {0}};
