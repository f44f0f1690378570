/* SPDX-License-Identifier: MIT */
/* A file of its own: term.h has macros named like members of our structs. */
#include <curses.h>
#include <glib.h>
#include <term.h>

#include "chardev/terminal.h"
#include "ui/curses.h"

void curses_leave_note(void)
{
    const char *const parts[] = {exit_attribute_mode, keypad_local, cursor_normal, exit_ca_mode};
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i])
            g_string_append(text, parts[i]);
    terminal_farewell(text->str);
}
