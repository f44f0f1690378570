/* SPDX-License-Identifier: MIT */
/*
 * A small AML builder: appends ACPI machine language to a byte array. ACPI specification 6.4,
 * ch. 20 (grammar) and 6.4 (resource descriptors).
 *
 * Things with a package length are opened and closed:
 *
 *     size_t dev = aml_device(a, "RTC_");
 *     aml_name_eisaid(a, "_HID", "PNP0B00");
 *     aml_end(a, dev);
 *
 * Name segments are padded to four characters; paths may begin with '\' or '^' and be dotted.
 */
#ifndef HW_PC_AML_H
#define HW_PC_AML_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

size_t aml_scope(GByteArray *a, const char *path);
size_t aml_device(GByteArray *a, const char *name);
size_t aml_method(GByteArray *a, const char *name, unsigned nargs, bool serialized);
size_t aml_if(GByteArray *a); /* followed by the predicate term */
size_t aml_else(GByteArray *a); /* right after the end of an aml_if() */
size_t aml_package(GByteArray *a, uint8_t nelements);
size_t aml_field(GByteArray *a, const char *region, uint8_t flags); /* followed by aml_field_unit */
void aml_end(GByteArray *a, size_t mark);

void aml_name(GByteArray *a, const char *name); /* NameOp; the value follows */
void aml_ref(GByteArray *a, const char *path);  /* a name string used as a term */
void aml_int(GByteArray *a, uint64_t value);
void aml_string(GByteArray *a, const char *text);
void aml_eisaid(GByteArray *a, const char *id); /* "PNP0A03" */
void aml_op(GByteArray *a, uint8_t op);
void aml_name_int(GByteArray *a, const char *name, uint64_t value);
void aml_name_string(GByteArray *a, const char *name, const char *text);
void aml_name_eisaid(GByteArray *a, const char *name, const char *id);

enum { /* opcodes used with aml_op() */
    AML_ZERO = 0x00, AML_ONE = 0x01, AML_LOCAL0 = 0x60, AML_ARG0 = 0x68, AML_STORE = 0x70,
    AML_AND = 0x7b, AML_OR = 0x7d, AML_LNOT = 0x92, AML_LEQUAL = 0x93, AML_LLESS = 0x95,
    AML_RETURN = 0xa4,
    AML_CREATE_DWORD_FIELD = 0x8a,
};
/* CreateDWordField (Arg or Local by its opcode, or a name; byte offset; the field's name). */
void aml_create_dword_field(GByteArray *a, uint8_t source, unsigned at, const char *name);
void aml_create_dword_field_of(GByteArray *a, const char *source, unsigned at, const char *name);
void aml_or_into(GByteArray *a, const char *name, uint64_t value); /* name |= value */
void aml_buffer(GByteArray *a, const uint8_t *bytes, uint8_t len);
enum { AML_SPACE_IO = 1, AML_SPACE_PCI_CONFIG = 2 };
enum { AML_FIELD_BYTE = 0x01, AML_FIELD_DWORD = 0x03 }; /* access, no lock, preserve */
void aml_region(GByteArray *a, const char *name, uint8_t space, uint64_t off, uint64_t len);
void aml_field_unit(GByteArray *a, const char *name, unsigned bits); /* "": reserved */

/* Resource template: a Buffer that ends with an end tag. */
struct aml_resources {
    GByteArray *data;
};
void aml_res_begin(struct aml_resources *r);
void aml_res_end(GByteArray *a, struct aml_resources *r); /* appends the Buffer, frees */
void aml_res_io(struct aml_resources *r, uint16_t base, uint8_t len);
void aml_res_irq(struct aml_resources *r, unsigned irq); /* edge, high, exclusive */
/* Extended interrupt descriptor: level, active high, shared. */
void aml_res_interrupts(struct aml_resources *r, const uint32_t *irqs, unsigned n);
void aml_res_memory(struct aml_resources *r, uint32_t base, uint32_t len);
enum aml_window { AML_WINDOW_MEM = 0, AML_WINDOW_IO = 1, AML_WINDOW_BUS = 2 };
/* Word for bus numbers and ports, dword or qword for memory by size; what a bridge produces. */
void aml_res_window(struct aml_resources *r, enum aml_window kind, uint64_t first, uint64_t last);

#endif
