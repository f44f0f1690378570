/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes from a QMP client end in answers that are JSON, and in a session that
 * still works. First byte: bit 0 negotiated already, bit 1 with out-of-band execution, bit 2 a
 * reader that takes nothing until the end, the rest into how many pieces the bytes come.
 * Commands that write files or open what they are told are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "chardev/chardev.h"
#include "core/machine_test.h"
#include "monitor/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool harmless(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"save",  "dump", "add",  "log", "change", "\\u",
                                        "fd",    "gdb",  "migr", "snap", "vm"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (memmem(data, size, words[i], strlen(words[i])))
            return false;
    return true;
}

static void settle(struct machine *m)
{
    while (g_main_context_iteration(m->context, FALSE))
        ;
}

static void send(struct machine *m, struct chardev *chr, const void *text, size_t len)
{
    chardev_memory_send(chr, text, len);
    settle(m);
}

/* Every line that came is JSON. Returns how many there were. */
static unsigned check_output(struct chardev *chr)
{
    g_autoptr(GByteArray) bytes = chardev_memory_take(chr);
    unsigned lines = 0;

    g_byte_array_append(bytes, (const guint8 *)"", 1);
    g_auto(GStrv) all = g_strsplit((const char *)bytes->data, "\r\n", -1);
    for (char **l = all; *l; l++) {
        if (!**l)
            continue;
        json_t *v = json_loads(*l, JSON_DECODE_ANY, NULL);
        if (!v)
            abort();
        json_decref(v);
        lines++;
    }
    return lines;
}

static void negotiate(struct machine *m, struct chardev *chr, bool oob)
{
    const char *text = oob ? "{\"execute\":\"qmp_capabilities\",\"arguments\":"
                             "{\"enable\":[\"oob\"]}}"
                           : "{\"execute\":\"qmp_capabilities\"}";

    send(m, chr, text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char last[] = "\xff{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-name\"}";

    if (!size || size > 65536 || !harmless(data + 1, size - 1))
        return 0;
    struct machine *m = machine_new_test();
    size_t piece = MAX(size / ((data[0] >> 3) + 1), 1);
    m->log.file = NULL;
    machine_lock(m);
    struct chardev *chr = chardev_memory_new(m, "qmp");
    if (!qmp_new(m, chr, false, NULL))
        abort();
    if (data[0] & 1)
        negotiate(m, chr, data[0] & 2);
    if (data[0] & 4)
        chardev_memory_set_room(chr, 0);
    for (size_t i = 1; i < size; i += piece)
        send(m, chr, data + i, MIN(piece, size - i));
    for (unsigned i = 0; i < 10000 && (data[0] & 4); i++) { /* it reads at last */
        chardev_memory_set_room(chr, SIZE_MAX);
        settle(m);
        if (!check_output(chr))
            break;
    }
    check_output(chr);
    send(m, chr, last, sizeof(last) - 1);
    if (!m->quit && !check_output(chr))
        abort();
    machine_unlock(m);
    machine_free(m);
    return 0;
}
