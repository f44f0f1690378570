/* SPDX-License-Identifier: MIT */
/* Options that programs give on behalf of people: how the host's memory is used, how messages
 * look. */
#include <string.h>

#include "options_int.h"
#include "util/error.h"
#include "util/parse.h"

bool opt_overcommit(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"mem-lock", "cpu-pm", NULL};
    struct keyvals *kv = keyvals_parse(arg, NULL, err);
    bool pm = false;
    bool ok = kv && keyvals_check(kv, valid, err) &&
              keyvals_bool(kv, "mem-lock", &o->lock_memory, err) &&
              keyvals_bool(kv, "cpu-pm", &pm, err);

    if (ok && pm)
        ok = error_set(err, "cpu-pm=on: an idle CPU of the guest is never left spinning here");
    keyvals_free(kv);
    return ok;
}

bool opt_msg(struct options *o, const char *arg, GError **err)
{
    static const char *const valid[] = {"timestamp", NULL};
    struct keyvals *kv = keyvals_parse(arg, NULL, err);
    bool ok = kv && keyvals_check(kv, valid, err) &&
              keyvals_bool(kv, "timestamp", &o->timestamps, err);

    keyvals_free(kv);
    return ok;
}
