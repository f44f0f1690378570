/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS tables. DMTF DSP0134 version 2.8.
 *
 * Types 0 (BIOS), 1 (system), 2 (board, if asked for), 3 (chassis), 4 (processor, one per
 * socket), 11 (OEM strings), 16 (memory array), 17 (memory device), 19 (mapped addresses, one per
 * run of RAM), 32 (boot status), 127 (end), behind the 32-bit entry point.
 */
#include "hw/pc/smbios.h"

#include <stdlib.h>
#include <string.h>

#include "util/parse.h"

enum {
    MAJOR = 2, MINOR = 8, HANDLE_BIOS = 0x0000, HANDLE_SYSTEM = 0x0100, HANDLE_BOARD = 0x0200,
    HANDLE_CHASSIS = 0x0300, HANDLE_OEM = 0x0b00, MAX_STRINGS = 255,
    HANDLE_CPU = 0x0400, HANDLE_ARRAY = 0x1000, HANDLE_MEMORY = 0x1100, HANDLE_MAP = 0x1300,
    HANDLE_BOOT = 0x2000, HANDLE_END = 0x7f00, NO_HANDLE = 0xfffe, MAX_SOCKETS = 255,
};
#define HIGH_RAM 0x100000000ull

struct writer {
    GByteArray *b;
    size_t start;        /* of the structure being written */
    GPtrArray *texts;    /* its strings */
    const struct smbios_opts *opts;
};

static void put(struct writer *w, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t x = (uint8_t)(v >> (8 * i));
        g_byte_array_append(w->b, &x, 1);
    }
}

static void begin(struct writer *w, uint8_t type, uint16_t handle)
{
    w->start = w->b->len;
    g_ptr_array_set_size(w->texts, 0);
    put(w, type, 1);
    put(w, 0, 1);
    put(w, handle, 2);
}

/* Number of a string of this structure. */
static void put_text(struct writer *w, const char *text)
{
    if (!text || !*text) {
        put(w, 0, 1);
        return;
    }
    g_ptr_array_add(w->texts, (char *)text);
    put(w, w->texts->len, 1);
}

/* What -smbios says, or else this text. */
static void put_opt(struct writer *w, const char *key, const char *otherwise)
{
    put_text(w, smbios_opt(w->opts, w->b->data[w->start], key, otherwise));
}

static void put_opt_uint(struct writer *w, const char *key, uint64_t otherwise, unsigned bytes)
{
    put(w, smbios_opt_uint(w->opts, w->b->data[w->start], key, otherwise), bytes);
}

static void end(struct writer *w)
{
    w->b->data[w->start + 1] = (uint8_t)(w->b->len - w->start);
    for (unsigned i = 0; i < w->texts->len; i++)
        g_byte_array_append(w->b, w->texts->pdata[i], (guint)strlen(w->texts->pdata[i]) + 1);
    put(w, 0, w->texts->len ? 1 : 2);
}

static void bios(struct writer *w, const struct smbios_config *c)
{
    enum { NO_CHARACTERISTICS = 1 << 3, UEFI = 1 << 3, VIRTUAL_MACHINE = 1 << 4 };
    const char *release = smbios_opt(w->opts, 0, "release", "0.1");
    bool uefi = false;

    parse_bool(smbios_opt(w->opts, 0, "uefi", "off"), &uefi, NULL);
    begin(w, 0, HANDLE_BIOS);
    put_opt(w, "vendor", "Hostel");
    put_opt(w, "version", c->version);
    put(w, 0xe000, 2); /* segment */
    put_opt(w, "date", "01/01/2024");
    put(w, 1, 1); /* ROM: 128 KiB */
    put(w, NO_CHARACTERISTICS, 8);
    put(w, 0, 1);
    put(w, VIRTUAL_MACHINE | (uefi ? UEFI : 0), 1);
    put(w, strtoul(release, NULL, 10), 1);
    put(w, strtoul(strchr(release, '.') + 1, NULL, 10), 1);
    put(w, 0xff, 1);
    put(w, 0xff, 1);
    end(w);
}

/* The first three fields of a UUID are little-endian here (7.2.1). */
static void put_uuid(struct writer *w, const uint8_t *u)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++)
        put(w, u[order[i]], 1);
}

static void system_info(struct writer *w, const struct smbios_config *c)
{
    enum { WAKEUP_POWER_SWITCH = 6 };

    begin(w, 1, HANDLE_SYSTEM);
    put_opt(w, "manufacturer", "Hostel");
    put_opt(w, "product", "Standard PC (i440FX + PIIX)");
    put_opt(w, "version", c->version);
    put_opt(w, "serial", c->serial);
    put_uuid(w, c->uuid); /* zeros: not set */
    put(w, WAKEUP_POWER_SWITCH, 1);
    put_opt(w, "sku", NULL);
    put_opt(w, "family", NULL);
    end(w);
}

/* Only if it is asked for: a board has nothing to say that the system has not said. */
static void baseboard(struct writer *w)
{
    enum { HOSTING_BOARD = 1, MOTHERBOARD = 0x0a };

    if (!smbios_opts_has(w->opts, 2))
        return;
    begin(w, 2, HANDLE_BOARD);
    put_opt(w, "manufacturer", "Hostel");
    put_opt(w, "product", NULL);
    put_opt(w, "version", NULL);
    put_opt(w, "serial", NULL);
    put_opt(w, "asset", NULL);
    put(w, HOSTING_BOARD, 1);
    put_opt(w, "location", NULL);
    put(w, HANDLE_CHASSIS, 2);
    put(w, MOTHERBOARD, 1);
    put(w, 0, 1); /* contained objects */
    end(w);
}

static void chassis(struct writer *w, const struct smbios_config *c)
{
    enum { CHASSIS_OTHER = 1, STATE_SAFE = 3 };

    begin(w, 3, HANDLE_CHASSIS);
    put_opt(w, "manufacturer", "Hostel");
    put(w, CHASSIS_OTHER, 1);
    put_opt(w, "version", c->version);
    put_opt(w, "serial", NULL);
    put_opt(w, "asset", NULL);
    put(w, STATE_SAFE, 1);
    put(w, STATE_SAFE, 1);
    put(w, STATE_SAFE, 1);
    put(w, 3, 1); /* security: none */
    put(w, 0, 4);
    put(w, 0, 1); /* height */
    put(w, 1, 1); /* power cords */
    put(w, 0, 2); /* contained elements */
    put_opt(w, "sku", NULL);
    end(w);
}

static void processor(struct writer *w, const struct smbios_config *c, unsigned socket)
{
    enum { CENTRAL = 3, FAMILY_OTHER = 1, ENABLED = 0x41, UPGRADE_OTHER = 1, CAP_64BIT = 1 << 2 };
    g_autofree char *name = g_strdup_printf("%s %u", smbios_opt(c->opts, 4, "sock_pfx", "CPU"),
                                            socket);
    uint64_t id = smbios_opt_uint(c->opts, 4, "processor-id", c->cpu_signature);
    unsigned cores = MIN(c->cores, 255), threads = MIN(c->cores * c->threads, 255);

    begin(w, 4, (uint16_t)(HANDLE_CPU + socket));
    put_text(w, name);
    put(w, CENTRAL, 1);
    put(w, FAMILY_OTHER, 1);
    put_opt(w, "manufacturer", "Hostel");
    put(w, id, 8);
    put_opt(w, "version", c->version);
    put(w, 0, 1); /* voltage */
    put(w, 0, 2); /* external clock: unknown */
    put_opt_uint(w, "max-speed", 2000, 2);
    put_opt_uint(w, "current-speed", 2000, 2);
    put(w, ENABLED, 1);
    put(w, UPGRADE_OTHER, 1);
    put(w, 0xffff, 2); /* caches: not described */
    put(w, 0xffff, 2);
    put(w, 0xffff, 2);
    put_opt(w, "serial", NULL);
    put_opt(w, "asset", NULL);
    put_opt(w, "part", NULL);
    put(w, cores, 1);
    put(w, cores, 1);
    put(w, threads, 1);
    put(w, CAP_64BIT, 2);
    put(w, FAMILY_OTHER, 2);
    end(w);
}

static void memory(struct writer *w, const struct smbios_config *c)
{
    enum { IN_SYSTEM_BOARD = 1, SYSTEM_MEMORY = 3, ECC_NONE = 3, DIMM = 9, TYPE_RAM = 7,
           DETAIL_OTHER = 2 };
    uint64_t total = c->low_ram + c->high_ram, kib = total >> 10, mib = total >> 20;
    g_autofree char *name = g_strconcat(smbios_opt(c->opts, 17, "loc_pfx", "DIMM"), " 0", NULL);

    begin(w, 16, HANDLE_ARRAY);
    put(w, IN_SYSTEM_BOARD, 1);
    put(w, SYSTEM_MEMORY, 1);
    put(w, ECC_NONE, 1);
    put(w, kib < 0x80000000u ? kib : 0x80000000u, 4);
    put(w, NO_HANDLE, 2);
    put(w, 1, 2);
    put(w, kib < 0x80000000u ? 0 : total, 8);
    end(w);

    begin(w, 17, HANDLE_MEMORY);
    put(w, HANDLE_ARRAY, 2);
    put(w, NO_HANDLE, 2);
    put(w, 0xffff, 2); /* widths: unknown */
    put(w, 0xffff, 2);
    put(w, mib < 0x7fff ? mib : 0x7fff, 2);
    put(w, DIMM, 1);
    put(w, 0, 1);
    put_text(w, name);
    put_opt(w, "bank", NULL);
    put(w, TYPE_RAM, 1);
    put(w, DETAIL_OTHER, 2);
    put_opt_uint(w, "speed", 0, 2);
    put_opt(w, "manufacturer", "Hostel");
    put_opt(w, "serial", NULL);
    put_opt(w, "asset", NULL);
    put_opt(w, "part", NULL);
    put(w, 0, 1);
    put(w, mib < 0x7fff ? 0 : mib, 4);
    put(w, 0, 2);
    put(w, 0, 6); /* voltages */
    end(w);
}

/* Strings for whoever runs in the machine, such as systemd's credentials. */
static void oem_strings(struct writer *w)
{
    GPtrArray *all = smbios_opt_all(w->opts, 11, "value");

    if (all->len) {
        begin(w, 11, HANDLE_OEM);
        put(w, MIN(all->len, MAX_STRINGS), 1);
        for (unsigned i = 0; i < all->len && i < MAX_STRINGS; i++)
            g_ptr_array_add(w->texts, all->pdata[i]);
        end(w);
    }
    g_ptr_array_unref(all);
}

static void mapped(struct writer *w, unsigned n, uint64_t base, uint64_t size)
{
    uint64_t first = base >> 10, last = ((base + size) >> 10) - 1;
    bool wide = last > 0xfffffffeu;

    if (!size)
        return;
    begin(w, 19, (uint16_t)(HANDLE_MAP + n));
    put(w, wide ? 0xffffffffu : first, 4);
    put(w, wide ? 0xffffffffu : last, 4);
    put(w, HANDLE_ARRAY, 2);
    put(w, 1, 1); /* partition width */
    put(w, wide ? base : 0, 8);
    put(w, wide ? base + size - 1 : 0, 8);
    end(w);
}

GByteArray *smbios_build(const struct smbios_config *c)
{
    struct writer w = {.b = g_byte_array_new(), .texts = g_ptr_array_new(), .opts = c->opts};

    bios(&w, c);
    system_info(&w, c);
    baseboard(&w);
    chassis(&w, c);
    for (unsigned i = 0; i < MIN(c->sockets, MAX_SOCKETS); i++)
        processor(&w, c, i);
    oem_strings(&w);
    memory(&w, c);
    mapped(&w, 0, 0, c->low_ram);
    mapped(&w, 1, HIGH_RAM, c->high_ram);
    begin(&w, 32, HANDLE_BOOT);
    put(&w, 0, 6);
    put(&w, 0, 1); /* no errors */
    end(&w);
    begin(&w, 127, HANDLE_END);
    end(&w);
    g_ptr_array_unref(w.texts);
    return w.b;
}

static uint8_t checksum(const uint8_t *p, unsigned n)
{
    uint8_t sum = 0;
    while (n--)
        sum = (uint8_t)(sum + *p++);
    return (uint8_t)-sum;
}

void smbios_anchor(const GByteArray *table, uint32_t gpa, uint8_t out[SMBIOS_ANCHOR_LEN])
{
    unsigned count = 0, largest = 0;

    for (size_t at = 0; at < table->len;) { /* count what was built */
        size_t next = at + table->data[at + 1];
        while (table->data[next] || table->data[next + 1])
            next++;
        next += 2;
        largest = MAX(largest, (unsigned)(next - at));
        count++;
        at = next;
    }
    memset(out, 0, SMBIOS_ANCHOR_LEN);
    memcpy(out, "_SM_", 4);
    out[5] = SMBIOS_ANCHOR_LEN;
    out[6] = MAJOR;
    out[7] = MINOR;
    out[8] = (uint8_t)largest;
    out[9] = (uint8_t)(largest >> 8);
    memcpy(out + 16, "_DMI_", 5);
    out[22] = (uint8_t)table->len;
    out[23] = (uint8_t)(table->len >> 8);
    for (unsigned i = 0; i < 4; i++)
        out[24 + i] = (uint8_t)(gpa >> (8 * i));
    out[28] = (uint8_t)count;
    out[29] = (uint8_t)(count >> 8);
    out[30] = MAJOR << 4 | MINOR;
    out[21] = checksum(out + 16, 15);
    out[4] = checksum(out, SMBIOS_ANCHOR_LEN);
}
