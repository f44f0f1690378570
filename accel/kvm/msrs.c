/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers: the rows of msr.def that the kernel has. API document sections 4.3
 * (KVM_GET_MSR_INDEX_LIST), 4.18, 4.19 (KVM_GET/SET_MSRS), 4.107 (KVM_X86_SETUP_MCE).
 *
 * The kernel's list leaves out MTRRs and machine check banks, which it has all the same, so each
 * row is tried. What it does not have, or has as a constant, keeps the value that was loaded.
 */
#include "accel/kvm/state.h"

#include <inttypes.h>

#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"

#define MSR_EFER 0xc0000080u

static const struct kvm_msr_row all_rows[] = {
#define MSR(idx, member, ...)                                                                      \
    {.index = idx, .offset = offsetof(struct x86_state, msr.member), .name = #member},
#include "target/x86/msr.def"
#undef MSR
};

static uint64_t *value_of(struct x86_state *st, const struct kvm_msr_row *r)
{
    return (uint64_t *)((char *)st + r->offset);
}

/* How many of the n entries from `first` were processed, stopping at one the kernel refuses. */
static unsigned transfer(struct kvm_cpu *k, unsigned long request, unsigned first, unsigned n)
{
    struct kvm_msrs *b = k->state->msr_buf;
    unsigned done = 0;

    /* The header goes in front of the entries to be sent; what it covers was sent already. */
    struct kvm_msrs *at = (struct kvm_msrs *)(void *)((char *)&b->entries[first] - sizeof(*b));
    struct kvm_msrs covered = *at;
    *at = (struct kvm_msrs){.nmsrs = n};
    int r = kvm_call(k->fd, request, at);
    *at = covered;
    if (r > 0)
        done = r;
    return done;
}

bool kvm_msr_read(struct kvm_cpu *k, uint32_t index, uint64_t *value)
{
    k->state->msr_buf->entries[0] = (struct kvm_msr_entry){.index = index};
    if (transfer(k, KVM_GET_MSRS, 0, 1) != 1)
        return false;
    *value = k->state->msr_buf->entries[0].data;
    return true;
}

bool kvm_msr_write(struct kvm_cpu *k, uint32_t index, uint64_t value)
{
    k->state->msr_buf->entries[0] = (struct kvm_msr_entry){.index = index, .data = value};
    return transfer(k, KVM_SET_MSRS, 0, 1) == 1;
}

/* As many machine check banks as our processor has, with IA32_MCG_CTL. */
static void setup_mce(struct kvm_cpu *k)
{
    const struct cpu_model *model = k->vm->machine->cpu_model;
    uint64_t cap = X86_MCG_CAP;

    if (!model || model->feature[X86_F_MCA])
        kvm_call(k->fd, KVM_X86_SETUP_MCE, &cap);
}

/* EFER goes with the special registers. A store to the wall clock's register would make the kernel
 * write the date to where the guest once wanted it. */
static bool is_apart(uint32_t index)
{
    return index == MSR_EFER || index == MSR_KVM_WALL_CLOCK;
}

void kvm_msrs_init(struct kvm_cpu *k)
{
    struct kvm_state *s = k->state;
    uint64_t value;

    s->msr_buf = g_malloc0(sizeof(*s->msr_buf) +
                           G_N_ELEMENTS(all_rows) * sizeof(struct kvm_msr_entry));
    s->msr = g_new0(struct kvm_msr_row, G_N_ELEMENTS(all_rows));
    setup_mce(k);
    if (k->vm->machine->cpu_model) /* KVM's own says that CPUID can be made to fault */
        kvm_msr_write(k, X86_MSR_PLATFORM_INFO,
                      cpu_model_platform_info(k->vm->machine->cpu_model));
    for (unsigned i = 0; i < G_N_ELEMENTS(all_rows); i++)
        if (!is_apart(all_rows[i].index) && kvm_msr_read(k, all_rows[i].index, &value) &&
            kvm_msr_write(k, all_rows[i].index, value))
            s->msr[s->msrs++] = all_rows[i];
}

void kvm_msrs_get(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_state *s = k->state;
    struct kvm_msr_entry *e = s->msr_buf->entries;
    uint64_t efer = st->msr.efer;

    st->msr = s->known.msr;
    st->msr.efer = efer;
    for (unsigned i = 0; i < s->msrs; i++)
        e[i] = (struct kvm_msr_entry){.index = s->msr[i].index};
    for (unsigned i = 0; i < s->msrs; i++) { /* a refused one is passed over */
        unsigned end = i + transfer(k, KVM_GET_MSRS, i, s->msrs - i);
        for (; i < end; i++)
            *value_of(st, &s->msr[i]) = e[i].data;
    }
}

static void refused(struct kvm_cpu *k, struct kvm_msr_row *r, uint64_t value)
{
    r->refused = true;
    log_write(&k->vm->machine->log, "hostel: CPU %u: KVM refuses %" PRIx64 "h in MSR %xh (%s); the "
              "guest goes on with another value there\n", k->vcpu->index, value, r->index, r->name);
}

void kvm_msrs_put(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_state *s = k->state;
    struct kvm_msr_entry *e = s->msr_buf->entries;
    struct kvm_msr_row *row[G_N_ELEMENTS(all_rows)];
    unsigned n = 0;

    for (unsigned i = 0; i < s->msrs; i++) {
        uint64_t v = *value_of((struct x86_state *)st, &s->msr[i]);

        if (s->msr[i].refused || (s->complete && *value_of(&s->known, &s->msr[i]) == v))
            continue;
        e[n] = (struct kvm_msr_entry){.index = s->msr[i].index, .data = v};
        row[n++] = &s->msr[i];
    }
    for (unsigned i = 0; i < n; i++) {
        i += transfer(k, KVM_SET_MSRS, i, n - i);
        if (i < n)
            refused(k, row[i], e[i].data);
    }
}
