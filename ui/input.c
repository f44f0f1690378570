/* SPDX-License-Identifier: MIT */
/* The input router. */
#include "ui/input.h"

#include <string.h>

#include "ui/ui.h"

enum { CHORD_GAP_NS = 20 * 1000 * 1000 };

struct chord {
    unsigned n;
    int64_t hold_ns;
    uint16_t key[INPUT_SENDKEY_MAX];
};

static void chords_go_on(void *arg);

void input_init(struct input *in, struct machine *m)
{
    in->machine = m;
    in->sinks = g_ptr_array_new_with_free_func(g_free);
    in->down = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_queue_init(&in->chords);
    timer_init(&in->timer, &m->vclock, "sendkey", chords_go_on, in);
}

void input_fini(struct input *in)
{
    timer_del(&in->timer);
    g_queue_clear_full(&in->chords, g_free);
    g_hash_table_destroy(in->down);
    g_ptr_array_free(in->sinks, TRUE);
}

/* ---- Who gets it ------------------------------------------------------------------------ */

void input_add(struct machine *m, const struct input_sink *sink)
{
    g_ptr_array_insert(ui_of(m)->input.sinks, 0, g_memdup2(sink, sizeof(*sink)));
}

static int find(const struct input *in, const void *dev)
{
    for (unsigned i = 0; i < in->sinks->len; i++)
        if (((struct input_sink *)in->sinks->pdata[i])->dev == dev)
            return (int)i;
    return -1;
}

void input_remove(struct machine *m, void *dev)
{
    struct input *in = &ui_of(m)->input;
    int i;

    while ((i = find(in, dev)) >= 0)
        g_ptr_array_remove_index(in->sinks, (unsigned)i);
}

void input_prefer(struct machine *m, void *dev)
{
    struct input *in = &ui_of(m)->input;
    int i = find(in, dev);

    if (i > 0)
        g_ptr_array_insert(in->sinks, 0, g_ptr_array_steal_index(in->sinks, (unsigned)i));
}

static struct input_sink *keyboard(const struct input *in)
{
    for (unsigned i = 0; i < in->sinks->len; i++)
        if (((struct input_sink *)in->sinks->pdata[i])->key)
            return in->sinks->pdata[i];
    return NULL;
}

static struct input_sink *pointer(const struct input *in)
{
    for (unsigned i = 0; i < in->sinks->len; i++) {
        struct input_sink *s = in->sinks->pdata[i];
        if (s->motion || s->position)
            return s;
    }
    return NULL;
}

/* ---- Events ----------------------------------------------------------------------------- */

void input_key(struct machine *m, uint16_t key, bool down)
{
    machine_outside(m, "a key was pressed", false);
    struct input *in = &ui_of(m)->input;
    struct input_sink *s = keyboard(in);

    if (down)
        g_hash_table_add(in->down, GUINT_TO_POINTER(key));
    else if (!g_hash_table_remove(in->down, GUINT_TO_POINTER(key)))
        return; /* nobody saw it go down */
    if (s)
        s->key(s->dev, key, down);
}

void input_release_keys(struct machine *m)
{
    GList *keys = g_hash_table_get_keys(ui_of(m)->input.down);

    for (GList *k = keys; k; k = k->next)
        input_key(m, (uint16_t)GPOINTER_TO_UINT(k->data), false);
    g_list_free(keys);
}

void input_motion(struct machine *m, int dx, int dy, int dz)
{
    struct input *in = &ui_of(m)->input;
    struct input_sink *s = pointer(in);

    machine_outside(m, "the pointer moved", false);
    if (s && s->motion)
        s->motion(s->dev, dx, dy, dz, in->buttons);
}

void input_position(struct machine *m, int x, int y, int dz)
{
    struct input *in = &ui_of(m)->input;
    struct input_sink *s = pointer(in);

    machine_outside(m, "the pointer moved", false);
    if (s && s->position)
        s->position(s->dev, x, y, dz, in->buttons);
    in->x = x;
    in->y = y;
}

void input_wheel(struct machine *m, int dz)
{
    const struct input *in = &ui_of(m)->input;

    if (input_is_absolute(m))
        input_position(m, in->x, in->y, dz);
    else
        input_motion(m, 0, 0, dz);
}

void input_buttons(struct machine *m, unsigned buttons)
{
    struct input *in = &ui_of(m)->input;

    if (in->buttons == buttons)
        return;
    in->buttons = buttons;
    input_wheel(m, 0);
}

bool input_is_absolute(struct machine *m)
{
    struct input_sink *s = pointer(&ui_of(m)->input);

    return s && s->position;
}

/* ---- sendkey ---------------------------------------------------------------------------- */

static void chord_play(struct input *in, const struct chord *c, bool down)
{
    for (unsigned i = 0; i < c->n; i++)
        input_key(in->machine, c->key[down ? i : c->n - 1 - i], down);
}

static void chords_go_on(void *arg)
{
    struct input *in = arg;
    struct chord *c = g_queue_peek_head(&in->chords);
    int64_t now = clock_now(&in->machine->vclock);

    if (!c)
        return;
    chord_play(in, c, !in->holding);
    timer_set(&in->timer, now + (in->holding ? CHORD_GAP_NS : c->hold_ns));
    if (in->holding)
        g_free(g_queue_pop_head(&in->chords));
    in->holding = !in->holding;
}

void input_chord(struct machine *m, const uint16_t *keys, unsigned n, int64_t hold_ns)
{
    struct input *in = &ui_of(m)->input;
    struct chord *c = g_new0(struct chord, 1);

    c->n = MIN(n, INPUT_SENDKEY_MAX);
    c->hold_ns = hold_ns;
    memcpy(c->key, keys, c->n * sizeof(keys[0]));
    g_queue_push_tail(&in->chords, c);
    if (!timer_pending(&in->timer))
        chords_go_on(in);
}
