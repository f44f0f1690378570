/* SPDX-License-Identifier: MIT */
/* core/region.h: flat views, listeners, accesses of all shapes. */
#include <check.h>
#include <string.h>

#include "core/region.h"

struct probe { /* a device that remembers its last access */
    struct region r;
    uint8_t regs[64];
    uint64_t off, val;
    unsigned size, reads, writes;
};

static uint64_t probe_read(void *dev, uint64_t off, unsigned size)
{
    struct probe *p = dev;
    uint64_t v = 0;
    ck_assert(off + size <= sizeof(p->regs));
    p->reads++;
    p->off = off;
    p->size = size;
    memcpy(&v, p->regs + off, size);
    return v;
}

static void probe_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct probe *p = dev;
    ck_assert(off + size <= sizeof(p->regs));
    p->writes++;
    p->off = off;
    p->val = val;
    p->size = size;
    memcpy(p->regs + off, &val, size);
}

static const struct region_ops any_ops = {probe_read, probe_write, 1, 8};
static const struct region_ops byte_ops = {probe_read, probe_write, 1, 1};
static const struct region_ops dword_ops = {probe_read, probe_write, 4, 4};
static const struct region_ops default_ops = {.read = probe_read, .write = probe_write};

static struct region root;
static struct address_space as;
static struct ram_block *ram;

static void setup(void)
{
    region_init_container(&root, "root", UINT64_MAX);
    as_init(&as, "test", &root);
    ram = ram_block_new("ram", 0x10000, NULL);
    ck_assert_ptr_nonnull(ram);
}

static void teardown(void)
{
    region_fini(&root);
    as_fini(&as);
    ram_block_free(ram);
}

static void probe_init(struct probe *p, const struct region_ops *ops, uint64_t at, int prio)
{
    memset(p, 0, sizeof(*p));
    for (unsigned i = 0; i < sizeof(p->regs); i++)
        p->regs[i] = (uint8_t)(0x10 + i);
    region_init_io(&p->r, "probe", ops, p, sizeof(p->regs));
    region_add(&root, at, &p->r, prio);
}

START_TEST(overlap_by_priority)
{
    struct region low, rom;
    struct probe vga;
    region_init_ram(&low, "low", ram, 0, 0x10000, false);
    region_add(&root, 0, &low, 0);
    probe_init(&vga, &any_ops, 0x4000, 1);
    ck_assert_uint_eq(as.view->n, 3);
    ck_assert_ptr_eq(as_lookup(&as, 0x3fff)->region, &low);
    ck_assert_ptr_eq(as_lookup(&as, 0x4000)->region, &vga.r);
    ck_assert_ptr_eq(as_lookup(&as, 0x403f)->region, &vga.r);
    ck_assert_ptr_eq(as_lookup(&as, 0x4040)->region, &low);
    ck_assert_uint_eq(as_lookup(&as, 0x4040)->ram_offset, 0x4040);
    ck_assert_ptr_null(as_lookup(&as, 0x10000));

    region_set_enabled(&vga.r, false);
    ck_assert_uint_eq(as.view->n, 1);
    region_set_enabled(&vga.r, true);
    region_set_addr(&vga.r, 0x8000);
    ck_assert_ptr_eq(as_lookup(&as, 0x4000)->region, &low);
    ck_assert_ptr_eq(as_lookup(&as, 0x8000)->region, &vga.r);

    /* same priority: the one added last wins */
    region_init_ram(&rom, "rom", ram, 0xf000, 0x1000, true);
    region_add(&root, 0x1000, &rom, 0);
    ck_assert_ptr_eq(as_lookup(&as, 0x1000)->region, &rom);
    region_del(&rom);
    ck_assert_ptr_eq(as_lookup(&as, 0x1000)->region, &low);
    region_fini(&low);
    region_fini(&vga.r);
    ck_assert_uint_eq(as.view->n, 0);
}
END_TEST

START_TEST(nested_containers_clip)
{
    struct region box, a;
    region_init_container(&box, "box", 0x2000);
    region_init_ram(&a, "a", ram, 0, 0x10000, false);
    region_add(&box, 0x1000, &a, 0);
    region_add(&root, UINT64_MAX - 0x1fff, &box, 0);
    const struct region_section *s = as_lookup(&as, UINT64_MAX);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->base, UINT64_MAX - 0xfff);
    ck_assert_uint_eq(s->size, 0x1000);
    ck_assert_ptr_null(as_lookup(&as, UINT64_MAX - 0x1000));
    ck_assert_ptr_eq(as_ptr(&as, UINT64_MAX - 0xfff, 0x1000, false), ram->host);
    ck_assert_ptr_null(as_ptr(&as, UINT64_MAX - 0xfff, 0x1001, false));
    region_fini(&a);
    region_fini(&box);
}
END_TEST

START_TEST(random_views_match_a_painter)
{
    /* Paint an array from the lowest priority up; compare every byte's owner. */
    enum { N = 12, SPACE = 256 };
    GRand *rnd = g_rand_new_with_seed(7);
    for (int round = 0; round < 200; round++) {
        struct region r[N];
        int prio[N], owner[SPACE];
        uint64_t addr[N];
        memset(owner, -1, sizeof(owner));
        as_begin(&as);
        for (int i = 0; i < N; i++) {
            addr[i] = (uint64_t)g_rand_int_range(rnd, 0, SPACE);
            prio[i] = g_rand_int_range(rnd, 0, 4);
            region_init_ram(&r[i], "r", ram, 0, (uint64_t)g_rand_int_range(rnd, 1, 100), false);
            region_add(&root, addr[i], &r[i], prio[i]);
        }
        as_commit(&as);
        for (int p = 0; p < 4; p++)
            for (int i = 0; i < N; i++)
                for (uint64_t x = addr[i]; prio[i] == p && x < addr[i] + r[i].size; x++)
                    if (x < SPACE)
                        owner[x] = i;
        for (uint64_t x = 0; x < SPACE; x++) {
            const struct region_section *s = as_lookup(&as, x);
            ck_assert_ptr_eq(s ? s->region : NULL, owner[x] < 0 ? NULL : &r[owner[x]]);
            if (s)
                ck_assert_uint_eq(s->ram_offset + (x - s->base), x - addr[owner[x]]);
        }
        as_begin(&as);
        for (int i = 0; i < N; i++)
            region_fini(&r[i]);
        as_commit(&as);
        ck_assert_uint_eq(as.view->n, 0);
    }
    g_rand_free(rnd);
}
END_TEST

struct recorder {
    struct region_listener l;
    unsigned begins, commits;
    uint64_t map; /* bit per 4 KiB page of the first 256 KiB */
};

static uint64_t section_bits(const struct region_section *s)
{
    uint64_t bits = 0;
    for (uint64_t p = s->base >> 12; p < (s->base + s->size) >> 12; p++)
        bits |= 1ull << p;
    return bits;
}
static void rec_begin(struct region_listener *l)
{
    ((struct recorder *)l)->begins++;
}
static void rec_commit(struct region_listener *l)
{
    ((struct recorder *)l)->commits++;
}
static void rec_add(struct region_listener *l, const struct region_section *s)
{
    struct recorder *r = (struct recorder *)l;
    ck_assert_uint_eq(r->map & section_bits(s), 0);
    r->map |= section_bits(s);
}
static void rec_del(struct region_listener *l, const struct region_section *s)
{
    struct recorder *r = (struct recorder *)l;
    ck_assert_uint_eq(r->map & section_bits(s), section_bits(s));
    r->map &= ~section_bits(s);
}

START_TEST(listeners_see_differences)
{
    struct region a, b;
    struct recorder rec = {
        .l = {.begin = rec_begin, .add = rec_add, .del = rec_del, .commit = rec_commit}};
    region_init_ram(&a, "a", ram, 0, 0x4000, false);
    region_add(&root, 0, &a, 0);
    as_add_listener(&as, &rec.l);
    ck_assert_uint_eq(rec.map, 0xf);
    ck_assert_uint_eq(rec.commits, 1);
    as_begin(&as);
    region_init_ram(&b, "b", ram, 0x4000, 0x2000, false);
    region_add(&root, 0x2000, &b, 1);
    region_set_addr(&b, 0x8000);
    ck_assert_uint_eq(rec.commits, 1);
    as_commit(&as);
    ck_assert_uint_eq(rec.commits, 2);
    ck_assert_uint_eq(rec.map, 0x30f);
    region_set_readonly(&b, true); /* del and add */
    ck_assert_uint_eq(rec.map, 0x30f);
    ck_assert_uint_eq(rec.begins, 3);
    region_set_readonly(&b, true); /* no change: nobody is bothered */
    ck_assert_uint_eq(rec.begins, 3);
    as_del_listener(&as, &rec.l);
    ck_assert_uint_eq(rec.map, 0);
    ck_assert_uint_gt(as.retired->len, 0);
    as_reclaim(&as);
    ck_assert_uint_eq(as.retired->len, 0);
    region_fini(&a);
    region_fini(&b);
}
END_TEST

START_TEST(widths)
{
    struct probe any, byte, dword, dflt;
    probe_init(&any, &any_ops, 0x0, 0);
    probe_init(&byte, &byte_ops, 0x100, 0);
    probe_init(&dword, &dword_ops, 0x200, 0);
    probe_init(&dflt, &default_ops, 0x300, 0);

    ck_assert_uint_eq(as_ld64(&as, 8), 0x1f1e1d1c1b1a1918);
    ck_assert_uint_eq(any.reads, 1);
    ck_assert_uint_eq(as_ld32(&as, 0x104), 0x17161514);
    ck_assert_uint_eq(byte.reads, 4);
    ck_assert_uint_eq(as_ld8(&as, 0x206), 0x16);
    ck_assert_uint_eq(dword.off, 4);
    ck_assert_uint_eq(dword.size, 4);
    ck_assert_uint_eq(as_ld64(&as, 0x300), 0x1716151413121110);
    ck_assert_uint_eq(dflt.reads, 2); /* 4 bytes at most by default */

    as_st16(&as, 0x202, 0xbeef); /* narrower than the device's width: shifted into its lane */
    ck_assert_uint_eq(dword.val, 0xbeef0000);
    ck_assert_uint_eq(dword.off, 0);
    as_st16(&as, 1, 0x1234); /* not aligned: pieces */
    ck_assert_uint_eq(any.writes, 2);
    ck_assert_uint_eq(any.regs[1], 0x34);
    ck_assert_uint_eq(any.regs[2], 0x12);

    /* over the end of the region: the rest is answered by nobody */
    uint32_t v;
    ck_assert(!as_read(&as, 0x3e, &v, 4));
    ck_assert_uint_eq(v, 0xffff4f4e);
    struct probe *all[] = {&any, &byte, &dword, &dflt};
    for (unsigned i = 0; i < 4; i++)
        region_fini(&all[i]->r);
}
END_TEST

START_TEST(ram_rom_and_holes)
{
    struct region a, rom;
    region_init_ram(&a, "a", ram, 0, 0x2000, false);
    region_init_ram(&rom, "rom", ram, 0x2000, 0x1000, true);
    region_add(&root, 0x1000, &a, 0);
    region_add(&root, 0x3000, &rom, 0);
    ram->host[0x2000] = 0x77;
    uint8_t buf[0x4000];
    memset(buf, 0x5a, sizeof(buf));
    ck_assert(!as_write(&as, 0, buf, sizeof(buf))); /* a hole below 1000h */
    ck_assert_uint_eq(ram->host[0], 0x5a);
    ck_assert_uint_eq(ram->host[0x1fff], 0x5a);
    ck_assert_uint_eq(ram->host[0x2000], 0x77);
    ck_assert(!as_read(&as, 0, buf, sizeof(buf)));
    ck_assert_uint_eq(buf[0xfff], 0xff);
    ck_assert_uint_eq(buf[0x1000], 0x5a);
    ck_assert_uint_eq(buf[0x3000], 0x77);
    ck_assert_ptr_null(as_ptr(&as, 0x3000, 1, true));
    ck_assert_ptr_eq(as_ptr(&as, 0x3000, 1, false), ram->host + 0x2000);
    ck_assert_ptr_null(as_ptr(&as, 0x2fff, 2, false)); /* two regions */
    ck_assert_ptr_null(as_ptr(&as, 0xfff, 1, false));
    /* two windows on one block */
    region_set_ram(&a, ram, 0x1000);
    ck_assert_ptr_eq(as_ptr(&as, 0x1000, 1, false), ram->host + 0x1000);
    region_fini(&a);
    region_fini(&rom);
}
END_TEST

struct code_log {
    unsigned calls;
    uint64_t off, len;
};
static void code_written(void *arg, struct ram_block *block, uint64_t off, uint64_t len)
{
    struct code_log *log = arg;
    log->calls++;
    log->off = off;
    log->len = len;
}

START_TEST(writes_are_noted)
{
    struct region a;
    struct code_log log = {0};
    region_init_ram(&a, "a", ram, 0, 0x10000, false);
    region_add(&root, 0, &a, 0);
    ram->code_written = code_written;
    ram->code_arg = &log;
    ram->flags[1] = RAM_CODE | RAM_CLEAN;
    ram->flags[2] = RAM_CLEAN;
    as_st32(&as, 0x800, 1);
    ck_assert_uint_eq(log.calls, 0);
    uint8_t buf[0x1800] = {0};
    as_write(&as, 0xf00, buf, sizeof(buf));
    ck_assert_uint_eq(log.calls, 1);
    ck_assert_uint_eq(log.off, 0x1000);
    ck_assert_uint_eq(log.len, 0x1000);
    ck_assert_uint_eq(ram->flags[1], RAM_CODE);
    ck_assert_uint_eq(ram->flags[2], 0);
    as_ptr(&as, 0x1010, 4, false);
    ck_assert_uint_eq(log.calls, 1);
    as_ptr(&as, 0x1010, 4, true);
    ck_assert_uint_eq(log.calls, 2);
    ck_assert_uint_eq(log.off, 0x1010);
    region_fini(&a);
}
END_TEST

static uint64_t loop_read(void *dev, uint64_t off, unsigned size)
{
    struct probe *p = dev;
    p->reads++;
    return as_ld32(&as, 0x1000);
}

START_TEST(a_device_that_reads_itself)
{
    struct probe p = {0};
    const struct region_ops ops = {.read = loop_read};
    region_init_io(&p.r, "loop", &ops, &p, 4);
    region_add(&root, 0x1000, &p.r, 0);
    ck_assert_uint_eq(as_ld32(&as, 0x1000), 0xffffffff);
    ck_assert_uint_eq(p.reads, 1);
    p.r.reentrant = true;
    ck_assert_uint_eq(as_ld32(&as, 0x1000), 0xffffffff);
    ck_assert_uint_lt(p.reads, 20);
    region_fini(&p.r);
}
END_TEST

START_TEST(impossible_ram)
{
    GError *err = NULL;
    ck_assert_ptr_null(ram_block_new("none", 0, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "none"));
    g_clear_error(&err);
    ck_assert_ptr_null(ram_block_new("huge", UINT64_MAX - 5, &err));
    g_clear_error(&err);
    struct ram_block *odd = ram_block_new("odd", 5000, NULL);
    ck_assert_uint_eq(odd->size, 8192);
    ram_block_free(odd);
}
END_TEST

/* Who takes the dirty log does not take it away from the other. */
START_TEST(two_dirty_users)
{
    struct address_space space;
    struct region top, window;
    GError *err = NULL;
    struct ram_block *block = ram_block_new("ram", 4 * RAM_PAGE_SIZE, &err);
    bool d[4];

    region_init_container(&top, "top", UINT64_MAX);
    as_init(&space, "as", &top);
    region_init_ram(&window, "ram", block, 0, block->size, false);
    region_add(&top, 0, &window, 0);
    block->log_dirty = true; /* a display's */
    as_take_dirty(&space, block, 0, block->size, d);
    as_watch_all(&space, block);
    ck_assert(as_take_dirty_for(&space, DIRTY_MIGRATION, block, 0, block->size, d));
    ck_assert(d[0] && d[1] && d[2] && d[3]); /* all of it is new to a migration */
    ck_assert(!as_take_dirty(&space, block, 0, block->size, d));
    ram_note_write(block, 2 * RAM_PAGE_SIZE, 1);
    ck_assert(as_take_dirty_for(&space, DIRTY_MIGRATION, block, 0, block->size, d));
    ck_assert(!d[0] && !d[1] && d[2] && !d[3]);
    ck_assert(!as_take_dirty_for(&space, DIRTY_MIGRATION, block, 0, block->size, d));
    ck_assert(as_take_dirty(&space, block, 0, block->size, d)); /* the display hears of it too */
    ck_assert(!d[1] && d[2]);
    ram_note_write(block, 0, 1);
    ck_assert(as_take_dirty(&space, block, 0, block->size, d));
    as_watch_none(&space, block);
    ck_assert(block->log_dirty && !block->missed[DIRTY_MIGRATION]);
    region_fini(&window);
    region_fini(&top);
    as_fini(&space);
    ram_block_free(block);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("region");
    TCase *t = tcase_create("region");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, overlap_by_priority);
    tcase_add_test(t, nested_containers_clip);
    tcase_add_test(t, random_views_match_a_painter);
    tcase_add_test(t, listeners_see_differences);
    tcase_add_test(t, widths);
    tcase_add_test(t, ram_rom_and_holes);
    tcase_add_test(t, writes_are_noted);
    tcase_add_test(t, a_device_that_reads_itself);
    tcase_add_test(t, impossible_ram);
    tcase_add_test(t, two_dirty_users);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
