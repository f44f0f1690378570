/* SPDX-License-Identifier: MIT */
/*
 * The state of a whole machine but its RAM: what belongs to no device, then each device, then
 * each vCPU, as core/state.h has them. Devices are found by their paths, so their order is free.
 */
#include <string.h>

#include "core/machine_priv.h"
#include "core/state.h"
#include "core/vcpu_ops.h"
#include "util/error.h"

enum { VERSION = 1 };

/* What belongs to the machine itself. */
struct common {
    int64_t vclock;         /* virtual time */
    int64_t pvclock_offset; /* how far the paravirtual clock is ahead of it */
    uint32_t devices, cpus;
};

static const struct state_field common_fields[] = {
    STATE_FIELD(struct common, vclock), STATE_FIELD(struct common, pvclock_offset),
    STATE_FIELD(struct common, devices), STATE_FIELD(struct common, cpus), STATE_END};

static void save_vcpu(struct machine *m, unsigned i, GByteArray *out)
{
    const struct vcpu_ops *ops = m->vcpu_ops;
    g_autofree struct x86_state *st = g_malloc0(ops->state_size);
    g_autofree char *path = g_strdup_printf("cpu.%u", i);

    vcpu_save(m->vcpus->pdata[i], st);
    state_save("cpu", path, VERSION, ops->state_fields, st, out);
}

void machine_save(struct machine *m, GByteArray *out)
{
    struct common c = {.vclock = clock_now(&m->vclock),
                       .pvclock_offset = m->pvclock_offset,
                       .devices = m->devices->len,
                       .cpus = m->vcpus->len};

    irqchip_fetch_all(m);
    state_save("machine", "machine", VERSION, common_fields, &c, out);
    for (unsigned i = 0; i < m->devices->len; i++)
        device_save(m->devices->pdata[i], out);
    for (unsigned i = 0; i < m->vcpus->len; i++)
        save_vcpu(m, i, out);
}

/* ---- Loading -------------------------------------------------------------------------- */

enum pass { CHECK, FIRST, SECOND };

static struct device *by_path(struct machine *m, const char *path)
{
    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (strcmp(d->path, path) == 0)
            return d;
    }
    return NULL;
}

static bool load_device(struct machine *m, struct state_reader *r, enum pass pass, GHashTable *seen,
                        GError **err)
{
    g_autofree char *type = NULL, *path = NULL;

    if (!state_peek(r, &type, &path, err))
        return false;
    struct device *d = by_path(m, path);
    if (!d)
        return error_set(err, "the saved state has a device '%s' (%s), which this machine lacks",
                         path, type);
    if (!g_hash_table_add(seen, d))
        return error_set(err, "the saved state has the device '%s' twice", path);
    if (pass == CHECK)
        return state_load(r, d->type->name, d->path, d->type->state_version, d->type->state, NULL,
                          err);
    size_t used;
    bool ok = device_load(d, r->data + r->pos, r->len - r->pos, &used, err);
    r->pos += ok ? used : 0;
    return ok;
}

static const char *first_missing(struct machine *m, GHashTable *seen)
{
    for (unsigned i = 0; i < m->devices->len; i++)
        if (!g_hash_table_contains(seen, m->devices->pdata[i]))
            return ((struct device *)m->devices->pdata[i])->path;
    return NULL;
}

static bool load_devices(struct machine *m, struct state_reader *r, uint32_t n, enum pass pass,
                         GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (uint32_t i = 0; i < n; i++)
        if (!load_device(m, r, pass, seen, err))
            return false;
    const char *missing = first_missing(m, seen);
    return !missing || error_set(err,
                                 "the saved state lacks the device '%s', which this machine "
                                 "has",
                                 missing);
}

static bool load_vcpu(struct machine *m, unsigned i, struct state_reader *r, enum pass pass,
                      GError **err)
{
    const struct vcpu_ops *ops = m->vcpu_ops;
    g_autofree struct x86_state *st = g_malloc0(ops->state_size);
    g_autofree char *path = g_strdup_printf("cpu.%u", i);

    if (!state_load(r, "cpu", path, VERSION, ops->state_fields, st, err))
        return false;
    if (ops->check && !ops->check(st, err))
        return error_prefix(err, "loading '%s'", path);
    if (pass != CHECK)
        vcpu_load(m->vcpus->pdata[i], st);
    return true;
}

static bool load_vcpus(struct machine *m, struct state_reader *r, enum pass pass, GError **err)
{
    for (unsigned i = 0; i < m->vcpus->len; i++)
        if (!load_vcpu(m, i, r, pass, err))
            return false;
    if (r->pos != r->len)
        return error_set(err, "saved machine state: %zu bytes are left over", r->len - r->pos);
    return true;
}

static bool load_common(struct machine *m, struct state_reader *r, struct common *c, GError **err)
{
    if (!state_load(r, "machine", "machine", VERSION, common_fields, c, err))
        return false;
    if (c->cpus != m->vcpus->len)
        return error_set(err, "the saved state has %u CPUs, this machine has %u", c->cpus,
                         m->vcpus->len);
    if (c->vclock < 0 || c->vclock > INT64_MAX / 2)
        return error_set(err, "loading 'machine': field 'vclock': this time is not possible");
    return true;
}

bool machine_load_check(struct machine *m, const uint8_t *data, size_t len, GError **err)
{
    struct state_reader r = {.data = data, .len = len};
    struct common c;

    return load_common(m, &r, &c, err) && load_devices(m, &r, c.devices, CHECK, err) &&
           load_vcpus(m, &r, CHECK, err);
}

/*
 * Devices are loaded twice. While the first pass goes through them, the wires between them
 * change, and an interrupt controller that was loaded already takes a change for an edge. In
 * the second pass all wires have their levels, so each device keeps what it was given.
 */
bool machine_load(struct machine *m, const uint8_t *data, size_t len, GError **err)
{
    struct state_reader r = {.data = data, .len = len};
    struct common c;

    if (!machine_load_check(m, data, len, err) || !load_common(m, &r, &c, err))
        return false;
    clock_set(&m->vclock, c.vclock);
    m->pvclock_offset = c.pvclock_offset;
    m->pvclock_moved = true;
    struct state_reader first = r;
    if (!load_devices(m, &first, c.devices, FIRST, err))
        return false;
    for (unsigned i = 0; i < m->vcpus->len; i++) /* events of the first pass never were */
        vcpu_pin(m->vcpus->pdata[i], VCPU_NMI | VCPU_NMI_SECOND | VCPU_SMI | VCPU_INIT | VCPU_SIPI,
                 0);
    return load_devices(m, &r, c.devices, SECOND, err) && load_vcpus(m, &r, SECOND, err);
}
