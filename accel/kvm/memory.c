/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: what of guest-physical memory is RAM that the guest reaches without an exit.
 * API document sections 4.35 (KVM_SET_USER_MEMORY_REGION), 4.8 (KVM_GET_DIRTY_LOG).
 *
 * One slot per RAM section of the flat view. A slot covers whole pages; what is left at a
 * section's ends, like everything that is not RAM, ends in a KVM_EXIT_MMIO, which as_read() and
 * as_write() answer from the flat view whatever it is. ROM is a read-only slot: stores exit.
 *
 * A block that somebody watches (ram_block.log_dirty) has slots with a dirty log, a bit per page;
 * fetching it clears RAM_CLEAN of the pages and has the kernel begin a new one.
 */
#include "accel/kvm/kvm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/error.h"

struct slot { /* size 0: free */
    uint64_t gpa, size;
    struct ram_block *ram;
    uint64_t ram_offset; /* of gpa in the block */
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
        .flags = (s->readonly ? KVM_MEM_READONLY : 0) |
                 (s->ram->log_dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = s->gpa,
        .memory_size = s->size,
        .userspace_addr = (uintptr_t)s->ram->host + s->ram_offset,
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
    struct slot r = {.gpa = s->base + skip, .readonly = s->readonly, .ram = s->ram};

    if (!s->ram || s->size <= skip || ((s->ram_offset + skip) & mask))
        return r;
    r.size = (s->size - skip) & ~mask;
    r.ram_offset = s->ram_offset + skip;
    return r;
}

static struct kvm_memory *memory_of(struct region_listener *l)
{
    return (struct kvm_memory *)((char *)l - offsetof(struct kvm_memory, listener));
}

/* The number of the slot that begins at gpa; slots->len if there is none. */
static unsigned find(const struct kvm_memory *mem, uint64_t gpa)
{
    for (unsigned i = 0; i < mem->slots->len; i++) {
        const struct slot *s = &g_array_index(mem->slots, struct slot, i);

        if (s->size && s->gpa == gpa)
            return i;
    }
    return mem->slots->len;
}

static void mark_written(const struct slot *s, uint64_t page)
{
    ram_note_write(s->ram, s->ram_offset + (page << RAM_PAGE_BITS), RAM_PAGE_SIZE);
}

/* The slot's dirty log into the flags of its pages. */
static void fetch_log(struct kvm_memory *mem, unsigned i)
{
    const struct slot *s = &g_array_index(mem->slots, struct slot, i);
    uint64_t words = ((s->size >> RAM_PAGE_BITS) + 63) / 64;
    g_autofree uint64_t *bits = g_new0(uint64_t, words);
    struct kvm_dirty_log log = {.slot = i, .dirty_bitmap = bits};

    if (kvm_call(mem->vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
        return;
    for (uint64_t w = 0; w < words; w++)
        for (uint64_t left = bits[w]; left; left &= left - 1)
            mark_written(s, w * 64 + __builtin_ctzll(left));
}

static void section_sync_dirty(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = memory_of(l);
    struct slot want = slot_of(s);
    unsigned i = want.size ? find(mem, want.gpa) : mem->slots->len;

    if (i < mem->slots->len && want.ram->log_dirty)
        fetch_log(mem, i);
}

/* KVM changes a slot's flags in place. */
static void section_log_changed(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = memory_of(l);
    struct slot want = slot_of(s);
    unsigned i = want.size ? find(mem, want.gpa) : mem->slots->len;

    if (i == mem->slots->len)
        return;
    int r = set_slot(mem, i, &want);
    if (r < 0)
        give_up(mem, &want, strerror(-r));
}

static void section_del(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = memory_of(l);
    struct slot want = slot_of(s);
    unsigned i = want.size ? find(mem, want.gpa) : mem->slots->len;

    if (i == mem->slots->len)
        return;
    struct slot *at = &g_array_index(mem->slots, struct slot, i);
    if (at->ram->log_dirty) /* it goes with the slot */
        fetch_log(mem, i);
    at->size = 0;
    int r = set_slot(mem, i, at);
    if (r < 0)
        give_up(mem, &want, strerror(-r));
}

static void section_add(struct region_listener *l, const struct region_section *s)
{
    struct kvm_memory *mem = memory_of(l);
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
    mem->max = kvm_capability(vm, KVM_CAP_NR_MEMSLOTS) - 1; /* the last one is shadow.c's */
    mem->listener = (struct region_listener){
        .del = section_del,
        .add = section_add,
        .sync_dirty = section_sync_dirty,
        .log_changed = section_log_changed,
    };
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

unsigned kvm_memory_last_slot(const struct kvm_vm *vm)
{
    return vm->memory->max;
}
