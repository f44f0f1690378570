/* SPDX-License-Identifier: MIT */
#include "migration/saved.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine.h"
#include "migration/identity.h"
#include "util/error.h"

/* ---- Out ------------------------------------------------------------------------------ */

bool saved_begin(struct wire *s, const char *config, GError **err)
{
    return header_write(s, err) && record_write(s, TAG_CONF, config, strlen(config), err);
}

static bool write_end(struct ram_out *r, bool running, GError **err)
{
    json_t *j = json_pack("{s:s, s:I}", "state", running ? "running" : "paused", "records",
                          (json_int_t)r->records + 2);
    char *text = json_dumps(j, JSON_COMPACT);
    bool ok = record_write(r->s, TAG_END, text, strlen(text), err);

    free(text);
    json_decref(j);
    return ok && wire_finish(r->s, err);
}

bool saved_end(struct ram_out *r, const GByteArray *state, bool running, GError **err)
{
    return ram_out_sums(r, err) && record_write(r->s, TAG_STAT, state->data, state->len, err) &&
           write_end(r, running, err);
}

bool saved_write(struct machine *m, struct wire *s, bool running, GError **err)
{
    g_autofree char *config = config_text(m);
    g_autoptr(GByteArray) state = g_byte_array_new();
    struct ram_out r = {0};

    machine_save(m, state);
    ram_out_begin(&r, m, s, false);
    bool ok = saved_begin(s, config, err) && ram_out_layout(&r, err) && ram_out_round(&r, err) &&
              saved_end(&r, state, running, err);
    ram_out_end(&r);
    return ok;
}

/* ---- In ------------------------------------------------------------------------------- */

static bool read_config(struct machine *m, struct wire *s, GError **err)
{
    struct record rec;
    char name[5];

    if (!header_read(s, err) || !record_next(s, &rec, err))
        return false;
    if (rec.tag != TAG_CONF)
        return error_set(err, "its first record is '%s', not 'CONF'", record_name(&rec, name));
    g_autoptr(GByteArray) text = record_read(s, &rec, FORMAT_MAX_TEXT, err);
    if (!text)
        return false;
    machine_lock(m);
    bool ok = config_check(m, (const char *)text->data, text->len, err);
    machine_unlock(m);
    return ok;
}

static bool read_end(struct wire *s, const struct record *rec, uint64_t records, struct saved *out,
                     GError **err)
{
    g_autoptr(GByteArray) text = record_read(s, rec, FORMAT_MAX_TEXT, err);
    json_int_t n = -1;
    const char *state = NULL;
    json_error_t bad;

    if (!text)
        return false;
    json_t *j = json_loadb((const char *)text->data, text->len, 0, &bad);
    bool ok = j && json_unpack_ex(j, &bad, 0, "{s:s, s:I}", "state", &state, "records", &n) == 0;
    if (!ok)
        error_set(err, "its END record cannot be read: %s", bad.text);
    else if (n != (json_int_t)records)
        ok = error_set(err,
                       "it has %" G_GUINT64_FORMAT " records, and should have %" G_GINT64_FORMAT,
                       records, (gint64)n);
    else
        out->running = strcmp(state, "running") == 0;
    json_decref(j);
    return ok;
}

static bool take_record(struct wire *s, const struct record *rec, struct saved *out, GError **err)
{
    char name[5];

    switch (rec->tag) {
    case TAG_PAGE:
    case TAG_FLAT:
    case TAG_SUMS:
        return ram_in_record(&out->ram, rec, err);
    case TAG_STAT:
        if (out->state)
            return error_set(err, "record 'STAT' comes twice");
        out->state = record_read(s, rec, FORMAT_MAX_STATE, err);
        return out->state != NULL;
    default:
        return error_set(err, "it has a record '%s', which is not known here",
                         record_name(rec, name));
    }
}

static bool read_records(struct machine *m, struct wire *s, struct saved *out, GError **err)
{
    struct record rec;

    for (uint64_t n = 1;; n++) {
        if (!record_next(s, &rec, err))
            return false;
        if (rec.tag == TAG_END) {
            if (!read_end(s, &rec, n, out, err))
                return false;
            break;
        }
        if (!take_record(s, &rec, out, err))
            return false;
    }
    if (!out->state)
        return error_set(err, "it has no record 'STAT'");
    machine_lock(m);
    bool ok = machine_load_check(m, out->state->data, out->state->len, err);
    machine_unlock(m);
    return ok && ram_in_complete(&out->ram, err);
}

bool saved_read(struct machine *m, struct wire *s, bool apply, bool lazy, struct saved *out,
                GError **err)
{
    *out = (struct saved){0};
    if (!read_config(m, s, err))
        return false;
    ram_in_begin(&out->ram, m, s, apply, lazy && wire_file(s) >= 0);
    if (read_records(m, s, out, err))
        return true;
    saved_clear(out);
    return false;
}

void saved_clear(struct saved *saved)
{
    if (saved->state)
        g_byte_array_unref(saved->state);
    saved->state = NULL;
    ram_in_end(&saved->ram);
}
