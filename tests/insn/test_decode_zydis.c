/* SPDX-License-Identifier: MIT */
/* timeout: 240 */
/*
 * The decoder against Zydis: validity, length, mnemonic, and every operand (register, width,
 * base, index, scale, displacement, segment, immediate), for every opcode of the four maps with
 * every ModRM byte under sets of prefixes in the three modes, and for random bytes.
 *
 * HOSTEL_TEST_SCALE=n runs n times as many random strings.
 */
#include <check.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/state.h"
#include "tests/insn/zydis.h"

static ZydisDecoder zdec[3];

/* ---- Differences that are meant ---------------------------------------------------------- */

/* Extensions the CPU does not have: #UD here, an instruction to Zydis. VEX, EVEX, XOP and 3DNow
 * encodings are told by the encoding itself. */
static const ZydisISAExt not_offered[] = {
    ZYDIS_ISA_EXT_ADOX_ADCX, ZYDIS_ISA_EXT_AMD3DNOW, ZYDIS_ISA_EXT_AMD_INVLPGB, ZYDIS_ISA_EXT_CET,
    ZYDIS_ISA_EXT_CLZERO, ZYDIS_ISA_EXT_ENQCMD, ZYDIS_ISA_EXT_GFNI, ZYDIS_ISA_EXT_HRESET,
    ZYDIS_ISA_EXT_KEYLOCKER, ZYDIS_ISA_EXT_KEYLOCKER_WIDE, ZYDIS_ISA_EXT_MCOMMIT,
    ZYDIS_ISA_EXT_MONITORX, ZYDIS_ISA_EXT_MOVDIR, ZYDIS_ISA_EXT_PADLOCK, ZYDIS_ISA_EXT_PCONFIG,
    ZYDIS_ISA_EXT_PKU, ZYDIS_ISA_EXT_PT, ZYDIS_ISA_EXT_RDPRU, ZYDIS_ISA_EXT_RTM,
    ZYDIS_ISA_EXT_SERIALIZE, ZYDIS_ISA_EXT_SGX, ZYDIS_ISA_EXT_SGX_ENCLV, ZYDIS_ISA_EXT_SHA,
    ZYDIS_ISA_EXT_SNP, ZYDIS_ISA_EXT_SSE4A, ZYDIS_ISA_EXT_SVM, ZYDIS_ISA_EXT_TDX,
    ZYDIS_ISA_EXT_TSX_LDTRK, ZYDIS_ISA_EXT_UINTR, ZYDIS_ISA_EXT_VMFUNC, ZYDIS_ISA_EXT_VTX,
    ZYDIS_ISA_EXT_WAITPKG, ZYDIS_ISA_EXT_XSAVES,
};

/* Names that differ only in style, and what is decoded as something else on purpose. */
static const struct {
    const char *ours, *zydis, *why;
} same_name[] = {
    {"call far", "call", "Zydis tells far from near by the operand"},
    {"jmp far", "jmp", "likewise"},
    {"ret far", "ret", "likewise"},
    {"fneni", "feni8087_nop", "style"},
    {"fndisi", "fdisi8087_nop", "style"},
    {"fnsetpm", "fsetpm287_nop", "style"},
};

/* Decodings that agree but for one thing that carries no meaning, or where Zydis errs. */
static const struct {
    const char *name, *what, *why;
} tolerated[] = {
    {"nop", "operand count", "hints of 0F 18 to 1F: one or two operands, neither is touched"},
    {"nop", "register", "likewise"},
    {"lar", "register", "the register form reads 16 bits; Zydis shows the operand size"},
    {"lsl", "register", "likewise"},
    {"lea", "segment", "no segment takes part; Zydis drops the override"},
    {"movsxd", "size", "with 66 SDM has r/m16; Zydis keeps 32 bits"},
    {"fucomp", "operand count", "Zydis shows ST(0) too, but not for FUCOM"},
    {"*", "base", "base 101b with mod 0 is no base whatever REX.B says (SDM table 2-5); Zydis 4.0 "
                  "takes it for R13D when 67 makes the address 32 bits wide"},
};

static bool is_tolerated(const struct x86_insn *i, const char *what)
{
    const char *name = x86_rows[i->row].name;

    for (size_t n = 0; n < G_N_ELEMENTS(tolerated); n++)
        if (!strcmp(what, tolerated[n].what) && !strcmp(name, tolerated[n].name))
            return true;
    return !strcmp(what, "base") && i->base == SLOT_ZERO && i->addrsize == 4 && i->rex & 1;
}

static bool offered(const ZydisDecodedInstruction *z)
{
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return false;
    for (size_t n = 0; n < G_N_ELEMENTS(not_offered); n++)
        if (z->meta.isa_ext == not_offered[n])
            return false;
    return true;
}

/* ---- Comparing --------------------------------------------------------------------------- */

static ZydisRegister gpr(unsigned kind, unsigned reg, unsigned size)
{
    if (kind == OPND_REGH)
        return ZYDIS_REGISTER_AH + reg;
    switch (size) {
    case 1:
        return reg < 4 ? ZYDIS_REGISTER_AL + reg : ZYDIS_REGISTER_SPL + reg - 4;
    case 2:
        return ZYDIS_REGISTER_AX + reg;
    case 4:
        return ZYDIS_REGISTER_EAX + reg;
    default:
        return ZYDIS_REGISTER_RAX + reg;
    }
}

static ZydisRegister reg_of(const struct x86_opnd *o)
{
    switch (o->kind) {
    case OPND_REG: case OPND_REGH:
        return gpr(o->kind, o->reg, o->size);
    case OPND_ST:
        return ZYDIS_REGISTER_ST0 + o->reg;
    case OPND_MM:
        return ZYDIS_REGISTER_MM0 + o->reg;
    case OPND_XMM:
        return ZYDIS_REGISTER_XMM0 + o->reg;
    case OPND_SREG:
        return ZYDIS_REGISTER_ES + o->reg;
    case OPND_CR:
        return ZYDIS_REGISTER_CR0 + o->reg;
    case OPND_DR:
        return ZYDIS_REGISTER_DR0 + o->reg;
    default:
        return ZYDIS_REGISTER_NONE;
    }
}

static ZydisRegister sreg(unsigned n)
{
    return (ZydisRegister)(ZYDIS_REGISTER_ES + n);
}

static ZydisRegister address_reg(const struct x86_insn *i, unsigned slot)
{
    if (slot == SLOT_ZERO)
        return ZYDIS_REGISTER_NONE;
    if (slot == SLOT_RIP)
        return i->addrsize == 8 ? ZYDIS_REGISTER_RIP : ZYDIS_REGISTER_EIP;
    return gpr(OPND_REG, slot, i->addrsize);
}

static const char *compare_mem(const struct x86_insn *i, const struct x86_opnd *o,
                               const ZydisDecodedOperand *z)
{
    if (z->mem.base != address_reg(i, i->base))
        return "base";
    if (z->mem.index != address_reg(i, i->index))
        return "index";
    if (i->index != SLOT_ZERO && z->mem.scale != 1u << i->scale)
        return "scale";
    if (i->moffs) {
        if ((z->mem.disp.value ^ i->imm) & (i->addrsize == 8 ? ~0ll : (1ll << i->addrsize * 8) - 1))
            return "offset";
    } else if (z->mem.disp.value != i->disp) {
        return "displacement";
    }
    if (z->mem.segment != sreg(i->seg))
        return "segment";
    if (o->size && z->size != o->size * 8u)
        return "size";
    return NULL;
}

/* String instructions: Zydis hides the operands; ours are found there by their register. */
static const char *compare_string(const struct x86_insn *i, const ZydisDecodedInstruction *zi,
                                  const ZydisDecodedOperand *z)
{
    for (unsigned n = 0; n < i->nopnd; n++) {
        const struct x86_opnd *o = &i->op[n];
        unsigned k = 0;

        if (o->kind != OPND_MEM)
            continue;
        while (k < zi->operand_count && (z[k].type != ZYDIS_OPERAND_TYPE_MEMORY ||
                                         z[k].mem.base != gpr(OPND_REG, o->reg, i->addrsize)))
            k++;
        if (k == zi->operand_count)
            return "string register";
        if (z[k].mem.segment != sreg(o->reg == R_RDI ? S_ES : i->seg))
            return "segment";
        if (z[k].size != o->size * 8u)
            return "size";
    }
    return NULL;
}

static const char *compare_operand(const struct x86_insn *i, const struct x86_opnd *o,
                                   const ZydisDecodedOperand *z)
{
    uint64_t mask = o->size >= 8 ? ~0ull : (1ull << (o->size * 8)) - 1;

    switch (o->kind) {
    case OPND_MEM:
        return z->type == ZYDIS_OPERAND_TYPE_MEMORY ? compare_mem(i, o, z) : "not memory";
    case OPND_IMM:
        if (z->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
            return "not an immediate";
        return (z->imm.value.u & mask) != ((uint64_t)i->imm & mask) ? "immediate" : NULL;
    case OPND_IMM2:
        return z->imm.value.u != i->imm2 ? "second immediate" : NULL;
    case OPND_ONE:
        return z->imm.value.u != 1 ? "one" : NULL;
    case OPND_REL:
        return z->imm.value.s != i->imm ? "displacement" : NULL;
    case OPND_FAR:
        return z->ptr.segment != i->imm2 || z->ptr.offset != (uint32_t)i->imm ? "pointer" : NULL;
    default:
        if (z->type != ZYDIS_OPERAND_TYPE_REGISTER)
            return "not a register";
        return z->reg.value != reg_of(o) ? "register" : NULL;
    }
}

static bool same_mnemonic(const struct x86_insn *i, const char *z)
{
    const char *ours = x86_rows[i->row].name;
    char **form = g_strsplit(ours, "|", 3);
    bool ok;

    if (form[1])
        ours = form[i->opsize == 2 ? 0 : i->opsize == 4 ? 1 : 2];
    if (!ours)
        ours = form[1];
    ok = !strcmp(ours, z) || g_str_has_suffix(ours, "cc");
    for (size_t n = 0; n < G_N_ELEMENTS(same_name) && !ok; n++)
        ok = !strcmp(ours, same_name[n].ours) && !strcmp(z, same_name[n].zydis);
    g_strfreev(form);
    return ok;
}

/* What differs between the two decodings of b, or NULL. */
static const char *differs(const uint8_t *b, unsigned mode, struct x86_insn *i,
                           ZydisDecodedInstruction *z)
{
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    enum x86_decode_result r = x86_decode(b, 16, mode, i);
    bool ok = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zdec[mode], b, 16, z, op));
    const char *d;

    if (!ok)
        return r == DECODE_OK ? "valid only here" : NULL;
    if (r != DECODE_OK)
        return offered(z) ? "valid only to Zydis" : NULL;
    if (z->length != i->len)
        return "length";
    if (!same_mnemonic(i, ZydisMnemonicGetString(z->mnemonic)))
        return "mnemonic";
    if (x86_rows[i->row].attr & ROW_REP)
        return compare_string(i, z, op);
    if (z->operand_count_visible != i->nopnd)
        return "operand count";
    for (unsigned n = 0; n < i->nopnd; n++) {
        d = compare_operand(i, &i->op[n], &op[n]);
        if (d)
            return d;
    }
    return NULL;
}


static void compare(const uint8_t *b, unsigned mode)
{
    struct x86_insn i;
    ZydisDecodedInstruction z;
    const char *d = differs(b, mode, &i, &z);

    if (!d || is_tolerated(&i, d))
        return;
    ck_abort_msg("%s: mode %u, %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x: "
                 "%s %s (length %u), Zydis %s (length %u)", d, mode, b[0], b[1], b[2], b[3], b[4],
                 b[5], b[6], b[7], b[8], b[9], b[10], b[11], x86_rows[i.row].name,
                 x86_rows[i.row].operands, i.len, ZydisMnemonicGetString(z.mnemonic), z.length);
}

/* ---- What is compared -------------------------------------------------------------------- */

static uint64_t rng_state;

static uint64_t rng(void) /* xorshift64 */
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static void random_bytes(uint8_t b[16])
{
    for (int n = 0; n < 2; n++) {
        uint64_t v = rng();

        memcpy(b + 8 * n, &v, 8);
    }
}

static void setup(void)
{
    zydis_init(zdec);
    rng_state = 0x9e3779b97f4a7c15;
}

/* Every opcode of the map _i with every ModRM byte and each set of prefixes, in the three modes;
 * the rest of the bytes is random. */
START_TEST(every_opcode)
{
    static const struct {
        uint8_t n, b[3];
    } prefixes[] = {
        {0, {0}}, {1, {0x66}}, {1, {0xf2}}, {1, {0xf3}}, {1, {0x67}}, {1, {0xf0}}, {1, {0x64}},
        {1, {0x2e}}, {1, {0x48}}, {1, {0x4f}}, {2, {0x66, 0x48}}, {2, {0x66, 0xf2}},
        {2, {0xf3, 0x66}}, {2, {0xf2, 0xf3}}, {2, {0xf3, 0x4c}}, {2, {0x48, 0x66}},
        {3, {0x67, 0x66, 0x45}}, {3, {0x65, 0x3e, 0x67}},
    };
    static const uint8_t escape[4][2] = {{0, 0}, {0x0f, 0}, {0x0f, 0x38}, {0x0f, 0x3a}};
    unsigned map = _i;

    for (size_t p = 0; p < G_N_ELEMENTS(prefixes); p++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                uint8_t b[24];
                unsigned len = prefixes[p].n;

                random_bytes(b + 8);
                memcpy(b, prefixes[p].b, len);
                for (unsigned n = 0; n < 2 && escape[map][n]; n++)
                    b[len++] = escape[map][n];
                b[len++] = (uint8_t)opcode;
                b[len++] = (uint8_t)modrm;
                random_bytes(b + len);
                for (unsigned mode = 0; mode < 3; mode++)
                    compare(b, mode);
            }
}
END_TEST

/* Every SIB byte with every mod, address size and REX. */
START_TEST(every_address)
{
    for (unsigned rex = 0; rex < 16; rex++)
        for (unsigned mod = 0; mod < 3; mod++)
            for (unsigned sib = 0; sib < 256; sib++)
                for (unsigned as = 0; as < 2; as++) {
                    uint8_t b[24];
                    unsigned len = 0;

                    random_bytes(b);
                    if (as)
                        b[len++] = 0x67;
                    b[len++] = 0x40 | rex;
                    b[len++] = 0x8b;
                    b[len++] = mod << 6 | 4;
                    b[len++] = sib;
                    random_bytes(b + len);
                    for (unsigned mode = 0; mode < 3; mode++)
                        compare(b + (mode < 2 && !as), mode);
                }
}
END_TEST

/* Random bytes, leaning towards prefixes and escapes. */
START_TEST(random_strings)
{
    static const uint8_t lead[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x3e, 0x36,
                                   0x26, 0x64, 0x65, 0x48, 0x41, 0x4f, 0x44, 0x0f};
    const char *scale = getenv("HOSTEL_TEST_SCALE");
    uint64_t count = 1000000 * (scale ? strtoull(scale, NULL, 0) : 1);

    while (count--) {
        uint8_t b[48];
        unsigned len = 0, choice;

        random_bytes(b);
        random_bytes(b + 16);
        random_bytes(b + 32);
        choice = rng() >> 16 & 0xffff;
        for (unsigned n = choice & 15; n >= 10 && len < 14; n -= 2)
            b[len++] = lead[rng() >> 24 & 15];
        if (choice & 0x10) {
            b[len++] = 0x0f;
            if (!(choice & 0x60))
                b[len++] = choice & 0x80 ? 0x38 : 0x3a;
        }
        for (unsigned mode = 0; mode < 3; mode++)
            compare(b, mode);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decode_zydis");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_opcode, 0, 4);
    tcase_add_test(tc, every_address);
    tcase_add_test(tc, random_strings);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
