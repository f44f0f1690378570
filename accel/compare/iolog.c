/* SPDX-License-Identifier: MIT */
/*
 * The log of one step: all that side a's processor exchanged with the machine, in order. Side b
 * does the same again: its reads get a's answers, its writes must be a's.
 *
 * Accesses to the local APIC that are not by memory (CR8, MSRs) come through struct vcpu_apic. An
 * accelerator of hardware calls these when it likes; then, and between steps, they only look at
 * the machine's local APIC. Instructions that mean them are interpreted (insn.c).
 */
#include "accel/compare/compare.h"

#include <inttypes.h>
#include <string.h>

static const char *const kind_names[] = {
    [IO_MEM_READ] = "reads memory at",  [IO_MEM_WRITE] = "writes memory at",
    [IO_PORT_READ] = "reads port",      [IO_PORT_WRITE] = "writes port",
    [IO_GET_BASE] = "reads APIC base",  [IO_SET_BASE] = "writes APIC base",
    [IO_GET_TPR] = "reads the TPR",     [IO_SET_TPR] = "writes the TPR",
    [IO_MSR_READ] = "reads APIC MSR",   [IO_MSR_WRITE] = "writes APIC MSR",
};

static bool is_write(enum io_kind kind)
{
    return kind == IO_MEM_WRITE || kind == IO_PORT_WRITE || kind == IO_SET_BASE ||
           kind == IO_SET_TPR || kind == IO_MSR_WRITE;
}

struct io_entry *iolog_add(struct compare *c, enum io_kind kind)
{
    g_array_set_size(c->log, c->log->len + 1);
    struct io_entry *e = &g_array_index(c->log, struct io_entry, c->log->len - 1);
    *e = (struct io_entry){.kind = kind, .ok = true};
    return e;
}

void iolog_clear(struct compare *c)
{
    for (unsigned i = 0; i < c->log->len; i++) {
        struct io_entry *e = &g_array_index(c->log, struct io_entry, i);
        map_free(e->map);
        if (e->data)
            g_bytes_unref(e->data);
    }
    g_array_set_size(c->log, 0);
    c->log_pos = 0;
}

/* ---- Side a: the real thing ------------------------------------------------------------------ */

/* The machine's answer may end the step: whoever asked the processor to stop is heard at once,
 * and an interrupt is taken as soon as it could be. */
static void end_access(struct compare *c)
{
    struct vcpu *v = c->vcpu;

    map_log_dma(c);
    if (vcpu_pins(v) || __atomic_load_n(&v->kicked, __ATOMIC_ACQUIRE))
        vcpu_kick(&c->side[SIDE_A].vcpu);
}

static void perform(struct compare *c, struct io_entry *e)
{
    struct machine *m = c->machine;
    const struct vcpu_apic *l = &c->vcpu->lapic;

    m->current = c->vcpu; /* what both sides' processors are to the devices */
    switch (e->kind) {
    case IO_MEM_READ: as_read(&m->mem, e->addr, &e->value, e->size); break;
    case IO_MEM_WRITE: as_write(&m->mem, e->addr, &e->value, e->size); break;
    case IO_PORT_READ: as_read(&m->io, e->addr, &e->value, e->size); break;
    case IO_PORT_WRITE: as_write(&m->io, e->addr, &e->value, e->size); break;
    case IO_GET_BASE: e->value = l->get_base ? l->get_base(l->apic) : 0; break;
    case IO_SET_BASE: e->ok = l->set_base && l->set_base(l->apic, e->value); break;
    case IO_GET_TPR: e->value = l->get_tpr ? l->get_tpr(l->apic) : 0; break;
    case IO_SET_TPR:
        if (l->set_tpr)
            l->set_tpr(l->apic, (uint8_t)e->value);
        break;
    case IO_MSR_READ:
        e->ok = l->msr_read && l->msr_read(l->apic, (uint32_t)e->addr, &e->value);
        break;
    case IO_MSR_WRITE:
        e->ok = l->msr_write && l->msr_write(l->apic, (uint32_t)e->addr, e->value);
        break;
    case IO_MAP: case IO_DMA: break;
    }
    m->current = NULL;
}

/* The device's doings (map, DMA) come into the log behind the access, so that goes first. */
static void record(struct compare *c, struct io_entry *e)
{
    unsigned at = c->log->len;

    c->accesses++;
    iolog_add(c, e->kind);
    perform(c, e);
    g_array_index(c->log, struct io_entry, at) = *e;
    end_access(c);
}

/* ---- Side b: the log ------------------------------------------------------------------------- */

static void describe(GString *out, const struct io_entry *e)
{
    g_string_append_printf(out, "%s", kind_names[e->kind]);
    if (e->size || e->addr)
        g_string_append_printf(out, " %" PRIx64 "h", e->addr);
    if (e->size)
        g_string_append_printf(out, ", %u byte%s", e->size, e->size > 1 ? "s" : "");
    if (is_write(e->kind))
        g_string_append_printf(out, ": %" PRIx64 "h", e->value);
}

static void differ(struct compare *c, const struct io_entry *a, const struct io_entry *b)
{
    if (c->io_diff)
        return; /* the first one counts */
    c->io_diff = g_string_new(NULL);
    g_string_printf(c->io_diff, "  access           %c ", c->side[SIDE_A].letter);
    if (a)
        describe(c->io_diff, a);
    else
        g_string_append(c->io_diff, "makes none");
    g_string_append_printf(c->io_diff, "\n                   %c ", c->side[SIDE_B].letter);
    if (b)
        describe(c->io_diff, b);
    else
        g_string_append(c->io_diff, "makes none");
    g_string_append_c(c->io_diff, '\n');
}

static const struct io_entry *ahead(struct compare *c)
{
    return c->log_pos < c->log->len ? &g_array_index(c->log, struct io_entry, c->log_pos) : NULL;
}

/* What came with the access just answered. */
static void replay_effects(struct compare *c)
{
    const struct io_entry *e;

    while ((e = ahead(c)) && (e->kind == IO_MAP || e->kind == IO_DMA)) {
        map_replay(&c->side[SIDE_B], e);
        c->log_pos++;
    }
}

static void replay(struct compare *c, struct io_entry *e)
{
    const struct io_entry *a = ahead(c);

    if (!a || a->kind != e->kind || a->addr != e->addr || a->size != e->size ||
        (is_write(e->kind) && a->value != e->value)) {
        differ(c, a, e);
        if (!is_write(e->kind))
            e->value = UINT64_MAX;
        return;
    }
    e->value = a->value;
    e->ok = a->ok;
    c->log_pos++;
    replay_effects(c);
}

void iolog_check_end(struct compare *c)
{
    if (ahead(c))
        differ(c, ahead(c), NULL);
}

/* ---- What the sides call --------------------------------------------------------------------- */

static void access_now(struct side *s, struct io_entry *e)
{
    if (s->compare->phase == PHASE_A)
        record(s->compare, e);
    else if (s->compare->phase == PHASE_B)
        replay(s->compare, e);
    else if (!is_write(e->kind)) /* a page walk for the monitor met a device: leave it alone */
        e->value = UINT64_MAX;
}

static uint64_t read_at(struct side *s, enum io_kind kind, uint64_t addr, unsigned size)
{
    struct io_entry e = {.kind = kind, .addr = addr, .size = (uint8_t)size, .ok = true};

    access_now(s, &e);
    return e.value;
}

static void write_at(struct side *s, enum io_kind kind, uint64_t addr, uint64_t val, unsigned size)
{
    struct io_entry e = {
        .kind = kind, .addr = addr, .size = (uint8_t)size, .value = val, .ok = true};

    access_now(s, &e);
}

static uint64_t mem_read(void *dev, uint64_t off, unsigned size)
{
    return read_at(dev, IO_MEM_READ, off, size);
}
static void mem_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    write_at(dev, IO_MEM_WRITE, off, val, size);
}
static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
    return read_at(dev, IO_PORT_READ, off, size);
}
static void port_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    write_at(dev, IO_PORT_WRITE, off, val, size);
}

static const struct region_ops mem_ops = {.read = mem_read, .write = mem_write, .max = 8};
static const struct region_ops port_ops = {.read = port_read, .write = port_write};

void iolog_write(struct side *s, uint64_t gpa, unsigned size, uint64_t value)
{
    write_at(s, IO_MEM_WRITE, gpa, value, size);
}

/* ---- The local APIC -------------------------------------------------------------------------- */

static bool apic_access(struct side *s, struct io_entry *e)
{
    if (s->interpreting && s->compare->phase != PHASE_NONE)
        access_now(s, e);
    else if (!is_write(e->kind) || s->index == SIDE_A)
        perform(s->compare, e);
    return e->ok;
}

static int apic_ack(void *apic)
{
    struct side *s = apic;
    int vector = s->vector;

    s->vector = -1;
    vcpu_pin(&s->vcpu, VCPU_INTR, 0);
    return vector;
}

static uint64_t apic_get_base(void *apic)
{
    struct io_entry e = {.kind = IO_GET_BASE, .ok = true};

    apic_access(apic, &e);
    return e.value;
}

static bool apic_set_base(void *apic, uint64_t value)
{
    return apic_access(apic, &(struct io_entry){.kind = IO_SET_BASE, .value = value, .ok = true});
}

static uint8_t apic_get_tpr(void *apic)
{
    struct io_entry e = {.kind = IO_GET_TPR, .ok = true};

    apic_access(apic, &e);
    return (uint8_t)e.value;
}

static void apic_set_tpr(void *apic, uint8_t cr8)
{
    apic_access(apic, &(struct io_entry){.kind = IO_SET_TPR, .value = cr8, .ok = true});
}

static bool apic_msr_read(void *apic, uint32_t msr, uint64_t *value)
{
    struct io_entry e = {.kind = IO_MSR_READ, .addr = msr, .ok = true};
    bool ok = apic_access(apic, &e);

    *value = e.value;
    return ok;
}

static bool apic_msr_write(void *apic, uint32_t msr, uint64_t value)
{
    return apic_access(apic, &(struct io_entry){.kind = IO_MSR_WRITE, .addr = msr, .value = value,
                                                .ok = true});
}

/* Side a's offset is the machine's, which the TSC deadline follows. */
static void apic_tsc_changed(void *apic)
{
    struct side *s = apic;
    struct vcpu *v = s->compare->vcpu;

    if (s->index == SIDE_A)
        accel_set_tsc_offset(v, s->vcpu.tsc_offset);
}

static void apic_init(void *apic)
{
    struct side *s = apic;
    const struct vcpu_apic *l = &s->compare->vcpu->lapic;

    if (s->index == SIDE_A && l->init)
        l->init(l->apic);
}

static const struct vcpu_apic side_apic = {
    .ack = apic_ack,
    .get_base = apic_get_base,
    .set_base = apic_set_base,
    .get_tpr = apic_get_tpr,
    .set_tpr = apic_set_tpr,
    .msr_read = apic_msr_read,
    .msr_write = apic_msr_write,
    .tsc_changed = apic_tsc_changed,
    .init = apic_init,
};

/* ---- Life ------------------------------------------------------------------------------------ */

void iolog_init(struct compare *c)
{
    c->log = g_array_new(FALSE, FALSE, sizeof(struct io_entry));
}

void iolog_fini(struct compare *c)
{
    if (!c->log)
        return;
    iolog_clear(c);
    g_array_unref(c->log);
    if (c->io_diff)
        g_string_free(c->io_diff, TRUE);
}

void iolog_side_init(struct side *s)
{
    s->vcpu.lapic = side_apic;
    s->vcpu.lapic.apic = s;
    region_init_io(&s->mem_io, "machine", &mem_ops, s, UINT64_MAX);
    region_init_io(&s->port_io, "ports", &port_ops, s, 0x10000);
    region_add(&s->machine->mem_root, 0, &s->mem_io, 0);
    region_add(&s->machine->io_root, 0, &s->port_io, 0);
}
