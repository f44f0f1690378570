/* SPDX-License-Identifier: MIT */
/* Pid files: number, permissions, lock, removal; a parent that learns how the start went. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/daemon.h"

static char dir[] = "/tmp/hostel-test-XXXXXX";
static char path[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    g_snprintf(path, sizeof(path), "%s/pid", dir);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
}

START_TEST(pidfile)
{
    GError *err = NULL;
    g_autofree char *text = NULL;
    struct stat st;

    g_file_set_contents(path, "99999999 something longer", -1, NULL);
    chmod(path, 0644);
    char *name = pidfile_write(path, &err);
    ck_assert_ptr_nonnull(name);
    ck_assert_str_eq(name, path);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_int_eq(atoi(text), getpid());
    ck_assert_uint_eq(strlen(text), strspn(text, "0123456789") + 1);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);

    pid_t other = fork(); /* locks are per process */
    if (other == 0)
        _exit(pidfile_write(path, NULL) ? 0 : 42);
    int status;
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert_int_eq(WEXITSTATUS(status), 42);

    pidfile_remove(name);
    ck_assert_int_ne(access(path, F_OK), 0);
    pidfile_remove(NULL);
}
END_TEST

START_TEST(pidfile_nowhere)
{
    GError *err = NULL;

    ck_assert_ptr_null(pidfile_write("/nonexistent/dir/pid", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "/nonexistent/dir/pid"));
    g_clear_error(&err);
}
END_TEST

/* The status with which the starting process ends, when the machine behind it starts or not. */
static int launcher_status(bool starts)
{
    int status;
    pid_t launcher = fork();

    if (launcher == 0) {
        int fd;
        if (!daemon_fork(&fd, NULL))
            _exit(99);
        if (starts)
            daemon_started(fd);
        _exit(7);
    }
    ck_assert_int_eq(waitpid(launcher, &status, 0), launcher);
    return WEXITSTATUS(status);
}

START_TEST(background)
{
    ck_assert_int_eq(launcher_status(true), 0);
    ck_assert_int_eq(launcher_status(false), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("daemon");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {pidfile, pidfile_nowhere, background};

    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
