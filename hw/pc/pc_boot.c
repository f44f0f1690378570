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
    if (boot->strict)
        fw_cfg_add_file(f, "bootorder", "HALT", sizeof("HALT"));
    return !boot->splash || offer_splash(b, boot->splash, err);
}
