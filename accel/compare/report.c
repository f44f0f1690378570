/* SPDX-License-Identifier: MIT */
/* What the user is told: the last instructions, the difference, the summary. */
#include "accel/compare/compare.h"

#include <inttypes.h>
#include <string.h>

/* ---- The last instructions ------------------------------------------------------------------- */

void report_note(struct compare *c, const struct ahead *a, int vector)
{
    struct past *p;

    if (!c->opt.last)
        return;
    p = &c->past[c->n_past++ % c->opt.last];
    p->number = c->count;
    p->vector = vector;
    p->insn = *a;
}

static void append_insn(GString *out, const struct ahead *a)
{
    unsigned len = a->decoded ? a->insn.len : MIN(a->avail, 8);
    char text[128] = "(cannot be read)";

    if (a->decoded)
        x86_disasm(&a->insn, a->rip, text, sizeof(text));
    else if (a->avail)
        strcpy(text, "(no instruction)");
    g_string_append_printf(out, "%04x:%0*" PRIx64 " ", a->cs, a->mode == X86_MODE_64 ? 16 : 8,
                           a->rip);
    for (unsigned i = 0; i < MAX(len, 8); i++)
        if (i < len)
            g_string_append_printf(out, " %02x", a->bytes[i]);
        else
            g_string_append(out, "   ");
    g_string_append_printf(out, "  %s\n", text);
}

static void append_past(const struct compare *c, GString *out)
{
    uint64_t n = MIN(c->n_past, c->opt.last);

    for (uint64_t i = c->n_past - n; i < c->n_past; i++) {
        const struct past *p = &c->past[i % c->opt.last];

        if (p->vector >= 0)
            g_string_append_printf(out, "%12s  interrupt %02xh at %04x:%" PRIx64 "h\n", "",
                                   p->vector, p->insn.cs, p->insn.rip);
        else
            g_string_append_printf(out, "%12" PRIu64 "  ", p->number);
        if (p->vector < 0)
            append_insn(out, &p->insn);
    }
}

/* ---- A difference ---------------------------------------------------------------------------- */

static const struct past *newest(const struct compare *c)
{
    return c->n_past ? &c->past[(c->n_past - 1) % c->opt.last] : NULL;
}

static void append_where(struct compare *c, GString *out)
{
    const struct past *p = newest(c);

    g_string_append_printf(out, "hostel: compare: a (%s) and b (%s) differ after %" PRIu64
                                " instructions\n",
                           c->opt.accel[0]->name, c->opt.accel[1]->name, c->count);
    if (p && p->vector >= 0)
        g_string_append_printf(out, "  when interrupt %02xh was delivered\n", p->vector);
    else if (p && c->single)
        append_insn(g_string_append(out, "  "), &p->insn);
    if (p && !c->single)
        g_string_append_printf(out, "  within the last %" PRIu64 " of them; the same run (-icount "
                                    "makes it so) with from=%" PRIu64 " tells which\n",
                               c->count - p->number, p->number);
}

void report_difference(struct compare *c, const char *what)
{
    g_autoptr(GString) out = g_string_new(NULL);

    append_where(c, out);
    g_string_append(out, what);
    if (c->opt.last) {
        g_string_append(out, c->opt.every == 1 ? "  the last instructions:\n"
                                               : "  the last steps began at:\n");
        append_past(c, out);
    }
    fputs(out->str, stderr);
    c->over = c->failed = true;
    machine_request_exit(c->machine, COMPARE_EXIT_DIFFERENCE, CAUSE_HOST_QUIT);
}

/* ---- The summary ----------------------------------------------------------------------------- */

static void append_hardware(const struct compare *c, GString *out)
{
    if (c->side[SIDE_A].accel->hardware || c->side[SIDE_B].accel->hardware)
        g_string_append_printf(out, "; interpreted on hardware's side: %" PRIu64 " by rule, %"
                                    PRIu64 " that it could not run", c->interpreted[0],
                               c->interpreted[1]);
    if (c->resyncs)
        g_string_append_printf(out, "; undefined flags differed %" PRIu64 " times", c->resyncs);
}

void report_summary(struct compare *c)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (c->failed)
        return;
    g_string_append_printf(out, "hostel: compare: a (%s) and b (%s) are equal after %" PRIu64
                                " instructions, %" PRIu64 " interrupts, %" PRIu64
                                " device accesses",
                           c->opt.accel[0]->name, c->opt.accel[1]->name, c->count,
                           c->events, c->accesses);
    append_hardware(c, out);
    fprintf(stderr, "%s\n", out->str);
}
