/* SPDX-License-Identifier: MIT */
/*
 * Every MMX, SSE, AES and PCLMULQDQ instruction, register and memory forms, against the host:
 * results, MXCSR, RFLAGS, general registers, x87 tags, memory; all rounding modes, DAZ, FTZ,
 * exceptions masked and not (#XM against SIGFPE), immediates at random.
 */
#include "accel/tcg-interp/exec_table.h"
#include "tests/insn/native_fp.h"

enum { ROUNDS = 60, ENC_MAX = 16 };

static unsigned tried, rows_seen;
static bool seen[2048];

static void print_bytes(const uint8_t *b, unsigned len)
{
    for (unsigned k = 0; k < len; k++)
        printf("%02x ", b[k]);
}

/* What an unmasked response reports beside the exception that stops the instruction is not
 * modelled to the last bit: overflow and underflow tell PE by the unbounded result. */
static uint32_t trap_flags(const char *name, uint32_t mxcsr)
{
    if (!strncmp(name, "dpp", 3)) /* several steps: which were taken is the host's business */
        return mxcsr & ~(uint32_t)FP_EXC;
    return mxcsr & (FP_OE | FP_UE) ? mxcsr & ~(uint32_t)FP_PE : mxcsr;
}

static unsigned try_one(const struct x86_insn *i, uint8_t *bytes, unsigned imm_at)
{
    static struct native n;
    const char *why = NULL, *name = x86_rows[i->row].name;
    int sig, vec;

    gen_state(&n);
    if (rnd() & 1)
        n.in.mxcsr &= ~(uint32_t)FP_EXC; /* else a flag stays what it was */
    sig = native_run(&n, bytes, i->len);
    guest_load(&T.cpu, &n);
    vec = guest_run(&T.cpu, i, exec_table[i->row]);
    tried++;
    if ((sig == SIGFPE) != (vec == 256 + EXC_XM) || (sig && sig != SIGFPE))
        why = "exception";
    if (sig) {
        n.out.mxcsr = trap_flags(name, n.out.mxcsr);
        T.cpu.mxcsr = trap_flags(name, T.cpu.mxcsr);
    }
    if ((sig && (x86_rows[i->row].attr & ROW_MMX)) || !strcmp(name, "cvtpi2ps")) {
        /* hosts differ in whether x87 becomes MMX before a fault, or for a memory source */
        n.out.fsw = T.cpu.fsw;
        n.out.ftw = T.cpu.fptag;
        for (unsigned k = 0; k < 8; k++)
            n.out.st[k] = T.cpu.fpr[x86_st(&T.cpu, k)];
    }
    if (!why)
        why = differ(&T.cpu, &n);
    if (!why && !sig)
        why = differ_int(&T.cpu, &n);
    if (!why)
        return 0;
    print_bytes(bytes, i->len);
    printf("sig %d vec %d\n", sig, vec);
    report(&T.cpu, &n, name, why);
    return 1;
}

static bool wanted(const struct x86_insn *i)
{
    const struct x86_row *r = &x86_rows[i->row];

    if (r->group != GROUP_MMX && r->group != GROUP_SSE)
        return false;
    for (unsigned n = 0; n < i->nopnd; n++)
        if (i->op[n].kind == OPND_REG && i->op[n].reg > R_RDX)
            return false; /* the frame's own */
    /* LDMXCSR with reserved bits raises #GP: test_fpu_state */
    return strcmp(r->name, "ldmxcsr") != 0;
}

/* The encoding e (without immediate), decoded with each of several immediates. */
static unsigned try_encoding(const uint8_t *e, unsigned len)
{
    uint8_t bytes[ENC_MAX] = {0};
    struct x86_insn i;
    unsigned bad = 0;

    memcpy(bytes, e, len);
    for (unsigned k = 0; k < ROUNDS && bad < 3; k++) {
        bytes[len] = rnd();
        if (x86_decode(bytes, sizeof(bytes), X86_MODE_64, &i) != DECODE_OK || !wanted(&i))
            return 0;
        rows_seen += !seen[i.row];
        seen[i.row] = true;
        bad += try_one(&i, bytes, len);
    }
    return bad;
}

static unsigned try_modrms(uint8_t *e, unsigned len)
{
    static const uint8_t forms[] = {0xc0, 0xc1, 0xc8, 0xd1, 0xca, 0xd8, 0xe1, 0xe9, 0xf2, 0xf8,
                                    0x03, 0x0b, 0x13, 0x1b, 0x23, 0x2b, 0x33, 0x3b};
    unsigned bad = 0;

    for (unsigned k = 0; k < sizeof(forms) && bad < 6; k++) {
        e[len] = forms[k];
        bad += try_encoding(e, len + 1);
    }
    return bad;
}

static unsigned try_opcode(uint8_t prefix, uint8_t rex, unsigned map, uint8_t opcode)
{
    uint8_t e[ENC_MAX];
    unsigned n = 0;

    if (prefix)
        e[n++] = prefix;
    if (rex)
        e[n++] = rex;
    e[n++] = 0x0f;
    if (map)
        e[n++] = map;
    e[n++] = opcode;
    if (!map && (opcode == 0x38 || opcode == 0x3a))
        return 0;
    if (opcode == 0x77 && !map) /* EMMS has no ModRM */
        return try_encoding(e, n);
    return try_modrms(e, n);
}

START_TEST(host_agrees)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2}, maps[] = {0, 0x38, 0x3a};
    unsigned bad = 0;

    native_setup();
    for (unsigned m = 0; m < 3; m++)
        for (unsigned op = 0; op < 256; op++)
            for (unsigned w = 0; w < 2; w++)
                bad += try_opcode(prefixes[_i], w ? 0x48 : 0, maps[m], op);
    printf("prefix %02x: %u rows, %u executions\n", prefixes[_i], rows_seen, tried);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_gt(rows_seen, 20);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("simd");
    TCase *t = tcase_create("native");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, host_agrees, 0, 4);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
