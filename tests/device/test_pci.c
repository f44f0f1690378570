/* SPDX-License-Identifier: MIT */
/*
 * PCI: configuration space, BARs, INTx, MSI-X, bus mastering, and the 440FX and PIIX3 around
 * them, through configuration mechanism 1. PCI 3.0, 3.2.2.3, 6.2, 6.8; Intel 290549, 290550.
 */
#include <check.h>
#include <stdlib.h>

#include "core/machine_test.h"
#include "hw/misc/pci_testdev.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/i440fx_regs.h"
#include "hw/pci/pci.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix_regs.h"

static struct machine *m;
static struct pci_bus bus;
static struct i440fx *host;
static struct piix3 *isa;
static int irq_level[16];
static uint64_t msi_addr;
static uint32_t msi_data;
static unsigned msi_count;

static void irq_seen(void *sink, int n, int level)
{
    irq_level[n] = level;
}

static void msi_seen(void *arg, uint64_t addr, uint32_t data)
{
    msi_addr = addr;
    msi_data = data;
    msi_count++;
}

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
    pci_bus_init(&bus, m, "pci.0", &m->mem_root, &m->io_root);
    m->pci = &bus;
    bus.msi = msi_seen;
    msi_count = 0;
    host = (struct i440fx *)device_new(m, &i440fx_type.dev);
    host->conf.root = &bus;
    ck_assert(device_realize(&host->pci.dev, NULL));
    region_add(&m->io_root, 0xcf8, &host->conf.addr_io, 0);
    region_add(&m->io_root, 0xcfc, &host->conf.data_io, 0);
    isa = (struct piix3 *)device_new(m, &piix3_type.dev);
    for (int n = 0; n < 16; n++)
        isa->isa_irq[n] = (struct irq_line){irq_seen, NULL, n};
    ck_assert(device_realize(&isa->pci.dev, NULL));
    for (int n = 0; n < 4; n++)
        bus.intx[n] = (struct irq_line){piix3_set_pirq, isa, n};
    host->conf.cf9_read = portcf9_read;
    host->conf.cf9_write = portcf9_write;
    host->conf.cf9_arg = &isa->cf9;
    for (unsigned i = 0; i < m->devices->len; i++)
        device_reset(m->devices->pdata[i]);
}

static void teardown(void)
{
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    pci_bus_fini(&bus);
    machine_unlock(m);
    machine_free(m);
}

static struct pci_testdev *plug(const char *addr)
{
    struct device *d = device_new(m, &pci_testdev_type.dev);
    GError *err = NULL;

    if (addr)
        ck_assert(device_set(d, "addr", addr, &err));
    ck_assert_msg(device_realize(d, &err), "%s", err ? err->message : "");
    device_reset(d);
    return (struct pci_testdev *)d;
}

static void outl(uint16_t port, uint32_t v)
{
    as_write(&m->io, port, &v, 4);
}
static void outw(uint16_t port, uint16_t v)
{
    as_write(&m->io, port, &v, 2);
}
static void outb(uint16_t port, uint8_t v)
{
    as_write(&m->io, port, &v, 1);
}
static uint32_t inl(uint16_t port)
{
    uint32_t v;
    as_read(&m->io, port, &v, 4);
    return v;
}

static uint32_t cfg(unsigned devfn, unsigned reg)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    return inl(0xcfc);
}
static void cfg_set(unsigned devfn, unsigned reg, uint32_t v)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    outl(0xcfc, v);
}

START_TEST(mechanism_1)
{
    ck_assert_uint_eq(cfg(0, 0), 0x12378086);
    ck_assert_uint_eq(cfg(8, 0), 0x70008086);
    ck_assert_uint_eq(cfg(0x50, 0), 0xffffffff); /* nobody */
    outl(0xcf8, 0x80000000u);
    ck_assert_uint_eq(inl(0xcf8), 0x80000000u);
    outb(0xcf8, 0x12); /* a byte is not for CONFADD */
    ck_assert_uint_eq(inl(0xcf8), 0x80000000u);
    outl(0xcf8, 0);
    ck_assert_uint_eq(inl(0xcfc), 0xffffffff); /* not enabled */

    /* bytes and words of CONFDATA */
    uint16_t w;
    outl(0xcf8, 0x80000000u);
    as_read(&m->io, 0xcfe, &w, 2);
    ck_assert_uint_eq(w, 0x1237);
    /* another bus */
    outl(0xcf8, 0x80010000u);
    ck_assert_uint_eq(inl(0xcfc), 0xffffffff);
}
END_TEST

START_TEST(reset_control)
{
    uint32_t before = __atomic_load_n(&m->requests, __ATOMIC_SEQ_CST);

    outb(0xcf9, RC_HARD);
    ck_assert_uint_eq(isa->cf9.rc, RC_HARD);
    ck_assert_uint_eq(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
    outb(0xcf9, RC_HARD | RC_RESET);
    ck_assert_uint_ne(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
}
END_TEST

START_TEST(bar_sizing)
{
    struct pci_testdev *t = plug("4");

    ck_assert_uint_eq(cfg(0x20, PCI_BAR0), 0);
    cfg_set(0x20, PCI_BAR0, 0xffffffff);
    ck_assert_uint_eq(cfg(0x20, PCI_BAR0), 0xfffff000);
    cfg_set(0x20, PCI_BAR0 + 4, 0xffffffff);
    ck_assert_uint_eq(cfg(0x20, PCI_BAR0 + 4), 0xffffff01);
    cfg_set(0x20, PCI_BAR0 + 8, 0xffffffff); /* not there */
    ck_assert_uint_eq(cfg(0x20, PCI_BAR0 + 8), 0);
    ck_assert_ptr_null(t->mem.parent); /* no decoding without the command register */
}
END_TEST

START_TEST(bar_moves)
{
    struct pci_testdev *t = plug("4");

    cfg_set(0x20, PCI_BAR0, 0xc0000000);
    cfg_set(0x20, PCI_BAR0 + 4, 0xc000);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xc0000000));
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_IO);
    ck_assert_ptr_eq(as_lookup(&m->mem, 0xc0000fff)->region, &t->mem);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xc0001000));
    ck_assert_ptr_eq(as_lookup(&m->io, 0xc0ff)->region, &t->io);
    cfg_set(0x20, PCI_BAR0, 0xd0000000);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xc0000000));
    ck_assert_ptr_eq(as_lookup(&m->mem, 0xd0000000)->region, &t->mem);
    cfg_set(0x20, PCI_BAR0, 0xffffffff); /* being sized: nowhere */
    ck_assert_ptr_null(as_lookup(&m->mem, 0xd0000000));
    ck_assert_ptr_null(as_lookup(&m->mem, 0xfffff000));
    cfg_set(0x20, PCI_BAR0, 0xd0000000);
    device_reset(&t->pci.dev);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xd0000000));
    ck_assert_uint_eq(cfg(0x20, PCI_COMMAND) & 0xffff, 0);
}
END_TEST

START_TEST(bar_64)
{
    struct device *d = device_new(m, &pci_testdev_type.dev);
    struct pci_testdev *t = (struct pci_testdev *)d;

    ck_assert(device_set(d, "addr", "5", NULL));
    ck_assert(device_set(d, "membar", "16G", NULL));
    ck_assert(device_realize(d, NULL));
    device_reset(d);
    cfg_set(0x28, PCI_BAR0 + 8, 0xffffffff);
    cfg_set(0x28, PCI_BAR0 + 12, 0xffffffff);
    ck_assert_uint_eq(cfg(0x28, PCI_BAR0 + 8), 0xc); /* 64 bit, prefetchable */
    ck_assert_uint_eq(cfg(0x28, PCI_BAR0 + 12), 0xfffffffc);
    cfg_set(0x28, PCI_BAR0 + 8, 0);
    cfg_set(0x28, PCI_BAR0 + 12, 0x10);
    cfg_set(0x28, PCI_COMMAND, PCI_CMD_MEM);
    ck_assert_ptr_eq(as_lookup(&m->mem, 0x1000000000ull)->region, &t->big);
}
END_TEST

START_TEST(testdev_counts)
{
    plug("4");
    cfg_set(0x20, PCI_BAR0 + 4, 0xc000);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_IO);
    for (unsigned test = 0; test < 3; test++) {
        outb(0xc000, (uint8_t)test);
        ck_assert_uint_eq(inl(0xc00c), 0);
        ck_assert_uint_eq(inl(0xc000) >> 8 & 0xff, 1);
        uint16_t at = (uint16_t)(0xc000 + inl(0xc004));
        uint8_t data = (uint8_t)inl(0xc008);
        for (unsigned i = 0; i < 16; i++)
            outb(at, data);
        ck_assert_uint_eq(inl(0xc00c), 16);
        outb(at, (uint8_t)~data);
        ck_assert_uint_eq(inl(0xc00c), test == 2 ? 16 : 17);
    }
    outb(0xc000, 3); /* no such test */
    ck_assert_uint_eq(inl(0xc000) >> 8 & 0xff, 0);
}
END_TEST

START_TEST(placement)
{
    struct device *d;
    GError *err = NULL;

    ck_assert_uint_eq(plug(NULL)->pci.devfn, 0x10); /* slots 0 and 1 are taken */
    ck_assert_uint_eq(plug(NULL)->pci.devfn, 0x18);

    d = device_new(m, &pci_testdev_type.dev);
    device_set(d, "addr", "3", NULL);
    ck_assert(!device_realize(d, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "slot 3"));
    g_clear_error(&err);
    device_free(d);

    d = device_new(m, &pci_testdev_type.dev);
    device_set(d, "addr", "3.1", NULL);
    ck_assert(!device_realize(d, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "multifunction=on"));
    g_clear_error(&err);
    device_free(d);

    d = device_new(m, &pci_testdev_type.dev);
    device_set(d, "bus", "pci.7", NULL);
    ck_assert(!device_realize(d, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "pci.7"));
    g_clear_error(&err);
    device_free(d);

    for (unsigned slot = 4; slot < 32; slot++)
        plug(NULL);
    d = device_new(m, &pci_testdev_type.dev);
    ck_assert(!device_realize(d, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "no free slot"));
    g_clear_error(&err);
    device_free(d);
}
END_TEST

/* A function with an interrupt pin and MSI-X, for the tests below. */
struct probe {
    struct pci_device pci;
};
static bool probe_realize(struct pci_device *d, GError **err)
{
    pci_add_msix_bar(d, 4, 1);
    pci_add_msi(d, 2);
    return true;
}
static const struct prop probe_props[] = {PCI_PROPS(struct probe, pci), {0}};
static const struct state_field probe_state[] = {PCI_STATE(struct probe, pci), STATE_END};
static const struct pci_device_type probe_type = {
    .dev = {.name = "probe", .help = "", .size = sizeof(struct probe), .props = probe_props,
            .state = probe_state, PCI_TYPE_CALLS},
    .vendor = 1, .device = 2, .pin = 1, .realize = probe_realize};

static struct pci_device *plug_probe(unsigned slot)
{
    struct device *d = device_new(m, &probe_type.dev);
    to_pci(d)->addr = (int)slot * 8;
    ck_assert(device_realize(d, NULL));
    device_reset(d);
    return to_pci(d);
}

START_TEST(intx_routing)
{
    struct pci_device *a = plug_probe(4), *b = plug_probe(8); /* both on PIRQA: slot & 3 is 0 */

    outl(0xcf8, 0x80000800u | PIIX_PIRQRC);
    outb(0xcfc, 11);
    pci_set_intx(a, 1);
    ck_assert_int_eq(irq_level[11], 1);
    ck_assert_uint_eq(cfg(0x20, PCI_COMMAND) >> 16 & PCI_ST_INTX, PCI_ST_INTX);
    pci_set_intx(b, 1);
    pci_set_intx(a, 0);
    ck_assert_int_eq(irq_level[11], 1); /* shared */
    /* rerouting moves the level */
    outl(0xcf8, 0x80000800u | PIIX_PIRQRC);
    outb(0xcfc, 10);
    ck_assert_int_eq(irq_level[11], 0);
    ck_assert_int_eq(irq_level[10], 1);
    /* the disable bit takes it away, the status bit stays */
    outl(0xcf8, 0x80000000u | 0x40 << 8 | PCI_COMMAND);
    outw(0xcfc, PCI_CMD_INTX_OFF);
    ck_assert_int_eq(irq_level[10], 0);
    ck_assert_uint_eq(cfg(0x40, PCI_COMMAND) >> 16 & PCI_ST_INTX, PCI_ST_INTX);
    outl(0xcf8, 0x80000000u | 0x40 << 8 | PCI_COMMAND);
    outw(0xcfc, 0);
    ck_assert_int_eq(irq_level[10], 1);
    /* off at the router */
    outl(0xcf8, 0x80000800u | PIIX_PIRQRC);
    outb(0xcfc, PIRQRC_OFF);
    ck_assert_int_eq(irq_level[10], 0);
    device_reset(&b->dev);
    ck_assert_uint_eq(bus.intx_count[0], 0);
}
END_TEST

START_TEST(msix)
{
    struct pci_device *d = plug_probe(4);
    uint64_t table = 0xc0000000;

    cfg_set(0x20, PCI_BAR0 + 4, (uint32_t)table);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_MASTER);
    ck_assert_uint_eq(as_ld32(&m->mem, table + PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
    as_st32(&m->mem, table + 16, 0xfee01000);
    as_st32(&m->mem, table + 24, 0x4041);
    pci_msix_notify(d, 1);
    ck_assert_uint_eq(msi_count, 0); /* not enabled: lost */
    outl(0xcf8, 0x80000000u | 0x20 << 8 | d->msix_cap);
    outw(0xcfe, PCI_MSIX_ENABLE);
    pci_msix_notify(d, 1);
    ck_assert_uint_eq(msi_count, 0); /* masked: pending */
    ck_assert_uint_eq(as_ld32(&m->mem, table + 0x800), 2);
    as_st32(&m->mem, table + 16 + PCI_MSIX_ENTRY_CTRL, 0);
    ck_assert_uint_eq(msi_count, 1);
    ck_assert_uint_eq(msi_addr, 0xfee01000);
    ck_assert_uint_eq(msi_data, 0x4041);
    ck_assert_uint_eq(as_ld32(&m->mem, table + 0x800), 0);
    /* function mask */
    outl(0xcf8, 0x80000000u | 0x20 << 8 | d->msix_cap);
    outw(0xcfe, PCI_MSIX_ENABLE | PCI_MSIX_FUNC_MASK);
    pci_msix_notify(d, 1);
    ck_assert_uint_eq(msi_count, 1);
    outw(0xcfe, PCI_MSIX_ENABLE);
    ck_assert_uint_eq(msi_count, 2);
    /* a message is a write by the function: bus mastering off, none leaves */
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM);
    pci_msix_notify(d, 1);
    ck_assert_uint_eq(msi_count, 2);
    pci_msix_notify(d, 100); /* no such vector */
}
END_TEST

/* A host kernel with room for one route. */
static int k_fd;
static struct msi_message k_msg;

static int k_add(struct machine *machine, struct msi_message msg)
{
    k_msg = msg;
    return k_fd < 0 ? 0 : -1;
}
static void k_set(struct machine *machine, int route, struct msi_message msg)
{
    k_msg = msg;
}
static void k_del(struct machine *machine, int route)
{
}
static void k_commit(struct machine *machine)
{
}
static bool k_irqfd(struct machine *machine, int route, int fd, bool on)
{
    k_fd = on ? fd : -1;
    return true;
}
static const struct irqchip_ops kernel = {.route_add = k_add, .route_set = k_set,
                                          .route_del = k_del, .commit = k_commit,
                                          .irqfd = k_irqfd};

static void turn(void)
{
    machine_unlock(m);
    for (int i = 0; i < 5; i++)
        machine_iterate(m, false);
    machine_lock(m);
}

START_TEST(msix_by_eventfd)
{
    struct pci_device *d = plug_probe(4);
    uint64_t entry = 0xc0000000 + 16;
    struct irq_notifier *n = pci_msix_notifier(d, 1, NULL);

    k_fd = -1;
    irqchip_set(m, &kernel);
    cfg_set(0x20, PCI_BAR0 + 4, 0xc0000000);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_MASTER);
    as_st32(&m->mem, entry, 0xfee01000);
    as_st32(&m->mem, entry + 8, 0x4041);
    outl(0xcf8, 0x80000000u | 0x20 << 8 | d->msix_cap);
    outw(0xcfe, PCI_MSIX_ENABLE);
    eventfd_signal(n->fd); /* masked: pending */
    turn();
    ck_assert_uint_eq(msi_count, 0);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xc0000800), 2);
    ck_assert_int_eq(k_fd, -1);
    as_st32(&m->mem, entry + PCI_MSIX_ENTRY_CTRL, 0);
    ck_assert_uint_eq(msi_count, 1);
    ck_assert_int_eq(k_fd, n->fd); /* from here on it is the kernel's */
    ck_assert_uint_eq(k_msg.addr, 0xfee01000);
    ck_assert_uint_eq(k_msg.data, 0x4041);
    as_st32(&m->mem, entry + 8, 0x4042);
    ck_assert_uint_eq(k_msg.data, 0x4042);
    eventfd_signal(n->fd);
    turn();
    ck_assert_uint_eq(msi_count, 1);
    /* each of these takes it back: elsewhere than to the APICs, masked, no bus master, reset */
    as_st32(&m->mem, entry, 0x1000);
    ck_assert_int_eq(k_fd, -1);
    turn();
    ck_assert_uint_eq(msi_count, 2);
    ck_assert_uint_eq(msi_addr, 0x1000);
    as_st32(&m->mem, entry, 0xfee01000);
    ck_assert_int_eq(k_fd, n->fd);
    outl(0xcf8, 0x80000000u | 0x20 << 8 | d->msix_cap);
    outw(0xcfe, PCI_MSIX_ENABLE | PCI_MSIX_FUNC_MASK);
    ck_assert_int_eq(k_fd, -1);
    outw(0xcfe, PCI_MSIX_ENABLE);
    ck_assert_int_eq(k_fd, n->fd);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM);
    ck_assert_int_eq(k_fd, -1);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_MASTER);
    ck_assert_int_eq(k_fd, n->fd);
    device_reset(&d->dev);
    ck_assert_int_eq(k_fd, -1);
    irqchip_set(m, NULL);
}
END_TEST

START_TEST(msi_vectors)
{
    struct pci_device *d = plug_probe(4);
    unsigned cap = d->msi_cap;

    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MASTER);
    cfg_set(0x20, cap + PCI_MSI_ADDR, 0xfee00000);
    cfg_set(0x20, cap + PCI_MSI_DATA, 0x50);
    outl(0xcf8, 0x80000000u | 0x20 << 8 | cap);
    outw(0xcfe, PCI_MSI_ENABLE | 1 << 4); /* two of the four vectors */
    pci_msi_notify(d, 1);
    ck_assert_uint_eq(msi_data, 0x51);
    pci_msi_notify(d, 3);
    ck_assert_uint_eq(msi_data, 0x51);
    ck_assert_uint_eq(msi_count, 2);
    cfg_set(0x20, cap + PCI_MSI_MASK, 2);
    pci_msi_notify(d, 1);
    ck_assert_uint_eq(msi_count, 2);
    ck_assert_uint_eq(cfg(0x20, cap + PCI_MSI_PENDING), 2);
    cfg_set(0x20, cap + PCI_MSI_MASK, 0);
    ck_assert_uint_eq(msi_count, 3);
    ck_assert_uint_eq(cfg(0x20, cap + PCI_MSI_PENDING), 0);
}
END_TEST

START_TEST(bus_master)
{
    struct pci_device *d = plug_probe(4);
    uint32_t v = 0x12345678;

    as_write(pci_dma(d), 0x1000, &v, 4);
    ck_assert_uint_eq(as_ld32(&m->mem, 0x1000), 0);
    as_read(pci_dma(d), 0x1000, &v, 4);
    ck_assert_uint_eq(v, 0xffffffff);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MASTER);
    v = 0x12345678;
    as_write(pci_dma(d), 0x1000, &v, 4);
    ck_assert_uint_eq(as_ld32(&m->mem, 0x1000), 0x12345678);
}
END_TEST

static void pam(unsigned reg, uint8_t v)
{
    outl(0xcf8, 0x80000000u | (reg & ~3u));
    outb((uint16_t)(0xcfc + (reg & 3)), v);
}

START_TEST(shadow_ram)
{
    /* RAM of the test machine reaches to 1 MiB; the segment hides it while reads go to PCI. */
    uint8_t *ram = m->ram->host;

    ram[0xc0000] = 0x11;
    pam(I440FX_PAM0 + 1, PAM_READ | PAM_WRITE);
    as_st8(&m->mem, 0xc0000, 0x22);
    ck_assert_uint_eq(ram[0xc0000], 0x22);
    pam(I440FX_PAM0 + 1, PAM_READ);
    as_st8(&m->mem, 0xc0000, 0x33); /* write protected */
    ck_assert_uint_eq(ram[0xc0000], 0x22);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xc0000), 0x22);
    pam(I440FX_PAM0 + 1, PAM_WRITE);
    as_st8(&m->mem, 0xc0000, 0x44); /* reads below, writes RAM */
    ck_assert_uint_eq(ram[0xc0000], 0x44);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xc0000), 0xff);
    /* the upper half of the register is the next 16 KiB; PAM0's is F0000h */
    pam(I440FX_PAM0 + 1, PAM_READ << 4);
    ram[0xc4000] = 0x55;
    as_st8(&m->mem, 0xc4000, 0);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xc4000), 0x55);
    pam(I440FX_PAM0, 0x10);
    ram[0xfffff] = 0x66;
    as_st8(&m->mem, 0xfffff, 0);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 0x66);
}
END_TEST

START_TEST(save_load)
{
    struct pci_testdev *t = plug("4");
    GByteArray *saved = g_byte_array_new();
    size_t used;

    cfg_set(0x20, PCI_BAR0, 0xc0000000);
    cfg_set(0x20, PCI_COMMAND, PCI_CMD_MEM);
    device_save(&t->pci.dev, saved);
    device_reset(&t->pci.dev);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xc0000000));
    ck_assert(device_load(&t->pci.dev, saved->data, saved->len, &used, NULL));
    ck_assert_ptr_eq(as_lookup(&m->mem, 0xc0000000)->region, &t->mem);
    g_byte_array_free(saved, TRUE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pci");
    TCase *tc = tcase_create("pci");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, mechanism_1);
    tcase_add_test(tc, reset_control);
    tcase_add_test(tc, bar_sizing);
    tcase_add_test(tc, bar_moves);
    tcase_add_test(tc, bar_64);
    tcase_add_test(tc, testdev_counts);
    tcase_add_test(tc, placement);
    tcase_add_test(tc, intx_routing);
    tcase_add_test(tc, msix);
    tcase_add_test(tc, msix_by_eventfd);
    tcase_add_test(tc, msi_vectors);
    tcase_add_test(tc, bus_master);
    tcase_add_test(tc, shadow_ram);
    tcase_add_test(tc, save_load);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
