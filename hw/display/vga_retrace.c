/* SPDX-License-Identifier: MIT */
/*
 * Status register 1: where the beam is, from guest time and the CRT controller's totals. IBM
 * PS/2 Hardware Interface Technical Reference, "Input Status Register 1".
 *
 * A frame is vertical total + 2 lines, a line horizontal total + 5 characters of 8 or 9 dots.
 */
#include "hw/display/vga.h"

struct timing {
    uint64_t line_ns, frame_ns;
    unsigned lines, shown, retrace_start, retrace_end, chars, chars_shown;
};

static unsigned vertical(const struct vga *v, unsigned index, unsigned bit8, unsigned bit9)
{
    uint8_t over = v->crtc[CRTC_OVERFLOW];

    return v->crtc[index] | (over >> bit8 & 1u) << 8 | (over >> bit9 & 1u) << 9;
}

static bool timing_get(const struct vga *v, struct timing *t)
{
    unsigned hz = (v->misc & MISC_CLOCK) == MISC_CLOCK_28 ? 28322000 : 25175000;
    unsigned dots = v->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9;

    if (v->seq[SEQ_CLOCKING] & CLOCKING_HALF)
        hz /= 2;
    t->chars = v->crtc[CRTC_HTOTAL] + 5u;
    t->chars_shown = v->crtc[CRTC_HDISP_END] + 1u;
    t->lines = vertical(v, CRTC_VTOTAL, 0, 5) + 2;
    t->shown = vertical(v, CRTC_VDISP_END, 1, 6) + 1;
    t->retrace_start = vertical(v, CRTC_VRETRACE_START, 2, 7);
    /* The end has four bits: the first line after the start that agrees in them. */
    unsigned len = (v->crtc[CRTC_VRETRACE_END] - t->retrace_start) & 15u;
    t->retrace_end = t->retrace_start + (len ? len : 16);
    t->line_ns = muldiv64((uint64_t)t->chars * dots, NSEC_PER_SEC, hz);
    t->frame_ns = t->line_ns * t->lines;
    return v->crtc[CRTC_HTOTAL] && t->lines > 2;
}

uint8_t vga_status1(const struct vga *v)
{
    struct timing t;
    uint64_t now = (uint64_t)clock_now(&v->machine->vclock), in_frame;

    if (!timing_get(v, &t)) /* no mode was set: something moves all the same */
        return now >> 20 & 1 ? STATUS1_BLANK | STATUS1_VRETRACE : 0;
    in_frame = now % t.frame_ns;
    unsigned line = (unsigned)(in_frame / t.line_ns);
    unsigned column = (unsigned)(in_frame % t.line_ns * t.chars / t.line_ns);
    bool retrace = line >= t.retrace_start && line < t.retrace_end;
    bool blank = line >= t.shown || column >= t.chars_shown;
    return (uint8_t)((retrace ? STATUS1_VRETRACE : 0) | (blank ? STATUS1_BLANK : 0));
}
