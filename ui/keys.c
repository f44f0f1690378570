/* SPDX-License-Identifier: MIT */
/* Key names: those of QEMU's QKeyCode that a PC keyboard has a scan code for. */
#include "ui/keys.h"

#include <string.h>

#include "ui/input.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

static const struct {
    const char *name;
    uint16_t key;
} names[] = {
    {"esc", 0x01}, {"1", 0x02}, {"2", 0x03}, {"3", 0x04}, {"4", 0x05}, {"5", 0x06}, {"6", 0x07},
    {"7", 0x08}, {"8", 0x09}, {"9", 0x0a}, {"0", 0x0b}, {"minus", 0x0c}, {"equal", 0x0d},
    {"backspace", 0x0e}, {"tab", 0x0f}, {"q", 0x10}, {"w", 0x11}, {"e", 0x12}, {"r", 0x13},
    {"t", 0x14}, {"y", 0x15}, {"u", 0x16}, {"i", 0x17}, {"o", 0x18}, {"p", 0x19},
    {"bracket_left", 0x1a}, {"bracket_right", 0x1b}, {"ret", 0x1c}, {"ctrl", 0x1d}, {"a", 0x1e},
    {"s", 0x1f}, {"d", 0x20}, {"f", 0x21}, {"g", 0x22}, {"h", 0x23}, {"j", 0x24}, {"k", 0x25},
    {"l", 0x26}, {"semicolon", 0x27}, {"apostrophe", 0x28}, {"grave_accent", 0x29},
    {"shift", 0x2a}, {"backslash", 0x2b}, {"z", 0x2c}, {"x", 0x2d}, {"c", 0x2e}, {"v", 0x2f},
    {"b", 0x30}, {"n", 0x31}, {"m", 0x32}, {"comma", 0x33}, {"dot", 0x34}, {"slash", 0x35},
    {"shift_r", 0x36}, {"asterisk", 0x37}, {"kp_multiply", 0x37}, {"alt", 0x38}, {"spc", 0x39},
    {"caps_lock", 0x3a}, {"f1", 0x3b}, {"f2", 0x3c}, {"f3", 0x3d}, {"f4", 0x3e}, {"f5", 0x3f},
    {"f6", 0x40}, {"f7", 0x41}, {"f8", 0x42}, {"f9", 0x43}, {"f10", 0x44}, {"num_lock", 0x45},
    {"scroll_lock", 0x46}, {"kp_7", 0x47}, {"kp_8", 0x48}, {"kp_9", 0x49}, {"kp_subtract", 0x4a},
    {"kp_4", 0x4b}, {"kp_5", 0x4c}, {"kp_6", 0x4d}, {"kp_add", 0x4e}, {"kp_1", 0x4f},
    {"kp_2", 0x50}, {"kp_3", 0x51}, {"kp_0", 0x52}, {"kp_decimal", 0x53}, {"sysrq", 0x54},
    {"less", 0x56}, {"f11", 0x57}, {"f12", 0x58}, {"kp_equals", 0x59},
    {"katakanahiragana", 0x70}, {"hiragana", 0x70}, {"ro", 0x73}, {"henkan", 0x79},
    {"muhenkan", 0x7b}, {"yen", 0x7d}, {"kp_comma", 0x7e},
    {"audioprev", 0xe010}, {"audionext", 0xe019}, {"kp_enter", 0xe01c}, {"ctrl_r", 0xe01d},
    {"audiomute", 0xe020}, {"calculator", 0xe021}, {"audioplay", 0xe022}, {"audiostop", 0xe024},
    {"volumedown", 0xe02e}, {"volumeup", 0xe030}, {"ac_home", 0xe032}, {"kp_divide", 0xe035},
    {"print", 0xe037}, {"alt_r", 0xe038}, {"pause", KEY_PAUSE}, {"home", 0xe047}, {"up", 0xe048},
    {"pgup", 0xe049}, {"left", 0xe04b}, {"right", 0xe04d}, {"end", 0xe04f}, {"down", 0xe050},
    {"pgdn", 0xe051}, {"insert", 0xe052}, {"delete", 0xe053}, {"meta_l", 0xe05b},
    {"meta_r", 0xe05c}, {"compose", 0xe05d}, {"menu", 0xe01e}, {"power", 0xe05e},
    {"sleep", 0xe05f}, {"wake", 0xe063}, {"ac_bookmarks", 0xe066}, {"ac_refresh", 0xe067},
    {"ac_forward", 0xe069}, {"ac_back", 0xe06a}, {"computer", 0xe06b}, {"mail", 0xe06c},
    {"mediaselect", 0xe06d},
};

const char *key_name(uint16_t key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].key == key)
            return names[i].name;
    return NULL;
}

/* 0x1e, 0xe01e, or QEMU's 0x9e for an extended key. */
static uint16_t key_by_number(const char *text, GError **err)
{
    uint64_t n;

    if (!parse_uint(text, 1, 0xffff, &n, err))
        return 0;
    if (n < 0x80 || n >> 8 == KEY_EXTENDED >> 8 || n == KEY_PAUSE)
        return (uint16_t)n;
    if (n < 0x100)
        return (uint16_t)(KEY_EXTENDED | (n & 0x7f));
    error_set(err, "'%s' is no key's number", text);
    return 0;
}

uint16_t key_by_name(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    if (g_str_has_prefix(name, "0x"))
        return key_by_number(name, err);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].key;
        suggest_offer(&s, names[i].name);
    }
    error_set(err, "there is no key '%s'%s", name, suggest_text(&s));
    return 0;
}

unsigned keys_parse(const char *text, uint16_t *keys, unsigned max, GError **err)
{
    g_auto(GStrv) words = g_strsplit(text, "-", -1);
    unsigned n = 0;

    for (; words[n]; n++) {
        if (n == max) {
            error_set(err, "more than %u keys at once", max);
            return 0;
        }
        keys[n] = key_by_name(words[n], err);
        if (!keys[n])
            return 0;
    }
    if (!n)
        error_set(err, "no key named");
    return n;
}
