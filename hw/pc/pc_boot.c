/* SPDX-License-Identifier: MIT */
/*
 * -boot for firmware: CMOS bytes of the boot order (as Bochs's BIOS and SeaBIOS read them) and the
 * fw_cfg files of the boot menu (SeaBIOS's document "Runtime config").
 *
 *   bootorder               OpenFirmware paths, best first; HALT at the end: nothing else
 *   etc/boot-menu-wait      ms, 16 bits       etc/boot-fail-wait   ms, 32 bits
 *   bootsplash.bmp, .jpg    a picture
 */
#include <string.h>

#include "hw/pc/board.h"
#include "util/error.h"

/* ---- CMOS ------------------------------------------------------------------------------- */

static unsigned boot_digit(char letter)
{
    static const char letters[] = "acdn"; /* floppy, disk, CD-ROM, network: 1 to 4 */
    const char *p = letter ? strchr(letters, letter) : NULL;

    return p ? (unsigned)(p - letters) + 1 : 0;
}

static void write_order(struct board *b, const char *order)
{
    enum { CMOS_BOOT_1 = 0x3d, CMOS_BOOT_2 = 0x38 };
    unsigned digit[3] = {0};

    for (unsigned i = 0, n = 0; order[i] && n < 3; i++)
        if (boot_digit(order[i]))
            digit[n++] = boot_digit(order[i]);
    mc146818_set_cmos(b->rtc, CMOS_BOOT_1, (uint8_t)(digit[0] | digit[1] << 4));
    mc146818_set_cmos(b->rtc, CMOS_BOOT_2, (uint8_t)(digit[2] << 4));
}

/* The order of -boot once= is for the first start only. */
void pc_boot_reset(struct board *b)
{
    const struct machine_boot *boot = &b->dev.machine->config->boot;
    const char *order = boot->order ? boot->order : "cad";

    write_order(b, boot->once && !b->dev.machine->resets ? boot->once : order);
}

/* ---- bootindex= ------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
    const struct device *const *x = a, *const *y = b;

    return (*x)->bootindex < (*y)->bootindex ? -1 : (*x)->bootindex > (*y)->bootindex;
}

static const char *name_of(const struct device *d)
{
    return d->id ? d->id : d->path;
}

/* The devices with a place, in order; NULL with *err if two have the same. */
static GPtrArray *ordered(struct machine *m, GError **err)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (d->bootindex >= 0 && d->type->fw_path)
            g_ptr_array_add(list, d);
    }
    g_ptr_array_sort(list, by_order);
    for (guint i = 1; i < list->len; i++) {
        struct device *a = list->pdata[i - 1], *b = list->pdata[i];
        if (a->bootindex != b->bootindex)
            continue;
        error_set(err, "bootindex=%d: both '%s' and '%s' have it", a->bootindex, name_of(a),
                  name_of(b));
        g_ptr_array_free(list, TRUE);
        return NULL;
    }
    return list;
}

static bool offer_order(struct board *b, GError **err)
{
    GPtrArray *list = ordered(b->dev.machine, err);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!list)
        return false;
    for (guint i = 0; i < list->len; i++) {
        const struct device *d = list->pdata[i];
        g_autofree char *path = d->type->fw_path(d);
        g_string_append_printf(text, "%s%s", text->len ? "\n" : "", path);
    }
    if (b->dev.machine->config->boot.strict)
        g_string_append_printf(text, "%sHALT", text->len ? "\n" : "");
    if (text->len)
        fw_cfg_add_file(b->fw_cfg, "bootorder", text->str, text->len + 1);
    g_ptr_array_free(list, TRUE);
    return true;
}

/* ---- Files ------------------------------------------------------------------------------ */

static bool offer_splash(struct board *b, const char *path, GError **err)
{
    g_autofree char *data = NULL;
    GError *why = NULL;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, &why)) {
        error_set(err, "-boot splash=%s: %s", path, why->message);
        g_error_free(why);
        return false;
    }
    bool bmp = len > 2 && !memcmp(data, "BM", 2), jpg = len > 2 && !memcmp(data, "\xff\xd8", 2);
    if (!bmp && !jpg)
        return error_set(err, "-boot splash=%s: it is neither a BMP nor a JPEG picture", path);
    fw_cfg_add_file(b->fw_cfg, bmp ? "bootsplash.bmp" : "bootsplash.jpg", data, len);
    return true;
}

bool pc_boot_offer(struct board *b, GError **err)
{
    const struct machine_boot *boot = &b->dev.machine->config->boot;
    struct fw_cfg *f = b->fw_cfg;

    fw_cfg_add_u16(f, FW_CFG_BOOT_MENU, boot->menu);
    if (boot->splash_ms >= 0) {
        uint16_t ms = GUINT16_TO_LE(boot->splash_ms);
        fw_cfg_add_file(f, "etc/boot-menu-wait", &ms, sizeof(ms));
    }
    if (boot->reboot_ms >= 0) {
        uint32_t ms = GUINT32_TO_LE(boot->reboot_ms);
        fw_cfg_add_file(f, "etc/boot-fail-wait", &ms, sizeof(ms));
    }
    if (!offer_order(b, err))
        return false;
    return !boot->splash || offer_splash(b, boot->splash, err);
}
