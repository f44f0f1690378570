/* SPDX-License-Identifier: MIT */
/*
 * Doorbells (core/notifier.h) in the kernel: a guest's write to one signals its eventfd and does
 * not leave guest mode for us. API document section 4.59 (KVM_IOEVENTFD).
 *
 * What the kernel does not take, for want of room, comes as an exit and rings in the region's
 * write. Each registration holds a descriptor of its own, because the kernel wants the eventfd
 * again when it ends, maybe after the doorbell is gone.
 */
#include "accel/kvm/kvm.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/notifier.h"

struct bell {
    struct kvm_ioeventfd arg;
    const struct doorbell *doorbell;
};

struct bells { /* of one address space */
    struct region_listener listener;
    struct kvm_vm *vm;
    struct address_space *as;
    uint32_t flags;
    GArray *list; /* struct bell */
};

struct kvm_doorbells {
    struct bells mem, io;
};

static void bell_del(struct bells *b, unsigned i)
{
    struct bell *bell = &g_array_index(b->list, struct bell, i);

    bell->arg.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
    kvm_call(b->vm->fd, KVM_IOEVENTFD, &bell->arg);
    close(bell->arg.fd);
    g_array_remove_index_fast(b->list, i);
}

static void bell_add(struct bells *b, uint64_t gpa, const struct doorbell *d)
{
    struct bell bell = {.doorbell = d,
                        .arg = {.addr = gpa, .len = d->size, .datamatch = d->match ? d->value : 0,
                                .fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0)}};

    bell.arg.flags = b->flags | (d->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0);
    if (bell.arg.fd < 0)
        return;
    if (kvm_call(b->vm->fd, KVM_IOEVENTFD, &bell.arg) == 0)
        g_array_append_val(b->list, bell);
    else
        close(bell.arg.fd);
}

static void on_doorbell(struct region_listener *l, uint64_t gpa, struct doorbell *d, bool on)
{
    struct bells *b = (struct bells *)l;

    for (unsigned i = b->list->len; !on && i-- > 0;)
        if (g_array_index(b->list, struct bell, i).doorbell == d)
            bell_del(b, i);
    if (on)
        bell_add(b, gpa, d);
}

static void on_add(struct region_listener *l, const struct region_section *s)
{
    uint64_t gpa;

    for (struct doorbell *d = s->ram ? NULL : s->region->doorbells; d; d = d->next)
        if (section_has_doorbell(s, d, &gpa))
            bell_add((struct bells *)l, gpa, d);
}

static void on_del(struct region_listener *l, const struct region_section *s)
{
    struct bells *b = (struct bells *)l;

    for (unsigned i = b->list->len; i-- > 0;)
        if (g_array_index(b->list, struct bell, i).arg.addr - s->base < s->size)
            bell_del(b, i);
}

static void bells_init(struct bells *b, struct kvm_vm *vm, struct address_space *as, uint32_t flags)
{
    *b = (struct bells){.listener = {.add = on_add, .del = on_del, .doorbell = on_doorbell},
                        .vm = vm, .as = as, .flags = flags};
    b->list = g_array_new(FALSE, FALSE, sizeof(struct bell));
    as_add_listener(as, &b->listener);
}

static void bells_fini(struct bells *b)
{
    as_del_listener(b->as, &b->listener);
    g_array_unref(b->list);
}

void kvm_doorbells_init(struct kvm_vm *vm)
{
    if (!kvm_capability(vm, KVM_CAP_IOEVENTFD))
        return;
    vm->doorbells = g_new0(struct kvm_doorbells, 1);
    bells_init(&vm->doorbells->mem, vm, &vm->machine->mem, 0);
    bells_init(&vm->doorbells->io, vm, &vm->machine->io, KVM_IOEVENTFD_FLAG_PIO);
}

void kvm_doorbells_fini(struct kvm_vm *vm)
{
    if (!vm->doorbells)
        return;
    bells_fini(&vm->doorbells->mem);
    bells_fini(&vm->doorbells->io);
    g_clear_pointer(&vm->doorbells, g_free);
}
