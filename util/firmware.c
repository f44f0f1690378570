/* SPDX-License-Identifier: MIT */
/* Firmware images: where they are found. */
#include "util/firmware.h"

#include <string.h>
#include <unistd.h>

#include "util/error.h"

static const struct {
    const char *prefix, *package;
} packages[] = {
    {"bios", "seabios"}, {"vgabios", "seabios"}, {"efi-", "ipxe-qemu"},
    {"pxe-", "ipxe-qemu"}, {"OVMF", "ovmf"},
};

static const char *package_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(packages); i++)
        if (g_str_has_prefix(name, packages[i].prefix))
            return packages[i].package;
    return NULL;
}

char *firmware_find(const char *path, const char *name, GError **err)
{
    g_auto(GStrv) dirs = g_strsplit(path, ":", -1);
    const char *package = package_of(name);

    if (strchr(name, '/') || access(name, R_OK) == 0)
        return g_strdup(name);
    for (char **d = dirs; *d; d++) {
        g_autofree char *file = **d ? g_build_filename(*d, name, NULL) : NULL;
        if (file && access(file, R_OK) == 0)
            return g_steal_pointer(&file);
    }
    if (package)
        error_set(err, "%s is in none of %s: install the package %s, or name its directory with "
                       "-L DIR", name, path, package);
    else
        error_set(err, "%s is in none of %s; -L DIR names another directory", name, path);
    return NULL;
}
