/* SPDX-License-Identifier: MIT */
/*
 * Registers, memory and instructions of a vCPU for the monitor. Each request runs in the
 * vCPU's own thread while it is out of guest mode.
 */
#include "inspect.h"

#include <limits.h>
#include <string.h>

#include "accel/accel.h"
#include "accel/history.h"
#include "accel/switch.h"
#include "core/machine.h"
#include "target/x86/decode.h"
#include "target/x86/dump.h"
#include "target/x86/gdbregs.h"

struct request {
    struct x86_state st;
    uint64_t addr, gpa;
    bool mapped;
};

static void fetch_state(struct vcpu *v, void *arg)
{
    struct request *r = arg;

    vcpu_save(v, &r->st);
}

static void translate(struct vcpu *v, void *arg)
{
    struct request *r = arg;

    r->mapped = v->machine->accel->translate(v, r->addr, &r->gpa);
}

static void registers(struct vcpu *v, GString *out)
{
    struct request r = {0};

    vcpu_run_on(v, fetch_state, &r);
    x86_state_describe(&r.st, true, out);
}

static bool register_value(struct vcpu *v, const char *name, uint64_t *value)
{
    struct request r = {0};

    vcpu_run_on(v, fetch_state, &r);
    return x86_state_register(&r.st, name, value);
}

static bool read_linear(struct vcpu *v, uint64_t addr, void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len) {
        struct request r = {.addr = addr};
        size_t n = MIN(len, RAM_PAGE_SIZE - addr % RAM_PAGE_SIZE);

        vcpu_run_on(v, translate, &r);
        if (!r.mapped || !as_read(&v->machine->mem, r.gpa, to, n))
            return false;
        to += n;
        addr += n;
        len -= n;
    }
    return true;
}

/* ---- For gdb --------------------------------------------------------------------------- */

struct transfer {
    uint64_t addr;
    uint8_t *buf;
    size_t len, done;
    bool physical, store;
};

/* Memory that a guest cannot write can be written here. */
static bool store_piece(struct machine *m, uint64_t gpa, const uint8_t *buf, size_t len)
{
    const struct region_section *s = as_lookup(&m->mem, gpa);

    if (!s || !s->ram || !s->readonly || gpa - s->base + len > s->size)
        return as_write(&m->mem, gpa, buf, len);
    memcpy(s->ram->host + s->ram_offset + (gpa - s->base), buf, len);
    ram_note_write(s->ram, s->ram_offset + (gpa - s->base), len);
    return true;
}

static void move_pages(struct vcpu *v, void *arg)
{
    struct transfer *t = arg;
    struct machine *m = v->machine;

    while (t->done < t->len) {
        uint64_t at = t->addr + t->done, gpa = at;
        size_t n = MIN(t->len - t->done, RAM_PAGE_SIZE - at % RAM_PAGE_SIZE);

        if (!t->physical && !m->accel->translate(v, at, &gpa))
            return;
        if (!(t->store ? store_piece(m, gpa, t->buf + t->done, n)
                       : as_read(&m->mem, gpa, t->buf + t->done, n)))
            return;
        t->done += n;
    }
}

static size_t access_memory(struct vcpu *v, uint64_t addr, bool physical, void *buf, size_t len,
                            bool store)
{
    struct transfer t = {addr, buf, len, 0, physical, store};

    vcpu_run_on(v, move_pages, &t);
    return t.done;
}

static bool is_halted(struct vcpu *v)
{
    struct request r = {0};

    vcpu_run_on(v, fetch_state, &r);
    return r.st.mp_state != MP_RUNNABLE;
}

static void gdb_read(struct vcpu *v, GByteArray *out)
{
    struct request r = {0};
    uint8_t value[X86_GDB_REG_MAX];

    vcpu_run_on(v, fetch_state, &r);
    for (unsigned n = 0; n < x86_gdb_count(); n++) {
        x86_gdb_get(&r.st, n, value);
        g_byte_array_append(out, value, x86_gdb_size(n));
    }
}

static bool gdb_write(struct vcpu *v, unsigned first, unsigned count, const uint8_t *buf,
                      GError **err)
{
    struct request r = {0};
    bool changed = false;

    vcpu_run_on(v, fetch_state, &r);
    for (unsigned n = first; n < first + count; buf += x86_gdb_size(n++)) {
        uint8_t value[X86_GDB_REG_MAX] = {0}, now[X86_GDB_REG_MAX];

        memcpy(value, buf, x86_gdb_size(n));
        x86_gdb_get(&r.st, n, now);
        if (memcmp(value, now, sizeof(now)) == 0)
            continue;
        x86_gdb_set(&r.st, n, value);
        changed = true;
    }
    if (changed && !x86_state_check(&r.st, err))
        return false;
    if (changed)
        vcpu_load(v, &r.st);
    return true;
}

static unsigned debug_points(struct machine *m)
{
    if (!m->accel->debug)
        return 0;
    return m->accel->debug_points ? m->accel->debug_points : UINT_MAX;
}

/* ---------------------------------------------------------------------------------------- */

static enum x86_mode code_mode(const struct x86_state *st)
{
    uint16_t attr = st->seg[S_CS].attr;

    if ((st->msr.efer & EFER_LMA) && (attr & SEG_L))
        return X86_MODE_64;
    return attr & SEG_DB ? X86_MODE_32 : X86_MODE_16;
}

static size_t disasm(struct vcpu *v, const uint8_t *bytes, size_t avail, uint64_t addr, char *text,
                     size_t size)
{
    struct request r = {0};
    struct x86_insn insn;

    vcpu_run_on(v, fetch_state, &r);
    if (x86_decode(bytes, avail, code_mode(&r.st), &insn) == DECODE_OK) {
        x86_disasm(&insn, addr, text, size);
        return insn.len;
    }
    g_snprintf(text, size, "(bad) %02x", bytes[0]);
    return 1;
}

static void pages(struct vcpu *v, bool ranges, GString *out)
{
    struct request r = {0};

    vcpu_run_on(v, fetch_state, &r);
    inspect_pages(v->machine, &r.st, ranges, out);
}

const struct cpu_inspect x86_inspect = {
    .registers = registers,
    .register_value = register_value,
    .read_linear = read_linear,
    .disasm = disasm,
    .pages = pages,
    .access = access_memory,
    .is_halted = is_halted,
    .gdb_size = x86_gdb_size,
    .gdb_description = x86_gdb_description,
    .gdb_read = gdb_read,
    .gdb_write = gdb_write,
    .debug_points = debug_points,
    .history_begin = history_begin,
    .history_end = history_end,
    .history_back = history_back,
    .history_limit_text = history_limit_text,
    .accel_switch = accel_switch,
    .accel_describe = accel_describe,
};
