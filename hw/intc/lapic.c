/* SPDX-License-Identifier: MIT */
/*
 * Local APIC. Intel SDM vol. 3 chapter 10.
 *
 * Modelled: xAPIC and x2APIC modes with their transitions, all IPIs, fixed and lowest-priority
 * acceptance with TPR and PPR, LVTs, LINT pins, errors, the timer (lapic_timer.c), registers
 * (lapic_regs.c; all at once: lapic_page.c), messages (apic_bus.c), KVM's paravirtual EOI
 * (lapic_pv.c). Not modelled: focus processor, EOI broadcast suppression, CMCI, remote read.
 *
 * After a machine reset the boot processor's LINT0 is in ExtINT mode, as firmware leaves it
 * (virtual wire mode), so that a kernel started without firmware gets the PIC's interrupts.
 */
#include "hw/intc/lapic_int.h"
#include "util/error.h"

#define PAGE_PRIORITY 0x1000

static unsigned highest_bit(const uint32_t *set) /* 0: none (vector 0 is never pending) */
{
    for (int i = 7; i >= 0; i--)
        if (set[i])
            return i * 32 + 31 - __builtin_clz(set[i]);
    return 0;
}

static void set_bit(uint32_t *set, uint8_t vector, bool on)
{
    uint32_t bit = 1u << (vector & 31);
    set[vector >> 5] = on ? set[vector >> 5] | bit : set[vector >> 5] & ~bit;
}

static bool test_bit(const uint32_t *set, uint8_t vector)
{
    return set[vector >> 5] >> (vector & 31) & 1;
}

/* ---- Priorities and the INTR pin (section 10.8.3) -------------------------------------------- */

uint8_t lapic_ppr(const struct lapic *a)
{
    unsigned in_service = highest_bit(a->isr) & 0xf0;
    return (a->tpr & 0xf0) >= in_service ? a->tpr : in_service;
}

/* The vector to be delivered now, 0 if none has the priority. */
static unsigned deliverable(const struct lapic *a)
{
    unsigned vector = highest_bit(a->irr);
    return lapic_enabled(a) && (vector & 0xf0) > (lapic_ppr(a) & 0xf0) ? vector : 0;
}

static unsigned lint_mode(const struct lapic *a, int n)
{
    return a->lvt[LVT_LINT0 + n] >> LVT_MODE_SHIFT & 7;
}

/* Does the PIC ask, through LINT0 or an ExtINT message? */
bool lapic_extint_pending(const struct lapic *a)
{
    if (!lapic_enabled(a))
        return a->lint[0];
    if (a->extint)
        return true;
    return a->lint[0] && !(a->lvt[LVT_LINT0] & LVT_MASKED) && lint_mode(a, 0) == APIC_EXTINT;
}

/* Has the vCPU reason to ask? With pv_eoi_set the ISR may be out of date: lapic_pv.c. */
static bool wanted(const struct lapic *a)
{
    return deliverable(a) || lapic_extint_pending(a) || (a->pv_eoi_set && highest_bit(a->irr));
}

void lapic_update(struct lapic *a)
{
    bool level = lapic_in_kernel(a) ? a->bus->lint[0] : wanted(a);
    bool pin = __atomic_load_n(&a->vcpu->pins, __ATOMIC_SEQ_CST) & VCPU_INTR;
    if (level != pin)
        vcpu_pin(a->vcpu, VCPU_INTR, level);
}

/* ---- Accepting ------------------------------------------------------------------------------- */

void lapic_error(struct lapic *a, uint32_t esr_bit)
{
    if (a->esr_pending & esr_bit)
        return;
    a->esr_pending |= esr_bit;
    lapic_lvt_fire(a, LVT_ERROR);
}

static bool accept_vector(struct lapic *a, uint8_t vector, bool level_triggered)
{
    if (!lapic_software_enabled(a))
        return false;
    if (vector < 16) {
        lapic_error(a, ESR_RECEIVE_ILLEGAL);
        return false;
    }
    set_bit(a->irr, vector, true);
    set_bit(a->tmr, vector, level_triggered);
    lapic_update(a);
    return true;
}

bool lapic_accept(struct lapic *a, enum apic_delivery mode, uint8_t vector, bool level_triggered)
{
    if (!lapic_enabled(a))
        return false;
    switch (mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        return accept_vector(a, vector, level_triggered);
    case APIC_NMI:
        vcpu_pin(a->vcpu, VCPU_NMI, 1);
        return true;
    case APIC_SMI:
        vcpu_pin(a->vcpu, VCPU_SMI, 1);
        return true;
    case APIC_INIT:
        vcpu_init_signal(a->vcpu);
        return true;
    case APIC_SIPI:
        vcpu_sipi(a->vcpu, vector);
        return true;
    case APIC_EXTINT:
        a->extint = true;
        lapic_update(a);
        return true;
    case APIC_REMOTE_READ:
        break;
    }
    return false;
}

void lapic_lvt_fire(struct lapic *a, enum apic_lvt which)
{
    uint32_t v = a->lvt[which];
    if (!(v & LVT_MASKED))
        lapic_accept(a, which == LVT_TIMER ? APIC_FIXED : v >> LVT_MODE_SHIFT & 7, v, false);
}

void lapic_lint(struct lapic *a, int n, bool level)
{
    bool rising = level && !a->lint[n];
    a->lint[n] = level;
    if (lapic_in_kernel(a)) {
        if (n == 1 && rising)
            a->dev.machine->irqchip->lint1(a->vcpu);
        lapic_update(a);
        return;
    }
    uint32_t *v = &a->lvt[LVT_LINT0 + n];
    unsigned mode = lint_mode(a, n);
    if (!lapic_enabled(a)) { /* the pins are INTR and NMI */
        if (n == 1 && rising)
            vcpu_pin(a->vcpu, VCPU_NMI, 1);
    } else if (*v & LVT_MASKED || mode == APIC_EXTINT) {
        /* the level is all that counts */
    } else if (mode == APIC_FIXED && (*v & LVT_LEVEL) && n == 0) {
        if (level && !(*v & LVT_REMOTE_IRR) && lapic_accept(a, mode, *v, true))
            *v |= LVT_REMOTE_IRR;
    } else if (rising) {
        lapic_accept(a, mode, *v, false);
    }
    lapic_update(a);
}

void lapic_eoi(struct lapic *a)
{
    unsigned vector = highest_bit(a->isr);
    if (!vector)
        return;
    set_bit(a->isr, vector, false);
    if (test_bit(a->tmr, vector)) {
        for (int n = 0; n < 2; n++) {
            uint32_t *v = &a->lvt[LVT_LINT0 + n];
            if ((*v & LVT_REMOTE_IRR) && (*v & 0xff) == vector) {
                *v &= ~(uint32_t)LVT_REMOTE_IRR;
                lapic_lint(a, n, a->lint[n]);
            }
        }
        if (a->bus->eoi)
            a->bus->eoi(a->bus->eoi_arg, vector);
    }
    lapic_update(a);
}

/* ---- What the vCPU calls --------------------------------------------------------------------- */

/* Only the PIC asks through the pin; another CPU may have been faster. */
static int ack_beside_kernel(struct lapic *a)
{
    bool asks = a->bus->lint[0] && a->bus->extint_ack;
    int vector = asks ? a->bus->extint_ack(a->bus->extint_arg) : -1;
    lapic_update(a);
    return vector;
}

static int lapic_ack(void *opaque)
{
    struct lapic *a = opaque;
    if (lapic_in_kernel(a))
        return ack_beside_kernel(a);
    lapic_pv_settle(a);
    unsigned vector = deliverable(a);
    if (vector) {
        set_bit(a->irr, vector, false);
        set_bit(a->isr, vector, true);
        lapic_update(a);
        lapic_pv_offer(a);
        return vector;
    }
    int result = -1;
    if (lapic_extint_pending(a) && a->bus->extint_ack) {
        a->extint = false;
        result = a->bus->extint_ack(a->bus->extint_arg);
    }
    lapic_update(a);
    return result;
}

static void lapic_eoi_from_kernel(void *opaque, uint8_t vector)
{
    struct lapic *a = opaque;
    if (a->bus->eoi)
        a->bus->eoi(a->bus->eoi_arg, vector);
}

static uint64_t lapic_get_base(void *opaque)
{
    return ((struct lapic *)opaque)->base;
}

static void remap(struct lapic *a)
{
    struct address_space *as = &a->dev.machine->mem;
    as_begin(as);
    region_set_addr(&a->mmio, a->base & ~0xfffull);
    region_set_enabled(&a->mmio, lapic_enabled(a) && !lapic_x2(a));
    as_commit(as);
}

void lapic_put_base(struct lapic *a, uint64_t base)
{
    uint64_t change = a->base ^ base;
    a->base = base;
    if (change & ~(uint64_t)APIC_BASE_BSP)
        remap(a);
}

/* Registers as INIT leaves them (section 10.4.7.3); base and id stay. */
static void reset_registers(struct lapic *a)
{
    a->ldr = a->tpr = a->esr = a->esr_pending = a->icr_low = a->icr_high = 0;
    a->dfr = 0xffffffff;
    a->svr = 0xff;
    memset(a->irr, 0, sizeof(a->irr));
    memset(a->isr, 0, sizeof(a->isr));
    memset(a->tmr, 0, sizeof(a->tmr));
    for (unsigned i = 0; i < LVT_COUNT; i++)
        a->lvt[i] = LVT_MASKED;
    a->divide = a->initial_count = a->count = 0;
    a->tsc_deadline = 0;
    a->extint = false;
    a->pv_eoi = 0;
    a->pv_eoi_set = false;
    lapic_timer_arm(a);
}

static void lapic_init_signal(void *opaque)
{
    struct lapic *a = opaque;
    reset_registers(a);
    lapic_update(a);
}

/* Legal changes of (EN, EXTD): figure 10-27, "Local x2APIC state transitions". */
static bool lapic_set_base(void *opaque, uint64_t value)
{
    struct lapic *a = opaque;
    uint64_t change = a->base ^ value;
    bool en = value & APIC_BASE_EN, extd = value & APIC_BASE_EXTD;
    if ((value & 0x2ff) || value >> 52)
        return false;
    if ((extd && !en) || (extd && !lapic_enabled(a)) || (lapic_x2(a) && en && !extd))
        return false;
    a->base = value;
    if (!en && (change & APIC_BASE_EN))
        reset_registers(a);
    if (extd && (change & APIC_BASE_EXTD))
        a->icr_high = 0;
    if (change & ~(uint64_t)APIC_BASE_BSP)
        remap(a);
    lapic_update(a);
    return true;
}

static uint8_t lapic_get_tpr(void *opaque)
{
    return ((struct lapic *)opaque)->tpr >> 4;
}

static void lapic_set_tpr(void *opaque, uint8_t cr8)
{
    struct lapic *a = opaque;
    a->tpr = (cr8 & 0xf) << 4;
    lapic_update(a);
}

static bool lapic_msr_read(void *opaque, uint32_t msr, uint64_t *value)
{
    struct lapic *a = opaque;
    if (msr == MSR_TSC_DEADLINE) {
        *value = lapic_timer_get_deadline(a);
        return true;
    }
    return lapic_x2(a) && msr >= MSR_X2APIC && lapic_x2_read(a, msr - MSR_X2APIC, value);
}

static bool lapic_msr_write(void *opaque, uint32_t msr, uint64_t value)
{
    struct lapic *a = opaque;
    if (msr == MSR_TSC_DEADLINE) {
        lapic_timer_set_deadline(a, value);
        return true;
    }
    return lapic_x2(a) && msr >= MSR_X2APIC && lapic_x2_write(a, msr - MSR_X2APIC, value);
}

static void lapic_tsc_changed(void *opaque)
{
    struct lapic *a = opaque;
    if (lapic_timer_mode(a) == TIMER_TSC_DEADLINE)
        lapic_timer_arm(a);
}

/* ---- The register page ----------------------------------------------------------------------- */

/* The accessing CPU's local APIC, if its page is this one; without a CPU, the page's owner. What
 * gets here beside the host kernel's local APICs is not for them. */
static struct lapic *target(struct lapic *owner)
{
    struct vcpu *v = owner->dev.machine->current;
    if (lapic_in_kernel(owner))
        return NULL;
    if (!v)
        return owner;
    struct lapic *a = v->lapic.apic;
    bool here = a && lapic_enabled(a) && !lapic_x2(a) && !((a->base ^ owner->base) & ~0xfffull);
    return here ? a : NULL;
}

static uint64_t page_read(void *dev, uint64_t off, unsigned size)
{
    struct lapic *a = target(dev);
    uint32_t v = 0;
    if (!a)
        return UINT64_MAX;
    if ((off & 0xf) + size > 4)
        return 0;
    if (off >= APIC_NREGS * 16 || !lapic_reg_read(a, off >> 4, &v))
        lapic_error(a, ESR_ILLEGAL_REGISTER);
    return v >> (off & 3) * 8;
}

static void page_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct lapic *owner = dev, *a = target(owner);
    if (size != 4 || (off & 3))
        return;
    if (!owner->dev.machine->current && off < 0x10) { /* a device's MSI to destination 0 */
        apic_msi(owner->dev.machine, APIC_DEFAULT_BASE | off, val);
        return;
    }
    if (a && !(off & 0xf) && (off >= APIC_NREGS * 16 || !lapic_reg_write(a, off >> 4, val)))
        lapic_error(a, ESR_ILLEGAL_REGISTER);
}

static const struct region_ops page_ops = {
    .read = page_read, .write = page_write, .min = 1, .max = 4};

/* ---- Device ---------------------------------------------------------------------------------- */

static void lapic_reset(struct device *dev)
{
    struct lapic *a = (struct lapic *)dev;
    a->base = APIC_DEFAULT_BASE | APIC_BASE_EN | (a->vcpu->index == 0 ? APIC_BASE_BSP : 0);
    reset_registers(a);
    if (a->vcpu->index == 0)
        a->lvt[LVT_LINT0] = APIC_EXTINT << LVT_MODE_SHIFT;
    remap(a);
    lapic_update(a);
}

void lapic_moved(struct lapic *a)
{
    lapic_timer_sync(a); /* into the kernel: what has expired is an interrupt already */
    lapic_timer_arm(a);
    lapic_update(a);
}

static void lapic_loaded(struct device *dev)
{
    struct lapic *a = (struct lapic *)dev;
    int64_t now = clock_now(&dev->machine->vclock);
    if (a->count_start < 0 || a->count_start > now)
        a->count_start = now;
    remap(a);
    lapic_timer_arm(a);
    lapic_update(a);
}

static bool lapic_realize(struct device *dev, GError **err)
{
    struct lapic *a = (struct lapic *)dev;
    if (!a->vcpu || !a->bus)
        return error_set(err, "a local APIC belongs to a CPU; use -smp to have more CPUs");
    a->id = a->vcpu->apic_id;
    timer_init(&a->timer, &dev->machine->vclock, "lapic", lapic_timer_fire, a);
    region_init_io(&a->mmio, "lapic", &page_ops, a, 0x1000);
    region_add(&dev->machine->mem_root, APIC_DEFAULT_BASE, &a->mmio, PAGE_PRIORITY);
    a->lint[0] = a->bus->lint[0];
    a->lint[1] = a->bus->lint[1];
    a->vcpu->lapic = (struct vcpu_apic){
        .apic = a,
        .ack = lapic_ack,
        .get_base = lapic_get_base,
        .set_base = lapic_set_base,
        .get_tpr = lapic_get_tpr,
        .set_tpr = lapic_set_tpr,
        .msr_read = lapic_msr_read,
        .msr_write = lapic_msr_write,
        .tsc_changed = lapic_tsc_changed,
        .init = lapic_init_signal,
        .get_regs = lapic_get_regs,
        .set_regs = lapic_set_regs,
        .eoi = lapic_eoi_from_kernel,
        .set_pv_eoi = lapic_pv_set_eoi,
        .send_set = lapic_pv_send_set,
    };
    lapic_reset(dev);
    return true;
}

static void lapic_unrealize(struct device *dev)
{
    struct lapic *a = (struct lapic *)dev;
    a->vcpu->lapic = (struct vcpu_apic){0};
    timer_del(&a->timer);
    region_fini(&a->mmio);
}

struct lapic *lapic_create(struct vcpu *v, struct apic_bus *bus, GError **err)
{
    struct device *dev = device_new(v->machine, &lapic_type);
    struct lapic *a = (struct lapic *)dev;
    a->vcpu = v;
    a->bus = bus;
    if (device_realize(dev, err))
        return a;
    device_free(dev);
    return NULL;
}

static const struct state_field lapic_state[] = {
    STATE_FIELD(struct lapic, base), STATE_FIELD(struct lapic, ldr), STATE_FIELD(struct lapic, dfr),
    STATE_FIELD(struct lapic, svr), STATE_FIELD(struct lapic, tpr), STATE_ARRAY(struct lapic, irr),
    STATE_ARRAY(struct lapic, isr), STATE_ARRAY(struct lapic, tmr), STATE_FIELD(struct lapic, esr),
    STATE_FIELD(struct lapic, esr_pending), STATE_FIELD(struct lapic, icr_low),
    STATE_FIELD(struct lapic, icr_high), STATE_ARRAY(struct lapic, lvt),
    STATE_FIELD(struct lapic, divide), STATE_FIELD(struct lapic, initial_count),
    STATE_FIELD(struct lapic, count), STATE_FIELD(struct lapic, count_start),
    STATE_FIELD(struct lapic, tsc_deadline), STATE_ARRAY(struct lapic, lint),
    STATE_FIELD(struct lapic, extint), STATE_FIELD(struct lapic, pv_eoi),
    STATE_FIELD(struct lapic, pv_eoi_set), STATE_END,
};

const struct device_type lapic_type = {
    .name = "apic",
    .help = "local APIC of a CPU",
    .bus = "System",
    .size = sizeof(struct lapic),
    .state = lapic_state,
    .state_version = 1,
    .internal = true,
    .realize = lapic_realize,
    .reset = lapic_reset,
    .loaded = lapic_loaded,
    .unrealize = lapic_unrealize,
};
