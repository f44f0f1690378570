/* SPDX-License-Identifier: MIT */
/*
 * What a processor's page tables map, for "info mem" and "info tlb". Intel SDM vol. 3, chapter 4:
 * 32-bit, PAE, 4-level and 5-level paging. The tables are the guest's: nothing in them is trusted,
 * and what is printed is bounded.
 */
#include <inttypes.h>

#include "accel/accel.h"
#include "core/machine.h"
#include "inspect.h"

enum { P = 1, RW = 2, US = 4, PWT = 8, PCD = 16, A = 32, D = 64, PS = 128, G = 256 };
#define NX (1ull << 63)

enum { LINES_MAX = 100000, TABLES_MAX = 1 << 20 };

struct walk {
    struct machine *machine;
    GString *out;
    bool ranges;        /* info mem */
    bool wide;          /* entries of 8 bytes */
    bool large;         /* PS means a large page at level 2 */
    unsigned top;       /* level of the first table */
    unsigned lines, tables;
    uint64_t start, end; /* the range that grows; empty if equal */
    uint64_t rights;
};

static void end_range(struct walk *w)
{
    if (w->start == w->end)
        return;
    g_string_append_printf(w->out, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %c%c%c\n",
                           w->start, w->end, w->end - w->start, w->rights & US ? 'u' : '-', 'r',
                           w->rights & RW ? 'w' : '-');
    w->start = w->end = 0;
    w->lines++;
}

static void show_page(struct walk *w, uint64_t linear, uint64_t phys, uint64_t e, bool big)
{
    g_string_append_printf(w->out, "%016" PRIx64 ": %016" PRIx64 " %c%c%c%c%c%c%c%c%c\n", linear,
                           phys, e & NX ? 'X' : '-', e & G ? 'G' : '-', big ? 'P' : '-',
                           e & D ? 'D' : '-', e & A ? 'A' : '-', e & PCD ? 'C' : '-',
                           e & PWT ? 'T' : '-', e & US ? 'U' : '-', e & RW ? 'W' : '-');
    w->lines++;
}

/* e: the last entry's bits, with the rights that all levels leave. */
static void leaf(struct walk *w, uint64_t linear, uint64_t size, uint64_t phys, uint64_t e,
                 bool big)
{
    if (!w->ranges) {
        show_page(w, linear, phys, e, big);
        return;
    }
    if (w->start == w->end || w->end != linear || w->rights != (e & (US | RW))) {
        end_range(w);
        w->start = linear;
        w->rights = e & (US | RW);
    }
    w->end = linear + size;
}

static uint64_t entry_at(const struct walk *w, const uint8_t *table, unsigned i)
{
    uint64_t v = 0;

    __builtin_memcpy(&v, table + i * (w->wide ? 8 : 4), w->wide ? 8 : 4);
    return v;
}

/* Addresses of 4- and 5-level paging are extended by their highest bit. */
static uint64_t canonical(const struct walk *w, uint64_t linear)
{
    unsigned bits = w->top >= 4 ? 12 + 9 * w->top : 64;

    return bits < 64 && linear >> (bits - 1) & 1 ? linear | UINT64_MAX << bits : linear;
}

static void table(struct walk *w, uint64_t at, unsigned level, uint64_t linear, uint64_t rights)
{
    uint8_t bytes[4096];
    unsigned per = w->wide ? 512 : 1024, bits = w->wide ? 9 : 10;
    unsigned shift = 12 + bits * (level - 1);
    bool pdpt = w->top == 3 && level == 3; /* PAE's four, which have no rights */

    if (w->tables++ >= TABLES_MAX || !as_read(&w->machine->mem, at, bytes, pdpt ? 32 : 4096))
        return;
    for (unsigned i = 0; i < (pdpt ? 4 : per) && w->lines < LINES_MAX; i++) {
        uint64_t e = entry_at(w, bytes, i);
        uint64_t here = linear | (uint64_t)i << shift, size = 1ull << shift;
        uint64_t left = pdpt ? rights : rights & e & (US | RW);
        bool big = level > 1 && (e & PS) && !pdpt && (level > 2 || w->large);

        if (!(e & P))
            continue;
        uint64_t address = e & 0xffffffffff000ull;
        if (level > 1 && !big)
            table(w, address, level - 1, here, left | (rights & NX) | (pdpt ? 0 : e & NX));
        else
            leaf(w, canonical(w, here), size, address & ~(size - 1),
                 (e & ~(uint64_t)(US | RW)) | left | (rights & NX), big);
    }
}

void inspect_pages(struct machine *m, const struct x86_state *st, bool ranges, GString *out)
{
    struct walk w = {.machine = m, .out = out, .ranges = ranges};
    bool pae = st->cr4 & CR4_PAE, lma = st->msr.efer & EFER_LMA;

    if (!(st->cr0 & CR0_PG)) {
        g_string_append(out, "PG disabled\n");
        return;
    }
    w.wide = pae;
    w.large = pae || (st->cr4 & CR4_PSE);
    w.top = lma ? st->cr4 & CR4_LA57 ? 5 : 4 : pae ? 3 : 2;
    table(&w, st->cr3 & (w.top == 3 ? 0xffffffe0ull : 0xffffffffff000ull), w.top, 0, US | RW);
    end_range(&w);
    if (w.lines >= LINES_MAX)
        g_string_append(out, "... and more\n");
}
