/* SPDX-License-Identifier: MIT */
/*
 * secret: bytes that are not to be seen on the command line, for who names the object. They are
 * read once, when the object is made. Secrets that are encrypted by another one are not taken.
 */
#include "backend/secret.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

enum { SECRET_MAX = 1 << 20 };

struct secret {
    struct object o;
    char *data, *file, *keyid, *iv;
    int format;
    GBytes *bytes;
};

GBytes *secret_bytes(struct object *o)
{
    return ((struct secret *)o)->bytes;
}

static bool read_file(struct secret *s, char **text, gsize *len, GError **err)
{
    g_autoptr(GError) why = NULL;

    if (!g_file_get_contents(s->file, text, len, &why))
        return error_set(err, "file=%s: %s", s->file, why->message);
    if (*len > SECRET_MAX) {
        g_clear_pointer(text, g_free);
        return error_set(err, "file=%s: a secret has at most 1 MiB", s->file);
    }
    return true;
}

static bool secret_realize(struct object *o, GError **err)
{
    struct secret *s = (struct secret *)o;
    char *text = NULL;
    gsize len = 0;

    if (s->keyid || s->iv)
        return error_set(err, "encrypted secrets are not taken: leave out keyid and iv");
    if (!s->data == !s->file)
        return error_set(err, "a secret wants one of data=TEXT and file=PATH");
    if (s->data) {
        text = g_strdup(s->data);
        len = strlen(text);
    } else if (!read_file(s, &text, &len, err)) {
        return false;
    }
    if (s->format == 1)
        g_base64_decode_inplace(text, &len);
    s->bytes = g_bytes_new_take(text, len);
    return true;
}

static void secret_unrealize(struct object *o)
{
    g_bytes_unref(((struct secret *)o)->bytes);
}

static const char *const formats[] = {"raw", "base64", NULL};

static const struct prop secret_props[] = {
    PROP(struct secret, data, "data", PROP_STRING, NULL, "the secret itself"),
    PROP(struct secret, file, "file", PROP_STRING, NULL, "... or the file that has it"),
    {.name = "format", .kind = PROP_ENUM, .offset = offsetof(struct secret, format), .def = "raw",
     .help = "how it is written down", .choices = formats},
    PROP(struct secret, keyid, "keyid", PROP_STRING, NULL, "refused: encrypted secrets"),
    PROP(struct secret, iv, "iv", PROP_STRING, NULL, "refused: encrypted secrets"), {0}};

const struct object_type secret_type = {.name = "secret",
                                        .kind = "secret",
                                        .help = "bytes that are not to be seen by others",
                                        .size = sizeof(struct secret),
                                        .props = secret_props,
                                        .realize = secret_realize,
                                        .unrealize = secret_unrealize};
