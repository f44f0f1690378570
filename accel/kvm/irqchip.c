/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers in the kernel: "split", local APICs there and PIC, I/O APIC and PIT here
 * (core/irqchip.h). API document sections 4.24 (KVM_CREATE_IRQCHIP), 4.52 (KVM_SET_GSI_ROUTING),
 * 4.70 (KVM_SIGNAL_MSI), 4.75 (KVM_IRQFD), 7.5 (KVM_CAP_SPLIT_IRQCHIP), 7.7 (KVM_CAP_X2APIC_API).
 *
 * The routing table has a message per number ("GSI"):
 *
 *     0-23   level-triggered entries of the I/O APIC: no one signals them; from these messages
 *            the kernel knows which vectors' EOIs end in KVM_EXIT_IOAPIC_EOI, and on which CPU
 *     24...  routes of eventfds
 *
 * The table is written as a whole, which costs the kernel a grace period, so changes are
 * collected: those of pins until the next level-triggered message, those of routes until
 * commit().
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <string.h>

#include "util/error.h"

#define MSI_LEVEL 0x8000 /* of the data */

struct route {
    bool used;
    struct msi_message msg;
};

struct kvm_chip {
    struct msi_message pin[IRQCHIP_PINS];
    uint32_t level;   /* pins that are level-triggered */
    GArray *routes;   /* struct route, by number - IRQCHIP_PINS */
    unsigned limit;   /* numbers that the kernel has */
    bool stale;       /* the kernel's table is not as above */
};

static struct kvm_vm *vm_of(struct machine *m)
{
    return m->accel_data[ACCEL_KVM];
}

/* ---- Messages -------------------------------------------------------------------------------- */

static bool signal_msi(struct kvm_vm *vm, struct msi_message msg)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)msg.addr, .address_hi = msg.addr >> 32,
                          .data = msg.data};

    return kvm_call(vm->fd, KVM_SIGNAL_MSI, &msi) > 0;
}

/* ---- The routing table ----------------------------------------------------------------------- */

static void add_entry(struct kvm_irq_routing *table, uint32_t gsi, struct msi_message msg)
{
    struct kvm_irq_routing_entry *e = &table->entries[table->nr++];

    e->gsi = gsi;
    e->type = KVM_IRQ_ROUTING_MSI;
    e->u.msi.address_lo = (uint32_t)msg.addr;
    e->u.msi.address_hi = msg.addr >> 32;
    e->u.msi.data = msg.data;
}

static void commit(struct machine *m)
{
    struct kvm_vm *vm = vm_of(m);
    struct kvm_chip *c = vm->chip;
    size_t most = IRQCHIP_PINS + c->routes->len;

    if (!c->stale)
        return;
    g_autofree struct kvm_irq_routing *table =
        g_malloc0(sizeof(*table) + most * sizeof(table->entries[0]));
    for (unsigned n = 0; n < IRQCHIP_PINS; n++)
        if (c->level & 1u << n)
            add_entry(table, n, c->pin[n]);
    for (unsigned i = 0; i < c->routes->len; i++) {
        const struct route *r = &g_array_index(c->routes, struct route, i);
        if (r->used)
            add_entry(table, IRQCHIP_PINS + i, r->msg);
    }
    int r = kvm_call(vm->fd, KVM_SET_GSI_ROUTING, table);
    if (r < 0)
        log_write(&m->log, "hostel: KVM refuses interrupt routes: %s\n", strerror(-r));
    c->stale = false;
}

static void set_pins(struct machine *m, const struct msi_message pin[IRQCHIP_PINS], uint32_t level)
{
    struct kvm_chip *c = vm_of(m)->chip;

    for (unsigned n = 0; n < IRQCHIP_PINS; n++) {
        uint32_t bit = level & 1u << n;
        if (bit != (c->level & 1u << n) ||
            (bit && (pin[n].addr != c->pin[n].addr || pin[n].data != c->pin[n].data)))
            c->stale = true;
    }
    memcpy(c->pin, pin, sizeof(c->pin));
    c->level = level;
}

static bool send_msi(struct machine *m, struct msi_message msg)
{
    if (msg.data & MSI_LEVEL)
        commit(m);
    return signal_msi(vm_of(m), msg);
}

static struct route *route_at(struct machine *m, int number)
{
    return &g_array_index(vm_of(m)->chip->routes, struct route, number - IRQCHIP_PINS);
}

static int route_add(struct machine *m, struct msi_message msg)
{
    struct kvm_chip *c = vm_of(m)->chip;
    unsigned i = 0;

    while (i < c->routes->len && g_array_index(c->routes, struct route, i).used)
        i++;
    if (IRQCHIP_PINS + i >= c->limit)
        return -1;
    if (i == c->routes->len)
        g_array_set_size(c->routes, i + 1);
    *route_at(m, IRQCHIP_PINS + i) = (struct route){.used = true, .msg = msg};
    c->stale = true;
    return IRQCHIP_PINS + i;
}

static void route_set(struct machine *m, int number, struct msi_message msg)
{
    route_at(m, number)->msg = msg;
    vm_of(m)->chip->stale = true;
}

/* A route that nothing signals does no harm: it leaves with the next change. */
static void route_del(struct machine *m, int number)
{
    route_at(m, number)->used = false;
}

static bool irqfd(struct machine *m, int number, int fd, bool on)
{
    struct kvm_irqfd arg = {.fd = fd, .gsi = number, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN};

    return kvm_call(vm_of(m)->fd, KVM_IRQFD, &arg) == 0;
}

/* ---- Local APICs ----------------------------------------------------------------------------- */

static void fetch(struct vcpu *v)
{
    kvm_lapic_save(kvm_cpu_of(v));
}

static void lint1_rose(struct vcpu *v, void *arg)
{
    if (kvm_lapic_takes_nmi(kvm_cpu_of(v)))
        vcpu_pin(v, VCPU_NMI, 1);
}

static void lint1(struct vcpu *v)
{
    vcpu_run_on(v, lint1_rose, NULL);
}

static const struct irqchip_ops split_ops = {
    .name = "split",
    .msi = send_msi,
    .pins = set_pins,
    .lint1 = lint1,
    .fetch = fetch,
    .route_add = route_add,
    .route_set = route_set,
    .route_del = route_del,
    .commit = commit,
    .irqfd = irqfd,
};

/* INIT and SIPI that wait are messages on their way. */
void kvm_irqchip_send(struct kvm_cpu *k, unsigned delivery_mode, uint8_t vector)
{
    uint32_t id = k->vcpu->apic_id;

    signal_msi(k->vm, (struct msi_message){
        .addr = (uint64_t)(id & ~0xffu) << 32 | 0xfee00000u | (id & 0xff) << 12,
        .data = delivery_mode << 8 | 1 << 14 | vector});
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* What `split` needs, or NULL when all of it is there. */
static const char *missing(const struct kvm_vm *vm)
{
    static const struct {
        unsigned cap;
        const char *name;
    } needed[] = {
#define CAP(name) {KVM_CAP_##name, "KVM_CAP_" #name}
        CAP(SPLIT_IRQCHIP), CAP(IRQ_ROUTING), CAP(SIGNAL_MSI), CAP(IRQFD), CAP(X2APIC_API),
#undef CAP
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!kvm_capability(vm, needed[i].cap))
            return needed[i].name;
    return NULL;
}

static bool enable(struct kvm_vm *vm, unsigned cap, uint64_t value, GError **err)
{
    struct kvm_enable_cap arg = {.cap = cap, .args = {value}};
    int r = kvm_call(vm->fd, KVM_ENABLE_CAP, &arg);

    return r == 0 || error_set(err, "KVM refuses to have the local APICs: %s (-machine "
                                    "kernel-irqchip=off keeps them here)", strerror(-r));
}

/* The broadcast of 8 bits reaches x2APICs too, as hw/intc has it: that quirk stays. */
static bool split_init(struct kvm_vm *vm, GError **err)
{
    if (!enable(vm, KVM_CAP_SPLIT_IRQCHIP, IRQCHIP_PINS, err) ||
        !enable(vm, KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS, err))
        return false;
    vm->irqchip = KVM_IRQCHIP_SPLIT;
    vm->chip = g_new0(struct kvm_chip, 1);
    vm->chip->limit = kvm_capability(vm, KVM_CAP_IRQ_ROUTING);
    vm->chip->routes = g_array_new(FALSE, TRUE, sizeof(struct route));
    return true;
}

static const char *asked_for(const struct machine_config *config)
{
    GHashTable *opts = config->machine_opts;

    return opts ? g_hash_table_lookup(opts, "kernel-irqchip") : NULL;
}

bool kvm_irqchip_wanted(const struct machine_config *config)
{
    const char *asked = asked_for(config);

    return !asked || strcmp(asked, "off") != 0;
}

bool kvm_irqchip_init(struct kvm_vm *vm, GError **err)
{
    const char *asked = asked_for(vm->machine->config);
    const char *lack = missing(vm);

    if (asked && strcmp(asked, "on") == 0)
        return error_set(err, "-machine kernel-irqchip=on: the kernel can have the local APICs, "
                              "not the other controllers: use kernel-irqchip=split");
    if (asked && strcmp(asked, "split") == 0 && lack)
        return error_set(err, "-machine kernel-irqchip=split: this kernel's KVM lacks %s; use "
                              "kernel-irqchip=off", lack);
    if (lack || !kvm_irqchip_wanted(vm->machine->config))
        return true;
    return split_init(vm, err);
}

void kvm_irqchip_activate(struct kvm_vm *vm, bool on)
{
    struct machine *m = vm->machine;

    if (on && vm->chip)
        irqchip_set(m, &split_ops);
    else if (m->irqchip == &split_ops)
        irqchip_set(m, NULL);
}

void kvm_irqchip_fini(struct kvm_vm *vm)
{
    if (!vm->chip)
        return;
    kvm_irqchip_activate(vm, false);
    g_array_unref(vm->chip->routes);
    g_clear_pointer(&vm->chip, g_free);
}
