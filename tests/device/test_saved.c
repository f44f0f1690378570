/* SPDX-License-Identifier: MIT */
/*
 * A saved machine (migration/format.h) with every device there is: to a file and through a pipe,
 * into a fresh machine; cut off at any place, with any bit turned over, of another machine. What
 * is refused leaves the machine as it was, and says what is wrong.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "core/machine.h"
#include "migration/saved.h"
#include "tests/device/board_bench.h"

static struct machine *from, *to;
static char *path;

static void fill_memory(struct machine *m)
{
    GRand *r = g_rand_new_with_seed(7);
    uint8_t *ram = m->ram->host;

    for (uint64_t i = 0; i < m->ram->size; i += RAM_PAGE_SIZE)
        if (g_rand_int_range(r, 0, 3))
            for (unsigned k = 0; k < RAM_PAGE_SIZE; k += 4)
                put32(ram + i + k, g_rand_int(r));
    g_rand_free(r);
}

static bool write_file(const char *name)
{
    GError *err = NULL;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct wire *s = wire_new_fd(fd, -1);
    bool ok = saved_write(from, s, true, &err);

    ck_assert_msg(ok, "%s", err ? err->message : "?");
    wire_free(s);
    return ok;
}

static void setup(void)
{
    from = board_bench_new();
    to = board_bench_new();
    fill_memory(from);
    board_bench_step(from, 123456789);
    int fd = g_file_open_tmp("hostel-saved-XXXXXX", &path, NULL);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path);
}

static void teardown(void)
{
    board_bench_free(from);
    board_bench_free(to);
    unlink(path);
    g_free(path);
}

static bool read_file(const char *name, bool apply, bool lazy, struct saved *out, GError **err)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    struct wire *s = wire_new_fd(fd, -1);
    bool ok = saved_read(to, s, apply, lazy, out, err);

    wire_free(s);
    return ok;
}

static void enter(struct saved *saved)
{
    GError *err = NULL;
    bool ok = machine_load(to, saved->state->data, saved->state->len, &err);

    ck_assert_msg(ok, "%s", err ? err->message : "?");
    ck_assert(saved->running);
    saved_clear(saved);
}

static void same_machine(void)
{
    g_autoptr(GByteArray) a = g_byte_array_new(), b = g_byte_array_new();

    machine_save(from, a);
    machine_save(to, b);
    ck_assert_uint_eq(a->len, b->len);
    ck_assert(memcmp(a->data, b->data, a->len) == 0);
    ck_assert_uint_eq(from->rams->len, to->rams->len);
    for (unsigned i = 0; i < from->rams->len; i++) {
        struct ram_block *x = from->rams->pdata[i], *y = to->rams->pdata[i];
        ck_assert_msg(memcmp(x->host, y->host, x->size) == 0, "block %s", x->name);
    }
}

START_TEST(through_a_file)
{
    struct saved saved;
    GError *err = NULL;

    ck_assert_msg(read_file(path, true, _i, &saved, &err), "%s", err ? err->message : "?");
    ck_assert(saved.ram.lazy == _i);
    enter(&saved);
    same_machine();
    memset(to->ram->host, 1, RAM_PAGE_SIZE); /* a mapped one stays ours */
    ck_assert(to->ram->from_file == (_i != 0));
    ram_block_clear(to->ram);
    ck_assert_uint_eq(to->ram->host[0] | to->ram->host[to->ram->size - 1], 0);
    ck_assert(read_file(path, true, false, &saved, &err));
    enter(&saved);
    same_machine();
}
END_TEST

struct writer {
    int fd;
    bool ok;
};

static void *write_pipe(void *arg)
{
    struct writer *w = arg;
    struct wire *s = wire_new_fd(w->fd, -1);

    machine_lock(from);
    w->ok = saved_write(from, s, true, NULL);
    machine_unlock(from);
    wire_free(s);
    return NULL;
}

/* No file: pages in records. */
START_TEST(through_a_pipe)
{
    int p[2];
    struct saved saved;
    GError *err = NULL;

    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    struct writer w = {.fd = p[1]};
    struct wire *s = wire_new_fd(p[0], -1);
    machine_unlock(from);
    GThread *t = g_thread_new("writer", write_pipe, &w);
    bool ok = saved_read(to, s, true, true, &saved, &err);
    g_thread_join(t);
    machine_lock(from);
    wire_free(s);
    ck_assert_msg(ok && w.ok, "%s", err ? err->message : "?");
    ck_assert(!saved.ram.lazy);
    enter(&saved);
    same_machine();
}
END_TEST

/* A file that goes through a pipe: the flat layout, without a file's abilities. */
START_TEST(a_file_through_a_pipe)
{
    struct saved saved;
    GError *err = NULL;
    g_autofree char *command = g_strdup_printf("cat %s", path);
    FILE *f = popen(command, "re");
    struct wire *s = wire_new_fd(dup(fileno(f)), -1);

    ck_assert_msg(saved_read(to, s, true, false, &saved, &err), "%s", err ? err->message : "?");
    wire_free(s);
    pclose(f);
    enter(&saved);
    same_machine();
}
END_TEST

/* ---- What is refused -------------------------------------------------------------------- */

static char *contents;
static gsize length;

static void change_setup(void)
{
    setup();
    ck_assert(g_file_get_contents(path, &contents, &length, NULL));
}

static void change_teardown(void)
{
    g_free(contents);
    teardown();
}

/* Refused, with this in the message; and the target has not changed. */
static void refused(const char *what, const char *message)
{
    g_autoptr(GByteArray) before = g_byte_array_new(), after = g_byte_array_new();
    struct saved saved;
    GError *err = NULL;
    struct wire *s = wire_new_memory((uint8_t *)contents, length);

    machine_save(to, before);
    bool ok = saved_read(to, s, false, false, &saved, &err);
    wire_free(s);
    ck_assert_msg(!ok, "%s was accepted", what);
    ck_assert_msg(err && strstr(err->message, message), "%s: %s", what, err ? err->message : "?");
    g_clear_error(&err);
    machine_save(to, after);
    ck_assert(before->len == after->len && !memcmp(before->data, after->data, after->len));
}

START_TEST(cut_off)
{
    GRand *r = g_rand_new_with_seed(3);
    gsize whole = length;

    for (unsigned i = 0; i < 40; i++) {
        length = i < 30 ? i * 3 : (gsize)(g_rand_double(r) * (double)(whole - 1));
        refused("a file that was cut off", "ends too early");
    }
    length = whole - 1;
    refused("a file without its last byte", "ends too early");
    g_rand_free(r);
}
END_TEST

static void flip_and_refuse(gsize at, unsigned bit)
{
    contents[at] ^= (char)(1 << bit);
    refused("a file with a bit turned over", "");
    contents[at] ^= (char)(1 << bit);
}

/* Where the next record begins. */
static gsize next_record(gsize at)
{
    return at + FORMAT_RECORD + get64((uint8_t *)contents + at + 8);
}

static gsize find_record(uint32_t tag)
{
    for (gsize at = FORMAT_HEADER; at + FORMAT_RECORD <= length; at = next_record(at))
        if (get32((uint8_t *)contents + at) == tag)
            return at;
    ck_abort_msg("no such record");
}

START_TEST(flipped)
{
    GRand *r = g_rand_new_with_seed(4);
    gsize stat = find_record(TAG_STAT), sums = find_record(TAG_SUMS);

    for (gsize at = 0; at < FORMAT_HEADER; at++)
        flip_and_refuse(at, (unsigned)at & 7);
    for (gsize at = FORMAT_HEADER; at + FORMAT_RECORD <= length; at = next_record(at))
        for (gsize i = 0; i < FORMAT_RECORD; i += 5)
            flip_and_refuse(at + i, (unsigned)i & 7);
    for (unsigned i = 0; i < 20; i++) {
        flip_and_refuse(stat + 30 + g_rand_int(r) % 2000, i & 7);
        flip_and_refuse(sums + 30 + g_rand_int(r) % 200, i & 7);
        flip_and_refuse(find_record(TAG_FLAT) + 2 * FORMAT_PAGE + g_rand_int(r) % 1000000, i & 7);
    }
    g_rand_free(r);
}
END_TEST

static void sign(gsize record)
{
    uint8_t *h = (uint8_t *)contents + record;
    put32(h + 20, crc32c(h, 20));
}

START_TEST(not_understood)
{
    uint8_t *c = (uint8_t *)contents;
    gsize stat = find_record(TAG_STAT);

    put32(c + 8, 2);
    put32(c + 12, crc32c(c, 12));
    refused("another version", "it has format version 2; this program knows version 1");
    put32(c + 8, FORMAT_VERSION);
    put32(c + 12, crc32c(c, 12));

    put32(c + stat + 4, 1);
    sign(stat);
    refused("a flag", "record 'STAT' has flags 0x1 that are not known here");
    put32(c + stat + 4, 0);
    put32(c + stat, TAG('N', 'E', 'W', 'S'));
    sign(stat);
    refused("a record", "it has a record 'NEWS', which is not known here");
}
END_TEST

/* A field of a device, renamed in the saved state. */
static void rename_field(const char *name, const char *as)
{
    gsize stat = find_record(TAG_STAT), n = get64((uint8_t *)contents + stat + 8);
    char *payload = contents + stat + FORMAT_RECORD;
    char *at = memmem(payload, n, name, strlen(name));

    ck_assert_ptr_nonnull(at);
    memcpy(at, as, strlen(as));
    put32((uint8_t *)contents + stat + 16, crc32c(payload, n));
    sign(stat);
}

START_TEST(named)
{
    rename_field("ch[0].mode", "ch[0].mood");
    refused("a field", "field 'ch[0].mood' is not known here; did you mean 'ch[0].mode'?");
}
END_TEST

START_TEST(of_another_machine)
{
    gsize conf = FORMAT_HEADER, n = get64((uint8_t *)contents + conf + 8);
    char *payload = contents + conf + FORMAT_RECORD;
    static const struct {
        const char *was, *is, *message;
    } rows[] = {
        {"\"memory\":1572864", "\"memory\":1572865", "memory: the saved machine has 1572865"},
        {"\"cpus\":2", "\"cpus\":3", "cpus: the saved machine has 3, this one has 2"},
        {"\"machine\":\"pc\"", "\"machine\":\"pd\"", "machine: the saved machine has \"pd\""},
        {"\"isa-serial.0\"", "\"isa-serial.9\"",
         "the saved machine has a device 'isa-serial.9', this one has not"},
        {"{", "[", "its configuration cannot be read"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *at = memmem(payload, n, rows[i].was, strlen(rows[i].was));
        ck_assert_msg(at != NULL, "%s", rows[i].was);
        memcpy(at, rows[i].is, strlen(rows[i].is));
        put32((uint8_t *)contents + conf + 16, crc32c(payload, n));
        sign(conf);
        refused(rows[i].was, rows[i].message);
        memcpy(at, rows[i].was, strlen(rows[i].was));
    }
}
END_TEST

START_TEST(checksum)
{
    uint8_t zeros[FORMAT_PAGE] = {0};

    ck_assert_uint_eq(crc32c("123456789", 9), 0xe3069283); /* RFC 3720 gives others like it */
    ck_assert_uint_eq(crc32c(zeros, 32), 0x8a9136aa);
    ck_assert_uint_eq(crc32c(zeros, FORMAT_PAGE), SUM_OF_ZEROS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("saved machines");
    TCase *t = tcase_create("there and back"), *r = tcase_create("refused");

    tcase_set_timeout(t, 60);
    tcase_set_timeout(r, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_checked_fixture(r, change_setup, change_teardown);
    tcase_add_loop_test(t, through_a_file, 0, 2);
    tcase_add_test(t, through_a_pipe);
    tcase_add_test(t, a_file_through_a_pipe);
    tcase_add_test(t, checksum);
    tcase_add_test(r, cut_off);
    tcase_add_test(r, flipped);
    tcase_add_test(r, not_understood);
    tcase_add_test(r, named);
    tcase_add_test(r, of_another_machine);
    suite_add_tcase(s, t);
    suite_add_tcase(s, r);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
