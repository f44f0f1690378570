/* SPDX-License-Identifier: MIT */
/* PS/2 commands: IBM PS/2 Hardware Interface Technical Reference, "Keyboards", "Mouse". */
#ifndef HW_INPUT_PS2_REGS_H
#define HW_INPUT_PS2_REGS_H

enum {
    PS2_ACK = 0xfa, PS2_RESEND = 0xfe, PS2_BAT_OK = 0xaa, PS2_ECHO = 0xee,

    KBD_SET_LEDS = 0xed, KBD_ECHO = 0xee, KBD_SCAN_SET = 0xf0, KBD_IDENTIFY = 0xf2,
    KBD_TYPEMATIC = 0xf3, KBD_ENABLE = 0xf4, KBD_DISABLE = 0xf5, KBD_DEFAULTS = 0xf6,
    KBD_SET3_FIRST = 0xf7, KBD_SET3_LAST = 0xfd, KBD_RESEND = 0xfe, KBD_RESET = 0xff,
    KBD_ID1 = 0xab, KBD_ID2 = 0x83, KBD_TYPEMATIC_DEFAULT = 0x2b,

    AUX_SCALE_11 = 0xe6, AUX_SCALE_21 = 0xe7, AUX_RESOLUTION = 0xe8, AUX_STATUS = 0xe9,
    AUX_STREAM = 0xea, AUX_READ = 0xeb, AUX_UNWRAP = 0xec, AUX_WRAP = 0xee, AUX_REMOTE = 0xf0,
    AUX_IDENTIFY = 0xf2, AUX_RATE = 0xf3, AUX_ENABLE = 0xf4, AUX_DISABLE = 0xf5,
    AUX_DEFAULTS = 0xf6, AUX_RESEND = 0xfe, AUX_RESET = 0xff,
};

#endif
