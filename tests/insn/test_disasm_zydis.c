/* SPDX-License-Identifier: MIT */
/*
 * The disassembler against Zydis's Intel formatter, over random instructions in three modes.
 * Both texts are brought to one form first: lower case, numbers without leading zeros, no
 * blanks; then only the differences of the table `style` are accepted.
 */
#include <check.h>
#include <ctype.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "target/x86/decode.h"
#include "tests/insn/zydis.h"

static ZydisDecoder zdec[3];
static ZydisFormatter zfmt;

/* Spelled differently: every occurrence of the first is replaced by the second, in both texts. */
static const char *const style[][2] = {
    {"callfar", "call"}, {"jmpfar", "jmp"}, {"retfar", "ret"}, {"call,far", "call"},
    {"fneni", "feni8087_nop"}, {"fndisi", "fdisi8087_nop"}, {"fnsetpm", "fsetpm287_nop"},
    {"far", ""}, {"short", ""}, {"st(", "st"}, {")", ""}, {"*1", ""},
    {"xacquire", ""}, {"xrelease", ""}, /* hints this CPU does not take */
    {"ss:[bp", "[bp"}, {"ss:[ebp", "[ebp"}, {"ss:[esp", "[esp"}, {"ds:[", "["}, /* defaults */
};

/* Rows whose operands the two show differently: fewer or more of the implied ones. */
static const char *const unlike[] = {"nop", "fucomp", "lar", "lsl", "movsxd"};

static void replace(GString *s, const char *from, const char *to)
{
    g_string_replace(s, from, to, 0);
}

static char *normal(const char *text)
{
    GString *s = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (isspace((unsigned char)*p))
            continue;
        g_string_append_c(s, (char)tolower((unsigned char)*p));
        if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
            g_string_append_c(s, 'x');
            for (p += 2; *p == '0' && isxdigit((unsigned char)p[1]);)
                p++;
            p--;
        }
    }
    for (size_t n = 0; n < G_N_ELEMENTS(style); n++)
        replace(s, style[n][0], style[n][1]);
    if (g_str_has_suffix(s->str, ",1")) /* shifts by one */
        g_string_insert(s, (gssize)s->len - 1, "0x");
    return g_string_free(s, FALSE);
}

/* What Zydis shows otherwise: the override of LEA, which has no segment; base 101b with REX.B and
 * 67 (it takes it for R13D, see test_decode_zydis.c); and in 16-bit mode it cuts 32-bit absolute
 * addresses and branch targets to 16 bits. */
static bool is_unlike(const struct x86_insn *i, unsigned mode)
{
    const char *name = x86_rows[i->row].name;

    for (size_t n = 0; n < G_N_ELEMENTS(unlike); n++)
        if (!strcmp(name, unlike[n]))
            return true;
    if (!strcmp(name, "lea") && (i->prefix & PFX_SEG))
        return true;
    if (i->base == SLOT_ZERO && i->addrsize == 4 && (i->rex & 1))
        return true;
    return mode == X86_MODE_16 &&
           (i->prefix & (i->op[0].kind == OPND_REL ? PFX_OPSIZE : PFX_ADDRSIZE));
}

/* Our operand has no size where nothing is accessed or the size varies. */
static bool unsized(const struct x86_insn *i)
{
    for (unsigned n = 0; n < i->nopnd; n++)
        if (i->op[n].kind == OPND_MEM && !i->op[n].size)
            return true;
    return false;
}

static void compare(const uint8_t *b, unsigned mode)
{
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction z;
    struct x86_insn i;
    char ours[128], theirs[128], *a, *t;
    uint64_t rip = mode == 0 ? 0x1234 : 0x12345678;

    if (x86_decode(b, 16, mode, &i) != DECODE_OK ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zdec[mode], b, 16, &z, op)))
        return;
    if (is_unlike(&i, mode))
        return;
    x86_disasm(&i, rip, ours, sizeof(ours));
    ZydisFormatterFormatInstruction(&zfmt, &z, op, z.operand_count_visible, theirs,
                                    sizeof(theirs), rip, NULL);
    if (unsized(&i) && strstr(theirs, " ptr ")) {
        const char *rest = strstr(theirs, " ptr ") + 5;

        memmove(strchr(theirs, ' ') + 1, rest, strlen(rest) + 1);
    }
    a = normal(ours);
    t = normal(theirs);
    if (strcmp(a, t))
        ck_abort_msg("mode %u, %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x: %s; Zydis: %s",
                     mode, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], ours,
                     theirs);
    g_free(a);
    g_free(t);
}

START_TEST(random_instructions)
{
    static const uint8_t lead[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x65, 0x48, 0x4d};
    uint64_t r = 0x9e3779b97f4a7c15;

    for (unsigned count = 200000; count; count--) {
        uint8_t b[32];
        unsigned len = 0;

        for (unsigned n = 0; n < 4; n++) {
            r ^= r << 13;
            r ^= r >> 7;
            r ^= r << 17;
            memcpy(b + 8 * n, &r, 8);
        }
        if (r & 0x100)
            b[len++] = lead[r >> 20 & 7];
        if (r & 0x200)
            b[len++] = lead[r >> 24 & 7];
        if (r & 0x400)
            b[len++] = 0x0f;
        for (unsigned mode = 0; mode < 3; mode++)
            compare(b, mode);
    }
}
END_TEST

/* A buffer too small is cut, ended, and not overrun. */
START_TEST(small_buffer)
{
    static const uint8_t code[] = {0x48, 0x8b, 0x84, 0x8b, 0x78, 0x56, 0x34, 0x12};
    struct x86_insn i;
    char full[64], buf[64];

    ck_assert_int_eq(x86_decode(code, sizeof(code), X86_MODE_64, &i), DECODE_OK);
    ck_assert_uint_eq(x86_disasm(&i, 0, full, sizeof(full)), strlen(full));
    ck_assert_str_eq(full, "mov rax, qword ptr [rbx+rcx*4+0x12345678]");
    for (size_t size = 0; size < sizeof(buf); size++) {
        memset(buf, '#', sizeof(buf));
        ck_assert_uint_lt(x86_disasm(&i, 0, buf, size), size ? size : 1);
        if (size)
            ck_assert_int_eq(strncmp(buf, full, strlen(buf)), 0);
        for (size_t n = size; n < sizeof(buf); n++)
            ck_assert_int_eq(buf[n], '#');
    }
}
END_TEST

static void setup(void)
{
    zydis_init(zdec);
    ZydisFormatterInit(&zfmt, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&zfmt, ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_RIPREL, ZYAN_TRUE);
    ZydisFormatterSetProperty(&zfmt, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
    ZydisFormatterSetProperty(&zfmt, ZYDIS_FORMATTER_PROP_IMM_SIGNEDNESS,
                              ZYDIS_SIGNEDNESS_UNSIGNED);
}

int main(void)
{
    Suite *s = suite_create("disasm_zydis");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, random_instructions);
    tcase_add_test(tc, small_buffer);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
