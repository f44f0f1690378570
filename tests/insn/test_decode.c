/* SPDX-License-Identifier: MIT */
/*
 * The decoder against facts of the manual (SDM vol. 2 chapter 2, vol. 1 section 3.6) that
 * deserve a test of their own: prefixes, sizes by mode, lengths, LOCK, what is invalid where.
 */
#include <check.h>
#include <glib.h>
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/features.h"
#include "target/x86/rows.h"
#include "target/x86/state.h"

enum { M16 = X86_MODE_16, M32 = X86_MODE_32, M64 = X86_MODE_64 };

static enum x86_decode_result decode(const char *hex, unsigned mode, struct x86_insn *i)
{
    uint8_t b[32];
    size_t len = 0;

    for (; *hex; hex += hex[2] ? 3 : 2)
        b[len++] = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
    return x86_decode(b, len, mode, i);
}

/* ---- Rows and sizes ---------------------------------------------------------------------- */

START_TEST(rows)
{
    static const struct {
        const char *hex;
        uint8_t mode;
        uint16_t row;
        uint8_t opsize, addrsize;
    } t[] = {
        {"90", M64, X86_nop, 4, 8},
        {"48 90", M64, X86_nop, 8, 8},
        {"41 90", M64, X86_xchg_Zv_rAX, 4, 8},
        {"f3 90", M64, X86_pause, 4, 8},
        {"91", M32, X86_xchg_Zv_rAX, 4, 4},
        {"50", M64, X86_push_Zv, 8, 8},
        {"66 50", M64, X86_push_Zv, 2, 8},
        {"50", M16, X86_push_Zv, 2, 2},
        {"66 50", M16, X86_push_Zv, 4, 2},
        {"40", M32, X86_inc_Zv, 4, 4},
        {"66 e8 00 00 00 00", M64, X86_call_Jz, 8, 8}, /* 66 does not count: Intel */
        {"66 e8 00 00", M32, X86_call_Jz, 2, 4},
        {"63 c1", M64, X86_movsxd, 4, 8},
        {"63 c1", M32, X86_arpl, 4, 4},
        {"e3 00", M64, X86_jrcxz, 8, 8},
        {"67 e3 00", M64, X86_jecxz, 8, 4},
        {"67 e3 00", M32, X86_jcxz, 4, 2},
        {"f3 0f bc c1", M64, X86_bsf, 4, 8}, /* no BMI1: not TZCNT */
        {"f3 0f bd c1", M64, X86_bsr, 4, 8},
        {"f3 0f b8 c1", M64, X86_popcnt, 4, 8},
        {"0f 1e fa", M64, X86_nop_19, 4, 8},
        {"f3 0f 1e fa", M64, X86_nop_19, 4, 8}, /* ENDBR64 */
        {"66 f2 0f 38 f1 c1", M64, X86_crc32_G_Ev, 2, 8},
        {"66 0f 38 f1 00", M64, X86_movbe_M_G, 2, 8},
        {"c4 00", M32, X86_les, 4, 4}, /* not VEX: memory */
        {"c5 00", M16, X86_lds, 2, 2},
        {"62 00", M32, X86_bound, 4, 4},
        {"d6", M32, X86_salc, 4, 4},
        {"82 c0 01", M32, X86_add_Eb_Ib_82, 4, 4},
        {"c0 f0 01", M32, X86_sal_Eb_Ib, 4, 4},
        {"f6 c8 01", M32, X86_test_Eb_1, 4, 4},
        {"f1", M64, X86_int1, 4, 8},
        {"0f ff c0", M64, X86_ud0, 4, 8},
        {"0f b9 c0", M64, X86_ud1, 4, 8},
        {"df c0", M64, X86_ffreep, 4, 8},
        {"dc d1", M64, X86_fcom2, 4, 8},
        {"0f c7 09", M64, X86_cmpxchg8b, 4, 8},
        {"48 0f c7 09", M64, X86_cmpxchg16b, 8, 8},
        {"8e d0", M64, X86_mov_SS_Ew, 4, 8},
        {"8e d8", M64, X86_mov_Sw_Ew, 4, 8},
    };
    struct x86_insn i;

    for (size_t n = 0; n < G_N_ELEMENTS(t); n++) {
        ck_assert_msg(decode(t[n].hex, t[n].mode, &i) == DECODE_OK, "%s", t[n].hex);
        ck_assert_msg(i.row == t[n].row, "%s is %s", t[n].hex, x86_rows[i.row].name);
        ck_assert_uint_eq(i.opsize, t[n].opsize);
        ck_assert_uint_eq(i.addrsize, t[n].addrsize);
    }
}
END_TEST

START_TEST(invalid)
{
    static const struct {
        const char *hex;
        uint8_t mode;
    } t[] = {
        {"06", M64}, {"27", M64}, {"60", M64}, {"82 c0 01", M64}, {"9a 00 00 00 00 00 00", M64},
        {"ce", M64}, {"d4 0a", M64}, {"d6", M64}, {"ea 00 00 00 00 00 00", M64},
        {"c4 c0", M32}, {"c5 c0", M64}, {"c4 00", M64}, {"62 c0", M32}, /* VEX and EVEX */
        {"8f c8", M64},                                                   /* XOP */
        {"8d c0", M64},                                                   /* LEA of a register */
        {"8e c8", M64}, {"8e f0", M64},                             /* MOV to CS, to segment 6 */
        {"0f 20 c8", M64}, {"0f 20 e8", M32}, {"44 0f 21 c0", M64},       /* CR1, CR5, DR8 */
        {"ff f8", M64}, {"fe d0", M64}, {"c6 c8 00", M64}, {"0f ba c0 00", M64},
        {"f3 0f 60 c0", M64}, {"f2 0f 28 c0", M64}, {"66 0f 12 c0", M64}, {"0f 13 c0", M64},
        {"d9 d1", M64}, {"d9 08", M64}, {"0f 24 c0", M32},
        /* LOCK: only with a memory destination of the instructions that take it */
        {"f0 90", M64}, {"f0 01 c0", M64}, {"f0 03 00", M64}, {"f0 39 00", M64}, {"f0 89 00", M64},
        {"f0 0f a3 00", M64}, {"f0 d1 20", M64}, {"f0 0f ba 20 01", M64},
    };
    struct x86_insn i;

    for (size_t n = 0; n < G_N_ELEMENTS(t); n++)
        ck_assert_msg(decode(t[n].hex, t[n].mode, &i) == DECODE_UD, "%s", t[n].hex);
}
END_TEST

START_TEST(lock_allowed)
{
    static const char *const t[] = {
        "f0 01 00", "f0 80 00 01", "f0 83 08 01", "f0 ff 00", "f0 fe 08", "f0 f7 10", "f0 f6 18",
        "f0 86 00", "f0 0f b1 00", "f0 0f c1 00", "f0 0f c7 08", "f0 0f ab 00", "f0 0f ba 28 01",
        "f0 48 0f c7 08", "f0 0f b3 00", "f0 0f bb 00"};
    struct x86_insn i;

    for (size_t n = 0; n < G_N_ELEMENTS(t); n++) {
        ck_assert_msg(decode(t[n], M64, &i) == DECODE_OK, "%s", t[n]);
        ck_assert(i.prefix & PFX_LOCK);
    }
}
END_TEST

/* ---- Prefixes ---------------------------------------------------------------------------- */

START_TEST(prefixes)
{
    struct x86_insn i;

    /* REX counts only directly before the opcode */
    ck_assert_int_eq(decode("48 66 01 c0", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.rex, 0);
    ck_assert_uint_eq(i.opsize, 2);
    ck_assert(!(i.prefix & PFX_REX));
    ck_assert_int_eq(decode("66 48 01 c0", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.opsize, 8);
    ck_assert_int_eq(decode("41 48 01 c0", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.rex, 0x48);
    /* the last of F2 and F3 */
    ck_assert_int_eq(decode("f2 f3 0f 10 c1", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.row, X86_movss_V_W);
    ck_assert_int_eq(decode("f3 f2 a4", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.prefix & (PFX_REP | PFX_REPNE), PFX_REPNE);
    /* F2 and F3 before 66, wherever they stand */
    ck_assert_int_eq(decode("f3 66 0f 6f c1", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.row, X86_movdqu_V_W);
    /* the last segment; in 64-bit mode only FS and GS */
    ck_assert_int_eq(decode("26 65 8b 00", M32, &i), DECODE_OK);
    ck_assert_uint_eq(i.seg, S_GS);
    ck_assert_int_eq(decode("65 26 8b 00", M32, &i), DECODE_OK);
    ck_assert_uint_eq(i.seg, S_ES);
    ck_assert_int_eq(decode("65 26 8b 00", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.seg, S_GS);
    ck_assert_int_eq(decode("2e 8b 00", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.seg, S_DS);
}
END_TEST

/* AH to BH without any REX, SPL to DIL with one. */
START_TEST(byte_registers)
{
    struct x86_insn i;

    ck_assert_int_eq(decode("88 e0", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.op[1].kind, OPND_REGH);
    ck_assert_uint_eq(i.op[1].reg, R_RAX);
    ck_assert_int_eq(decode("40 88 e0", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.op[1].kind, OPND_REG);
    ck_assert_uint_eq(i.op[1].reg, R_RSP);
}
END_TEST

/* ---- Addresses --------------------------------------------------------------------------- */

START_TEST(addresses)
{
    static const struct {
        const char *hex;
        uint8_t mode, base, index, scale, seg;
        int32_t disp;
    } t[] = {
        {"8b 00", M64, R_RAX, SLOT_ZERO, 0, S_DS, 0},
        {"8b 05 10 00 00 00", M64, SLOT_RIP, SLOT_ZERO, 0, S_DS, 16},
        {"8b 05 10 00 00 00", M32, SLOT_ZERO, SLOT_ZERO, 0, S_DS, 16},
        {"8b 04 25 10 00 00 80", M64, SLOT_ZERO, SLOT_ZERO, 0, S_DS, INT32_MIN + 16},
        {"8b 04 24", M64, R_RSP, SLOT_ZERO, 0, S_SS, 0},
        {"8b 45 f8", M64, R_RBP, SLOT_ZERO, 0, S_SS, -8},
        {"41 8b 45 00", M64, 13, SLOT_ZERO, 0, S_DS, 0}, /* R13 is not RBP */
        {"41 8b 04 24", M64, 12, SLOT_ZERO, 0, S_DS, 0},
        {"42 8b 04 a0", M64, R_RAX, 12, 2, S_DS, 0},     /* R12 can be an index */
        {"8b 04 e8", M64, R_RAX, R_RBP, 3, S_DS, 0},
        {"8b 44 05 00", M64, R_RBP, R_RAX, 0, S_SS, 0},
        {"41 8b 04 05 04 00 00 00", M64, SLOT_ZERO, R_RAX, 0, S_DS, 4},
        {"8b 02", M16, R_RBP, R_RSI, 0, S_SS, 0},
        {"8b 06 34 12", M16, SLOT_ZERO, SLOT_ZERO, 0, S_DS, 0x1234},
        {"8b 46 fe", M16, R_RBP, SLOT_ZERO, 0, S_SS, -2},
        {"67 8b 04 24", M16, R_RSP, SLOT_ZERO, 0, S_SS, 0},
        {"67 8b 00", M32, R_RBX, R_RSI, 0, S_DS, 0},
    };
    struct x86_insn i;

    for (size_t n = 0; n < G_N_ELEMENTS(t); n++) {
        ck_assert_msg(decode(t[n].hex, t[n].mode, &i) == DECODE_OK, "%s", t[n].hex);
        ck_assert_uint_eq(i.base, t[n].base);
        ck_assert_uint_eq(i.index, t[n].index);
        ck_assert_uint_eq(i.scale, t[n].scale);
        ck_assert_uint_eq(i.seg, t[n].seg);
        ck_assert_int_eq(i.disp, t[n].disp);
    }
    ck_assert_int_eq(decode("48 a1 88 77 66 55 44 33 22 11", M64, &i), DECODE_OK);
    ck_assert(i.moffs);
    ck_assert_int_eq(i.imm, 0x1122334455667788);
}
END_TEST

/* ---- Lengths ----------------------------------------------------------------------------- */

START_TEST(lengths)
{
    uint8_t b[20];
    struct x86_insn i;

    memset(b, 0x66, sizeof(b));
    b[14] = 0x90;
    ck_assert_int_eq(x86_decode(b, 15, X86_MODE_64, &i), DECODE_OK);
    ck_assert_uint_eq(i.len, 15);
    ck_assert_int_eq(x86_decode(b, 14, X86_MODE_64, &i), DECODE_MORE);
    b[14] = 0x66;
    b[15] = 0x90;
    ck_assert_int_eq(x86_decode(b, 16, X86_MODE_64, &i), DECODE_TOOLONG);
    ck_assert_int_eq(x86_decode(b, 15, X86_MODE_64, &i), DECODE_TOOLONG);
    ck_assert_int_eq(x86_decode(b, 14, X86_MODE_64, &i), DECODE_MORE);
    ck_assert_int_eq(decode("48 c7 84 8b 00 00 00 00 01 02 03 04", M64, &i), DECODE_OK);
    ck_assert_uint_eq(i.len, 12);
    ck_assert_int_eq(decode("48 c7 84 8b 00 00 00 00 01 02 03", M64, &i), DECODE_MORE);
    ck_assert_int_eq(x86_decode(b, 0, X86_MODE_64, &i), DECODE_MORE);
}
END_TEST

/* The table agrees with itself: what the attributes say is what the letters allow. */
START_TEST(table)
{
    for (unsigned n = 0; n < x86_row_count; n++) {
        const struct x86_row *r = &x86_rows[n];

        ck_assert_uint_lt(r->feature, X86_F_COUNT);
        ck_assert_msg(!(r->fl_write & r->fl_undef), "%s %s", r->name, r->operands);
        ck_assert_msg(!((r->fl_write | r->fl_undef | r->fl_read) & ~(uint32_t)FL_ARITH), "%s",
                      r->name);
        if (r->attr & ROW_LOCK)
            ck_assert_msg(strchr("EM", r->operands[0]) != NULL, "%s %s", r->name, r->operands);
        if (r->group == GROUP_X87 && strcmp(r->name, "fwait"))
            ck_assert_msg(r->attr & ROW_FPU, "%s", r->name);
        if (r->group == GROUP_CTL)
            ck_assert_msg(r->attr & ROW_BRANCH, "%s", r->name);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decode");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {rows, invalid, lock_allowed, prefixes, byte_registers, addresses,
                            lengths, table};

    for (size_t n = 0; n < G_N_ELEMENTS(tests); n++)
        tcase_add_test(tc, tests[n]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
