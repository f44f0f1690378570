/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: what of guest-physical memory is RAM that the guest reaches without an exit.
 * API document section 4.49 (KVM_SET_USER_MEMORY_REGION).
 *
 * One slot per RAM section of the flat view. A slot covers whole pages; what is left at a
 * section's ends, like everything that is not RAM, ends in a KVM_EXIT_MMIO, which as_read() and
 * as_write() answer from the flat view whatever it is. ROM is a read-only slot: stores exit.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/error.h"

struct slot { /* size 0: free */
    uint64_t gpa, size;
    uint8_t *host;
    bool readonly;
};

struct kvm_memory {
    struct kvm_vm *vm;
    struct region_listener listener;
    GArray *slots; /* struct slot; the index is KVM's number */
    unsigned max;  /* KVM_CAP_NR_MEMSLOTS */
};

/* Tell KVM what slot `i` is. size 0 deletes it. */
static int set_slot(struct kvm_memory *mem, unsigned i, const struct slot *s)
{
    struct kvm_userspace_memory_region r = {
        .slot = i,
        .flags = s->readonly && s->size ? KVM_MEM_READONLY : 0,
        .guest_phys_addr = s->gpa,
        .memory_size = s->size,
        .userspace_addr = (uintptr_t)s->host,
    };

    return kvm_call(mem->vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

/* A listener cannot refuse a change of the map, so the machine ends with the reason. */
static void give_up(struct kvm_memory *mem, const struct slot *s, const char *why)
{
    struct machine *m = mem->vm->machine;

    log_write(&m->log, "hostel: KVM takes no memory slot for %" PRIx64 "h-%" PRIx64 "h: %s\n",
              s->gpa, s->gpa + s->size - 1, why);
    machine_request_fatal(m);
}

/* The whole pages of a section; size 0 if there is none that can be a slot. */
static struct slot slot_of(const struct region_section *s)
{
    const uint64_t mask = RAM_PAGE_SIZE - 1;
    uint64_t skip = -s->base & mask;
    struct slot r = {.gpa = s->base + skip, .readonly = s->readonly};

    if (!s->ram || s->size <= skip || ((s->ram_offset + skip) & mask))
        return r;
    r.size = (s->size - skip) & ~mask;
    r.host = s->ram->host + s->ram_offset + skip;
    return r;
}

static void section_del(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = (struct kvm_memory *)((char *)l - offsetof(struct kvm_memory,
                                                                        listener));
    struct slot want = slot_of(s);

    for (unsigned i = 0; want.size && i < mem->slots->len; i++) {
        struct slot *at = &g_array_index(mem->slots, struct slot, i);

        if (at->size == 0 || at->gpa != want.gpa)
            continue;
        at->size = 0;
        int r = set_slot(mem, i, at);
        if (r < 0)
            give_up(mem, &want, strerror(-r));
    }
}

static void section_add(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = (struct kvm_memory *)((char *)l - offsetof(struct kvm_memory,
                                                                        listener));
    struct slot want = slot_of(s);
    unsigned i = 0;

    if (want.size == 0)
        return;
    while (i < mem->slots->len && g_array_index(mem->slots, struct slot, i).size)
        i++;
    if (i == mem->max) {
        give_up(mem, &want, "this kernel has no more of them (KVM_CAP_NR_MEMSLOTS)");
        return;
    }
    int r = set_slot(mem, i, &want);
    if (r < 0) {
        give_up(mem, &want, strerror(-r));
        return;
    }
    if (i == mem->slots->len)
        g_array_set_size(mem->slots, i + 1);
    g_array_index(mem->slots, struct slot, i) = want;
}

bool kvm_memory_init(struct kvm_vm *vm, GError **err)
{
    struct kvm_memory *mem = g_new0(struct kvm_memory, 1);

    mem->vm = vm;
    mem->slots = g_array_new(FALSE, TRUE, sizeof(struct slot));
    mem->max = kvm_capability(vm, KVM_CAP_NR_MEMSLOTS);
    mem->listener = (struct region_listener){.del = section_del, .add = section_add};
    vm->memory = mem;
    as_add_listener(&vm->machine->mem, &mem->listener);
    return true;
}

void kvm_memory_fini(struct kvm_vm *vm)
{
    struct kvm_memory *mem = vm->memory;

    as_del_listener(&vm->machine->mem, &mem->listener);
    g_array_unref(mem->slots);
    g_free(mem);
    vm->memory = NULL;
}
