/* SPDX-License-Identifier: MIT */
/*
 * Packets that begin with q and Q: what the server can do, tables for gdb, `monitor` commands.
 * GDB manual, appendix E.4 (general query packets); the names with "qemu" are QEMU's
 * (its manual, "GDB usage").
 */
#include <errno.h>
#include <string.h>

#include "core/inspect.h"
#include "monitor/gdb_int.h"

#define CRC_MAX            (64u << 20)
#define COMMAND_OUTPUT_MAX (1 << 20)

static void supported(struct gdb *g, const char *args)
{
    g->says_swbreak = strstr(args, "swbreak+") != NULL;
    g->says_hwbreak = strstr(args, "hwbreak+") != NULL;
    g_autofree char *text = g_strdup_printf(
        "PacketSize=%x;qXfer:features:read+;qXfer:threads:read+;QStartNoAckMode+;vContSupported+"
        ";swbreak+;hwbreak+%s",
        GDB_PACKET_MAX, g->machine->history ? ";ReverseStep+;ReverseContinue+" : "");
    gdb_reply(g, text);
}

static void no_ack_mode(struct gdb *g, const char *args)
{
    gdb_reply(g, "OK");
    g->no_ack = true;
}

/* ---- Tables -------------------------------------------------------------------------------- */

/* "OFFSET,LENGTH" of a text. */
static void reply_part(struct gdb *g, const char *text, const char *args)
{
    uint64_t offset, len;
    size_t size = strlen(text);

    if (!gdb_number(&args, &offset) || *args++ != ',' || !gdb_number(&args, &len) || *args) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    offset = MIN(offset, size);
    len = MIN(MIN(len, size - offset), GDB_PACKET_MAX / 2 - 8);
    g_autoptr(GString) out = g_string_new(offset + len < size ? "m" : "l");
    g_string_append_len(out, text + offset, len);
    gdb_reply_bytes(g, out->str, out->len);
}

static void features(struct gdb *g, const char *args)
{
    if (!g->description)
        g->description = g->machine->inspect->gdb_description();
    reply_part(g, g->description, args);
}

static char *describe_cpu(struct gdb *g, unsigned n)
{
    return g_strdup_printf("CPU#%u [%s]", n,
                           g->machine->inspect->is_halted(gdb_cpu(g, n)) ? "halted" : "running");
}

static void threads(struct gdb *g, const char *args)
{
    g_autoptr(GString) xml = g_string_new("<?xml version=\"1.0\"?>\n<threads>\n");

    for (unsigned n = 0; n < g->machine->vcpus->len; n++) {
        g_autofree char *text = describe_cpu(g, n);

        g_string_append_printf(xml, "<thread id=\"%x\" core=\"%u\">%s</thread>\n", n + 1, n, text);
    }
    g_string_append(xml, "</threads>\n");
    reply_part(g, xml->str, args);
}

static void thread_list(struct gdb *g, const char *args)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (unsigned n = 0; n < g->machine->vcpus->len; n++)
        g_string_append_printf(out, "%c%02x", n ? ',' : 'm', n + 1);
    gdb_reply(g, out->str);
}

static void thread_list_end(struct gdb *g, const char *args)
{
    gdb_reply(g, "l");
}

static void thread_info(struct gdb *g, const char *args)
{
    int cpu;

    if (!gdb_thread(g, &args, &cpu) || cpu < 0) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g_autofree char *text = describe_cpu(g, (unsigned)cpu);
    g_autoptr(GString) out = g_string_new(NULL);
    gdb_hex(out, text, strlen(text));
    gdb_reply(g, out->str);
}

static void current_thread(struct gdb *g, const char *args)
{
    g_autofree char *text = g_strdup_printf("QC%02x", g->g_cpu + 1);

    gdb_reply(g, text);
}

/* The machine was there before gdb, and stays when gdb goes. */
static void attached(struct gdb *g, const char *args)
{
    gdb_reply(g, "1");
}

/* ---- Memory -------------------------------------------------------------------------------- */

static uint32_t crc_of(const uint8_t *buf, size_t len, uint32_t crc)
{
    while (len--) {
        crc ^= (uint32_t)*buf++ << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
    }
    return crc;
}

/* ADDR,LENGTH: what `compare-sections` wants. */
static void crc(struct gdb *g, const char *args)
{
    uint8_t buf[4096];
    uint64_t addr, len;
    uint32_t sum = UINT32_MAX;

    if (!gdb_number(&args, &addr) || *args++ != ',' || !gdb_number(&args, &len) || *args ||
        len > CRC_MAX) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    for (size_t n; len; len -= n, addr += n) {
        n = MIN(len, sizeof(buf));
        if (g->machine->inspect->access(gdb_cpu(g, g->g_cpu), addr, g->physical, buf, n, false) !=
            n) {
            gdb_reply_error(g, EFAULT);
            return;
        }
        sum = crc_of(buf, n, sum);
    }
    g_autofree char *text = g_strdup_printf("C%08x", sum);
    gdb_reply(g, text);
}

static void is_physical(struct gdb *g, const char *args)
{
    gdb_reply(g, g->physical ? "1" : "0");
}

static void set_physical(struct gdb *g, const char *args)
{
    if (strcmp(args, "0") != 0 && strcmp(args, "1") != 0) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g->physical = *args == '1';
    gdb_reply(g, "OK");
}

/* ---- What a step is ------------------------------------------------------------------------ */

static void step_bits(struct gdb *g, const char *args)
{
    g_autofree char *text = g_strdup_printf("ENABLE=%x,NOIRQ=%x", SSTEP_ENABLE, SSTEP_NOIRQ);

    gdb_reply(g, text);
}

static void get_step(struct gdb *g, const char *args)
{
    g_autofree char *text = g_strdup_printf("0x%x", g->sstep);

    gdb_reply(g, text);
}

static void set_step(struct gdb *g, const char *args)
{
    uint64_t bits;

    gdb_skip(args, "0x", &args);
    if (!gdb_number(&args, &bits) || *args || (bits & ~(uint64_t)(SSTEP_ENABLE | SSTEP_NOIRQ))) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g->sstep = (unsigned)bits;
    gdb_reply(g, "OK");
}

/* ---- monitor COMMAND ----------------------------------------------------------------------- */

static void print(struct gdb *g, const GString *text)
{
    size_t len = MIN(text->len, COMMAND_OUTPUT_MAX), piece = GDB_PACKET_MAX / 4;

    for (size_t at = 0; at < len; at += piece) {
        g_autoptr(GString) out = g_string_new("O");

        gdb_hex(out, text->str + at, MIN(piece, len - at));
        gdb_reply_bytes(g, out->str, out->len);
    }
}

static void monitor_command(struct gdb *g, const char *args)
{
    size_t len = strlen(args) / 2;
    g_autofree char *line = g_malloc0(len + 1);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) err = NULL;

    if (!gdb_unhex(args, strlen(args), (uint8_t *)line, len)) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g->ctx.vcpu = gdb_cpu(g, g->g_cpu);
    machine_outside(g->machine, "there was a monitor command", false);
    g->in_command = true;
    if (!command_run(&g->ctx, line, out, &err))
        g_string_append_printf(out, "Error: %s\n", err->message);
    g->in_command = false;
    print(g, out);
    gdb_reply(g, "OK");
}

/* -------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    void (*fn)(struct gdb *g, const char *args);
} queries[] = {
    {"qSupported", supported},
    {"QStartNoAckMode", no_ack_mode},
    {"qXfer:features:read:target.xml:", features},
    {"qXfer:threads:read::", threads},
    {"qfThreadInfo", thread_list},
    {"qsThreadInfo", thread_list_end},
    {"qThreadExtraInfo,", thread_info},
    {"qCRC:", crc},
    {"qC", current_thread},
    {"qAttached", attached},
    {"qRcmd,", monitor_command},
    {"qqemu.sstepbits", step_bits},
    {"qqemu.sstep", get_step},
    {"Qqemu.sstep=", set_step},
    {"qqemu.PhyMemMode", is_physical},
    {"Qqemu.PhyMemMode:", set_physical},
};

void gdb_query(struct gdb *g, const char *packet)
{
    const char *args;

    for (unsigned i = 0; i < G_N_ELEMENTS(queries); i++)
        if (gdb_skip(packet, queries[i].word, &args)) {
            queries[i].fn(g, args);
            return;
        }
    gdb_reply(g, "");
}
