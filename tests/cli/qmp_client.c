/* SPDX-License-Identifier: MIT */
/*
 * Holds a dialogue with a QMP server and compares it with a recorded one:
 *
 *   qmp_client SOCKET TABLE      replay: status 0 if every answer has the recorded shape
 *   qmp_client -r SOCKET TABLE   record: the table again, with this server's answers, on stdout
 *
 * A table has lines "> REQUEST", each followed by "< MESSAGE" lines: the events before the answer
 * and the answer. Same shape: the same kind of message in the same order; of an error the class;
 * of an event its name; of values the JSON type; every member that was recorded is there (a list
 * is compared by its first element), but those that a line "- MEMBER" before the answer excuses.
 * "# text" is a comment.
 */
#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static FILE *open_socket(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
    for (int i = 0; i < 600; i++, g_usleep(100000)) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
            return fdopen(fd, "r+");
        close(fd);
    }
    fprintf(stderr, "cannot connect to %s: %s\n", path, strerror(errno));
    exit(2);
}

static json_t *receive(FILE *f)
{
    static char *line;
    static size_t room;
    ssize_t n = getline(&line, &room, f);
    json_t *v = n > 0 ? json_loads(line, 0, NULL) : NULL;

    if (!v) {
        fprintf(stderr, "the server has gone, or said no JSON: %s\n", n > 0 ? line : "");
        exit(2);
    }
    return v;
}

static void send_line(FILE *f, const char *text)
{
    fflush(f);
    fprintf(f, "%s\n", text);
    fflush(f);
}

/* The answer to a request, the events before it first. */
static json_t *converse(FILE *f, const char *request)
{
    json_t *all = json_array(), *v;

    send_line(f, request);
    do {
        v = receive(f);
        json_array_append_new(all, v);
    } while (json_object_get(v, "event"));
    return all;
}

/* ---- Shapes --------------------------------------------------------------------------- */

static bool differs(const char *where, const char *what)
{
    printf("# %s: %s\n", where, what);
    return false;
}

static bool same_type(const json_t *a, const json_t *b)
{
    return json_typeof(a) == json_typeof(b) || (json_is_boolean(a) && json_is_boolean(b)) ||
           (json_is_number(a) && json_is_number(b));
}

static bool same_shape(const char *where, json_t *want, json_t *got)
{
    const char *key;
    json_t *v;
    bool ok = true;

    if (!got)
        return differs(where, "is missing");
    if (!same_type(want, got))
        return differs(where, "has another type");
    json_object_foreach(want, key, v) {
        g_autofree char *place = g_strdup_printf("%s.%s", where, key);
        ok &= same_shape(place, v, json_object_get(got, key));
    }
    if (json_array_size(want) && json_array_size(got)) {
        g_autofree char *place = g_strdup_printf("%s[]", where);
        ok &= same_shape(place, json_array_get(want, 0), json_array_get(got, 0));
    }
    return ok;
}

static bool same_text(const char *where, json_t *want, json_t *got, const char *key)
{
    json_t *w = json_object_get(want, key), *g = json_object_get(got, key);

    return w == g || json_equal(w, g) || differs(where, g ? json_string_value(g) : "is missing");
}

static bool same_message(const char *where, json_t *want, json_t *got)
{
    return same_shape(where, want, got) && same_text(where, want, got, "event") &&
           same_text(where, json_object_get(want, "error"), json_object_get(got, "error"),
                     "class");
}

static bool same_answers(const char *request, json_t *want, json_t *got)
{
    bool ok = json_array_size(want) == json_array_size(got);

    if (!ok)
        differs(request, "another number of messages");
    for (size_t i = 0; ok && i < json_array_size(want); i++)
        ok = same_message(request, json_array_get(want, i), json_array_get(got, i));
    if (!ok) {
        char *w = json_dumps(want, 0), *g = json_dumps(got, 0);
        printf("#   recorded %.400s\n#   answered %.400s\n", w, g);
        free(w);
        free(g);
    }
    return ok;
}

/* ---- The table -------------------------------------------------------------------------- */

/* Of a list the first element is compared, so no more is kept. */
static void shorten(json_t *v)
{
    const char *key;
    json_t *item;

    while (json_array_size(v) > 1)
        json_array_remove(v, json_array_size(v) - 1);
    if (json_array_size(v))
        shorten(json_array_get(v, 0));
    json_object_foreach(v, key, item)
        shorten(item);
}

static void print_answers(json_t *all)
{
    json_t *v;
    size_t i;

    json_array_foreach(all, i, v) {
        shorten(v);
        char *text = json_dumps(v, 0);
        printf("< %s\n", text);
        free(text);
    }
}

/* Takes the member away wherever it is. */
static void excuse(json_t *v, const char *member)
{
    const char *key;
    json_t *item;
    size_t i;

    json_object_del(v, member);
    json_object_foreach(v, key, item)
        excuse(item, member);
    json_array_foreach(v, i, item)
        excuse(item, member);
}

/* The "<" lines that follow line i, without what is excused. */
static json_t *recorded(char **lines, size_t i)
{
    json_t *all = json_array();

    for (char **l = lines + i + 1; *l && (**l == '<' || **l == '-'); l++)
        if (**l == '<')
            json_array_append_new(all, json_loads(*l + 2, 0, NULL));
    for (char **l = lines + i + 1; *l && **l == '-'; l++)
        excuse(all, *l + 2);
    return all;
}

int main(int argc, char **argv)
{
    bool record = argc == 4 && strcmp(argv[1], "-r") == 0, ok = true;
    g_autofree char *table = NULL;

    if (argc != 3 + record || !g_file_get_contents(argv[2 + record], &table, NULL, NULL)) {
        fprintf(stderr, "usage: qmp_client [-r] SOCKET TABLE\n");
        return 2;
    }
    FILE *f = open_socket(argv[1 + record]);
    json_decref(receive(f)); /* the greeting */
    g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        if (record && (*lines[i] == '#' || *lines[i] == '>'))
            printf("%s\n", lines[i]);
        if (*lines[i] != '>')
            continue;
        for (size_t k = i + 1; record && lines[k] && *lines[k] == '-'; k++)
            printf("%s\n", lines[k]);
        json_t *got = converse(f, lines[i] + 2), *want = recorded(lines, i);
        if (record)
            print_answers(got);
        else
            ok &= same_answers(lines[i] + 2, want, got);
        json_decref(got);
        json_decref(want);
    }
    return !ok;
}
