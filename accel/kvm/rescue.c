/* SPDX-License-Identifier: MIT */
/*
 * What KVM cannot emulate, the interpreter executes: KVM_EXIT_INTERNAL_ERROR with suberror
 * EMULATION (API document, "KVM_EXIT_INTERNAL_ERROR"), or DELIVERY_EV, where what was to be
 * delivered is among the vCPU's events. See docs/switching.md, accel/tcg-interp/loan.h.
 *
 * How many instructions a rescue lasts: on a processor with VMX such an instruction is rare, and
 * the one is all that is executed. Where they come in quick succession, carrying the state over
 * and back costs more than they do, and what lies between them is better executed here as well. So
 * the limit grows while a rescue follows the last one sooner than that took, and shrinks when
 * they are far apart. On a host whose KVM has no VMX or SVM under it and emulates the guest's
 * kernel, the interpreter is so much faster that it goes on as long as it may.
 */
#include "accel/kvm/state.h"

#include <inttypes.h>
#include <string.h>
#include <x86intrin.h>

#include "accel/tcg-interp/loan.h"
#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

#define LIMIT_MAX 200000 /* instructions: a kernel APIC's interrupts wait some milliseconds */
#define SOON 4           /* times the duration of the last rescue */
#define RARE 64
#define KINDS 48
#define PLACES 64
#define MAX_LEN 15

struct kvm_rescue {
    bool ready; /* the interpreter is attached */
    /* The machine's model with all instructions that the interpreter has: a processor executes
     * what it has, whatever CPUID was told to say, and some KVMs tell guests of the host's. */
    struct cpu_model model;
    uint64_t limit, least;
    int64_t ended, took; /* the last one: when, for how long; ns */
    /* counters, looked at by others */
    uint64_t count, insns, ns;
    struct {
        char name[24];
        uint64_t count;
    } kind[KINDS]; /* by mnemonic; the last one stands for all others */
    unsigned kinds;
    /* which kind is at an address, by low bits of RIP: saves decoding */
    struct {
        uint64_t rip;
        uint8_t kind;
        bool valid;
    } place[PLACES];
};

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* ---- Naming the instruction ------------------------------------------------------------------ */

struct where { /* what is at CS:RIP */
    uint8_t bytes[MAX_LEN];
    unsigned n;
    char text[96];
};

static enum x86_mode mode_of(const struct x86_state *st)
{
    const uint16_t attr = st->seg[S_CS].attr;

    if ((st->msr.efer & EFER_LMA) && (attr & SEG_L))
        return X86_MODE_64;
    return (st->cr0 & CR0_PE) && !(st->rflags & FL_VM) && (attr & SEG_DB) ? X86_MODE_32
                                                                         : X86_MODE_16;
}

static bool fetch_byte(struct vcpu *v, uint64_t la, uint8_t *byte)
{
    uint64_t gpa;
    const uint8_t *host = NULL;

    if (v->accel->translate(v, la, &gpa))
        host = as_ptr(&v->machine->mem, gpa, 1, false);
    if (host)
        *byte = *host;
    return host != NULL;
}

/* The state in KVM is *st. */
static struct where look(struct vcpu *v, const struct x86_state *st)
{
    const enum x86_mode mode = mode_of(st);
    struct where w = {.text = "?"};
    struct x86_insn insn;

    for (; w.n < MAX_LEN; w.n++) {
        uint64_t la = st->rip + w.n;
        if (mode != X86_MODE_64)
            la = (uint32_t)(la + st->seg[S_CS].base);
        if (!fetch_byte(v, la, &w.bytes[w.n]))
            break;
    }
    if (x86_decode(w.bytes, w.n, mode, &insn) == DECODE_OK) {
        w.n = insn.len;
        x86_disasm(&insn, st->rip, w.text, sizeof(w.text));
    }
    return w;
}

static bool give_up(struct kvm_cpu *k, const struct x86_state *st, const char *why_not)
{
    struct where w = look(k->vcpu, st);
    g_autoptr(GString) hex = g_string_new(NULL);

    for (unsigned n = 0; n < w.n; n++)
        g_string_append_printf(hex, "%s%02x", n ? " " : "", w.bytes[n]);
    log_write(&k->vm->machine->log,
              "hostel: CPU %u: KVM cannot emulate '%s' (bytes %s) at %04x:%016" PRIx64 ": %s\n",
              k->vcpu->index, w.text, w.n ? hex->str : "not readable", st->seg[S_CS].sel, st->rip,
              why_not);
    return false;
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* "lock cmpxchg16b xmmword ptr [rsi]" -> "lock cmpxchg16b" */
static void mnemonic(const char *text, char *name, size_t size)
{
    size_t n = strcspn(text, " ");

    if (g_str_has_prefix(text, "lock ") || g_str_has_prefix(text, "rep"))
        n += text[n] ? 1 + strcspn(text + n + 1, " ") : 0;
    g_strlcpy(name, text, MIN(size, n + 1));
}

static unsigned kind_of(struct kvm_rescue *r, const char *text)
{
    char name[sizeof(r->kind[0].name)];
    unsigned n = 0;

    mnemonic(text, name, sizeof(name));
    while (n < r->kinds && strcmp(r->kind[n].name, name) != 0)
        n++;
    if (n < r->kinds)
        return n;
    if (n == KINDS) {
        strcpy(r->kind[KINDS - 1].name, "others");
        return KINDS - 1;
    }
    g_strlcpy(r->kind[n].name, name, sizeof(name));
    r->kinds++;
    return n;
}

static void count_kind(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_rescue *r = k->rescue;
    unsigned at = (st->rip ^ st->rip >> 6) % PLACES;

    if (!r->place[at].valid || r->place[at].rip != st->rip) {
        struct where w = look(k->vcpu, st);
        r->place[at].kind = kind_of(r, w.text);
        r->place[at].rip = st->rip;
        r->place[at].valid = true;
    }
    r->kind[r->place[at].kind].count++;
}

void kvm_rescue_describe(const struct kvm_cpu *k, GString *out)
{
    const struct kvm_rescue *r = k->rescue;

    if (!r || !r->count)
        return;
    g_string_append_printf(out, "cpu %u rescues: %" PRIu64 ", %" PRIu64
                           " instructions, %.3f s, now up to %" PRIu64 " instructions each\n",
                           k->vcpu->index, r->count, r->insns, r->ns / 1e9, r->limit);
    for (unsigned n = 0; n < r->kinds; n++)
        g_string_append_printf(out, "cpu %u rescue %-20s %" PRIu64 "\n", k->vcpu->index,
                               r->kind[n].name, r->kind[n].count);
}

/* ---- The rescue ------------------------------------------------------------------------------ */

static uint64_t guest_tsc(struct vcpu *v)
{
    return __rdtsc() + kvm_cpu_of(v)->state->tsc_offset;
}

/* How long the next one may last, given when this one began. */
static void adapt(struct kvm_rescue *r, int64_t begin)
{
    int64_t apart = begin - r->ended;

    if (apart < r->took * SOON)
        r->limit = MIN(r->limit * 4, LIMIT_MAX);
    else if (apart > r->took * RARE)
        r->limit = MAX(r->limit / 4, r->least);
}

static bool attach(struct kvm_cpu *k, const struct x86_state *st)
{
    g_autoptr(GError) err = NULL;

    if (!k->rescue)
        k->rescue = g_new0(struct kvm_rescue, 1);
    k->rescue->least = accel_kvm.preferred(NULL) ? 1 : LIMIT_MAX;
    k->rescue->limit = MAX(k->rescue->limit, k->rescue->least);
    k->rescue->model = *k->vm->machine->cpu_model;
    cpu_model_software(k->rescue->model.feature);
    k->rescue->ready = k->rescue->ready || accel_attach(k->vcpu, &accel_tcg_interp, &err);
    return k->rescue->ready || give_up(k, st, err->message);
}

static bool wanted(const struct machine *m)
{
    const char *v = m->config->accel_opts ? g_hash_table_lookup(m->config->accel_opts, "rescue")
                                          : NULL;

    return !v || strcmp(v, "off") != 0;
}

/* Has the state moved on? */
static bool progress(const struct tcg_loan *loan, const struct x86_state *before,
                     const struct x86_state *after)
{
    return loan->done || loan->end != LOAN_REFUSED || before->rip != after->rip ||
           memcmp(before->gpr, after->gpr, sizeof(before->gpr)) || before->event != after->event;
}

static bool lend(struct kvm_cpu *k, struct x86_state *st, struct tcg_loan *loan)
{
    struct kvm_rescue *r = k->rescue;
    const struct x86_state before = *st;
    const int64_t begin = now_ns();

    adapt(r, begin);
    *loan = (struct tcg_loan){
        .max = r->limit,
        .model = &r->model,
        .kernel_apic = k->vm->irqchip != KVM_IRQCHIP_OFF,
        .apic_base = k->state->apic_base,
        .tsc = guest_tsc,
    };
    count_kind(k, st);
    tcg_loan_run(k->vcpu, st, loan);
    if (!progress(loan, &before, st))
        return give_up(k, &before, "the interpreter may not execute it for KVM either (it is for "
                                   "the host kernel's local APIC, or of a processor feature that "
                                   "the interpreter lacks); use -accel tcg");
    kvm_state_put(k, st);
    if (loan->stored)
        kvm_shadow_drop(k->vm);
    r->count++;
    r->insns += loan->done;
    r->ended = now_ns();
    r->took = r->ended - begin;
    r->ns += r->took;
    return true;
}

/* Before Linux 5.14 user code gets #UD for it instead of an exit. */
void kvm_rescue_init(struct kvm_vm *vm)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = {1}};

    if (wanted(vm->machine) && kvm_capability(vm, cap.cap))
        kvm_call(vm->fd, KVM_ENABLE_CAP, &cap);
}

bool kvm_rescue(struct kvm_cpu *k, enum vcpu_exit *why)
{
    struct x86_state st;
    struct tcg_loan loan;

    kvm_state_get(k, &st);
    /* Without that capability KVM leaves a #UD behind for the instruction it gave up. */
    if (k->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && st.event == EVENT_EXC &&
        st.event_vector == EXC_UD)
        st.event = EVENT_NONE;
    *why = VCPU_FATAL;
    if (!wanted(k->vm->machine))
        return give_up(k, &st, "rescue is off; rescue=on lets the interpreter execute it, -accel "
                               "tcg everything");
    if (!attach(k, &st) || !lend(k, &st, &loan))
        return false;
    *why = VCPU_SHUTDOWN;
    return loan.end != LOAN_SHUTDOWN;
}

void kvm_rescue_free(struct kvm_cpu *k)
{
    g_free(k->rescue);
}
