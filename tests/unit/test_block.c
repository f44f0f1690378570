/* SPDX-License-Identifier: MIT */
/* Block layer: when and where done() is called, both engines, what a guessed raw image refuses. */
#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "block/engine.h"
#include "core/machine_test.h"
#include "util/coroutine.h"
#include "util/iov.h"
#include "util/keyval.h"

#define MANY 500 /* more than may be under way */

static struct machine *m;
static char *path;
static GThread *main_thread;
static unsigned calls;

static void setup(void)
{
    int fd = g_file_open_tmp("hostel-block-XXXXXX", &path, NULL);
    ck_assert(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
    close(fd);
    main_thread = g_thread_self();
    calls = 0;
    m = machine_new_test();
    machine_lock(m);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    unlink(path);
    g_clear_pointer(&path, g_free);
}

static struct blk *open_disk(const char *options)
{
    g_autofree char *text = g_strdup_printf("file.filename=%s%s", path, options);
    struct keyvals *kv = keyvals_parse(text, NULL, NULL);
    struct blk_config config = {0};
    GError *err = NULL;
    struct blk *blk = blk_open(m, kv, &config, &err);

    ck_assert_msg(blk != NULL, "%s", err ? err->message : "");
    keyvals_free(kv);
    return blk;
}

struct once {
    struct blk_req req;
    unsigned called;
    int result;
};

static void done(struct blk_req *req, int result)
{
    struct once *o = req->arg;

    ck_assert_ptr_eq(g_thread_self(), main_thread);
    ck_assert(machine_is_locked(m));
    o->called++;
    o->result = result;
    calls++;
}

static void submit(struct blk *blk, struct once *o, enum blk_op op, uint64_t off,
                   const struct iovec *iov)
{
    *o = (struct once){.req = {.op = op, .off = off, .len = iov ? iov->iov_len : 0, .iov = iov,
                               .niov = iov ? 1 : 0, .done = done, .arg = o}};
    blk_submit(blk, &o->req);
    ck_assert_uint_eq(o->called, 0); /* never from within */
}

static int wait_for(struct once *o)
{
    while (!o->called) {
        machine_unlock(m);
        g_main_context_iteration(m->context, TRUE);
        machine_lock(m);
    }
    return o->result;
}

START_TEST(exactly_once)
{
    static const char *const engines[] = {"io_uring", "threads"};
    g_autofree char *options = g_strdup_printf(",driver=raw,file.aio=%s", engines[_i]);
    struct blk *blk = open_disk(options);
    struct once *o = g_new0(struct once, MANY);
    uint8_t buf[512];
    struct iovec v = {buf, sizeof(buf)};

    for (unsigned i = 0; i < MANY; i++)
        submit(blk, &o[i], i % 3 ? BLK_READ : BLK_FLUSH, i % 2000 * 512ull, i % 3 ? &v : NULL);
    blk_drain(blk);
    ck_assert_uint_eq(calls, MANY);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(o[i].called == 1 ? o[i].result : -1, 0);
    g_free(o);
}
END_TEST

static void *submit_elsewhere(void *arg)
{
    struct once *o = arg;

    machine_lock(m);
    blk_submit(o->req.blk, &o->req);
    machine_unlock(m);
    return NULL;
}

/* From another thread, also a request that is refused without any I/O. */
START_TEST(from_another_thread)
{
    struct blk *blk = open_disk(",driver=raw");
    uint8_t buf[512];
    struct iovec v = {buf, sizeof(buf)};
    struct once o = {.req = {.op = BLK_READ, .off = _i ? 1 << 20 : 512, .len = 512, .iov = &v,
                             .niov = 1, .done = done, .arg = &o, .blk = blk}};

    machine_unlock(m);
    g_thread_join(g_thread_new("submitter", submit_elsewhere, &o));
    machine_lock(m);
    ck_assert_int_eq(wait_for(&o), _i ? -EIO : 0);
    ck_assert_uint_eq(calls, 1);
}
END_TEST

START_TEST(guessed_raw)
{
    struct blk *blk = open_disk("");
    uint8_t evil[512] = "QFI\xfb\0\0\0\3", good[512] = {0xeb};
    struct iovec bad = {evil, 512}, ok = {good, 512};
    struct once o;

    submit(blk, &o, BLK_WRITE, 0, &bad);
    ck_assert_int_eq(wait_for(&o), -EPERM);
    submit(blk, &o, BLK_WRITE, 512, &bad);
    ck_assert_int_eq(wait_for(&o), 0);
    submit(blk, &o, BLK_WRITE, 0, &ok);
    ck_assert_int_eq(wait_for(&o), 0);
    blk_close(blk);
    blk = open_disk(",driver=raw");
    submit(blk, &o, BLK_WRITE, 0, &bad);
    ck_assert_int_eq(wait_for(&o), 0);
}
END_TEST

/* As in a container whose seccomp filter has no io_uring. */
static void refuse_io_uring(void)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {G_N_ELEMENTS(f), f};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

START_TEST(io_uring_refused)
{
    GError *err = NULL;
    uint8_t buf[512] = {7}, back[512];
    struct iovec v = {buf, 512}, w = {back, 512};
    struct once o;

    refuse_io_uring();
    struct blk *blk = open_disk(",driver=raw");
    submit(blk, &o, BLK_WRITE, 1024, &v);
    ck_assert_int_eq(wait_for(&o), 0);
    submit(blk, &o, BLK_READ, 1024, &w);
    ck_assert_int_eq(wait_for(&o), 0);
    ck_assert_mem_eq(buf, back, 512);
    ck_assert_ptr_null(block_aio(block_get(m), "io_uring", &err));
    ck_assert(strstr(err->message, "aio=threads"));
    g_error_free(err);
}
END_TEST

START_TEST(lists_of_buffers)
{
    char a[3] = "abc", b[4] = "defg", out[8] = "";
    struct iovec v[] = {{a, 3}, {b, 4}}, part[2];

    ck_assert_uint_eq(iov_size(v, 2), 7);
    iov_read(v, 2, 2, out, 3);
    ck_assert_str_eq(out, "cde");
    iov_write(v, 2, 2, "XYZ", 3);
    ck_assert(!memcmp(a, "abX", 3) && !memcmp(b, "YZfg", 4));
    ck_assert_uint_eq(iov_slice(v, 2, 1, 4, part), 2);
    ck_assert(part[0].iov_base == a + 1 && part[1].iov_len == 2);
    ck_assert(!iov_is_zero(v, 2));
    iov_fill(v, 2, 0, 0, 7);
    ck_assert(iov_is_zero(v, 2));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block");
    TCase *t = tcase_create("block");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, exactly_once, 0, 2);
    tcase_add_loop_test(t, from_another_thread, 0, 2);
    tcase_add_test(t, guessed_raw);
    tcase_add_test(t, io_uring_refused);
    tcase_add_test(t, lists_of_buffers);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
