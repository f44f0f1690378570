/* SPDX-License-Identifier: MIT */
/* Looking at memory: x (linear), xp (guest-physical), print. Output as QEMU's monitor has it. */
#include <inttypes.h>
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

#define MAX_BYTES 65536 /* shown by one command */
#define MAX_INSN  15    /* bytes of an instruction */

static void format_char(GString *out, uint8_t c)
{
    switch (c) {
    case '\'': g_string_append(out, "'\\''"); break;
    case '\\': g_string_append(out, "'\\\\'"); break;
    case '\n': g_string_append(out, "'\\n'"); break;
    case '\r': g_string_append(out, "'\\r'"); break;
    default:
        if (c >= 32 && c < 127)
            g_string_append_printf(out, "'%c'", c);
        else
            g_string_append_printf(out, "'\\x%02x'", c);
    }
}

/* One value of `size` bytes. */
static void format_value(GString *out, char format, unsigned size, uint64_t v)
{
    int64_t s = (int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size);

    switch (format) {
    case 'd': g_string_append_printf(out, "%" PRId64, s); break;
    case 'u': g_string_append_printf(out, "%" PRIu64, v); break;
    case 'o': g_string_append_printf(out, "%#" PRIo64, v); break;
    case 'c': format_char(out, v); break;
    default: g_string_append_printf(out, "0x%0*" PRIx64, (int)size * 2, v);
    }
}

/* ---- x, xp --------------------------------------------------------------------------- */

struct view {
    struct command_context *ctx;
    bool physical;
};

static bool view_read(const struct view *w, uint64_t addr, void *buf, size_t len)
{
    struct machine *m = w->ctx->machine;

    if (w->physical)
        return as_read(&m->mem, addr, buf, len);
    return m->inspect && w->ctx->vcpu && m->inspect->read_linear(w->ctx->vcpu, addr, buf, len);
}

static bool cannot_read(uint64_t addr, GError **err)
{
    return error_set(err, "cannot access memory at 0x%" PRIx64, addr);
}

static bool show_values(const struct view *w, uint64_t addr, const struct command_format *f,
                        GString *out, GError **err)
{
    unsigned per_line = f->size == 1 ? 8 : 16 / f->size;

    for (unsigned i = 0; i < f->count; i++, addr += f->size) {
        uint64_t v = 0; /* little-endian host */

        if (i % per_line == 0)
            g_string_append_printf(out, "%s%016" PRIx64 ":", i ? "\n" : "", addr);
        if (!view_read(w, addr, &v, f->size)) {
            g_string_append_c(out, '\n');
            return cannot_read(addr, err);
        }
        g_string_append_c(out, ' ');
        format_value(out, f->format, f->size, v);
    }
    g_string_append_c(out, '\n');
    return true;
}

/* As many of the next bytes as can be read: an instruction may end before a hole. */
static size_t fetch(const struct view *w, uint64_t addr, uint8_t *bytes)
{
    size_t n = 0;

    while (n < MAX_INSN && view_read(w, addr + n, bytes + n, 1))
        n++;
    return n;
}

static bool show_code(const struct view *w, uint64_t addr, unsigned count, GString *out,
                      GError **err)
{
    const struct cpu_inspect *inspect = w->ctx->machine->inspect;

    if (!inspect || !w->ctx->vcpu)
        return error_set(err, "there is no CPU to take instructions for");
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[MAX_INSN];
        char text[128];
        size_t avail = fetch(w, addr, bytes);

        if (!avail)
            return cannot_read(addr, err);
        size_t len = inspect->disasm(w->ctx->vcpu, bytes, avail, addr, text, sizeof(text));
        g_string_append_printf(out, "0x%08" PRIx64 ":  %s\n", addr, text);
        addr += MAX(len, 1);
    }
    return true;
}

static bool examine(struct command_call *call, bool physical, GError **err)
{
    struct command_format f = call->arg[0].format;
    struct view w = {call->ctx, physical};
    uint64_t addr = (uint64_t)call->arg[1].num;

    f.format = f.format ? f.format : 'x';
    f.size = f.format == 'c' ? 1 : f.size ? f.size : 4;
    if (f.count > MAX_BYTES / f.size)
        return error_set(err, "at most %d bytes are shown at once", MAX_BYTES);
    if (f.format == 'i')
        return show_code(&w, addr, f.count, call->out, err);
    return show_values(&w, addr, &f, call->out, err);
}

static bool run_x(struct command_call *call, GError **err)
{
    return examine(call, false, err);
}

static bool run_xp(struct command_call *call, GError **err)
{
    return examine(call, true, err);
}

static bool run_print(struct command_call *call, GError **err)
{
    uint64_t v = (uint64_t)call->arg[1].num;

    switch (call->arg[0].format.format) {
    case 'i': return error_set(err, "a value is not an instruction; 'x/i' shows memory");
    case 'd': case 'u': case 'o': case 'c':
        format_value(call->out, call->arg[0].format.format, 8, v);
        break;
    default: g_string_append_printf(call->out, "%#" PRIx64, v);
    }
    g_string_append_c(call->out, '\n');
    return true;
}

const struct command memory_commands[] = {
    {.name = "print", .alias = "p",
     .args = {{"format", ARG_FORMAT, true}, {"expression", ARG_INT}}, .run = run_print,
     .help = "show the value of an expression; $NAME is a register"},
    {.name = "x", .args = {{"format", ARG_FORMAT, true}, {"address", ARG_INT}}, .run = run_x,
     .help = "show memory at a linear address; format x d u o c i, size b h w g"},
    {.name = "xp", .args = {{"format", ARG_FORMAT, true}, {"address", ARG_INT}}, .run = run_xp,
     .help = "show memory at a guest-physical address"},
    {0}};
