/* SPDX-License-Identifier: MIT */
/*
 * The PC board from the inside: shared by pc.c (wiring), pc_setup.c (what firmware would do)
 * and pc_load.c (kernel and ROM).
 */
#ifndef HW_PC_BOARD_H
#define HW_PC_BOARD_H

#include "core/machine.h"
#include "hw/char/isa_serial.h"
#include "hw/ide/piix_ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/lapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/port61.h"
#include "hw/misc/port92.h"
#include "hw/pc/acpi.h"
#include "hw/pc/boot.h"
#include "hw/pc/e820.h"
#include "hw/pc/smbios.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/pci.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"

#define PC_LOW_RAM_END   0xc0000000ull  /* RAM beyond this continues at 4 GiB */
#define PC_HIGH_RAM      0x100000000ull
#define PC_PCI_LAST      0xfebfffffull
#define PC_IOAPIC_BASE   0xfec00000ull
#define PC_HPET_BASE     0xfed00000ull
#define PC_BIOS_BASE     0xe0000        /* firmware area below 1 MiB, to FFFFFh */
#define PC_BIOS_SIZE     0x20000
#define PC_ROM_MAX       (16u << 20)
#define PC_PCI64_SIZE    (64ull << 30)
#define PC_GSIS          24

/* Who drives an interrupt line; levels of several are ORed. */
enum pc_irq_source { SRC_ISA, SRC_PIRQ, SRC_SCI, SRC_COUNT };

struct pc_irq_input {
    struct board *board;
    enum pc_irq_source source;
};

struct board {
    struct device dev;

    uint64_t low_ram, high_ram;
    struct region low, above_1m, high; /* RAM: 0-A0000h, 1 MiB-3 GiB, from 4 GiB */
    struct region pci_mem;             /* everything below RAM and chips: BARs, ROM copies */
    GPtrArray *a20_alias;              /* struct region *: odd megabytes while A20 is off */

    struct pc_irq_input input[SRC_COUNT];
    uint8_t gsi_level[PC_GSIS];        /* bit per source; derived */

    struct pci_bus pci;
    struct apic_bus apic_bus;
    struct i440fx *host;
    struct piix3 *isa;
    struct piix4_pm *pm;
    struct piix_ide *ide;
    struct i8259 *pic;
    struct ioapic *ioapic;
    struct i8254 *pit;
    struct mc146818 *rtc;
    struct hpet *hpet;
    struct i8042 *kbd;
    struct fw_cfg *fw_cfg;
    unsigned nlapics;
    struct lapic **lapics;

    /* ROM: SeaBIOS, or what -bios says */
    struct ram_block *rom;
    GError *no_rom;                    /* why there is none although there should be */
    struct region rom_top, rom_copy;

    /* what is put into memory at every reset of a direct boot */
    struct e820 map;
    struct acpi_tables acpi;           /* placed */
    uint16_t offered_pm_base;          /* of the tables that fw_cfg offers */
    GByteArray *smbios;
    uint64_t acpi_gpa, rsdp_gpa, smbios_gpa;
    struct boot_image image;
    struct vcpu_boot ap_boot;          /* of the other processors */
    GPtrArray *files;                  /* GMappedFile *: the image borrows their bytes */
    struct boot_module modules[BOOT_MAX_MODULES];
    char **module_texts;
};

/* pc_setup.c */
bool pc_setup_tables(struct board *b, GError **err); /* ACPI, SMBIOS, e820, fw_cfg */
void pc_setup_firmware(struct board *b);             /* at reset, when there is no ROM */
void pc_setup_cmos(struct board *b);

/* pc_boot.c: -boot */
bool pc_boot_offer(struct board *b, GError **err);
void pc_boot_reset(struct board *b);

/* pc_load.c */
bool pc_load_rom(struct board *b, GError **err);     /* before the host bridge exists */
bool pc_load_kernel(struct board *b, GError **err);
void pc_load_place(struct board *b);                 /* at reset */
void pc_load_free(struct board *b);

#endif
