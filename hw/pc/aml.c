/* SPDX-License-Identifier: MIT */
/* AML builder: ACPI specification 6.4, ch. 20.2 and 6.4. */
#include "hw/pc/aml.h"

#include <assert.h>
#include <string.h>

enum {
    OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_STRING = 0x0d,
    OP_QWORD = 0x0e, OP_SCOPE = 0x10, OP_BUFFER = 0x11, OP_PACKAGE = 0x12, OP_METHOD = 0x14,
    OP_DUAL_NAME = 0x2e, OP_MULTI_NAME = 0x2f, OP_EXT = 0x5b, OP_IF = 0xa0, OP_ELSE = 0xa1,
    OP_EXT_REGION = 0x80,
    OP_EXT_FIELD = 0x81, OP_EXT_DEVICE = 0x82, METHOD_SERIALIZED = 0x08,
};

static void put(GByteArray *a, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t b = (uint8_t)(v >> (8 * i));
        g_byte_array_append(a, &b, 1);
    }
}

void aml_op(GByteArray *a, uint8_t op)
{
    put(a, op, 1);
}

/* ---- Names ---------------------------------------------------------------------------- */

void aml_ref(GByteArray *a, const char *path)
{
    while (*path == '\\' || *path == '^')
        aml_op(a, (uint8_t)*path++);
    char **seg = g_strsplit(path, ".", -1);
    unsigned n = g_strv_length(seg);

    if (n == 2) {
        aml_op(a, OP_DUAL_NAME);
    } else if (n > 2) {
        aml_op(a, OP_MULTI_NAME);
        aml_op(a, (uint8_t)n);
    }
    for (unsigned i = 0; i < n; i++) {
        char four[4] = {'_', '_', '_', '_'};
        size_t len = strlen(seg[i]);
        assert(len >= 1 && len <= 4);
        memcpy(four, seg[i], len);
        g_byte_array_append(a, (const uint8_t *)four, 4);
    }
    g_strfreev(seg);
}

void aml_name(GByteArray *a, const char *name)
{
    aml_op(a, OP_NAME);
    aml_ref(a, name);
}

/* ---- Data ----------------------------------------------------------------------------- */

void aml_int(GByteArray *a, uint64_t v)
{
    if (v <= 1) {
        put(a, v, 1);
    } else if (v <= 0xff) {
        aml_op(a, OP_BYTE);
        put(a, v, 1);
    } else if (v <= 0xffff) {
        aml_op(a, OP_WORD);
        put(a, v, 2);
    } else if (v <= UINT32_MAX) {
        aml_op(a, OP_DWORD);
        put(a, v, 4);
    } else {
        aml_op(a, OP_QWORD);
        put(a, v, 8);
    }
}

void aml_string(GByteArray *a, const char *text)
{
    aml_op(a, OP_STRING);
    g_byte_array_append(a, (const uint8_t *)text, (guint)strlen(text) + 1);
}

/* Three letters of five bits, then four hexadecimal digits; the value is big-endian. */
void aml_eisaid(GByteArray *a, const char *id)
{
    uint32_t v = (uint32_t)(id[0] - 0x40) << 26 | (uint32_t)(id[1] - 0x40) << 21 |
                 (uint32_t)(id[2] - 0x40) << 16;

    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)g_ascii_xdigit_value(id[3 + i]) << (12 - 4 * i);
    aml_op(a, OP_DWORD);
    put(a, GUINT32_SWAP_LE_BE(v), 4);
}

void aml_name_int(GByteArray *a, const char *name, uint64_t value)
{
    aml_name(a, name);
    aml_int(a, value);
}

void aml_name_string(GByteArray *a, const char *name, const char *text)
{
    aml_name(a, name);
    aml_string(a, text);
}

void aml_name_eisaid(GByteArray *a, const char *name, const char *id)
{
    aml_name(a, name);
    aml_eisaid(a, id);
}

/* ---- Package lengths ------------------------------------------------------------------ */

/* Where the length belongs; aml_end() inserts it there. */
static size_t open_package(GByteArray *a)
{
    return a->len;
}

static unsigned length_bytes(size_t len, uint8_t out[4])
{
    /* The length counts its own bytes. */
    unsigned n = len + 1 < 0x40 ? 1 : len + 2 < 0x1000 ? 2 : len + 3 < 0x100000 ? 3 : 4;
    size_t total = len + n;

    if (n == 1) {
        out[0] = (uint8_t)total;
        return 1;
    }
    out[0] = (uint8_t)((n - 1) << 6 | (total & 0xf));
    for (unsigned i = 1; i < n; i++)
        out[i] = (uint8_t)(total >> (4 + 8 * (i - 1)));
    return n;
}

void aml_end(GByteArray *a, size_t mark)
{
    uint8_t bytes[4];
    size_t len = a->len - mark;
    unsigned n = length_bytes(len, bytes);

    g_byte_array_set_size(a, (guint)(a->len + n));
    memmove(a->data + mark + n, a->data + mark, len);
    memcpy(a->data + mark, bytes, n);
}

size_t aml_scope(GByteArray *a, const char *path)
{
    aml_op(a, OP_SCOPE);
    size_t mark = open_package(a);
    aml_ref(a, path);
    return mark;
}

size_t aml_device(GByteArray *a, const char *name)
{
    aml_op(a, OP_EXT);
    aml_op(a, OP_EXT_DEVICE);
    size_t mark = open_package(a);
    aml_ref(a, name);
    return mark;
}

size_t aml_method(GByteArray *a, const char *name, unsigned nargs, bool serialized)
{
    aml_op(a, OP_METHOD);
    size_t mark = open_package(a);
    aml_ref(a, name);
    aml_op(a, (uint8_t)(nargs | (serialized ? METHOD_SERIALIZED : 0)));
    return mark;
}

size_t aml_if(GByteArray *a)
{
    aml_op(a, OP_IF);
    return open_package(a);
}

size_t aml_else(GByteArray *a)
{
    aml_op(a, OP_ELSE);
    return open_package(a);
}

size_t aml_package(GByteArray *a, uint8_t nelements)
{
    aml_op(a, OP_PACKAGE);
    size_t mark = open_package(a);
    aml_op(a, nelements);
    return mark;
}

/* ---- Operation regions ---------------------------------------------------------------- */

void aml_region(GByteArray *a, const char *name, uint8_t space, uint64_t off, uint64_t len)
{
    aml_op(a, OP_EXT);
    aml_op(a, OP_EXT_REGION);
    aml_ref(a, name);
    aml_op(a, space);
    aml_int(a, off);
    aml_int(a, len);
}

size_t aml_field(GByteArray *a, const char *region, uint8_t flags)
{
    aml_op(a, OP_EXT);
    aml_op(a, OP_EXT_FIELD);
    size_t mark = open_package(a);
    aml_ref(a, region);
    aml_op(a, flags);
    return mark;
}

void aml_field_unit(GByteArray *a, const char *name, unsigned bits)
{
    assert(bits < 0x40); /* one-byte package length form, which counts nothing but the bits */
    if (*name)
        aml_ref(a, name);
    else
        aml_op(a, 0);
    aml_op(a, (uint8_t)bits);
}

/* ---- Short phrases -------------------------------------------------------------------- */

void aml_create_dword_field(GByteArray *a, uint8_t source, unsigned at, const char *name)
{
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_op(a, source);
    aml_int(a, at);
    aml_ref(a, name);
}

void aml_create_dword_field_of(GByteArray *a, const char *source, unsigned at, const char *name)
{
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_ref(a, source);
    aml_int(a, at);
    aml_ref(a, name);
}

void aml_or_into(GByteArray *a, const char *name, uint64_t value)
{
    aml_op(a, AML_OR);
    aml_ref(a, name);
    aml_int(a, value);
    aml_ref(a, name);
}

void aml_buffer(GByteArray *a, const uint8_t *bytes, uint8_t len)
{
    aml_op(a, OP_BUFFER);
    size_t mark = open_package(a);
    aml_int(a, len);
    g_byte_array_append(a, bytes, len);
    aml_end(a, mark);
}

/* ---- Resources ------------------------------------------------------------------------ */

enum {
    RES_IRQ = 0x22, RES_IO = 0x47, RES_END = 0x79, RES_MEM32_FIXED = 0x86, RES_DWORD = 0x87,
    RES_WORD = 0x88, RES_EXT_IRQ = 0x89, RES_QWORD = 0x8a, IO_DECODE16 = 1,
    IRQ_CONSUMER_LEVEL_SHARED = 0x09, WINDOW_MIN_MAX_FIXED = 0x0c, MEM_READ_WRITE = 0x01,
    IO_ENTIRE_RANGE = 0x03,
};

void aml_res_begin(struct aml_resources *r)
{
    r->data = g_byte_array_new();
}

void aml_res_end(GByteArray *a, struct aml_resources *r)
{
    aml_op(r->data, RES_END);
    aml_op(r->data, 0); /* checksum 0: not checked */
    aml_op(a, OP_BUFFER);
    size_t mark = open_package(a);
    aml_int(a, r->data->len);
    g_byte_array_append(a, r->data->data, r->data->len);
    aml_end(a, mark);
    g_byte_array_free(r->data, TRUE);
    r->data = NULL;
}

void aml_res_io(struct aml_resources *r, uint16_t base, uint8_t len)
{
    aml_op(r->data, RES_IO);
    aml_op(r->data, IO_DECODE16);
    put(r->data, base, 2);
    put(r->data, base, 2);
    aml_op(r->data, 1);
    aml_op(r->data, len);
}

void aml_res_irq(struct aml_resources *r, unsigned irq)
{
    aml_op(r->data, RES_IRQ);
    put(r->data, 1u << irq, 2);
}

void aml_res_interrupts(struct aml_resources *r, const uint32_t *irqs, unsigned n)
{
    aml_op(r->data, RES_EXT_IRQ);
    put(r->data, 2 + 4 * n, 2);
    aml_op(r->data, IRQ_CONSUMER_LEVEL_SHARED);
    aml_op(r->data, (uint8_t)n);
    for (unsigned i = 0; i < n; i++)
        put(r->data, irqs[i], 4);
}

void aml_res_memory(struct aml_resources *r, uint32_t base, uint32_t len)
{
    aml_op(r->data, RES_MEM32_FIXED);
    put(r->data, 9, 2);
    aml_op(r->data, MEM_READ_WRITE);
    put(r->data, base, 4);
    put(r->data, len, 4);
}

void aml_res_window(struct aml_resources *r, enum aml_window kind, uint64_t first, uint64_t last)
{
    unsigned w = kind != AML_WINDOW_MEM ? 2 : last > UINT32_MAX ? 8 : 4;

    aml_op(r->data, w == 2 ? RES_WORD : w == 4 ? RES_DWORD : RES_QWORD);
    put(r->data, 3 + 5 * w, 2);
    aml_op(r->data, (uint8_t)kind);
    aml_op(r->data, WINDOW_MIN_MAX_FIXED);
    aml_op(r->data, kind == AML_WINDOW_MEM  ? MEM_READ_WRITE
                    : kind == AML_WINDOW_IO ? IO_ENTIRE_RANGE
                                            : 0);
    put(r->data, 0, w); /* granularity */
    put(r->data, first, w);
    put(r->data, last, w);
    put(r->data, 0, w); /* translation */
    put(r->data, last - first + 1, w);
}
