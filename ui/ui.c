/* SPDX-License-Identifier: MIT */
/* The machine's user interface: who belongs to it, and its end. */
#include "ui/ui.h"

#include "ui/console.h"

static void ui_free(struct machine *m)
{
    struct ui *ui = m->ui;

    while (ui->consoles->len)
        console_remove(ui->consoles->pdata[ui->consoles->len - 1]);
    g_ptr_array_free(ui->consoles, TRUE);
    g_ptr_array_free(ui->vncs, TRUE);
    input_fini(&ui->input);
    g_free(ui);
    m->ui = NULL;
}

struct ui *ui_of(struct machine *m)
{
    if (!m->ui) {
        m->ui = g_new0(struct ui, 1);
        m->ui->consoles = g_ptr_array_new();
        m->ui->vncs = g_ptr_array_new();
        input_init(&m->ui->input, m);
        m->ui_free = ui_free;
    }
    return m->ui;
}
