/* SPDX-License-Identifier: MIT */
/*
 * /dev/kvm: is it usable, and one VM. API document sections 3, 4.1 to 4.4 (KVM_GET_API_VERSION,
 * KVM_CREATE_VM, KVM_CHECK_EXTENSION), 4.35 (KVM_SET_TSS_ADDR), 4.41 (KVM_SET_IDENTITY_MAP_ADDR).
 */
#include "accel/kvm/kvm.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/inspect.h"
#include "util/error.h"

#define DEVICE "/dev/kvm"

/* Four pages that Intel processors without "unrestricted guest" need for real mode: below the
 * firmware's 16 MiB, above the I/O APIC, where a PC has nothing. */
#define IDENTITY_MAP 0xfeffc000ull
#define TSS_PAGES (IDENTITY_MAP + 0x1000)

static const struct {
    unsigned cap;
    const char *name;
} needed[] = {
#define CAP(name) {KVM_CAP_##name, "KVM_CAP_" #name}
    CAP(USER_MEMORY), CAP(DESTROY_MEMORY_REGION_WORKS), CAP(JOIN_MEMORY_REGIONS_WORKS),
    CAP(READONLY_MEM), CAP(SET_TSS_ADDR), CAP(SET_IDENTITY_MAP_ADDR), CAP(EXT_CPUID), CAP(HLT),
    CAP(USER_NMI), CAP(MP_STATE), CAP(VCPU_EVENTS), CAP(DEBUGREGS), CAP(XSAVE), CAP(XCRS),
    CAP(IMMEDIATE_EXIT), CAP(SET_GUEST_DEBUG), CAP(GET_TSC_KHZ), CAP(X86_USER_SPACE_MSR),
    CAP(X86_MSR_FILTER),
#undef CAP
};

int kvm_call(int fd, unsigned long request, void *arg)
{
    int r;

    do
        r = ioctl(fd, request, arg);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

int kvm_capability(const struct kvm_vm *vm, unsigned cap)
{
    return MAX(kvm_call(vm->fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)cap), 0);
}

/* ---- Probe ----------------------------------------------------------------------------------- */

static bool cannot_open(const char *path, int error, GError **err)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return error_set(err, "%s is missing: this host offers no virtualisation (load kvm_intel "
                              "or kvm_amd, or switch it on in the firmware; -accel tcg needs "
                              "none)", path);
    case EACCES:
    case EPERM:
        return error_set(err, "no permission to open %s: add yourself to group kvm (as root: "
                              "usermod -aG kvm %s, then log in again)", path, g_get_user_name());
    default:
        return error_set(err, "%s: %s", path, strerror(error));
    }
}

static bool is_usable(int fd, const char *path, GError **err)
{
    int version = kvm_call(fd, KVM_GET_API_VERSION, NULL);

    if (version < 0)
        return error_set(err, "%s is not KVM's device: %s", path, strerror(-version));
    if (version != KVM_API_VERSION)
        return error_set(err, "%s speaks version %d of the KVM interface, not %d: this kernel is "
                              "too old", path, version, KVM_API_VERSION);
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++)
        if (kvm_call(fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)needed[i].cap) <= 0)
            return error_set(err, "%s: this kernel's KVM lacks %s (Linux 5.10 has it)", path,
                             needed[i].name);
    return true;
}

/* A file descriptor of the device, -1 with *err set if it cannot be used. */
static int open_device(const char *path, GError **err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        cannot_open(path, errno, err);
        return -1;
    }
    if (is_usable(fd, path, err))
        return fd;
    close(fd);
    return -1;
}

bool kvm_probe_path(const char *path, GError **err)
{
    int fd = open_device(path, err);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int kvm_open(GError **err)
{
    return open_device(DEVICE, err);
}

/* The VM's answer is what its vCPUs begin with (Linux 5.16 and later); else a vCPU's own. */
static int guest_tsc_khz(int vm)
{
    int khz = kvm_call(vm, KVM_GET_TSC_KHZ, NULL);

    if (khz > 0)
        return khz;
    int cpu = kvm_call(vm, KVM_CREATE_VCPU, NULL);
    if (cpu < 0)
        return 0;
    khz = kvm_call(cpu, KVM_GET_TSC_KHZ, NULL);
    close(cpu);
    return MAX(khz, 0);
}

uint64_t kvm_host_tsc_hz(void)
{
    int sys = kvm_open(NULL), khz = 0;

    if (sys < 0)
        return 0;
    int vm = kvm_call(sys, KVM_CREATE_VM, NULL);
    if (vm >= 0) {
        khz = guest_tsc_khz(vm);
        close(vm);
    }
    close(sys);
    return khz * 1000ull;
}

static bool probe(GError **err)
{
    return kvm_probe_path(DEVICE, err);
}

/*
 * Without VMX or SVM in the host's processor what answers at /dev/kvm emulates it, much slower
 * than tcg-interp does. (Under another hypervisor they are there if it offers nested ones.)
 */
static bool preferred(GError **err)
{
    unsigned a, b, c = 0, d;

    if (__get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 5)) /* VMX */
        return true;
    c = 0;
    if (__get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & 1u << 2)) /* SVM */
        return true;
    return error_set(err, "this host's processor shows neither VMX nor SVM, so its KVM would be "
                          "slow (-accel kvm uses it all the same)");
}

/* ---- The VM ---------------------------------------------------------------------------------- */

int kvm_new_vm(int sys, GError **err)
{
    int vm = kvm_call(sys, KVM_CREATE_VM, NULL);
    if (vm < 0) {
        error_set(err, "KVM cannot create a virtual machine: %s", strerror(-vm));
        return -1;
    }
    uint64_t identity = IDENTITY_MAP;
    int r = kvm_call(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    if (r == 0)
        r = kvm_call(vm, KVM_SET_TSS_ADDR, (void *)(uintptr_t)TSS_PAGES);
    if (r == 0)
        return vm;
    close(vm);
    error_set(err, "KVM refuses its place for real mode: %s", strerror(-r));
    return -1;
}

static bool create_vm(struct kvm_vm *vm, GError **err)
{
    vm->sys = kvm_open(err);
    if (vm->sys < 0)
        return false;
    vm->run_size = kvm_call(vm->sys, KVM_GET_VCPU_MMAP_SIZE, NULL);
    vm->fd = kvm_new_vm(vm->sys, err);
    if (vm->fd < 0)
        return false;
    kvm_keep_hypercall_insn(vm->fd);
    return true;
}

static void print_exits(void *arg, GString *out)
{
    struct machine *m = arg;

    if (m->accel_data[ACCEL_KVM])
        kvm_exits_describe(m->accel_data[ACCEL_KVM], out);
}

static void vm_exit(struct machine *m)
{
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];

    if (!vm)
        return;
    machine_lock(m);
    kvm_irqchip_fini(vm);
    kvm_doorbells_fini(vm);
    machine_unlock(m);
    kvm_shadow_fini(vm);
    if (vm->memory)
        kvm_memory_fini(vm);
    for (unsigned i = 0; i < vm->cpus->len; i++)
        if (vm->cpus->pdata[i])
            kvm_cpu_free(vm->cpus->pdata[i]);
    g_ptr_array_unref(vm->cpus);
    if (vm->fd >= 0)
        close(vm->fd);
    if (vm->sys >= 0)
        close(vm->sys);
    m->accel_data[ACCEL_KVM] = NULL;
    g_free(vm);
}

static bool vm_init(struct machine *m, GError **err)
{
    if (m->config->icount)
        return error_set(err, "-icount counts instructions, which KVM cannot: use -accel tcg");
    struct kvm_vm *vm = g_new0(struct kvm_vm, 1);
    vm->machine = m;
    vm->sys = vm->fd = -1;
    vm->cpus = g_ptr_array_new();
    g_ptr_array_set_size(vm->cpus, m->config->cpus);
    m->accel_data[ACCEL_KVM] = vm;
    kvm_kick_signal_init();
    if (!create_vm(vm, err) || !kvm_irqchip_init(vm, err) || !kvm_msr_exits_init(vm, err) ||
        !kvm_memory_init(vm, err) ||
        !kvm_shadow_init(vm, err)) {
        vm_exit(m);
        return false;
    }
    kvm_rescue_init(vm);
    machine_lock(m);
    kvm_irqchip_activate(vm, m->accel == &accel_kvm);
    kvm_doorbells_init(vm);
    machine_unlock(m);
    machine_add_hook(m->on_state_change, kvm_tsc_machine_changed, m);
    machine_add_info(m, "exits", "why KVM left guest mode, and for which devices", print_exits, m);
    return true;
}

static void activate(struct machine *m, bool on)
{
    if (on)
        kvm_shadow_drop(m->accel_data[ACCEL_KVM]);
    kvm_irqchip_activate(m->accel_data[ACCEL_KVM], on);
}

static bool translate(struct vcpu *v, uint64_t linear, uint64_t *gpa)
{
    struct kvm_translation t = {.linear_address = linear};

    if (kvm_call(kvm_cpu_of(v)->fd, KVM_TRANSLATE, &t) < 0 || !t.valid)
        return false;
    *gpa = t.physical_address;
    return true;
}

const struct accel accel_kvm = {
    .name = "kvm",
    .help = "the host's processor, through /dev/kvm",
    .hardware = true,
    .slot = ACCEL_KVM,
    .probe = probe,
    .preferred = preferred,
    .fit_model = kvm_cpuid_fit,
    .vm_init = vm_init,
    .vm_exit = vm_exit,
    .activate = activate,
    .vcpu_init = kvm_cpu_init,
    .vcpu_exit = kvm_cpu_exit,
    .run = kvm_cpu_run,
    .run_budget = kvm_run_budget,
    .executed = kvm_executed,
    .kick = kvm_cpu_kick,
    .save = kvm_save,
    .load = kvm_load,
    .clocks_start = kvm_clocks_start,
    .clocks_stopped = kvm_clocks_stopped,
    .translate = translate,
};
