/* SPDX-License-Identifier: MIT */
/* Shadow RAM by the PAM registers of a host bridge, and open SMRAM. */
#include "hw/pci/pam.h"

enum { SMRAM_BASE = 0xa0000, SMRAM_SIZE = 0x20000, PAM_BASE = 0xc0000, ROM_BASE = 0xe0000,
       TOP_BASE = 0xf0000, SEGMENT = 0x4000 };

/* Reads below, writes to RAM: what firmware uses while it copies itself. */
static void below_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pam_segment *s = dev;
    struct ram_block *ram = s->machine->ram;

    ram_note_write(ram, s->base + off, size);
    for (unsigned i = 0; i < size; i++)
        ram->host[s->base + off + i] = (uint8_t)(val >> (8 * i));
}

static const struct region_ops below_ops = {NULL, below_write, 1, 8};

static unsigned segment_bits(const uint8_t *pam, unsigned i)
{
    return (i == PAM_SEGMENTS - 1 ? pam[0] >> 4 : pam[1 + i / 2] >> (4 * (i & 1))) & 3;
}

void pam_update(struct pam *p, const uint8_t *regs, uint8_t smram)
{
    struct address_space *mem = &p->seg[0].machine->mem;

    as_begin(mem);
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        struct pam_segment *s = &p->seg[i];
        unsigned bits = segment_bits(regs, i);
        region_set_enabled(&s->ram, bits & PAM_READ);
        region_set_readonly(&s->ram, !(bits & PAM_WRITE));
        region_set_enabled(&s->write_ram, bits == PAM_WRITE);
    }
    region_set_enabled(&p->smram, (smram & SMRAM_G_SMRAME) && (smram & SMRAM_D_OPEN));
    as_commit(mem);
}

void pam_open(uint8_t *regs)
{
    regs[0] = (PAM_READ | PAM_WRITE) << 4;
    for (unsigned i = 1; i < PAM_REGISTERS; i++)
        regs[i] = (PAM_READ | PAM_WRITE) * 0x11;
}

void pam_smram_written(uint8_t *smram, uint8_t *wmask)
{
    if (*wmask && (*smram & SMRAM_D_LCK)) {
        *smram &= (uint8_t)~SMRAM_D_OPEN;
        *wmask = 0;
    }
}

static void segment_init(struct pam_segment *s, struct machine *m, uint32_t base, uint32_t size,
                         struct ram_block *rom, uint64_t rom_offset)
{
    s->machine = m;
    s->base = base;
    s->size = size;
    region_init_ram(&s->ram, "shadow-ram", m->ram, base, size, false);
    if (rom && base >= ROM_BASE) {
        region_init_ram(&s->write_ram, "shadow-write", rom, rom_offset + base - ROM_BASE, size,
                        true);
        s->write_ram.ops = &below_ops;
        s->write_ram.dev = s;
    } else {
        region_init_io(&s->write_ram, "shadow-write", &below_ops, s, size);
    }
    region_add(&m->mem_root, base, &s->ram, 1);
    region_add(&m->mem_root, base, &s->write_ram, 1);
}

void pam_init(struct pam *p, struct machine *m, struct ram_block *rom, uint64_t rom_offset)
{
    region_init_ram(&p->smram, "smram", m->ram, SMRAM_BASE, SMRAM_SIZE, false);
    region_add(&m->mem_root, SMRAM_BASE, &p->smram, 1);
    for (unsigned i = 0; i < PAM_SEGMENTS - 1; i++)
        segment_init(&p->seg[i], m, PAM_BASE + SEGMENT * i, SEGMENT, rom, rom_offset);
    segment_init(&p->seg[PAM_SEGMENTS - 1], m, TOP_BASE, 0x10000, rom, rom_offset);
}

void pam_fini(struct pam *p)
{
    region_fini(&p->smram);
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        region_fini(&p->seg[i].ram);
        region_fini(&p->seg[i].write_ram);
    }
}
