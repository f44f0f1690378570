/* SPDX-License-Identifier: MIT */
/*
 * PCI: buses, functions, BARs, interrupts, bus mastering. All calls need the machine lock.
 *
 * A PCI function embeds struct pci_device first and declares one struct pci_device_type:
 *
 *   struct foo { struct pci_device pci; struct region regs; ... };
 *
 *   static const struct prop foo_props[] = { PCI_PROPS(struct foo, pci), {0} };
 *   static const struct state_field foo_state[] = { PCI_STATE(struct foo, pci), ..., STATE_END };
 *   const struct pci_device_type foo_type = {
 *       .dev = {.name = "foo", .help = "...", .size = sizeof(struct foo), .props = foo_props,
 *               .state = foo_state, PCI_TYPE_CALLS},
 *       .vendor = 0x1234, .device = 0x5678, .class_code = 0xff0000, .pin = 1,
 *       .realize = foo_realize, .reset = foo_reset,
 *   };
 *
 * and puts &foo_type.dev into hw_types. foo_realize() calls pci_add_bar(), pci_add_msix() ...;
 * everything not given has a default.
 *
 * DMA: as_read(pci_dma(&f->pci), ...). It is guest memory while the bus-master bit is set and
 * an empty space (reads give ones, writes vanish) otherwise.
 */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include "core/device.h"
#include "core/irq.h"
#include "core/notifier.h"
#include "core/region.h"
#include "hw/pci/pci_regs.h"

#define PCI_NBARS 6
#define PCI_WIRES 8      /* interrupt wires of a root bus */
#define PCI_MSIX_MAX 128 /* vectors of one function */

struct pci_device;
struct pci_bus;

enum pci_bar_kind {
    PCI_BAR_IO,
    PCI_BAR_MEM32,
    PCI_BAR_MEM32_PREFETCH,
    PCI_BAR_MEM64, /* takes BAR n and n + 1 */
    PCI_BAR_MEM64_PREFETCH,
};

struct pci_device_type {
    struct device_type dev;
    uint16_t vendor, device, subvendor, subdevice; /* subsystem: 1af4:1100 where 0 */
    uint8_t revision;
    uint32_t class_code; /* class << 16 | subclass << 8 | programming interface */
    uint8_t pin;         /* interrupt pin: 0 none, 1 INTA .. 4 INTD */
    const char *romfile; /* default of the romfile property, or NULL */
    int fixed_addr_plus1; /* devfn + 1 for a function with a fixed place, 0: anywhere */
    bool express;        /* behind a PCI Express port it has that capability: an endpoint */
    bool (*realize)(struct pci_device *d, GError **err);
    void (*unrealize)(struct pci_device *d);
    void (*reset)(struct pci_device *d);
    void (*loaded)(struct pci_device *d);
    /* Replace the stored byte(s) on a read: val is what the config space holds. NULL: as is. */
    uint32_t (*config_read)(struct pci_device *d, unsigned off, unsigned size, uint32_t val);
    /* After a write was merged into the config space. */
    void (*config_written)(struct pci_device *d, unsigned off, unsigned size);
};

struct pci_bar {
    struct region *region; /* NULL: no such BAR, it reads as 0 */
    enum pci_bar_kind kind;
    uint64_t size;
};

struct pci_device {
    struct device dev;
    /* properties */
    char *bus_name;
    int addr;           /* slot * 8 + function; -1: the first free slot */
    bool multifunction;
    char *romfile; /* NULL: the type's, "": none */
    uint8_t rombar;

    struct pci_bus *bus; /* NULL until realized */
    uint8_t devfn;
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t wmask[PCI_CONFIG_SIZE];  /* bits software may write */
    uint8_t w1cmask[PCI_CONFIG_SIZE]; /* bits cleared by writing one */
    uint8_t initial[PCI_CONFIG_SIZE]; /* after reset */
    struct pci_bar bar[PCI_NBARS];
    struct region rom;          /* expansion ROM; size 0: none */
    uint8_t cap_last, cap_end;  /* building the capability list */

    uint8_t intx;       /* level asserted by the function */
    uint8_t intx_out;   /* level on the bus after the disable bit; derived */

    uint8_t pcie_cap;   /* 0: a conventional function */
    uint8_t msi_cap;    /* 0: none */
    uint8_t msix_cap;
    uint16_t msix_n;
    uint8_t msix_table[PCI_MSIX_MAX * PCI_MSIX_ENTRY];
    uint8_t msix_pending[PCI_MSIX_MAX / 8];
    struct region msix_table_io, msix_pba_io;
    struct region msix_bar; /* pci_add_msix_bar(): a container of its own */
    struct pci_msix_notifier *msix_notifiers; /* pci_notifier.c; msix_n of them, or NULL */
};

static inline struct pci_device *to_pci(struct device *dev)
{
    return (struct pci_device *)dev;
}
static inline const struct pci_device_type *pci_type(const struct pci_device *d)
{
    return (const struct pci_device_type *)d->dev.type;
}

/* The usual rows of props, state and calls. `f` is the member that is (or holds first) the
 * struct pci_device. */
#define PCI_PROPS(T, f)                                                                            \
    PROP(T, f.bus_name, "bus", PROP_STRING, NULL, "bus to plug into (pci.0)"),                     \
        PROP(T, f.addr, "addr", PROP_ADDR, NULL, "slot or slot.function, hexadecimal"),            \
        PROP(T, f.multifunction, "multifunction", PROP_BOOL, "off",                                \
             "other functions share this slot"),                                                  \
        PROP(T, f.romfile, "romfile", PROP_STRING, NULL, "image of the expansion ROM"),            \
        PROP(T, f.rombar, "rombar", PROP_U8, "1", "0: no expansion ROM")
#define PCI_STATE(T, f)                                                                            \
    STATE_BUFFER(T, f.config), STATE_FIELD(T, f.intx), STATE_BUFFER(T, f.msix_table),              \
        STATE_BUFFER(T, f.msix_pending)
#define PCI_TYPE_CALLS                                                                             \
    .bus = "PCI", .realize = pci_device_realize, .unrealize = pci_device_unrealize,                \
    .reset = pci_device_reset, .loaded = pci_device_loaded, .fw_path = pci_device_fw_path
bool pci_device_realize(struct device *dev, GError **err);
void pci_device_unrealize(struct device *dev);
void pci_device_reset(struct device *dev);
void pci_device_loaded(struct device *dev);
char *pci_device_fw_path(const struct device *dev);

/* ---- Buses ---------------------------------------------------------------------------- */

struct pci_bus {
    const char *name;       /* "pci.0" */
    struct machine *machine;
    struct region *mem, *io; /* containers BARs are mapped into: the root's on every bus */
    struct pci_device *bridge; /* whose secondary bus this is; NULL: the root bus */
    bool express;           /* PCI Express: the root complex, or a link */
    struct pci_device *dev[256]; /* by devfn */
    uint32_t reserved_slots; /* not for automatic placement */
    /* The interrupt wires of a root bus, INTA..INTD after the swizzle (up to PIRQH on Q35);
     * shared, level. */
    struct irq_line intx[PCI_WIRES];
    uint16_t intx_count[PCI_WIRES]; /* functions that assert each wire; derived */
    /* Which wire pin `pin` (0..3) of `slot` is soldered to; NULL: (slot + pin) mod 4. */
    unsigned (*swizzle)(void *arg, unsigned slot, unsigned pin);
    void *swizzle_arg;
    /* Where a message-signalled interrupt goes; NULL: lost. */
    void (*msi)(void *arg, uint64_t addr, uint32_t data);
    void *msi_arg;
    struct region no_dma_root;
    struct address_space no_dma; /* empty: what a function without bus mastering sees */
    GPtrArray *children;    /* struct pci_bus * behind bridges */
};

static inline bool pci_bus_is_link(const struct pci_bus *bus)
{
    return bus->express && bus->bridge; /* device 0 is all there can be */
}

void pci_bus_init(struct pci_bus *bus, struct machine *m, const char *name, struct region *mem,
                  struct region *io);
void pci_bus_fini(struct pci_bus *bus);
/* Run change(), which alters what swizzle() answers, while no wire is asserted. */
void pci_bus_rewire(struct pci_bus *root, void (*change)(void *arg), void *arg);
/* The wire of the root bus that pin (0..3) of a function's slot leads to. */
unsigned pci_wire_of(const struct pci_bus *bus, unsigned slot, unsigned pin);
/* Bus with this number below root (root included), as configuration cycles find it. */
struct pci_bus *pci_bus_by_number(struct pci_bus *root, uint8_t number);
struct pci_bus *pci_bus_by_name(struct pci_bus *root, const char *name);

/* Configuration cycle: reads of absent functions give ones, writes vanish. size 1, 2, 4; the
 * access lies within one doubleword. off is below 1000h: the extended space of a PCI Express
 * function has no capabilities, a conventional function has no such space. */
uint32_t pci_bus_config_read(struct pci_bus *root, uint8_t bus, uint8_t devfn, unsigned off,
                             unsigned size);
void pci_bus_config_write(struct pci_bus *root, uint8_t bus, uint8_t devfn, unsigned off,
                          uint32_t val, unsigned size);

/* The same for a function at hand. */
uint32_t pci_config_read(struct pci_device *d, unsigned off, unsigned size);
void pci_config_write(struct pci_device *d, unsigned off, uint32_t val, unsigned size);

/* ---- For functions -------------------------------------------------------------------- */

/* region's size is a power of two: I/O 4..256 or more, memory at least 16. In realize(). */
void pci_add_bar(struct pci_device *d, unsigned n, enum pci_bar_kind kind, struct region *region);
/* Reserve a capability of len bytes (ID and link filled in); its offset, or 0 when full. */
uint8_t pci_add_capability(struct pci_device *d, uint8_t id, uint8_t len);

/* Level of the interrupt pin. */
void pci_set_intx(struct pci_device *d, int level);

/* MSI with 2^log2n vectors, 64-bit address and per-vector masking. */
void pci_add_msi(struct pci_device *d, unsigned log2n);
bool pci_msi_enabled(const struct pci_device *d);
void pci_msi_notify(struct pci_device *d, unsigned vector);

/* MSI-X: table and pending bits inside `bar_region`, the container (or I/O region's parent) of
 * BAR n, at the given offsets. n <= PCI_MSIX_MAX. */
void pci_add_msix(struct pci_device *d, unsigned nvec, unsigned bar, struct region *bar_region,
                  uint32_t table_off, uint32_t pba_off);
/* The same with a BAR of its own: 4 KiB, table at 0, pending bits at 0x800 (nvec <= 128). */
void pci_add_msix_bar(struct pci_device *d, unsigned nvec, unsigned bar);
bool pci_msix_enabled(const struct pci_device *d);
void pci_msix_notify(struct pci_device *d, unsigned vector);

/* An eventfd (struct irq_notifier, core/notifier.h) whose signal does pci_msix_notify() of that
 * vector, from any thread. NULL: no eventfd left. Lock held; both. */
struct irq_notifier *pci_msix_notifier(struct pci_device *d, unsigned vector, GError **err);
void pci_msix_notifier_free(struct pci_device *d, unsigned vector);

/* The address space this function's DMA goes to, at this moment. */
struct address_space *pci_dma(struct pci_device *d);

/* May it write to memory: its own bus-master bit, and those of the bridges above. */
bool pci_is_master(const struct pci_device *d);

/* pci_path.c: OpenFirmware's path of the function itself: what is behind it goes on from there. */
char *pci_fw_path(const struct pci_device *d);

/* Between pci.c, pci_bridge.c, pci_rom.c and pci_msi.c. */
struct pci_bus *pci_root_bus(struct pci_bus *bus);
/* The bridge's windows or command register changed: what is behind it maps itself anew. */
void pci_bus_update(struct pci_bus *bus);
bool pci_rom_init(struct pci_device *d, GError **err);
void pci_rom_update(struct pci_device *d); /* the BAR or the command register changed */
void pci_rom_fini(struct pci_device *d);
void pci_msi_config_written(struct pci_device *d, unsigned off, unsigned size);
void pci_msi_reset(struct pci_device *d);
void pci_msi_unrealize(struct pci_device *d);
/* pci_notifier.c: the table, a mask or the bus-master bit may have changed. */
void pci_notifiers_update(struct pci_device *d);
void pci_notifiers_free(struct pci_device *d);
/* The message of an MSI-X vector, false while a signal does not send it at once. */
bool pci_msix_message(const struct pci_device *d, unsigned vector, struct msi_message *msg);

static inline uint16_t pci_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t pci_get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline void pci_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void pci_put32(uint8_t *p, uint32_t v)
{
    pci_put16(p, (uint16_t)v);
    pci_put16(p + 2, (uint16_t)(v >> 16));
}

#endif
