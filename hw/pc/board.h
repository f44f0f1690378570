/* SPDX-License-Identifier: MIT */
/*
 * The PC board from the inside: shared by pc.c (what every PC has), pc_i440fx.c and pc_q35.c (the
 * chip sets), pc_setup.c (what firmware would do) and pc_load.c (kernel and ROM).
 */
#ifndef HW_PC_BOARD_H
#define HW_PC_BOARD_H

#include "core/machine.h"
#include "hw/char/isa_serial.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/lapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/pflash.h"
#include "hw/misc/port61.h"
#include "hw/misc/port92.h"
#include "hw/pc/acpi.h"
#include "hw/pc/boot.h"
#include "hw/pc/e820.h"
#include "hw/pc/smbios.h"
#include "hw/pci/pam.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_conf1.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"

#define PC_HIGH_RAM      0x100000000ull
#define PC_PCI_FIRST     0xc0000000ull /* of a direct boot */
#define PC_PCI_LAST      0xfebfffffull
#define PC_ECAM_SIZE     (256ull << 20)
#define PC_IOAPIC_BASE   0xfec00000ull
#define PC_HPET_BASE     0xfed00000ull
#define PC_BIOS_BASE     0xe0000        /* firmware area below 1 MiB, to FFFFFh */
#define PC_BIOS_SIZE     0x20000
#define PC_ROM_MAX       (16u << 20)
#define PC_PCI64_SIZE    (64ull << 30)
#define PC_GSIS          24
#define PC_FLASHES       2

/* Who drives an interrupt line; levels of several are ORed. */
enum pc_irq_source { SRC_ISA, SRC_PIRQ, SRC_SCI, SRC_COUNT };

struct pc_irq_input {
    struct board *board;
    enum pc_irq_source source;
};

/*
 * A chip set: the bridges, what is built into them, and how they are connected. Each has a file
 * that shows all of it; the board is the same otherwise.
 */
struct pc_chipset {
    const char *root_bus;       /* "pci.0" */
    unsigned ide_units;         /* drives per bus of the disk controller */
    uint8_t link_irq[PCI_WIRES]; /* what a direct boot routes each PIRQ to */
    /* Where RAM ends below 4 GiB, for that much of it, and from where on a direct boot has memory
     * uncacheable (vcpu_boot.uc_base). */
    uint64_t (*low_ram_end)(uint64_t ram);
    uint64_t (*uc_base)(uint64_t low_ram_end);
    /* Bridges, disk controller, power management, on the root bus that is there. */
    bool (*build)(struct board *b, GError **err);
    /* What firmware does before it hands over: shadow RAM and registers open, links routed. */
    void (*open)(struct board *b);
    /* Fill in what the tables say of this chip set: as its registers are `now`, or as open()
     * will have them. */
    void (*describe)(struct board *b, bool now, struct acpi_config *c);
};
extern const struct pc_chipset pc_i440fx, pc_q35;

struct board {
    struct device dev;
    const struct pc_chipset *chipset;

    uint64_t low_ram, high_ram;
    struct region low, above_1m, high; /* RAM: 0-A0000h, 1 MiB-3 GiB, from 4 GiB */
    struct region pci_mem;             /* everything below RAM and chips: BARs, ROM copies */
    GPtrArray *a20_alias;              /* struct region *: odd megabytes while A20 is off */

    struct pc_irq_input input[SRC_COUNT];
    uint8_t gsi_level[PC_GSIS];        /* bit per source; derived */

    struct pci_bus pci;
    struct apic_bus apic_bus;
    struct pci_conf1 *conf;            /* the host bridge's */
    /* of the 440FX and PIIX */
    struct i440fx *host;
    struct piix3 *isa;
    struct piix4_pm *pm;
    struct piix_ide *ide;
    /* of the Q35 and ICH9 */
    struct mch *mch;
    struct ich9_lpc *lpc;
    struct i8259 *pic;
    struct ioapic *ioapic;
    struct i8254 *pit;
    struct mc146818 *rtc;
    struct hpet *hpet;
    struct i8042 *kbd;
    struct fw_cfg *fw_cfg;
    struct i8237 *dma;
    struct fdc *fdc;                   /* or NULL: no floppy drive */
    unsigned nlapics;
    struct lapic **lapics;

    /* ROM: flash memory, or SeaBIOS, or what -bios says */
    struct pflash *flash[PC_FLASHES];
    uint64_t flash_bytes;
    struct ram_block *rom;
    GError *no_rom;                    /* why there is none although there should be */
    struct region rom_top, rom_copy;

    /* what is put into memory at every reset of a direct boot */
    struct e820 map;
    struct acpi_tables acpi;           /* placed */
    uint16_t offered_pm_base;          /* of the tables that fw_cfg offers */
    uint64_t offered_ecam_base;
    GByteArray *smbios;
    uint64_t acpi_gpa, rsdp_gpa, smbios_gpa;
    struct boot_image image;
    struct vcpu_boot ap_boot;          /* of the other processors */
    GPtrArray *files;                  /* GMappedFile *: the image borrows their bytes */
    struct boot_module modules[BOOT_MAX_MODULES];
    char **module_texts;
};

/* pc.c, for the chip sets */
bool pc_chip(struct device *dev, GError **err); /* realize, or free */
#define PC_NEW(b, type, t) ((struct type *)device_new((b)->dev.machine, (t)))
struct irq_line pc_line(struct board *b, enum pc_irq_source source, int n);
/* What lies below shadow RAM, and where E0000h is in it; NULL: nothing. */
struct ram_block *pc_shadow_rom(const struct board *b, uint64_t *offset);

/* pc_setup.c */
bool pc_setup_tables(struct board *b, GError **err); /* ACPI, SMBIOS, e820, fw_cfg */
void pc_setup_firmware(struct board *b);             /* at reset, when there is no ROM */
void pc_setup_cmos(struct board *b);

/* pc_setup_pci.c: bus numbers, addresses, interrupt lines */
void pc_setup_pci(struct board *b);

/* pc_floppy.c */
bool pc_floppy(struct board *b, GError **err);

/* pc_boot.c: -boot */
bool pc_boot_offer(struct board *b, GError **err);
void pc_boot_reset(struct board *b);

/* pc_flash.c */
bool pc_flash_build(struct board *b, GError **err);

/* pc_load.c */
bool pc_load_rom(struct board *b, GError **err);     /* before the host bridge exists */
bool pc_load_kernel(struct board *b, GError **err);
void pc_load_place(struct board *b);                 /* at reset */
void pc_load_free(struct board *b);

#endif
