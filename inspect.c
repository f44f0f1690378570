/* SPDX-License-Identifier: MIT */
/*
 * Registers, memory and instructions of a vCPU for the monitor. Each request runs in the
 * vCPU's own thread while it is out of guest mode.
 */
#include "inspect.h"

#include <string.h>

#include "accel/accel.h"
#include "accel/switch.h"
#include "core/machine.h"
#include "target/x86/decode.h"
#include "target/x86/dump.h"

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

const struct cpu_inspect x86_inspect = {
    .registers = registers,
    .register_value = register_value,
    .read_linear = read_linear,
    .disasm = disasm,
    .accel_switch = accel_switch,
    .accel_describe = accel_describe,
};
