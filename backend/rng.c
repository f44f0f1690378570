/* SPDX-License-Identifier: MIT */
/* Random bytes of the host. A file that has none at the moment is waited for, never blocked on. */
#include "backend/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

struct rng {
    struct object o;
    char *filename;
    int fd;
    bool failed;      /* it was said */
    GSource *source;  /* while somebody waits */
    GPtrArray *users; /* struct machine_hook * */
};

static void tell_users(struct rng *r)
{
    for (unsigned i = 0; i < r->users->len; i++) {
        const struct machine_hook *h = r->users->pdata[i];
        h->fn(h->arg);
    }
}

static void stop_watching(struct rng *r)
{
    if (!r->source)
        return;
    g_source_destroy(r->source);
    g_clear_pointer(&r->source, g_source_unref);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer arg)
{
    struct rng *r = arg;
    struct machine *m = r->o.machine;

    machine_lock(m);
    stop_watching(r);
    tell_users(r);
    machine_unlock(m);
    return G_SOURCE_REMOVE;
}

static void watch(struct rng *r)
{
    if (r->source)
        return;
    r->source = g_unix_fd_source_new(r->fd, G_IO_IN);
    g_source_set_name(r->source, "rng");
    g_source_set_callback(r->source, G_SOURCE_FUNC(on_readable), r, NULL);
    g_source_attach(r->source, r->o.machine->context);
}

size_t rng_read(struct object *o, void *buf, size_t len)
{
    struct rng *r = (struct rng *)o;
    ssize_t n = r->fd < 0 ? getrandom(buf, len, 0) : read(r->fd, buf, len);

    if (n > 0)
        return (size_t)n;
    if (r->fd >= 0 && n < 0 && (errno == EAGAIN || errno == EINTR)) {
        watch(r);
    } else if (!r->failed) {
        r->failed = true;
        log_write(&o->machine->log, "hostel: rng '%s': %s: %s; the guest gets no more from it\n",
                  o->id, r->filename, n == 0 ? "it has ended" : strerror(errno));
    }
    return 0;
}

void rng_add_user(struct object *o, void (*ready)(void *arg), void *arg)
{
    machine_add_hook(((struct rng *)o)->users, ready, arg);
}

void rng_del_user(struct object *o, void (*ready)(void *arg), void *arg)
{
    machine_del_hook(((struct rng *)o)->users, ready, arg);
}

static bool builtin_realize(struct object *o, GError **err)
{
    struct rng *r = (struct rng *)o;

    r->fd = -1;
    r->users = g_ptr_array_new_with_free_func(g_free);
    return true;
}

static bool random_realize(struct object *o, GError **err)
{
    struct rng *r = (struct rng *)o;
    int fd = open(r->filename, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, "filename=%s: %s", r->filename, strerror(errno));
    builtin_realize(o, err);
    r->fd = fd;
    return true;
}

static void unrealize(struct object *o)
{
    struct rng *r = (struct rng *)o;

    stop_watching(r);
    if (r->fd >= 0)
        close(r->fd);
    g_ptr_array_unref(r->users);
}

static const struct prop random_props[] = {
    PROP(struct rng, filename, "filename", PROP_STRING, "/dev/urandom", "file or device to read"),
    {0}};

const struct object_type rng_random_type = {.name = "rng-random",
                                            .kind = "rng",
                                            .help = "random bytes from a file or device",
                                            .size = sizeof(struct rng),
                                            .props = random_props,
                                            .realize = random_realize,
                                            .unrealize = unrealize};
const struct object_type rng_builtin_type = {.name = "rng-builtin",
                                             .kind = "rng",
                                             .help = "random bytes from the host's kernel",
                                             .size = sizeof(struct rng),
                                             .realize = builtin_realize,
                                             .unrealize = unrealize};
