/* SPDX-License-Identifier: MIT */
/* The engine: blocks, edges, self-modifying code, page crossings, budgets. */
#include "target/x86/cpu.h"
#include "tests/insn/engine.h"

static struct bench B;

static void setup(void)
{
    bench_init(&B);
}

static void teardown(void)
{
    bench_fini(&B);
}

/* Sum 1..100 with a loop, a call and a return. */
START_TEST(loop_and_call)
{
    static const uint8_t code[] = {
        0x31, 0xc0,                   /* xor eax, eax */
        0xb9, 100, 0, 0, 0,           /* mov ecx, 100 */
        0xe8, 5, 0, 0, 0,             /* l: call f */
        0xff, 0xc9,                   /* dec ecx */
        0x75, 0xf7,                   /* jnz l */
        0xf4,                         /* hlt */
        0x48, 0x01, 0xc8,             /* f: add rax, rcx */
        0xc3,                         /* ret */
    };

    bench_put(&B, CODE, code, sizeof(code));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 5050);
    ck_assert_uint_eq(B.st.gpr[R_RSP], STACK);
    ck_assert_uint_eq(B.st.rip, CODE + 17);
}
END_TEST

/* A store into the block it stands in: the instruction behind it is the new one. */
START_TEST(smc_same_block)
{
    static const uint8_t code[] = {
        0x31, 0xdb,             /* xor ebx, ebx */
        0xb9, 10, 0, 0, 0,      /* mov ecx, 10 */
        0xfe, 0x05, 1, 0, 0, 0, /* l: inc byte [rip + 1] */
        0xb8, 0, 0, 0, 0,       /* mov eax, 0: its immediate is what was incremented */
        0x01, 0xc3,             /* add ebx, eax */
        0xff, 0xc9,             /* dec ecx */
        0x75, 0xef,             /* jnz l */
        0xf4,
    };

    bench_put(&B, CODE, code, sizeof(code));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RBX], 55);
}
END_TEST

static const uint8_t function[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov eax, 7; ret */

/* Code in another page that is linked to is rewritten. */
START_TEST(smc_other_page)
{
    static const uint8_t code[] = {
        0x31, 0xdb,
        0xb9, 2, 0, 0, 0,
        0xe8, 0xf4, 0x0f, 0, 0,                /* l: call CODE + 1000h */
        0x01, 0xc3,                            /* add ebx, eax */
        0xc6, 0x04, 0x25, 1, 0x10, 1, 0, 0x63, /* mov byte [CODE + 1001h], 63h */
        0xff, 0xc9,
        0x75, 0xed,                            /* jnz l */
        0xf4,
    };

    bench_put(&B, CODE, code, sizeof(code));
    bench_put(&B, CODE + 0x1000, function, sizeof(function));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RBX], 7 + 0x63);
}
END_TEST

/* DMA into code: as_write() between two runs. */
START_TEST(dma)
{
    bench_put(&B, CODE, "\xb8\x01\0\0\0\xf4", 6);
    bench_run(&B);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 1);
    bench_put(&B, CODE + 1, "\x02", 1);
    bench_state(&B.st);
    bench_run(&B);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 2);
}
END_TEST

/* An instruction in two pages; then its second half changes, then the second page. */
START_TEST(crossing)
{
    const uint64_t at = CODE + 0xffd;

    bench_put(&B, at, "\xb8\x11\x22\x33\x44\xf4", 6);
    for (unsigned n = 0; n < 3; n++) {
        bench_state(&B.st);
        B.st.rip = at;
        ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
        ck_assert_uint_eq(B.st.gpr[R_RAX], n == 0 ? 0x44332211 : n == 1 ? 0x55332211 : 0x77662211);
        bench_put(&B, CODE + 0x1001, "\x55", 1);
        bench_put(&B, 0x50000, "\x66\x77\xf4", 3);
        if (n == 1)
            bench_put64(&B, PT + ((CODE >> 12) + 1) * 8, 0x50007);
    }
}
END_TEST

/* A page fault on the second page belongs to the crossing instruction. */
START_TEST(crossing_fault)
{
    const uint64_t at = CODE + 0xffd;

    bench_idt(&B);
    bench_put(&B, at, "\xb8\x11\x22\x33\x44\xf4", 6);
    bench_put64(&B, PT + ((CODE >> 12) + 1) * 8, 0);
    B.st.rip = at;
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.rip, HANDLER_OF(EXC_PF) + 1);
    ck_assert_uint_eq(B.st.cr2, CODE + 0x1000);
    ck_assert_uint_eq(*(uint64_t *)bench_ram(&B, B.st.gpr[R_RSP] + 8), at);
}
END_TEST

/* A fault in the middle of a block: the address and what ran before it are exact. */
START_TEST(fault_in_block)
{
    static const uint8_t code[] = {
        0xff, 0xc0,                                  /* inc eax */
        0x48, 0x8b, 0x1c, 0x25, 0x00, 0x00, 0xf0, 0, /* mov rbx, [0xf00000] */
        0xff, 0xc0,
        0xf4,
    };

    bench_idt(&B);
    bench_put(&B, CODE, code, sizeof(code));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.rip, HANDLER_OF(EXC_PF) + 1);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 1);
    ck_assert_uint_eq(*(uint64_t *)bench_ram(&B, B.st.gpr[R_RSP] + 8), CODE + 2);
}
END_TEST

/* Nobody lets code be fetched from where no memory is. */
START_TEST(fetch_from_io)
{
    bench_idt(&B);
    bench_put64(&B, PT + 0x60 * 8, 0xfed00007);
    B.st.rip = 0x60000;
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.rip, HANDLER_OF(EXC_UD) + 1);
}
END_TEST

static void two_functions(void)
{
    bench_put(&B, 0x61000, "\xb8\x01\0\0\0\xc3", 6);
    bench_put(&B, 0x62000, "\xb8\x02\0\0\0\xc3", 6);
    bench_put64(&B, PT + 0x60 * 8, 0x61007);
}

/* A link across pages does not outlive the mapping it was made under. */
START_TEST(link_and_invlpg)
{
    static const uint8_t code[] = {
        0x31, 0xdb,
        0xb9, 2, 0, 0, 0,
        0xe8, 0xf4, 0xff, 4, 0,                             /* l: call 60000h */
        0x01, 0xc3,                                         /* add ebx, eax */
        0x48, 0xc7, 0x04, 0x25, 0, 0x43, 0, 0, 7, 0x20, 6, 0, /* mov qword [PT + 300h], 62007h */
        0x0f, 0x01, 0x3c, 0x25, 0, 0, 6, 0,                 /* invlpg [60000h] */
        0xff, 0xc9,
        0x75, 0xe1,                                         /* jnz l */
        0xf4,
    };

    two_functions();
    bench_put(&B, CODE, code, sizeof(code));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RBX], 1 + 2);
}
END_TEST

/* The same under two PCIDs that are switched without a flush. */
START_TEST(link_and_pcid)
{
    static const uint8_t code[] = {
        0x31, 0xdb,
        0xb9, 4, 0, 0, 0,
        0xe8, 0xf4, 0xff, 4, 0, /* l: call 60000h */
        0x01, 0xc3,             /* add ebx, eax */
        0x0f, 0x22, 0xdf,       /* mov cr3, rdi */
        0x48, 0x87, 0xf7,       /* xchg rdi, rsi */
        0x6b, 0xdb, 0x0a,       /* imul ebx, ebx, 10 */
        0xff, 0xc9,
        0x75, 0xec,             /* jnz l */
        0xf4,
    };

    two_functions();
    bench_put(&B, CODE, code, sizeof(code));
    bench_put64(&B, 0xb000, 0xc000 | 7);
    bench_put64(&B, 0xc000, 0xd000 | 7);
    bench_put64(&B, 0xd000, 0xe000 | 7);
    bench_put(&B, 0xe000, bench_ram(&B, PT), 4096);
    bench_put64(&B, 0xe000 + 0x60 * 8, 0x62007);
    B.st.cr4 |= CR4_PCIDE;
    B.st.cr3 = PML4 | 1;
    B.st.gpr[R_RDI] = 0xb000 | 2 | 1ull << 63;
    B.st.gpr[R_RSI] = PML4 | 1 | 1ull << 63;
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RBX], 12120);
}
END_TEST

START_TEST(watchpoint)
{
    static const uint8_t code[] = {
        0xc7, 0x04, 0x25, 4, 0, 4, 0, 1, 0, 0, 0, /* mov dword [DATA + 4], 1 */
        0xc7, 0x04, 0x25, 8, 0, 4, 0, 1, 0, 0, 0, /* mov dword [DATA + 8], 1 */
        0xf4,
    };

    bench_idt(&B);
    bench_put(&B, CODE, code, sizeof(code));
    B.st.dr[0] = DATA + 8;
    B.st.dr[7] = 0xd0401; /* L0, write, 4 bytes */
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.rip, HANDLER_OF(EXC_DB) + 1);
    ck_assert_uint_eq(B.st.dr[6] & 15, 1);
    ck_assert_uint_eq(*bench_ram(&B, DATA + 8), 1);
    ck_assert_uint_eq(*(uint64_t *)bench_ram(&B, B.st.gpr[R_RSP]), CODE + 22);
}
END_TEST

/* However the budget is cut, the same instructions are counted. */
START_TEST(budget)
{
    static const uint8_t code[] = {
        0x31, 0xc0, 0xb9, 100, 0, 0, 0, 0xe8, 5, 0, 0, 0, 0xff, 0xc9, 0x75, 0xf7, 0xf4,
        0x48, 0x01, 0xc8, 0xc3, /* as in loop_and_call */
    };
    static const int64_t cut[] = {1, 2, 3, 7, 63, 64, 65, 100, 502, 503, 1000};

    for (unsigned n = 0; n < G_N_ELEMENTS(cut); n++) {
        int64_t done, total = 0;
        enum vcpu_exit why;

        bench_put(&B, CODE, code, sizeof(code));
        bench_state(&B.st);
        accel_tcg_interp.load(&B.v, &B.st);
        do {
            why = accel_tcg_interp.run_budget(&B.v, cut[n], &done);
            ck_assert_int_le(done, cut[n]);
            ck_assert(why == VCPU_HALTED || done == cut[n]);
            total += done;
        } while (why == VCPU_KICKED && total < 2000);
        accel_tcg_interp.save(&B.v, &B.st);
        ck_assert_uint_eq(B.st.gpr[R_RAX], 5050);
        ck_assert_int_eq(total, 2 + 5 * 100 + 1);
    }
}
END_TEST

/* Two vCPUs: one has decoded what the other then stores to, with a store translation that was
 * fast before the page held code. */
START_TEST(other_vcpu)
{
    static const uint8_t writer[] = {
        0xc6, 0x04, 0x25, 1, 0x10, 1, 0, 0, /* mov byte [CODE + 1001h], n */
        0xf4,
    };
    struct bench o = {.m = B.m, .v = {.machine = B.m, .accel = &accel_tcg_interp, .index = 1}};
    GError *err = NULL;

    ck_assert(accel_tcg_interp.vcpu_init(&o.v, &err));
    bench_put(&B, CODE, writer, sizeof(writer));
    bench_put(&B, CODE + 0x1000, "\xb8\0\0\0\0\xf4", 6); /* mov eax, n; hlt */
    bench_state(&o.st);
    accel_tcg_interp.load(&o.v, &o.st);
    for (unsigned n = 1; n < 5; n++) {
        bench_put(&B, CODE + 7, &n, 1);
        bench_state(&B.st);
        ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
        o.st.rip = CODE + 0x1000; /* no flush in between: only the registers change */
        accel_tcg_interp.load(&o.v, &o.st);
        accel_tcg_interp.run(&o.v);
        accel_tcg_interp.save(&o.v, &o.st);
        ck_assert_uint_eq(o.st.gpr[R_RAX], n);
        o.st.mp_state = MP_RUNNABLE;
    }
    accel_tcg_interp.vcpu_exit(&o.v);
}
END_TEST

static uint64_t read_third(void *dev, uint64_t off, unsigned size)
{
    volatile double third = 1.0;
    uint64_t bits;

    third /= 3;
    memcpy(&bits, (const void *)&third, sizeof(bits));
    return bits & 0xff; /* 55h to nearest, 56h upwards */
}

/* What the emulator computes in floating point, in a device or for a table of code pages that
 * grows, leaves no flags in the guest's MXCSR and does not round as the guest does. */
START_TEST(host_floating_point)
{
    static const struct region_ops ops = {.read = read_third};
    static const uint8_t jump[] = {0xe9, 0xfb, 0x0f, 0, 0}; /* jmp to the next page */
    static const uint8_t end[] = {0xe4, 0x80, 0xf4};        /* in al, 80h; hlt */
    struct region port;

    region_init_io(&port, "third", &ops, NULL, 1);
    region_add(&B.m->io_root, 0x80, &port, 0);
    for (unsigned n = 0; n < 40; n++)
        bench_put(&B, CODE + n * 0x1000, jump, sizeof(jump));
    bench_put(&B, CODE + 40 * 0x1000, end, sizeof(end));
    B.st.mxcsr = 0x5f80; /* rounding up */
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 0x55);
    ck_assert_uint_eq(B.st.mxcsr, 0x5f80);
    region_fini(&port);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, loop_and_call);
    tcase_add_test(t, smc_same_block);
    tcase_add_test(t, smc_other_page);
    tcase_add_test(t, dma);
    tcase_add_test(t, crossing);
    tcase_add_test(t, crossing_fault);
    tcase_add_test(t, fault_in_block);
    tcase_add_test(t, fetch_from_io);
    tcase_add_test(t, link_and_invlpg);
    tcase_add_test(t, link_and_pcid);
    tcase_add_test(t, watchpoint);
    tcase_add_test(t, budget);
    tcase_add_test(t, other_vcpu);
    tcase_add_test(t, host_floating_point);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
