/* SPDX-License-Identifier: MIT */
/*
 * The comparing accelerator: one guest on two accelerators in lock step.
 *
 *                        machine (devices, chips, vCPU)
 *                 memory, ports |            | interrupts
 *        +----------------------+------------+---------------------+
 *        | side a: bare machine, inner vCPU  | side b: the same    |
 *        | RAM: the machine's own            | RAM: a copy         |
 *        | I/O: goes to the devices, noted   | I/O: answered by    |
 *        |      in the log                   |      the log        |
 *        +-----------------------------------+---------------------+
 *
 * A step: side a runs `every` instructions, side b runs as many; then the states must be equal.
 * The user's a and b change places if only that makes side a an interpreter: it knows when an
 * instruction faults, and a single step of hardware would run on into the handler.
 * Between steps interrupts are taken from the machine's chips and delivered to both, and time
 * goes on; within a step time stands still and the machine lock is held, so nothing but the
 * processor changes anything.
 *
 *   compare.c  the accelerator, its keys      step.c    one step, events between steps
 *   side.c     a side's machine and vCPU      insn.c    the instruction ahead, and how to run it
 *   map.c      memory of both sides, DMA      fields.c  which fields differ
 *   iolog.c    what a reads, b reads          memory.c  which bytes of memory differ
 *   report.c   what the user is told
 *
 * All of it belongs to the vCPU's thread, with the machine lock held, except where said.
 */
#ifndef ACCEL_COMPARE_COMPARE_H
#define ACCEL_COMPARE_COMPARE_H

#include "accel/accel.h"
#include "core/machine.h"
#include "target/x86/decode.h"

/* The process's exit status after a difference; 1 is for errors. */
#define COMPARE_EXIT_DIFFERENCE 2

enum { SIDE_A, SIDE_B, SIDES };

struct compare_options {
    const struct accel *accel[SIDES];
    uint64_t every; /* instructions of a step, 1 or more */
    uint64_t from;  /* after so many, a step is one instruction; UINT64_MAX: never */
    uint64_t limit; /* end with success after so many; UINT64_MAX: never */
    unsigned last;  /* how many of the last instructions a report shows */
};

/* An instruction about to run, as bytes and decoded. */
struct ahead {
    uint64_t rip, la; /* within CS, linear */
    uint16_t cs;
    uint8_t mode;     /* enum x86_mode */
    uint8_t avail;    /* bytes that could be read, 15 at most */
    uint8_t bytes[15];
    bool decoded;
    struct x86_insn insn;
};

struct compare;

struct side {
    struct compare *compare;
    unsigned index; /* SIDE_A, SIDE_B */
    char letter;    /* what the user calls it */
    bool steps_user; /* single steps of user code can be trusted */
    bool tf;        /* hardware: the guest's RFLAGS.TF, which KVM hides while it steps */
    bool faulted;   /* the last step ended in an exception (known of interpreters) */
    const struct accel *accel;
    struct machine_config config;
    struct machine *machine;
    struct vcpu vcpu;
    struct region mem_io, port_io; /* all that is not RAM */
    GPtrArray *pieces;             /* struct piece *: the RAM sections, map.c */
    GPtrArray *rams;               /* struct ram_block *, by the index of the machine's block */
    bool vm_up;                    /* the accelerator's vm_init() was well */
    bool interpreting;             /* its local APIC accesses go through the log */
    int vector;                    /* the interrupt to be taken next */
    /* The last step: */
    enum vcpu_exit why;
    int64_t done;
    struct x86_state st; /* after it */
};

enum phase { PHASE_NONE, PHASE_A, PHASE_B };

enum io_kind {
    IO_MEM_READ, IO_MEM_WRITE, IO_PORT_READ, IO_PORT_WRITE,
    IO_GET_BASE, IO_SET_BASE, IO_GET_TPR, IO_SET_TPR, IO_MSR_READ, IO_MSR_WRITE,
    IO_MAP, /* the access before it changed the memory map */
    IO_DMA, /* the access before it had a device write memory */
};

struct map; /* map.c */

struct io_entry {
    enum io_kind kind;
    uint8_t size;
    bool ok; /* MSRs, IA32_APIC_BASE: no #GP */
    uint64_t addr, value;
    struct map *map;       /* IO_MAP */
    struct ram_block *ram; /* IO_DMA: the machine's block; `addr` is the offset in it */
    GBytes *data;          /* IO_DMA */
};

/* Memory that a device has written. */
struct dma {
    struct ram_block *ram; /* the machine's */
    uint64_t off, len;
};

/* A line of the report's last instructions. */
struct past {
    uint64_t number; /* instructions before it */
    int vector;      /* an interrupt was delivered: its vector; -1: an instruction */
    struct ahead insn;
};

struct compare {
    struct machine *machine;
    struct vcpu *vcpu;
    struct compare_options opt;
    bool swapped; /* side a is the user's b */
    struct side side[SIDES];
    enum phase phase;
    bool whole;     /* both sides show the same memory map and all of it was copied */
    bool over;      /* a difference was found, or the limit reached: nothing runs any more */
    bool failed;
    bool single;    /* the present step is one instruction: operands and flags are known */
    bool *exempt;   /* by index of x86_state_fields: not compared, fields.c */

    uint64_t count;     /* instructions compared so far */
    int64_t run_done;   /* those of the present run_budget() */
    uint64_t interpreted[2]; /* on hardware sides: by rule, because it could not */
    uint64_t events, accesses, resyncs;
    uint64_t mem_equal; /* count at the last full comparison of memory */
    int64_t mem_cost, mem_when; /* its duration and end, ns of the host */

    GArray *log;      /* struct io_entry of this step */
    unsigned log_pos; /* what b will do next */
    GString *io_diff; /* what b did otherwise; NULL: nothing */

    GMutex dma_lock;
    GArray *dma;      /* struct dma, under dma_lock: to be copied to b */
    struct region_listener listener;

    struct past *past; /* ring of opt.last */
    uint64_t n_past;
};

/* ---- compare.c: for tests, which bring accelerators of their own ----------------------------- */

/* vm_init() with these options instead of the machine's -accel keys. */
bool compare_vm_init(struct machine *m, const struct compare_options *o, GError **err);
extern const struct accel accel_compare;

/* ---- side.c ---------------------------------------------------------------------------------- */

bool side_init(struct side *s, struct compare *c, unsigned index, GError **err);
void side_fini(struct side *s);
/* In the vCPU's thread. */
bool side_vcpu_init(struct side *s, GError **err);
void side_vcpu_exit(struct side *s);
/* Run up to n instructions on the side's accelerator, or, on one of hardware, on the interpreter
 * beside it where that must be. s->why and s->done tell. */
void side_run(struct side *s, int64_t n);
/* The same by interpretation in any case. n == 0: only take what is at the pins. */
void side_interpret(struct side *s, int64_t n);
/* Fill s->st. */
void side_save(struct side *s);
void side_load(struct side *s, const struct x86_state *st);
/* Virtual time for both sides from now on. */
void side_set_time(struct side *s, int64_t now);
/* Translate with the paging of the side's present state. */
bool side_translate(struct side *s, uint64_t la, uint64_t *gpa);

/* ---- map.c ----------------------------------------------------------------------------------- */

void map_init(struct compare *c);
void map_fini(struct compare *c);
void map_side_fini(struct side *s);
/* Between steps: b's memory becomes a copy of a's, whole or where devices wrote. */
void map_copy_all(struct compare *c);
void map_copy_dma(struct compare *c);
/* After an access of a's: what it had devices write goes to the log. */
void map_log_dma(struct compare *c);
void map_replay(struct side *s, const struct io_entry *e);
void map_free(struct map *map);

/* ---- iolog.c --------------------------------------------------------------------------------- */

void iolog_init(struct compare *c);
void iolog_fini(struct compare *c);
void iolog_side_init(struct side *s); /* regions and local APIC of the side */
void iolog_clear(struct compare *c);
/* After b's run: what is left of the log is a difference. */
void iolog_check_end(struct compare *c);
/* A store to read-only memory, at guest-physical gpa. */
void iolog_write(struct side *s, uint64_t gpa, unsigned size, uint64_t value);
struct io_entry *iolog_add(struct compare *c, enum io_kind kind);

/* ---- insn.c ---------------------------------------------------------------------------------- */

/* The instruction that s will run next from state *st. */
void insn_fetch(struct side *s, const struct x86_state *st, struct ahead *a);
/* Must an accelerator of hardware leave it to the interpreter? */
bool insn_by_rule(const struct x86_state *st, const struct ahead *a);
bool insn_is_repeated(const struct x86_state *st, const struct ahead *a);

/* ---- fields.c -------------------------------------------------------------------------------- */

void fields_init(struct compare *c);
/* Are the states of both sides equal, but for `undefined` bits of RFLAGS? If so but for those, b
 * takes a's. */
bool fields_equal(struct compare *c, uint32_t undefined);
void fields_describe(struct compare *c, uint32_t undefined, GString *out);

/* ---- memory.c -------------------------------------------------------------------------------- */

/* Memory that instruction `a`, run from *before, may have written: equal on both sides? */
bool memory_touched_equal(struct compare *c, const struct ahead *a, const struct x86_state *before,
                          GString *out);
/* All of it. */
bool memory_equal(struct compare *c, GString *out);
/* The same if it is due. */
bool memory_check(struct compare *c, GString *out);

/* ---- step.c ---------------------------------------------------------------------------------- */

/* Run up to n instructions on both sides and compare. */
enum vcpu_exit step_run(struct compare *c, int64_t n);
/* Deliver what the machine's chips ask for. */
void step_events(struct compare *c);
/* The pins that end a halt in the present state. */
uint32_t step_wake_mask(const struct compare *c);

/* ---- report.c -------------------------------------------------------------------------------- */

void report_note(struct compare *c, const struct ahead *a, int vector);
/* Tell the difference `what` (lines), and end the machine. */
void report_difference(struct compare *c, const char *what);
void report_summary(struct compare *c);

#endif
