/* SPDX-License-Identifier: MIT */
/*
 * The page walk where guest programs cannot easily look: tables in ROM and in the void, PSE-36,
 * MAXPHYADDR, walks without side effects. Rights are tested by tests/guest/paging_*.c. Facts from
 * the SDM, vol. 3 chapter 4.
 */
#include <check.h>

#include "tests/unit/x86_stub.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define VOID_PAGE 0x80000000ull
#define VA 0x12345678ull

static struct stub *s;
static struct x86_cpu *c;

static void setup(void)
{
    s = stub_new("max");
    c = &s->c;
}

static void teardown(void)
{
    stub_free(s);
}

static uint64_t *q(uint64_t gpa)
{
    return (uint64_t *)(gpa < STUB_RAM ? s->ram->host + gpa : s->rom->host + gpa - STUB_RAM);
}

static uint32_t *d(uint64_t gpa)
{
    return (uint32_t *)q(gpa);
}

static void mode(uint64_t cr0, uint64_t cr4, uint64_t efer, uint64_t cr3)
{
    c->cr0 = cr0;
    c->cr4 = cr4;
    c->msr.efer = efer;
    c->cr3 = cr3;
    x86_update_mode(c);
}

static void mode_long(void)
{
    mode(CR0_PE | CR0_PG | CR0_WP, CR4_PAE | CR4_PGE, EFER_LME | EFER_LMA | EFER_NXE, 0x1000);
}

START_TEST(test_off)
{
    struct x86_walk w;

    mode(CR0_PE, 0, 0, 0);
    ck_assert(x86_walk(c, 0x112345678ull, ACC_WRITE, true, false, &w));
    ck_assert_uint_eq(w.gpa, 0x12345678);
    ck_assert(w.writable && w.user && w.dirty && !w.nx);
}
END_TEST

/* PDE bits 20:13 are address bits 39:32; 22 bits of offset. */
START_TEST(test_pse36)
{
    struct x86_walk w;

    mode(CR0_PE | CR0_PG, CR4_PSE, 0, 0x1000);
    d(0x1000)[VA >> 22] = 0x12000000 | 0xab << 13 | PS | P | W;
    ck_assert(x86_walk(c, VA, ACC_WRITE, false, false, &w));
    ck_assert_uint_eq(w.gpa, 0xab12000000ull | (VA & 0x3fffff));
    ck_assert_uint_eq(w.page_size, 4u << 20);
    ck_assert_uint_eq(d(0x1000)[VA >> 22] & (A | D), A | D);

    cpu_model_free(s->model);
    s->model = cpu_model_new("max,phys-bits=36", 1, 1, 1, NULL);
    c->model = s->model;
    ck_assert(!x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert_uint_eq(w.error, PF_P | PF_RSVD);
}
END_TEST

/* Without CR4.PSE bit 7 of a PDE means nothing. */
START_TEST(test_no_pse)
{
    struct x86_walk w;

    mode(CR0_PE | CR0_PG, 0, 0, 0x1000);
    d(0x1000)[VA >> 22] = 0x2000 | PS | P | W;
    d(0x2000)[VA >> 12 & 0x3ff] = 0x5000 | P;
    ck_assert(x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert_uint_eq(w.gpa, 0x5000 | (VA & 0xfff));
    ck_assert_uint_eq(w.page_size, 4096);
}
END_TEST

START_TEST(test_pae_upper_half)
{
    struct x86_walk w;

    mode(CR0_PE | CR0_PG, CR4_PAE, EFER_NXE, 0);
    c->pdpte[3] = 0x1000 | P;
    q(0x1000)[0x1ff] = 0x2000 | P | W | U;
    q(0x2000)[0x1ff] = 0xff00003000ull | P | U | 1ull << 63;
    ck_assert(x86_walk(c, 0xfffff123, ACC_READ, true, false, &w));
    ck_assert_uint_eq(w.gpa, 0xff00003123ull);
    ck_assert(w.nx && !w.writable && w.user);
    ck_assert(!x86_walk(c, 0xfffff123, ACC_EXEC, true, false, &w));
    ck_assert_uint_eq(w.error, PF_P | PF_U | PF_I);
    ck_assert(!x86_walk(c, 0x123, ACC_WRITE, false, false, &w));
    ck_assert_uint_eq(w.error, PF_W);
}
END_TEST

static void map_long(uint64_t pml4e, uint64_t pdpte, uint64_t pde, uint64_t pte)
{
    q(0x1000)[0] = pml4e;
    q(0x2000)[0] = pdpte;
    q(0x3000)[VA >> 21 & 0x1ff] = pde;
    q(0x4000)[VA >> 12 & 0x1ff] = pte;
}

START_TEST(test_global_and_sizes)
{
    struct x86_walk w;

    mode_long();
    map_long(0x2003, 0x3003, 0x4003, 0x5003 | G);
    ck_assert(x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert(w.global && !w.dirty);
    c->cr4 &= ~(uint64_t)CR4_PGE;
    ck_assert(x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert(!w.global);
    map_long(0x2003, 0x3003, 0x600000 | PS | 3, 0);
    ck_assert(x86_walk(c, VA, ACC_WRITE, false, false, &w));
    ck_assert_uint_eq(w.gpa, 0x600000 | (VA & 0x1fffff));
    ck_assert(w.dirty);
    map_long(0x2003, 0x40000000 | PS | 3, 0, 0);
    ck_assert(x86_walk(c, VA, ACC_WRITE, false, false, &w));
    ck_assert_uint_eq(w.gpa, 0x40000000 | VA);
    ck_assert_uint_eq(w.page_size, 1u << 30);
    c->model = cpu_model_new("max,-pdpe1gb", 1, 1, 1, NULL);
    ck_assert(!x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert_uint_eq(w.error, PF_P | PF_RSVD);
    cpu_model_free((struct cpu_model *)c->model);
}
END_TEST

/* The table lies in ROM: the walk succeeds, its bits stay as they are. */
START_TEST(test_rom_table)
{
    struct x86_walk w;

    mode_long();
    map_long(0x2003, 0x3003, (STUB_RAM + 0x1000) | 3, 0);
    q(STUB_RAM + 0x1000)[VA >> 12 & 0x1ff] = 0x5003;
    ck_assert(x86_walk(c, VA, ACC_WRITE, false, false, &w));
    ck_assert_uint_eq(w.gpa, 0x5000 | (VA & 0xfff));
    ck_assert_uint_eq(q(STUB_RAM + 0x1000)[VA >> 12 & 0x1ff], 0x5003);
    ck_assert(!w.dirty || (q(0x3000)[VA >> 21 & 0x1ff] & A));
}
END_TEST

/* The table lies nowhere: all ones, so reserved bits are set. */
START_TEST(test_void_table)
{
    struct x86_walk w;

    mode_long();
    map_long(0x2003, 0x3003, VOID_PAGE | 3, 0);
    ck_assert(!x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert_uint_eq(w.error, PF_P | PF_RSVD);
    c->cr3 = VOID_PAGE;
    ck_assert(!x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert_uint_eq(w.error, PF_P | PF_RSVD);
}
END_TEST

START_TEST(test_probe)
{
    struct x86_walk w;

    mode_long();
    map_long(0x2001, 0x3001, 0x4001, 0x5001);
    ck_assert(x86_walk_probe(c, VA, &w));
    ck_assert_uint_eq(w.gpa, 0x5000 | (VA & 0xfff));
    ck_assert_uint_eq(q(0x1000)[0], 0x2001);
    ck_assert_uint_eq(q(0x4000)[VA >> 12 & 0x1ff], 0x5001);
    map_long(0x2001, 0x3001, 0x4001, 0);
    ck_assert(!x86_walk_probe(c, VA, &w));
}
END_TEST

/* A refused access sets nothing. */
START_TEST(test_refused)
{
    struct x86_walk w;

    mode_long();
    map_long(0x2007, 0x3007, 0x4007, 0x5005);
    ck_assert(!x86_walk(c, VA, ACC_WRITE, true, false, &w));
    ck_assert_uint_eq(q(0x4000)[VA >> 12 & 0x1ff], 0x5005);
    c->cr0 &= ~(uint64_t)CR0_WP;
    ck_assert(x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert(w.writable); /* for the supervisor, without WP */
    ck_assert(x86_walk(c, VA, ACC_READ, true, false, &w));
    ck_assert(!w.writable);
}
END_TEST

/* SMAP: AC lets explicit accesses through, not implicit ones. */
START_TEST(test_smap)
{
    struct x86_walk w;

    mode_long();
    c->cr4 |= CR4_SMAP;
    map_long(0x2007, 0x3007, 0x4007, 0x5007);
    ck_assert(!x86_walk(c, VA, ACC_READ, false, false, &w));
    c->eflags |= FL_AC;
    ck_assert(x86_walk(c, VA, ACC_READ, false, false, &w));
    ck_assert(!x86_walk(c, VA, ACC_READ, false, true, &w));
    ck_assert_uint_eq(w.error, PF_P);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paging");
    TCase *t = tcase_create("walk");
    SRunner *r = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_off);
    tcase_add_test(t, test_pse36);
    tcase_add_test(t, test_no_pse);
    tcase_add_test(t, test_pae_upper_half);
    tcase_add_test(t, test_global_and_sizes);
    tcase_add_test(t, test_rom_table);
    tcase_add_test(t, test_void_table);
    tcase_add_test(t, test_probe);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_smap);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
