/* SPDX-License-Identifier: MIT */
/* The mixer, and -audiodev. */
#include "config.h"

#include <string.h>

#include "audio/audio_int.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/suggest.h"

enum { PERIOD_NS = 10 * 1000 * 1000, CHUNK = 1024, RATE_DEFAULT = 44100, RATE_MIN = 8000,
       RATE_MAX = 192000, BEHIND_MAX_S = 1 };

static const struct audio_driver *const drivers[] = {
    &audio_none, &audio_wav,
#ifdef CONFIG_SDL
    &audio_sdl,
#endif
};

/* ---- Mixing ------------------------------------------------------------------------------- */

static bool any_active(const struct audiodev *dev)
{
    for (unsigned i = 0; i < dev->voices->len; i++)
        if (((struct voice *)dev->voices->pdata[i])->active)
            return true;
    return false;
}

static int64_t time_of(const struct audiodev *dev, uint64_t frame)
{
    return dev->from + (int64_t)muldiv64(frame, NSEC_PER_SEC, dev->rate);
}

static void mix(struct audiodev *dev, size_t n)
{
    int16_t out[2 * CHUNK] = {0}, one[2 * CHUNK];

    for (unsigned i = 0; i < dev->voices->len; i++) {
        const struct voice *v = dev->voices->pdata[i];
        if (!v->active)
            continue;
        v->fill(v->arg, time_of(dev, dev->frame), one, n);
        for (size_t k = 0; k < 2 * n; k++)
            out[k] = (int16_t)CLAMP(out[k] + one[k], INT16_MIN, INT16_MAX);
    }
    dev->driver->write(dev, out, n);
    dev->frame += n;
}

void audio_run(struct audiodev *dev)
{
    if (!dev || !any_active(dev))
        return;
    int64_t now = clock_now(&dev->machine->vclock);
    uint64_t due = now > dev->from ? muldiv64((uint64_t)(now - dev->from), dev->rate, NSEC_PER_SEC)
                                   : 0;
    /* A host that fell behind that far goes on from here. */
    if (due > dev->frame + (uint64_t)BEHIND_MAX_S * dev->rate)
        dev->frame = due - (uint64_t)BEHIND_MAX_S * dev->rate;
    while (dev->frame < due)
        mix(dev, MIN(due - dev->frame, CHUNK));
}

static void tick(void *arg)
{
    struct audiodev *dev = arg;

    audio_run(dev);
    if (any_active(dev))
        timer_set(&dev->timer, clock_now(&dev->machine->vclock) + PERIOD_NS);
}

unsigned audio_rate(const struct audiodev *dev)
{
    return dev->rate;
}

/* ---- Voices ------------------------------------------------------------------------------- */

void voice_attach(struct voice *v, struct audiodev *dev)
{
    v->dev = dev;
    g_ptr_array_add(dev->voices, v);
}

void voice_detach(struct voice *v)
{
    voice_set_active(v, false);
    if (v->dev)
        g_ptr_array_remove(v->dev->voices, v);
    v->dev = NULL;
}

void voice_set_active(struct voice *v, bool active)
{
    struct audiodev *dev = v->dev;

    if (!dev || v->active == active)
        return;
    audio_run(dev);
    if (active && !any_active(dev)) {
        dev->from = clock_now(&dev->machine->vclock);
        dev->frame = 0;
        timer_set(&dev->timer, dev->from + PERIOD_NS);
    }
    v->active = active;
    if (!any_active(dev))
        timer_del(&dev->timer);
}

/* ---- -audiodev ---------------------------------------------------------------------------- */

static const struct audio_driver *driver_of(const struct keyvals *kv, GError **err)
{
    const char *name = keyvals_get(kv, "driver");
    struct suggest s = suggest_begin(name ? name : "");

    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (g_strcmp0(drivers[i]->name, name) == 0)
            return drivers[i];
        suggest_offer(&s, drivers[i]->name);
    }
    error_set(err, "there is no audio driver '%s'%s ('-audiodev help' lists them)",
              name ? name : "", suggest_text(&s));
    return NULL;
}

static bool check(const struct audio_driver *d, const struct keyvals *kv, uint64_t *rate,
                  GError **err)
{
    const char *valid[16] = {"driver", "id", "out.frequency"};
    unsigned n = 3;

    for (const char *const *k = d->keys; *k; k++)
        valid[n++] = *k;
    if (!keyvals_check(kv, valid, err) ||
        !keyvals_uint(kv, "out.frequency", RATE_MIN, RATE_MAX, rate, err))
        return error_prefix(err, "%s", d->name);
    return (keyvals_get(kv, "id") && *keyvals_get(kv, "id")) ||
           error_set(err, "an id is missing (id=NAME)");
}

bool audiodev_check(const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "driver", err);
    const struct audio_driver *d = kv ? driver_of(kv, err) : NULL;
    uint64_t rate = RATE_DEFAULT;
    bool ok = d && check(d, kv, &rate, err);

    keyvals_free(kv);
    return ok;
}

static void audiodev_free(void *p)
{
    struct audiodev *dev = p;

    timer_del(&dev->timer);
    dev->driver->close(dev);
    g_ptr_array_free(dev->voices, TRUE);
    g_free(dev->id);
    g_free(dev);
}

static void free_all(struct machine *m)
{
    g_clear_pointer(&m->audiodevs, g_ptr_array_unref);
}

static bool open_device(struct machine *m, const struct audio_driver *d, const struct keyvals *kv,
                        unsigned rate, GError **err)
{
    struct audiodev *dev = g_malloc0(d->size);

    dev->driver = d;
    dev->machine = m;
    dev->rate = rate;
    if (!d->open(dev, kv, err)) {
        g_free(dev);
        return error_prefix(err, "%s", d->name);
    }
    dev->id = g_strdup(keyvals_get(kv, "id"));
    dev->voices = g_ptr_array_new();
    timer_init(&dev->timer, &m->vclock, "audio", tick, dev);
    if (!m->audiodevs) {
        m->audiodevs = g_ptr_array_new_with_free_func(audiodev_free);
        m->audiodevs_free = free_all;
    }
    g_ptr_array_add(m->audiodevs, dev);
    return true;
}

bool audiodev_add(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "driver", err);
    const struct audio_driver *d = kv ? driver_of(kv, err) : NULL;
    uint64_t rate = RATE_DEFAULT;
    bool ok = d && check(d, kv, &rate, err);

    if (ok && audiodev_find(m, keyvals_get(kv, "id"), NULL))
        ok = error_set(err, "there are two with the id '%s'", keyvals_get(kv, "id"));
    ok = ok && open_device(m, d, kv, (unsigned)rate, err);
    keyvals_free(kv);
    return ok;
}

struct audiodev *audiodev_find(struct machine *m, const char *id, GError **err)
{
    for (unsigned i = 0; m->audiodevs && i < m->audiodevs->len; i++)
        if (strcmp(((struct audiodev *)m->audiodevs->pdata[i])->id, id) == 0)
            return m->audiodevs->pdata[i];
    error_set(err, "there is no -audiodev with id=%s", id);
    return NULL;
}

void audiodev_help(GString *out)
{
    g_string_append(out, "Audio drivers (-audiodev NAME,id=ID[,out.frequency=HZ][,...]):\n");
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++)
        g_string_append_printf(out, "  %-6s %s\n", drivers[i]->name, drivers[i]->help);
}
