/* SPDX-License-Identifier: MIT */
/*
 * savevm, loadvm, delvm. Saving: the machine stops, which ends all requests of disks; its state
 * goes into one image; then each disk makes its snapshot. Loading reads the state twice: once to
 * check it, while nothing has changed yet, then for good.
 */
#include "migration/snapshot.h"

#include <string.h>
#include <time.h>

#include "block/snapshot.h"
#include "core/machine.h"
#include "migration/saved.h"
#include "util/error.h"

/* ---- Which disks ---------------------------------------------------------------------- */

struct set {
    GPtrArray *disks; /* struct blk *; the first one has the machine's state */
};

static void set_clear(struct set *s)
{
    if (s->disks)
        g_ptr_array_unref(s->disks);
}

static struct blk *by_label(struct machine *m, const char *label)
{
    struct blk *blk;

    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        if (g_strcmp0(blk_label(blk), label) == 0 || g_strcmp0(blk_node_name(blk), label) == 0)
            return blk;
    return NULL;
}

static bool add(struct set *s, struct blk *blk, bool asked, GError **err)
{
    bool skip;

    if (!blk_can_snapshot(blk, &skip, err))
        return false;
    if (skip)
        return !asked || error_set(err, "Device '%s' is read-only or empty: it has no snapshots",
                                   blk_label(blk));
    g_ptr_array_add(s->disks, blk);
    return true;
}

static bool collect(struct machine *m, const struct snapshot_job *job, struct set *s, GError **err)
{
    struct blk *blk;

    s->disks = g_ptr_array_new();
    for (unsigned i = 0; !job->disks && (blk = blk_nth(m, i)); i++)
        if (!add(s, blk, false, err))
            return false;
    for (unsigned i = 0; job->disks && job->disks[i]; i++) {
        blk = by_label(m, job->disks[i]);
        if (!blk)
            return error_set(err, "No block device node '%s'", job->disks[i]);
        if (!add(s, blk, true, err))
            return false;
    }
    return s->disks->len || error_set(err, "No block device can accept snapshots");
}

/* The disk with the machine's state goes first. */
static bool put_first(struct machine *m, struct set *s, const char *vmstate, GError **err)
{
    struct blk *blk = vmstate ? by_label(m, vmstate) : NULL;
    guint at;

    if (!vmstate)
        return true;
    if (!blk || !g_ptr_array_find(s->disks, blk, &at))
        return error_set(err, "vmstate block device '%s' does not exist", vmstate);
    s->disks->pdata[at] = s->disks->pdata[0];
    s->disks->pdata[0] = blk;
    return true;
}

/* ---- The machine stands still --------------------------------------------------------- */

static bool may_begin(struct machine *m, GError **err)
{
    if (m->frozen)
        return error_set(err, "There's a migration process in progress");
    if (m->state == RUN_INMIGRATE || m->state == RUN_FINISH_MIGRATE || m->state == RUN_POSTMIGRATE)
        return error_set(err, "the machine is in another process, or on its way (%s)",
                         run_state_name(m->state));
    if (m->accel_data[ACCEL_COMPARE])
        return error_set(err, "-accel compare: two machines in lock step have no snapshots");
    return true;
}

static void go_back(struct machine *m, enum run_state before)
{
    if (before == RUN_RUNNING)
        machine_start(m);
    else
        machine_rename_state(m, before);
}

/* ---- Saving --------------------------------------------------------------------------- */

/* A number that no snapshot on these disks has. */
static char *new_id(const struct set *s)
{
    guint64 most = 0, n;

    for (unsigned i = 0; i < s->disks->len; i++) {
        g_autoptr(GArray) list = blk_snapshots(s->disks->pdata[i]);
        for (unsigned k = 0; list && k < list->len; k++)
            if (g_ascii_string_to_unsigned(g_array_index(list, struct snapshot, k).id, 10, 0,
                                           UINT32_MAX, &n, NULL))
                most = MAX(most, n);
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT, most + 1);
}

static bool failed(const struct blk *blk, int rc, const char *what, GError **err)
{
    return error_set(err, "'%s': cannot %s the snapshot: %s", blk_label(blk), what,
                     g_strerror(-rc));
}

static bool delete_from(struct blk *blk, const char *name, bool *found, GError **err)
{
    const struct snapshot *s;
    GArray *list;
    int rc = 0;

    while (rc == 0 && (list = blk_snapshots(blk))) {
        s = snapshot_find(list, name);
        if (s) {
            *found = true;
            rc = blk_snapshot_remove(blk, s->id);
        }
        bool more = s && rc == 0;
        g_array_unref(list);
        if (!more)
            break;
    }
    return rc == 0 || failed(blk, rc, "delete", err);
}

static bool delete_all(const struct set *s, const char *name, bool *found, GError **err)
{
    for (unsigned i = 0; i < s->disks->len; i++)
        if (!delete_from(s->disks->pdata[i], name, found, err))
            return false;
    return true;
}

static bool write_state(struct machine *m, struct blk *blk, bool running, uint64_t *size,
                        GError **err)
{
    struct wire *s = wire_new_vmstate(blk, NULL);
    bool ok = saved_write(m, s, running, err);

    *size = wire_pos(s);
    wire_free(s);
    return ok;
}

static bool make_all(const struct set *s, struct snapshot *sn, GError **err)
{
    uint64_t size = sn->vm_state_size;

    for (unsigned i = 0; i < s->disks->len; i++) {
        sn->vm_state_size = i ? 0 : size;
        int rc = blk_snapshot_create(s->disks->pdata[i], sn);
        if (rc < 0)
            return failed(s->disks->pdata[i], rc, "create", err);
    }
    return true;
}

static bool save(struct machine *m, const struct set *s, const char *name, bool running,
                 GError **err)
{
    int64_t now = g_get_real_time();
    g_autofree char *id = new_id(s);
    bool found;
    struct snapshot sn = {.id = id,
                          .name = (char *)name,
                          .date_sec = now / 1000000,
                          .date_nsec = (uint32_t)(now % 1000000) * 1000,
                          .vm_clock = (uint64_t)clock_now(&m->vclock),
                          .icount = UINT64_MAX};

    if (!write_state(m, s->disks->pdata[0], running, &sn.vm_state_size, err))
        return false;
    return delete_all(s, name, &found, err) && make_all(s, &sn, err);
}

bool snapshot_save_job(struct machine *m, const struct snapshot_job *job, GError **err)
{
    struct set s = {0};
    enum run_state before = m->state;
    bool ok = may_begin(m, err) && collect(m, job, &s, err) && put_first(m, &s, job->vmstate, err);

    for (unsigned i = 0; ok && !job->replace && i < s.disks->len; i++) {
        g_autoptr(GArray) list = blk_snapshots(s.disks->pdata[i]);
        if (snapshot_find(list, job->name))
            ok = error_set(err, "Snapshot '%s' already exists in one or more devices", job->name);
    }
    if (ok) {
        machine_stop_for(m, RUN_SAVE_VM);
        ok = save(m, &s, job->name, before == RUN_RUNNING, err);
        go_back(m, before);
    }
    set_clear(&s);
    return ok;
}

bool snapshot_save(struct machine *m, const char *name, GError **err)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *made = g_date_time_format(now, "vm-%Y%m%d%H%M%S");
    struct snapshot_job job = {.name = name ? name : made, .replace = true};

    if (name && (!*name || strlen(name) > 255))
        return error_set(err, "a snapshot's name has 1 to 255 bytes");
    return snapshot_save_job(m, &job, err);
}

/* ---- Loading -------------------------------------------------------------------------- */

/* Every disk has it; *ids gets theirs. */
static bool find_ids(const struct set *s, const char *name, GPtrArray *ids, uint64_t *state,
                     GError **err)
{
    for (unsigned i = 0; i < s->disks->len; i++) {
        g_autoptr(GArray) list = blk_snapshots(s->disks->pdata[i]);
        const struct snapshot *sn = snapshot_find(list, name);
        if (!sn)
            return error_set(err, "Device '%s' does not have the requested snapshot '%s'",
                             blk_label(s->disks->pdata[i]), name);
        if (i == 0)
            *state = sn->vm_state_size;
        g_ptr_array_add(ids, g_strdup(sn->id));
    }
    return true;
}

/* Whichever disk has the state. */
static void find_state(struct set *s, const char *name)
{
    for (unsigned i = 0; i < s->disks->len; i++) {
        g_autoptr(GArray) list = blk_snapshots(s->disks->pdata[i]);
        const struct snapshot *sn = snapshot_find(list, name);
        if (sn && sn->vm_state_size) {
            gpointer first = s->disks->pdata[0];
            s->disks->pdata[0] = s->disks->pdata[i];
            s->disks->pdata[i] = first;
            return;
        }
    }
}

static bool read_state(struct machine *m, struct blk *blk, const char *id, bool apply,
                       struct saved *out, GError **err)
{
    struct wire *s = wire_new_vmstate(blk, id);
    bool ok = saved_read(m, s, apply, false, out, err);

    wire_free(s);
    return ok;
}

static bool check_state(struct machine *m, const struct set *s, const char *id, GError **err)
{
    struct saved saved;

    if (!read_state(m, s->disks->pdata[0], id, false, &saved, err))
        return false;
    saved_clear(&saved);
    return true;
}

/* From here on there is no way back. */
static bool enter(struct machine *m, const struct set *s, const GPtrArray *ids, GError **err)
{
    struct saved saved;

    if (!read_state(m, s->disks->pdata[0], ids->pdata[0], true, &saved, err))
        return false;
    bool ok = true;
    for (unsigned i = 0; ok && i < s->disks->len; i++) {
        int rc = blk_snapshot_apply(s->disks->pdata[i], ids->pdata[i]);
        ok = rc == 0 || failed(s->disks->pdata[i], rc, "go back to", err);
    }
    ok = ok && machine_load(m, saved.state->data, saved.state->len, err);
    saved_clear(&saved);
    return ok;
}

static bool load(struct machine *m, const struct set *s, const char *name, GError **err)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    enum run_state before = m->state;
    uint64_t state = 0;

    if (!find_ids(s, name, ids, &state, err))
        return false;
    if (!state)
        return error_set(err, "This is a disk-only snapshot. Revert to it  offline using qemu-img");
    machine_stop_for(m, RUN_RESTORE_VM);
    if (!check_state(m, s, ids->pdata[0], err)) {
        go_back(m, before);
        return error_prefix(err, "snapshot '%s'", name);
    }
    bool ok = enter(m, s, ids, err);
    if (!ok)
        machine_reset(m);
    go_back(m, before == RUN_RUNNING && ok ? RUN_RUNNING : RUN_PAUSED);
    return ok || error_prefix(err, "snapshot '%s'", name);
}

bool snapshot_load_job(struct machine *m, const struct snapshot_job *job, GError **err)
{
    struct set s = {0};
    bool ok = may_begin(m, err) && collect(m, job, &s, err);

    if (ok && !job->vmstate)
        find_state(&s, job->name);
    ok = ok && put_first(m, &s, job->vmstate, err) && load(m, &s, job->name, err);
    set_clear(&s);
    return ok;
}

bool snapshot_load(struct machine *m, const char *name, GError **err)
{
    struct snapshot_job job = {.name = name};

    return snapshot_load_job(m, &job, err);
}

/* ---- Deleting, listing ---------------------------------------------------------------- */

bool snapshot_delete_job(struct machine *m, const struct snapshot_job *job, GError **err)
{
    struct set s = {0};
    bool found = false;
    bool ok =
        may_begin(m, err) && collect(m, job, &s, err) && delete_all(&s, job->name, &found, err);

    set_clear(&s);
    return ok;
}

bool snapshot_delete(struct machine *m, const char *name, GError **err)
{
    struct snapshot_job job = {.name = name};
    struct set s = {0};
    bool found = false;
    bool ok = may_begin(m, err) && collect(m, &job, &s, err) && delete_all(&s, name, &found, err);

    set_clear(&s);
    return ok && (found || error_set(err, "no disk has a snapshot '%s'", name));
}

static void print_one(const struct snapshot *s, bool everywhere, GString *out)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(s->date_sec);
    g_autofree char *when = date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
    g_autofree char *size = g_strdup_printf("%.3g MiB", (double)s->vm_state_size / (1 << 20));
    uint64_t ms = s->vm_clock / 1000000, sec = ms / 1000;

    g_string_append_printf(out, "%-10s%-18s%10s%21s   %02u:%02u:%02u.%03u\n",
                           everywhere ? "--" : s->id, s->name, size, when, (unsigned)(sec / 3600),
                           (unsigned)(sec / 60 % 60), (unsigned)(sec % 60), (unsigned)(ms % 1000));
}

static bool on_all(const struct set *s, const char *name)
{
    for (unsigned i = 0; i < s->disks->len; i++) {
        g_autoptr(GArray) list = blk_snapshots(s->disks->pdata[i]);
        if (!snapshot_find(list, name))
            return false;
    }
    return true;
}

static void print_some(const struct set *s, struct blk *blk, bool everywhere, GString *out)
{
    g_autoptr(GArray) list = blk_snapshots(blk);
    bool head = false;

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct snapshot *sn = &g_array_index(list, struct snapshot, i);
        if (on_all(s, sn->name) != everywhere)
            continue;
        if (!head && everywhere)
            g_string_append(out, "List of snapshots present on all disks:\n");
        else if (!head)
            g_string_append_printf(out, "\nList of partial (non-loadable) snapshots on '%s':\n",
                                   blk_label(blk));
        if (!head)
            g_string_append(out, "ID        TAG                  VM SIZE                 DATE   "
                                 "VM CLOCK\n");
        head = true;
        print_one(sn, everywhere, out);
    }
}

void snapshot_list(struct machine *m, GString *out)
{
    struct snapshot_job job = {0};
    struct set s = {0};
    g_autoptr(GError) err = NULL;
    gsize before = out->len;

    if (!collect(m, &job, &s, &err)) {
        g_string_append_printf(out, "%s\n", err->message);
        set_clear(&s);
        return;
    }
    find_state(&s, "");
    print_some(&s, s.disks->pdata[0], true, out);
    for (unsigned i = 0; i < s.disks->len; i++)
        print_some(&s, s.disks->pdata[i], false, out);
    if (out->len == before)
        g_string_append(out, "There is no snapshot available.\n");
    set_clear(&s);
}
