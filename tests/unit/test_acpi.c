/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, SMBIOS and e820: lengths and checksums, pointers after placement, and iasl as the
 * referee: it takes each table apart and puts it together again without an error, a warning or a
 * remark.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/pc/acpi.h"
#include "hw/pc/aml.h"
#include "hw/pc/e820.h"
#include "hw/pc/smbios.h"

enum { BASE = 0xe0000, MANY_CPUS = 300 };

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

static uint64_t ld(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static void build(struct acpi_tables *t, unsigned cpus, bool ecam)
{
    static uint32_t ids[MANY_CPUS];
    struct acpi_config c = {
        .cpus = cpus, .apic_ids = ids, .hpet = true, .i8042 = true, .fw_cfg = true,
        .serial = {true, true, false, true}, .hpet_id = 0x8086a201, .pm_base = 0x600,
        .mem32_first = 0xc0000000, .mem32_last = 0xfebfffff,
        .mem64_first = 0x1000000000ull, .mem64_last = 0x1fffffffffull,
        .ecam_base = ecam ? 0xb0000000 : 0, .ecam_last_bus = 0xff,
    };

    for (unsigned i = 0; i < MANY_CPUS; i++)
        ids[i] = i;
    acpi_build(t, &c);
}

START_TEST(placement)
{
    struct acpi_tables t;

    build(&t, 4, true);
    acpi_place(&t, BASE);
    const uint8_t *rsdp = t.blob[ACPI_RSDP]->data, *b = t.blob[ACPI_TABLES]->data;
    size_t len = t.blob[ACPI_TABLES]->len;
    ck_assert_mem_eq(rsdp, "RSD PTR ", 8);
    ck_assert_uint_eq(sum(rsdp, 20), 0);
    ck_assert_uint_eq(sum(rsdp, 36), 0);
    uint64_t xsdt = ld(rsdp + 24, 8) - BASE, rsdt = ld(rsdp + 16, 4) - BASE;
    ck_assert_uint_lt(xsdt, len);
    ck_assert_mem_eq(b + xsdt, "XSDT", 4);
    ck_assert_mem_eq(b + rsdt, "RSDT", 4);
    unsigned n = (unsigned)(ld(b + xsdt + 4, 4) - 36) / 8;
    ck_assert_uint_eq(n, 4); /* FACP APIC HPET MCFG */
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = ld(b + xsdt + 36 + 8 * i, 8) - BASE;
        ck_assert_uint_eq(at, ld(b + rsdt + 36 + 4 * i, 4) - BASE);
        ck_assert_uint_lt(at + 36, len);
        ck_assert_uint_eq(sum(b + at, ld(b + at + 4, 4)), 0);
    }
    uint64_t fadt = ld(b + xsdt + 36, 8) - BASE;
    ck_assert_mem_eq(b + fadt, "FACP", 4);
    uint64_t dsdt = ld(b + fadt + 40, 4) - BASE;
    ck_assert_uint_eq(dsdt, ld(b + fadt + 140, 8) - BASE);
    ck_assert_mem_eq(b + dsdt, "DSDT", 4);
    ck_assert_uint_eq(sum(b + dsdt, ld(b + dsdt + 4, 4)), 0);
    ck_assert_mem_eq(b + ld(b + fadt + 36, 4) - BASE, "FACS", 4);
    ck_assert_uint_eq((ld(b + fadt + 36, 4)) % 64, 0);
    acpi_free(&t);
}
END_TEST

START_TEST(x2apic_entries)
{
    struct acpi_tables t;
    unsigned lapics = 0, x2 = 0;

    build(&t, MANY_CPUS, false);
    const uint8_t *b = t.blob[ACPI_TABLES]->data, *madt = NULL;
    for (size_t at = 0; at + 36 < t.blob[ACPI_TABLES]->len; at += 16)
        if (!memcmp(b + at, "APIC", 4))
            madt = b + at;
    ck_assert_ptr_nonnull(madt);
    for (const uint8_t *p = madt + 44; p < madt + ld(madt + 4, 4); p += p[1]) {
        lapics += p[0] == 0;
        x2 += p[0] == 9;
        if (p[0] == 9)
            ck_assert_uint_ge(ld(p + 4, 4), 255);
    }
    ck_assert_uint_eq(lapics, 255); /* IDs 0 to 254 */
    ck_assert_uint_eq(x2, MANY_CPUS - 255);
    acpi_free(&t);
}
END_TEST

/* The script does to the unpatched blobs what acpi_place() does. */
START_TEST(loader_script)
{
    struct acpi_tables t;

    build(&t, 2, false);
    GByteArray *s = acpi_loader_script(&t);
    GByteArray *blob[2] = {g_byte_array_new(), g_byte_array_new()};
    for (unsigned i = 0; i < 2; i++)
        g_byte_array_append(blob[i], t.blob[i]->data, t.blob[i]->len);
    ck_assert_uint_eq(s->len % 128, 0);
    for (const uint8_t *c = s->data; c < s->data + s->len; c += 128) {
        GByteArray *d = blob[!strcmp((const char *)c + 4, "etc/acpi/rsdp")];
        uint64_t off, size;
        switch (ld(c, 4)) {
        case 1: /* allocate */
            break;
        case 2: /* pointer */
            ck_assert_str_eq((const char *)c + 60, "etc/acpi/tables");
            off = ld(c + 116, 4);
            size = c[120];
            ck_assert_uint_le(off + size, d->len);
            uint64_t v = ld(d->data + off, (unsigned)size) + BASE;
            memcpy(d->data + off, &v, size);
            break;
        case 3: /* checksum */
            off = ld(c + 60, 4);
            d->data[off] = (uint8_t)(d->data[off] - sum(d->data + ld(c + 64, 4), ld(c + 68, 4)));
            break;
        default:
            ck_abort_msg("command %u", (unsigned)ld(c, 4));
        }
    }
    acpi_place(&t, BASE);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_mem_eq(blob[i]->data, t.blob[i]->data, blob[i]->len);
        g_byte_array_free(blob[i], TRUE);
    }
    g_byte_array_free(s, TRUE);
    acpi_free(&t);
}
END_TEST

static bool run(const char *dir, const char *a, const char *b, const char *c, char **out)
{
    const char *argv[] = {"iasl", a, b, c, NULL};
    char *err_text = NULL;
    int status = -1;

    bool ok = g_spawn_sync(dir, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, out,
                           &err_text, &status, NULL);
    g_free(err_text);
    return ok && status == 0;
}

static void referee(const char *dir, const uint8_t *table)
{
    g_autofree char *name = g_strndup((const char *)table, 4);
    g_autofree char *aml = g_strdup_printf("%s/%s.aml", dir, name);
    g_autofree char *dsl = g_strdup_printf("%s.dsl", name);
    g_autofree char *aml_name = g_strdup_printf("%s.aml", name);
    char *out = NULL;

    ck_assert(g_file_set_contents(aml, (const char *)table, (gssize)ld(table + 4, 4), NULL));
    ck_assert_msg(run(dir, "-d", aml_name, NULL, &out), "iasl -d %s: %s", name, out);
    ck_assert_msg(!strstr(out, "Warning") && !strstr(out, "Error"), "iasl -d %s: %s", name, out);
    g_free(out);
    ck_assert_msg(run(dir, "-we", dsl, NULL, &out), "iasl %s: %s", name, out);
    ck_assert_msg(strstr(out, "0 Errors, 0 Warnings, 0 Remarks") != NULL, "iasl %s: %s", name, out);
    g_free(out);
}

START_TEST(iasl_accepts)
{
    struct acpi_tables t;
    g_autofree char *dir = g_dir_make_tmp("hostel-acpi-XXXXXX", NULL);
    g_autofree char *clean = g_strdup_printf("rm -rf %s", dir);
    g_autofree char *found = g_find_program_in_path("iasl");

    if (!found) {
        printf("skipped: iasl is not installed (package acpica-tools)\n");
        return;
    }
    build(&t, 4, true);
    acpi_place(&t, BASE);
    const uint8_t *b = t.blob[ACPI_TABLES]->data;
    size_t len = t.blob[ACPI_TABLES]->len;
    for (size_t at = 0; at < len; at = (at + ld(b + at + 4, 4) + 15) & ~15ul)
        referee(dir, b + at);
    acpi_free(&t);
    ck_assert_int_eq(system(clean), 0);
}
END_TEST

/* Package lengths at the edges of their encodings, ACPI 20.2.4. */
START_TEST(package_length)
{
    static const unsigned body[] = {0, 61, 62, 63, 4092, 4093, 4094, 0xffffb, 0xffffd, 0x100000};

    for (unsigned i = 0; i < G_N_ELEMENTS(body); i++) {
        GByteArray *a = g_byte_array_new();
        size_t mark = aml_if(a);
        for (unsigned k = 0; k < body[i]; k++)
            aml_op(a, AML_ZERO);
        aml_end(a, mark);
        const uint8_t *p = a->data + 1;
        unsigned more = p[0] >> 6;
        size_t v = more ? p[0] & 0xf : p[0] & 0x3f;
        for (unsigned k = 0; k < more; k++)
            v |= (size_t)p[1 + k] << (4 + 8 * k);
        ck_assert_uint_eq(v, a->len - 1);
        g_byte_array_free(a, TRUE);
    }
}
END_TEST

START_TEST(aml_integers)
{
    static const struct {
        uint64_t v;
        uint8_t op, len;
    } t[] = {{0, 0x00, 1}, {1, 0x01, 1}, {2, 0x0a, 2}, {0xff, 0x0a, 2}, {0x100, 0x0b, 3},
             {0x10000, 0x0c, 5}, {0x100000000ull, 0x0e, 9}};

    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++) {
        GByteArray *a = g_byte_array_new();
        aml_int(a, t[i].v);
        ck_assert_uint_eq(a->data[0], t[i].op);
        ck_assert_uint_eq(a->len, t[i].len);
        if (a->len > 1)
            ck_assert_uint_eq(ld(a->data + 1, a->len - 1), t[i].v);
        g_byte_array_free(a, TRUE);
    }
}
END_TEST

START_TEST(eisa_id)
{
    GByteArray *a = g_byte_array_new();

    aml_eisaid(a, "PNP0A03");
    ck_assert_mem_eq(a->data, "\x0c\x41\xd0\x0a\x03", 5); /* ACPI 19.3.4 */
    g_byte_array_free(a, TRUE);
}
END_TEST

START_TEST(e820_sums)
{
    struct e820 map;
    const uint64_t low = 3ull << 30, high = 5ull << 30;

    e820_build(&map, low, high, BASE);
    /* all RAM but the extended BIOS data area to 1 MiB */
    ck_assert_uint_eq(e820_sum(&map, E820_RAM), low + high - (0x100000 - 0x9fc00));
    for (unsigned i = 1; i < map.n; i++)
        ck_assert_uint_le(map.e[i - 1].base + map.e[i - 1].size, map.e[i].base);
    ck_assert_uint_eq(map.e[map.n - 1].base, 1ull << 32);
    e820_build(&map, 1 << 20, 0, BASE);
    ck_assert_uint_eq(e820_sum(&map, E820_RAM), 0x9fc00);
}
END_TEST

START_TEST(smbios)
{
    struct smbios_config c = {.version = "1", .sockets = 2, .cores = 2, .threads = 1,
                              .low_ram = 3ull << 30, .high_ram = 61ull << 30};
    uint8_t anchor[SMBIOS_ANCHOR_LEN];
    unsigned count = 0, cpus = 0;
    bool ended = false;

    for (unsigned i = 0; i < 16; i++)
        c.uuid[i] = (uint8_t)i;
    GByteArray *b = smbios_build(&c);
    smbios_anchor(b, 0xf0000, anchor);
    ck_assert_mem_eq(anchor, "_SM_", 4);
    ck_assert_uint_eq(sum(anchor, SMBIOS_ANCHOR_LEN), 0);
    ck_assert_mem_eq(anchor + 16, "_DMI_", 5);
    ck_assert_uint_eq(sum(anchor + 16, 15), 0);
    ck_assert_uint_eq(ld(anchor + 22, 2), b->len);
    for (size_t at = 0; at < b->len; count++) {
        const uint8_t *s = b->data + at;
        ck_assert(!ended);
        cpus += s[0] == 4;
        ended = s[0] == 127;
        if (s[0] == 1) /* a UUID's first fields are little-endian */
            ck_assert_mem_eq(s + 8, "\3\2\1\0\5\4\7\6\10\11\12\13\14\15\16\17", 16);
        at += s[1];
        while (b->data[at] || b->data[at + 1])
            at++;
        at += 2;
    }
    ck_assert(ended);
    ck_assert_uint_eq(cpus, 2);
    ck_assert_uint_eq(ld(anchor + 28, 2), count);
    g_byte_array_free(b, TRUE);
}
END_TEST

/* The n-th string of the first structure of that type, or NULL. */
static const char *smbios_text(const GByteArray *b, unsigned type, unsigned n)
{
    for (size_t at = 0; at < b->len;) {
        const uint8_t *s = b->data + at;
        const char *text = (const char *)s + s[1];

        if (s[0] == type) {
            while (--n && *text)
                text += strlen(text) + 1;
            return *text ? text : NULL;
        }
        at += s[1];
        while (b->data[at] || b->data[at + 1])
            at++;
        at += 2;
    }
    return NULL;
}

START_TEST(smbios_options)
{
    static const char *const bad[][2] = {
        {"type=1,colour=red", "colour"}, {"type=9,x=y", "type=9"}, {"version=1", "type=N"},
        {"type=0,release=1", "release"}, {"type=4,max-speed=99999", "max-speed"},
        {"type=1,uuid=12", "uuid"}, {"file=/dev/zero", "file="}, {"type=11,path=/none", "/none"},
    };
    struct smbios_config c = {.version = "1", .sockets = 1, .cores = 1, .threads = 1,
                              .serial = "box", .low_ram = 1 << 30};
    struct smbios_opts o;
    GError *err = NULL;

    smbios_opts_init(&o);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert(!smbios_opts_add(&o, bad[i][0], &err));
        ck_assert_msg(strstr(err->message, bad[i][1]), "%s", err->message);
        g_clear_error(&err);
    }
    c.opts = &o;
    GByteArray *b = smbios_build(&c);
    ck_assert_str_eq(smbios_text(b, 1, 4), "box");
    ck_assert_ptr_null(smbios_text(b, 2, 1));
    ck_assert_ptr_null(smbios_text(b, 11, 1));
    g_byte_array_free(b, TRUE);

    ck_assert(smbios_opts_add(&o, "type=1,serial=ds=nocloud,,s=1,product=A", NULL));
    ck_assert(smbios_opts_add(&o, "type=1,product=B", NULL));
    ck_assert(smbios_opts_add(&o, "type=2,location=here,manufacturer=M", NULL));
    ck_assert(smbios_opts_add(&o, "type=11,value=one,value=two", NULL));
    ck_assert(smbios_opts_add(&o, "type=0,release=3.7,uefi=on", NULL));
    b = smbios_build(&c);
    ck_assert_uint_eq(b->data[0x13] & 8, 8);
    ck_assert_uint_eq(b->data[0x14], 3);
    ck_assert_uint_eq(b->data[0x15], 7);
    ck_assert_str_eq(smbios_text(b, 1, 2), "B");
    ck_assert_str_eq(smbios_text(b, 1, 4), "ds=nocloud,s=1");
    ck_assert_str_eq(smbios_text(b, 2, 2), "here");
    ck_assert_str_eq(smbios_text(b, 11, 2), "two");
    g_byte_array_free(b, TRUE);
    smbios_opts_fini(&o);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("acpi");
    TCase *tc = tcase_create("acpi");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, placement);
    tcase_add_test(tc, x2apic_entries);
    tcase_add_test(tc, loader_script);
    tcase_add_test(tc, iasl_accepts);
    tcase_add_test(tc, package_length);
    tcase_add_test(tc, aml_integers);
    tcase_add_test(tc, eisa_id);
    tcase_add_test(tc, e820_sums);
    tcase_add_test(tc, smbios);
    tcase_add_test(tc, smbios_options);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
