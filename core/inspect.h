/* SPDX-License-Identifier: MIT */
/*
 * What the monitor and the gdb stub may ask about a machine whose parts they do not know:
 * named texts ("info pic") that the board registers, and a look into a CPU that main.c lends.
 * Everything under the machine lock, on the main thread.
 */
#ifndef CORE_INSPECT_H
#define CORE_INSPECT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct vcpu;

struct machine_info {
    const char *name, *help; /* static */
    void (*print)(void *arg, GString *out);
    void *arg;
};

/* `info NAME` prints with this. A second one of the same name comes after the first. */
void machine_add_info(struct machine *m, const char *name, const char *help,
                      void (*print)(void *arg, GString *out), void *arg);

/*
 * Answers to QMP's queries that only a chip or a back end can give ("query-pci"). Several may
 * answer a query; the first that does so counts. fn returns true with *ret set, or false with
 * *err set if the question is wrong, or false alone: not mine. args: an object, or NULL.
 */
struct machine_query {
    const char *name; /* static */
    bool (*fn)(void *arg, json_t *args, json_t **ret, GError **err);
    void *arg;
};
void machine_add_query(struct machine *m, const char *name,
                       bool (*fn)(void *arg, json_t *args, json_t **ret, GError **err), void *arg);
void machine_del_query(struct machine *m, const char *name, void *arg);
/* The answer, or NULL; without *err nobody had one. */
json_t *machine_query(struct machine *m, const char *name, json_t *args, GError **err);

/* Each function runs where the CPU is, out of guest mode (vcpu_run_on). */
struct cpu_inspect {
    void (*registers)(struct vcpu *v, GString *out);
    /* Value of a register by name ("rip", "eax", "cr3"). False: there is none of that name. */
    bool (*register_value)(struct vcpu *v, const char *name, uint64_t *value);
    /* Bytes at a linear address, through the CPU's page tables. False: not mapped. */
    bool (*read_linear)(struct vcpu *v, uint64_t addr, void *buf, size_t len);
    /* One instruction as text, as the CPU's present mode has it. Returns its length. */
    size_t (*disasm)(struct vcpu *v, const uint8_t *bytes, size_t avail, uint64_t addr, char *text,
                     size_t size);
    /* Move bytes at linear addresses, or physical ones, as far as they are mapped; how many were.
     * Stores reach ROM, too. */
    size_t (*access)(struct vcpu *v, uint64_t addr, bool physical, void *buf, size_t len,
                     bool store);
    /* Does it wait for something (HLT, start-up IPI)? */
    bool (*is_halted)(struct vcpu *v);
    /* Registers as gdb's protocol numbers them: their sizes (0: no such register), their
     * description (owned by the caller), all values in order. */
    unsigned (*gdb_size)(unsigned n);
    char *(*gdb_description)(void);
    void (*gdb_read)(struct vcpu *v, GByteArray *out);
    /* Store `count` registers from `first` on; what is the same already is left alone. */
    bool (*gdb_write)(struct vcpu *v, unsigned first, unsigned count, const uint8_t *buf,
                      GError **err);
    /* How many breakpoints and watchpoints there may be; 0: the accelerator cannot do it. */
    unsigned (*debug_points)(struct machine *m);
    /* What its page tables map: ranges with their rights, or page by page. */
    void (*pages)(struct vcpu *v, bool ranges, GString *out);
    /* accel/history.h */
    bool (*history_begin)(struct machine *m);
    void (*history_end)(struct machine *m);
    bool (*history_back)(struct machine *m, bool step);
    const char *(*history_limit_text)(struct machine *m);
    /* accel/switch.h */
    bool (*accel_switch)(struct machine *m, const char *name, GError **err);
    void (*accel_describe)(struct machine *m, GString *out);
};

/* What this program knows besides the machine it runs, in QMP's words; main.c lends it. Results
 * are the caller's. */
struct program_inspect {
    json_t *(*machines)(void); /* query-machines */
    /* query-command-line-options: all, or the one of that name (an array of one or none) */
    json_t *(*options)(const char *name);
    const char *(*accel)(unsigned n); /* QEMU's name of the n-th accelerator, NULL behind them */
    void (*kvm)(const struct machine *m, bool *present, bool *enabled);
    json_t *(*cpu_definitions)(struct machine *m);
    /* The properties that a -cpu model has with these (an object, or NULL) changed. */
    json_t *(*cpu_expansion)(struct machine *m, const char *name, json_t *props, GError **err);
    char *(*cpu_type)(const struct machine *m); /* "max-x86_64-cpu" */
};

#endif
