/* SPDX-License-Identifier: MIT */
/* Queries that chips and back ends answer, if there are any (machine_add_query()). */
#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

/* The machine's answer, or this. */
static bool answer(struct command_call *call, const char *name, json_t *nobody, GError **err)
{
    GError *failed = NULL;

    call->ret = machine_query(call->ctx->machine, name, call->args, &failed);
    if (call->ret || failed) {
        json_decref(nobody);
        if (failed)
            g_propagate_error(err, failed);
        return call->ret != NULL;
    }
    call->ret = nobody;
    return true;
}

static bool run_pci(struct command_call *call, GError **err)
{
    return answer(call, "query-pci", json_array(), err);
}

static json_int_t number(json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void show_function(json_t *f, GString *out)
{
    json_t *id = json_object_get(f, "id"), *class = json_object_get(f, "class_info"), *bar;
    const char *desc = json_string_value(json_object_get(class, "desc"));
    const char *name = json_string_value(json_object_get(f, "qdev_id"));
    size_t i;

    g_string_append_printf(out, "  Bus %2d, device %3d, function %d:\n", (int)number(f, "bus"),
                           (int)number(f, "slot"), (int)number(f, "function"));
    if (desc)
        g_string_append_printf(out, "    %s", desc);
    else
        g_string_append_printf(out, "    Class %04x", (unsigned)number(class, "class"));
    g_string_append_printf(out, ": PCI device %04x:%04x\n", (unsigned)number(id, "vendor"),
                           (unsigned)number(id, "device"));
    if (number(f, "irq_pin"))
        g_string_append_printf(out, "      IRQ %d, pin %c\n", (int)number(f, "irq"),
                               (int)('A' + number(f, "irq_pin") - 1));
    json_array_foreach(json_object_get(f, "regions"), i, bar) {
        uint64_t at = (uint64_t)number(bar, "address");

        g_string_append_printf(out, "      BAR%d: %s at 0x%08" G_GINT64_MODIFIER
                                    "x [0x%08" G_GINT64_MODIFIER "x].\n",
                               (int)number(bar, "bar"),
                               json_string_value(json_object_get(bar, "type")), at,
                               at + (uint64_t)number(bar, "size") - 1);
    }
    g_string_append_printf(out, "      id \"%s\"\n", name);
    json_array_foreach(json_object_get(json_object_get(f, "pci_bridge"), "devices"), i, bar)
        show_function(bar, out);
}

static void show_pci(json_t *ret, GString *out)
{
    json_t *bus, *f;
    size_t i, k;

    json_array_foreach(ret, i, bus)
        json_array_foreach(json_object_get(bus, "devices"), k, f)
            show_function(f, out);
}

static bool run_rx_filter(struct command_call *call, GError **err)
{
    return answer(call, "query-rx-filter", json_array(), err);
}

static bool run_none(struct command_call *call, GError **err)
{
    call->ret = json_array();
    return true;
}

static bool no_balloon(GError **err)
{
    return error_set_class(err, ERROR_DEVICE_NOT_ACTIVE,
                           "No balloon device has been activated");
}

static bool run_balloon(struct command_call *call, const char *what, GError **err)
{
    GError *failed = NULL;

    call->ret = machine_query(call->ctx->machine, what, call->args, &failed);
    if (call->ret)
        return true;
    if (!failed)
        return no_balloon(err);
    g_propagate_error(err, failed);
    return false;
}

static bool run_query_balloon(struct command_call *call, GError **err)
{
    return run_balloon(call, "query-balloon", err);
}

static bool run_set_balloon(struct command_call *call, GError **err)
{
    return run_balloon(call, "balloon", err);
}

static bool run_wakeup(struct command_call *call, GError **err)
{
    return error_set(err, "Unable to wake up: guest is not in suspended state");
}

const struct command answer_commands[] = {
    {.qmp = "query-pci", .info = "pci", .returns = "[PciInfo]", .run = run_pci, .show = show_pci,
     .help = "PCI functions and their BARs"},
    {.qmp = "query-rx-filter", .returns = "[any]", .args = {{"name", ARG_WORD, true}},
     .run = run_rx_filter, .help = "what network cards receive"},
    {.qmp = "query-balloon", .info = "balloon", .returns = "BalloonInfo",
     .run = run_query_balloon, .help = "how much memory the guest has left to it"},
    {.qmp = "balloon", .args = {{"value", ARG_INT}}, .run = run_set_balloon,
     .help = "ask the guest to do with so much memory, in bytes"},
    {.name = "system_wakeup", .qmp = "system_wakeup", .run = run_wakeup,
     .help = "wake the guest from S3"},
    {.qmp = "query-tpm", .returns = "[any]", .run = run_none, .help = "TPMs: there are none"},
    {.qmp = "query-tpm-models", .returns = "[str]", .run = run_none,
     .help = "TPM models: there are none"},
    {.qmp = "query-tpm-types", .returns = "[str]", .run = run_none,
     .help = "TPM back ends: there are none"},
    {.qmp = "query-acpi-ospm-status", .returns = "[any]", .run = run_none,
     .help = "memory that was plugged in, as the guest sees it: there is none"},
    {0}};
