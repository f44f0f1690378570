/* SPDX-License-Identifier: MIT */
/*
 * Stores to guest memory by a CPU that is not KVM's, and KVM's shadow page tables.
 *
 * Where the host's processor has no nested paging (EPT, NPT), KVM keeps copies of the guest's page
 * tables for it, and learns of changes because it has write-protected the originals (Linux,
 * Documentation/virt/kvm/x86/mmu.rst). User space that stores through its own mapping is not
 * seen. When the interpreter has executed guest code that may have changed page tables, in a
 * rescue or after a switch of accelerator, the copies have to go. KVM drops all of them when a
 * memory slot is deleted: here one of a page that is there for a moment, where a PC has nothing.
 */
#include "accel/kvm/kvm.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "util/error.h"

#define PLACE 0xfeffb000ull /* below what kvm.c needs for real mode */

static bool parameter_is_on(const char *path)
{
    FILE *f = fopen(path, "r");
    int c = f ? fgetc(f) : EOF;

    if (f)
        fclose(f);
    return c == 'Y' || c == '1';
}

bool kvm_shadow_init(struct kvm_vm *vm, GError **err)
{
    if (parameter_is_on("/sys/module/kvm_intel/parameters/ept") ||
        parameter_is_on("/sys/module/kvm_amd/parameters/npt"))
        return true;
    vm->shadow_page = mmap(NULL, RAM_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (vm->shadow_page != MAP_FAILED)
        return true;
    vm->shadow_page = NULL;
    return error_set(err, "no memory for a page");
}

void kvm_shadow_fini(struct kvm_vm *vm)
{
    if (vm->shadow_page)
        munmap(vm->shadow_page, RAM_PAGE_SIZE);
}

void kvm_shadow_drop(struct kvm_vm *vm)
{
    struct kvm_userspace_memory_region r = {
        .slot = kvm_memory_last_slot(vm),
        .flags = KVM_MEM_READONLY,
        .guest_phys_addr = PLACE,
        .memory_size = RAM_PAGE_SIZE,
        .userspace_addr = (uintptr_t)vm->shadow_page,
    };

    if (!vm->shadow_page)
        return;
    machine_lock(vm->machine);
    int error = kvm_call(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
    r.memory_size = 0;
    r.flags = 0;
    if (error == 0)
        error = kvm_call(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
    machine_unlock(vm->machine);
    if (error < 0) {
        log_write(&vm->machine->log, "hostel: KVM keeps its copies of page tables: %s\n",
                  strerror(-error));
        machine_request_fatal(vm->machine);
    }
}
