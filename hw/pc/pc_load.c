/* SPDX-License-Identifier: MIT */
/* Files of the command line -> memory: -bios, and -kernel, -initrd, -append. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/pc/board.h"
#include "util/error.h"
#include "util/firmware.h"

static GMappedFile *open_file(const char *path, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    GMappedFile *f = NULL;

    *why = NULL;
    if (fd < 0 || fstat(fd, &st) < 0)
        *why = g_strerror(errno);
    else if (!S_ISREG(st.st_mode))
        *why = "it is not a regular file";
    else if (!st.st_size)
        *why = "the file is empty";
    else if (!(f = g_mapped_file_new_from_fd(fd, FALSE, NULL)))
        *why = "it cannot be mapped into memory";
    if (fd >= 0)
        close(fd);
    return f;
}

/* The file's bytes, mapped; kept until the board goes. */
static bool map_file(struct board *b, const char *option, const char *path, struct boot_bytes *out,
                     GError **err)
{
    const char *why;
    GMappedFile *f = open_file(path, &why);

    if (!f)
        return error_set(err, "%s %s: %s", option, path, why);
    g_ptr_array_add(b->files, f);
    out->data = (const uint8_t *)g_mapped_file_get_contents(f);
    out->len = g_mapped_file_get_length(f);
    return true;
}

static void unmap_file(void *f)
{
    g_mapped_file_unref(f);
}

/* ---- ROM ------------------------------------------------------------------------------ */

/* -bios; without it, SeaBIOS, unless a kernel is started directly. */
static const char *rom_name(const struct machine_config *c)
{
    return c->bios ? c->bios : c->kernel ? NULL : "bios-256k.bin";
}

/* Its last 128 KiB are seen below 1 MiB too, until there is RAM over them. */
static void show_copy(struct board *b)
{
    uint64_t copy = MIN(b->rom->size, PC_BIOS_SIZE);

    region_init_ram(&b->rom_copy, "bios-copy", b->rom, b->rom->size - copy, copy, true);
    region_add(&b->pci_mem, BOOT_ONE_MIB - copy, &b->rom_copy, 0);
}

static bool load_image(struct board *b, const char *name, GError **err)
{
    struct machine *m = b->dev.machine;
    const char *list = m->config->firmware_path;
    struct boot_bytes f;

    g_autofree char *path = firmware_find(list ? list : "", name, &b->no_rom);
    if (!path)
        return true; /* pc_load_kernel() says so */
    if (!map_file(b, "-bios", path, &f, err))
        return false;
    if (f.len > PC_ROM_MAX || f.len % RAM_PAGE_SIZE)
        return error_set(err, "-bios %s: %zu bytes; a ROM image is a multiple of 4 KiB, at most "
                              "16 MiB", path, f.len);
    b->rom = ram_block_new("pc.bios", f.len, err);
    if (!b->rom)
        return false;
    machine_add_ram(m, b->rom);
    memcpy(b->rom->host, f.data, f.len);
    region_init_ram(&b->rom_top, "bios", b->rom, 0, f.len, true);
    region_add(&b->pci_mem, PC_HIGH_RAM - f.len, &b->rom_top, 0);
    return true;
}

bool pc_load_rom(struct board *b, GError **err)
{
    const char *name = rom_name(b->dev.machine->config);

    b->files = g_ptr_array_new_with_free_func(unmap_file);
    if (!pc_flash_build(b, err))
        return false;
    if (b->flash[0])
        b->rom = b->flash[0]->ram;
    else if (name && !load_image(b, name, err))
        return false;
    if (b->rom)
        show_copy(b);
    return true;
}

/* ---- Kernel --------------------------------------------------------------------------- */

/* Linux and PVH: the text is one file's name. Multiboot: "FILE ARGS,FILE ARGS". */
static bool map_modules(struct board *b, const char *text, bool list, unsigned *n, GError **err)
{
    const char *const one[] = {text, NULL};

    b->module_texts = list ? boot_split_modules(text) : g_strdupv((char **)one);
    for (unsigned i = 0; b->module_texts[i]; i++) {
        const char *t = b->module_texts[i];
        g_autofree char *path = list ? g_strndup(t, strcspn(t, " ")) : g_strdup(t);
        if (i == BOOT_MAX_MODULES)
            return error_set(err, "-initrd: at most %d modules", BOOT_MAX_MODULES);
        b->modules[i].text = t;
        if (!map_file(b, "-initrd", path, &b->modules[i].file, err))
            return false;
        *n = i + 1;
    }
    return true;
}

/* With firmware it is firmware that loads the kernel, from these items. */
static void offer_kernel(struct board *b, const struct boot_input *in)
{
    enum { SETUP_AT = 0x10000, CODE_AT = 0x100000, CMDLINE_AT = 0x20000 };
    struct fw_cfg *f = b->fw_cfg;
    size_t setup = boot_linux_setup_len(in->kernel), cmdline = strlen(in->cmdline) + 1;

    fw_cfg_add_u32(f, FW_CFG_SETUP_ADDR, SETUP_AT);
    fw_cfg_add_u32(f, FW_CFG_SETUP_SIZE, (uint32_t)setup);
    fw_cfg_add(f, FW_CFG_SETUP_DATA, in->kernel.data, setup);
    fw_cfg_add_u32(f, FW_CFG_KERNEL_ADDR, CODE_AT);
    fw_cfg_add_u32(f, FW_CFG_KERNEL_SIZE, (uint32_t)(in->kernel.len - setup));
    fw_cfg_add(f, FW_CFG_KERNEL_DATA, in->kernel.data + setup, in->kernel.len - setup);
    fw_cfg_add_u32(f, FW_CFG_CMDLINE_ADDR, CMDLINE_AT);
    fw_cfg_add_u32(f, FW_CFG_CMDLINE_SIZE, (uint32_t)cmdline);
    fw_cfg_add(f, FW_CFG_CMDLINE_DATA, in->cmdline, cmdline);
    if (in->nmodules) {
        struct boot_bytes rd = in->modules[0].file;
        fw_cfg_add_u32(f, FW_CFG_INITRD_ADDR,
                       (uint32_t)((b->low_ram - rd.len) & ~(uint64_t)(BOOT_PAGE - 1)));
        fw_cfg_add_u32(f, FW_CFG_INITRD_SIZE, (uint32_t)rd.len);
        fw_cfg_add(f, FW_CFG_INITRD_DATA, rd.data, rd.len);
    }
}

static bool rom_is_there(struct board *b, GError **err)
{
    if (b->rom)
        return true;
    g_propagate_error(err, g_steal_pointer(&b->no_rom));
    return error_prefix(err, b->dev.machine->config->bios ? "-bios" : "nothing to start");
}

bool pc_load_kernel(struct board *b, GError **err)
{
    const struct machine_config *c = b->dev.machine->config;
    struct boot_input in = {
        .kernel_name = c->kernel,
        .modules = b->modules,
        .cmdline = c->append ? c->append : "",
        .low_ram = b->low_ram,
        .high_ram = b->high_ram,
        .map = &b->map,
        .rsdp = b->rsdp_gpa,
    };

    if (!c->kernel) {
        if (c->initrd)
            return error_set(err, "-initrd: it needs -kernel");
        if (c->append)
            return error_set(err, "-append: it needs -kernel");
        return rom_is_there(b, err);
    }
    if (!map_file(b, "-kernel", c->kernel, &in.kernel, err))
        return false;
    bool multiboot = !boot_linux_recognise(in.kernel) && boot_multiboot_recognise(in.kernel);
    if (c->initrd && !map_modules(b, c->initrd, multiboot, &in.nmodules, err))
        return false;
    if (c->bios || b->flash[0]) {
        if (!rom_is_there(b, err))
            return false;
        if (!boot_linux_setup_len(in.kernel))
            return error_set(err, "-kernel %s: firmware (-bios, pflash) loads Linux images only",
                             c->kernel);
        offer_kernel(b, &in);
        return true;
    }
    return boot_prepare(&in, &b->image, err);
}

/* ---- At reset ------------------------------------------------------------------------- */

static void write_zeroes(struct address_space *mem, uint64_t gpa, uint64_t len)
{
    static const uint8_t zero[BOOT_PAGE];

    while (len) {
        uint64_t n = MIN(len, sizeof(zero));
        as_write(mem, gpa, zero, n);
        gpa += n;
        len -= n;
    }
}

/* The files stay mapped for the next reset, but need not stay in memory. */
static void release_pages(struct board *b)
{
    for (guint i = 0; i < b->files->len; i++) {
        GMappedFile *f = g_ptr_array_index(b->files, i);
        madvise(g_mapped_file_get_contents(f), g_mapped_file_get_length(f), MADV_DONTNEED);
    }
}

void pc_load_place(struct board *b)
{
    struct machine *m = b->dev.machine;

    if (!b->image.pieces)
        return;
    pc_setup_firmware(b);
    for (guint i = 0; i < b->image.pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(b->image.pieces, struct boot_piece, i);
        if (p->bytes.len)
            as_write(&m->mem, p->gpa, p->bytes.data, p->bytes.len);
        /* Memory is zero at the first start: nothing to do, and nothing to allocate. */
        if (m->resets)
            write_zeroes(&m->mem, p->gpa + p->bytes.len, p->size - p->bytes.len);
    }
    release_pages(b);
    b->image.start.uc_base = b->ap_boot.uc_base =
        b->chipset->uc_base(b->chipset->low_ram_end(m->ram->size));
    b->ap_boot.mode = VCPU_BOOT_WAIT;
    for (guint i = 0; i < m->vcpus->len; i++)
        ((struct vcpu *)g_ptr_array_index(m->vcpus, i))->boot = i ? &b->ap_boot : &b->image.start;
}

void pc_load_free(struct board *b)
{
    g_clear_error(&b->no_rom);
    boot_image_free(&b->image);
    acpi_free(&b->acpi);
    if (b->smbios)
        g_byte_array_free(b->smbios, TRUE);
    if (b->rom_top.name)
        region_fini(&b->rom_top);
    if (b->rom_copy.name)
        region_fini(&b->rom_copy);
    g_strfreev(b->module_texts);
    if (b->files)
        g_ptr_array_free(b->files, TRUE);
}
