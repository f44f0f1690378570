/* SPDX-License-Identifier: MIT */
/*
 * The packets: a table from their first letters to functions, and those for registers, memory and
 * threads. GDB manual, appendix E.2.
 *
 * Threads are vCPUs, numbered from 1. Memory is what the chosen vCPU's page tables show at the
 * moment, or physical memory (Qqemu.PhyMemMode:1); what is ROM to the guest can be written.
 */
#include <errno.h>
#include <string.h>

#include "core/inspect.h"
#include "monitor/gdb_int.h"

bool gdb_skip(const char *packet, const char *word, const char **rest)
{
    size_t n = strlen(word);

    if (strncmp(packet, word, n) != 0)
        return false;
    *rest = packet + n;
    return true;
}

/* ---- Threads ------------------------------------------------------------------------------ */

bool gdb_thread(struct gdb *g, const char **p, int *cpu)
{
    uint64_t n;

    *cpu = -1;
    if (gdb_skip(*p, "-1", p))
        return true;
    if (!gdb_number(p, &n) || n > g->machine->vcpus->len)
        return false;
    if (n)
        *cpu = (int)n - 1;
    return true;
}

static void choose_thread(struct gdb *g, const char *args)
{
    char what = *args ? *args++ : 0;
    int cpu;

    if ((what != 'g' && what != 'c') || !gdb_thread(g, &args, &cpu) || *args) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    if (cpu >= 0)
        *(what == 'g' ? &g->g_cpu : &g->c_cpu) = (unsigned)cpu;
    gdb_reply(g, "OK");
}

static void thread_alive(struct gdb *g, const char *args)
{
    int cpu;

    if (gdb_thread(g, &args, &cpu) && cpu >= 0 && !*args)
        gdb_reply(g, "OK");
    else
        gdb_reply_error(g, EINVAL);
}

/* Comes first on a connection: what an earlier one left is gone. */
static void why_stopped(struct gdb *g, const char *args)
{
    gdb_forget_points(g);
    for (unsigned i = 0; i < g->machine->vcpus->len; i++)
        gdb_cpu(g, i)->debug.why = DEBUG_NO;
    g_autofree char *text = g_strdup_printf("T05thread:%02x;", g->c_cpu + 1);
    gdb_reply(g, text);
}

/* ---- Registers ---------------------------------------------------------------------------- */

static GByteArray *read_registers(struct gdb *g)
{
    GByteArray *all = g_byte_array_new();

    g->machine->inspect->gdb_read(gdb_cpu(g, g->g_cpu), all);
    return all;
}

static void reply_hex(struct gdb *g, const void *bytes, size_t len)
{
    g_autoptr(GString) text = g_string_sized_new(2 * len);

    gdb_hex(text, bytes, len);
    gdb_reply_bytes(g, text->str, text->len);
}

static void get_registers(struct gdb *g, const char *args)
{
    g_autoptr(GByteArray) all = read_registers(g);

    reply_hex(g, all->data, all->len);
}

/* Where register n begins among all; false: there is none. */
static bool register_at(const struct gdb *g, uint64_t n, unsigned *offset)
{
    const struct cpu_inspect *cpu = g->machine->inspect;

    *offset = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!cpu->gdb_size(i))
            return false;
        *offset += cpu->gdb_size(i);
    }
    return cpu->gdb_size((unsigned)n) != 0;
}

static void get_register(struct gdb *g, const char *args)
{
    uint64_t n;
    unsigned offset;

    if (!gdb_number(&args, &n) || *args || n > UINT16_MAX || !register_at(g, n, &offset)) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g_autoptr(GByteArray) all = read_registers(g);
    reply_hex(g, all->data + offset, g->machine->inspect->gdb_size((unsigned)n));
}

/* `count` registers from `first` on; digits has their values. */
static void store_registers(struct gdb *g, unsigned first, unsigned count, const char *digits,
                            unsigned bytes)
{
    g_autofree uint8_t *values = g_malloc(bytes);
    g_autoptr(GError) err = NULL;

    machine_outside(g->machine, "gdb wrote to a register", false);
    if (!gdb_unhex(digits, strlen(digits), values, bytes))
        gdb_reply_error(g, EINVAL);
    else if (g->machine->inspect->gdb_write(gdb_cpu(g, g->g_cpu), first, count, values, &err))
        gdb_reply(g, "OK");
    else
        gdb_reply_failure(g, err->message);
}

static void set_registers(struct gdb *g, const char *args)
{
    unsigned count = 0, bytes = 0, digits = (unsigned)MIN(strlen(args), GDB_PACKET_MAX), size;

    while ((size = g->machine->inspect->gdb_size(count)) && 2 * (bytes + size) <= digits) {
        bytes += size;
        count++;
    }
    store_registers(g, 0, count, args, bytes);
}

static void set_register(struct gdb *g, const char *args)
{
    uint64_t n;
    unsigned offset;

    if (!gdb_number(&args, &n) || *args++ != '=' || n > UINT16_MAX || !register_at(g, n, &offset)) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    store_registers(g, (unsigned)n, 1, args, g->machine->inspect->gdb_size((unsigned)n));
}

/* ---- Memory ------------------------------------------------------------------------------- */

#define MEMORY_MAX ((GDB_PACKET_MAX - 64) / 2)

/* "ADDR,LENGTH" and then `end`. */
static bool parse_range(const char **p, uint64_t *addr, uint64_t *len, char end)
{
    return gdb_number(p, addr) && *(*p)++ == ',' && gdb_number(p, len) && **p == end;
}

static void read_memory(struct gdb *g, const char *args)
{
    uint64_t addr, len;

    if (!parse_range(&args, &addr, &len, 0)) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    len = MIN(len, MEMORY_MAX);
    g_autofree uint8_t *buf = g_malloc(len + 1);
    size_t n =
        g->machine->inspect->access(gdb_cpu(g, g->g_cpu), addr, g->physical, buf, len, false);
    if (!n && len)
        gdb_reply_error(g, EFAULT);
    else
        reply_hex(g, buf, n);
}

static void store_memory(struct gdb *g, uint64_t addr, void *buf, size_t len)
{
    size_t n = g->machine->inspect->access(gdb_cpu(g, g->g_cpu), addr, g->physical, buf, len, true);
    machine_outside(g->machine, "gdb wrote to memory", false);
    if (n == len)
        gdb_reply(g, "OK");
    else
        gdb_reply_error(g, EFAULT);
}

static void write_memory(struct gdb *g, const char *args)
{
    uint64_t addr, len;

    if (!parse_range(&args, &addr, &len, ':') || len > MEMORY_MAX) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g_autofree uint8_t *buf = g_malloc(len + 1);
    if (gdb_unhex(args + 1, strlen(args + 1), buf, len))
        store_memory(g, addr, buf, len);
    else
        gdb_reply_error(g, EINVAL);
}

static void write_memory_binary(struct gdb *g, const char *args)
{
    const char *end = (const char *)g->parser.data->data + g->parser.data->len;
    uint64_t addr, len;

    if (!parse_range(&args, &addr, &len, ':') || len != (uint64_t)(end - (args + 1))) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g_autofree uint8_t *buf = g_memdup2(args + 1, len + 1);
    store_memory(g, addr, buf, len);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void detach(struct gdb *g, const char *args)
{
    gdb_detach(g);
}

static void back(struct gdb *g, const char *args)
{
    gdb_back(g, false);
}

static void back_step(struct gdb *g, const char *args)
{
    gdb_back(g, true);
}

static void kill_machine(struct gdb *g, const char *args)
{
    machine_request_exit(g->machine, 0, CAUSE_HOST_QUIT);
}

static void kill_politely(struct gdb *g, const char *args)
{
    gdb_reply(g, "OK");
    kill_machine(g, args);
}

static void query(struct gdb *g, const char *args)
{
    gdb_query(g, (const char *)g->parser.data->data);
}

static const struct {
    const char *word;
    void (*fn)(struct gdb *g, const char *args);
} packets[] = {
    {"?", why_stopped},
    {"g", get_registers},
    {"G", set_registers},
    {"p", get_register},
    {"P", set_register},
    {"m", read_memory},
    {"M", write_memory},
    {"X", write_memory_binary},
    {"H", choose_thread},
    {"T", thread_alive},
    {"Z", gdb_insert},
    {"z", gdb_remove},
    {"vCont", gdb_vcont},
    {"c", gdb_continue},
    {"C", gdb_continue_signal},
    {"s", gdb_step},
    {"S", gdb_step_signal},
    {"bc", back},
    {"bs", back_step},
    {"D", detach},
    {"k", kill_machine},
    {"vKill;", kill_politely},
    {"q", query},
    {"Q", query},
};

void gdb_handle(struct gdb *g, const char *packet, size_t len)
{
    const char *args;

    for (unsigned i = 0; len && i < G_N_ELEMENTS(packets); i++)
        if (gdb_skip(packet, packets[i].word, &args)) {
            packets[i].fn(g, args);
            return;
        }
    gdb_reply(g, ""); /* not known here */
}
