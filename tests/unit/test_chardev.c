/* SPDX-License-Identifier: MIT */
/* chardev/: back ends against real files, sockets and terminals; the mux; what is refused. */
#define _GNU_SOURCE
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "chardev/chardev.h"
#include "chardev/terminal.h"
#include "core/machine_test.h"

struct fe { /* a front end that remembers */
    GString *got;
    size_t room;
    unsigned opened, closed, breaks, focused, writable;
};

static struct machine *m;
static struct fe a, b;
static char *dir;

static size_t fe_can(void *arg)
{
    return ((struct fe *)arg)->room;
}
static void fe_recv(void *arg, const uint8_t *buf, size_t len)
{
    struct fe *f = arg;
    ck_assert_uint_le(len, f->room);
    f->room -= len;
    g_string_append_len(f->got, (const char *)buf, (gssize)len);
}
static void fe_event(void *arg, enum chr_event ev)
{
    struct fe *f = arg;
    f->opened += ev == CHR_OPENED;
    f->closed += ev == CHR_CLOSED;
    f->breaks += ev == CHR_BREAK;
    f->focused += ev == CHR_FOCUS;
}
static void fe_writable(void *arg)
{
    ((struct fe *)arg)->writable++;
}
static struct chr_frontend table(struct fe *f)
{
    return (struct chr_frontend){.can_receive = fe_can, .receive = fe_recv, .event = fe_event,
                                 .writable = fe_writable, .arg = f};
}
static void attach(struct chardev *chr, struct fe *f)
{
    struct chr_frontend t = table(f);
    ck_assert(chr_attach(chr, &t, NULL));
}

static void setup(void)
{
    m = machine_new_test();
    a = (struct fe){.got = g_string_new(NULL), .room = 1000000};
    b = (struct fe){.got = g_string_new(NULL), .room = 1000000};
    dir = g_dir_make_tmp("hostel-XXXXXX", NULL);
    machine_lock(m);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    g_string_free(a.got, TRUE);
    g_string_free(b.got, TRUE);
    g_autofree char *rm = g_strdup_printf("rm -rf '%s'", dir);
    ck_assert_int_eq(system(rm), 0);
    g_free(dir);
}

static char *in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static struct chardev *from(const char *id, const char *fmt, const char *arg)
{
    GError *err = NULL;
    g_autofree char *text = g_strdup(fmt);
    if (arg) {
        char *at = strstr(text, "%s");
        char *full = g_strdup_printf("%.*s%s%s", (int)(at - text), text, arg, at + 2);
        g_free(text);
        text = full;
    }
    struct chardev *chr = chardev_new_from_text(m, id, text, NULL, &err);
    ck_assert_msg(chr != NULL, "%s", err ? err->message : "?");
    return chr;
}

/* Let the main loop run until the condition holds, for at most five seconds. */
#define AWAIT(cond)                                                                                \
    do {                                                                                           \
        int64_t end = g_get_monotonic_time() + 5000000;                                            \
        while (!(cond)) {                                                                          \
            ck_assert_msg(g_get_monotonic_time() < end, "waited in vain for " #cond);              \
            if (!g_main_context_iteration(m->context, FALSE))                                      \
                g_usleep(200);                                                                     \
        }                                                                                          \
    } while (0)

static int client_of(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void expect_bytes(int fd, const char *text)
{
    char buf[256];
    size_t n = strlen(text);
    ck_assert_uint_lt(n, sizeof(buf));
    for (size_t got = 0; got < n;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ssize_t r = read(fd, buf + got, n - got);
        ck_assert_int_gt(r, 0);
        got += (size_t)r;
    }
    ck_assert_mem_eq(buf, text, n);
}

static void put(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(file_is_written)
{
    g_autofree char *path = in_dir("a,b");
    struct chardev *chr = from("f", "file:%s", path);
    attach(chr, &a);
    ck_assert_uint_eq(a.opened, 1);
    ck_assert_uint_eq(chr_write(chr, "hello", 5), 5);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "hello");
    ck_assert_ptr_eq(chardev_find(m, "f"), chr);
    ck_assert_ptr_null(chardev_find(m, "g"));
}
END_TEST

START_TEST(pipes_both_ways)
{
    g_autofree char *in = in_dir("p.in"), *out = in_dir("p.out"), *path = in_dir("p");
    ck_assert_int_eq(mkfifo(in, 0600), 0);
    ck_assert_int_eq(mkfifo(out, 0600), 0);
    struct chardev *chr = from("p", "pipe:%s", path);
    attach(chr, &a);
    int w = open(in, O_WRONLY), r = open(out, O_RDONLY);
    chr_write(chr, "out", 3);
    expect_bytes(r, "out");
    put(w, "in");
    AWAIT(a.got->len == 2);
    close(w); /* a FIFO may be opened again and again */
    w = open(in, O_WRONLY);
    put(w, "!");
    AWAIT(a.got->len == 3);
    ck_assert_str_eq(a.got->str, "in!");
    close(w);
    close(r);
}
END_TEST

START_TEST(unix_server_reconnects)
{
    g_autofree char *path = in_dir("sock");
    struct stat st;
    struct chardev *chr = from("s", "unix:%s,server=on,wait=off", path);
    attach(chr, &a);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert(!chr_is_open(chr));
    ck_assert_uint_eq(chr_write(chr, "lost", 4), 4);
    for (unsigned round = 1; round <= 3; round++) {
        int fd = client_of(path);
        AWAIT(a.opened == round);
        chr_write(chr, "hi", 2);
        expect_bytes(fd, "hi");
        put(fd, "yo");
        AWAIT(a.got->len == 2 * round);
        close(fd);
        AWAIT(a.closed == round);
        ck_assert_uint_eq(chr_write(chr, "lost", 4), 4);
    }
    chardev_free(chr);
    ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

START_TEST(second_client_waits)
{
    g_autofree char *path = in_dir("sock");
    struct chardev *chr = from("s", "unix:%s,server,nowait", path);
    attach(chr, &a);
    int one = client_of(path), two = client_of(path);
    AWAIT(a.opened == 1);
    put(two, "two");
    put(one, "one");
    AWAIT(a.got->len == 3);
    ck_assert_str_eq(a.got->str, "one");
    close(one);
    AWAIT(a.got->len == 6);
    ck_assert_str_eq(a.got->str, "onetwo");
    close(two);
}
END_TEST

START_TEST(unix_client_and_retry)
{
    g_autofree char *path = in_dir("sock");
    struct chardev *cli = from("c", "unix:%s,reconnect=1", path);
    attach(cli, &a);
    ck_assert(!chr_is_open(cli));
    struct chardev *srv = from("s", "unix:%s,server=on,wait=off", path);
    attach(srv, &b);
    AWAIT(a.opened == 1 && b.opened == 1);
    chr_write(cli, "ping", 4);
    AWAIT(b.got->len == 4);
    chr_write(srv, "pong", 4);
    AWAIT(a.got->len == 4);
}
END_TEST

START_TEST(tcp_on_loopback)
{
    struct chardev *srv = NULL;
    char port[8];
    for (int p = 45100; !srv && p < 45200; p++) {
        g_autofree char *text = g_strdup_printf("tcp:127.0.0.1:%d,server=on,wait=off", p);
        snprintf(port, sizeof(port), "%d", p);
        srv = chardev_new_from_text(m, "s", text, NULL, NULL);
    }
    ck_assert_ptr_nonnull(srv);
    attach(srv, &b);
    struct chardev *cli = from("c", "tcp:127.0.0.1:%s", port);
    attach(cli, &a);
    AWAIT(b.opened == 1);
    chr_write(cli, "x", 1);
    AWAIT(b.got->len == 1);
    GError *err = NULL; /* in use: said so */
    g_autofree char *again = g_strdup_printf("tcp:127.0.0.1:%s,server=on,wait=off", port);
    ck_assert_ptr_null(chardev_new_from_text(m, "t", again, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "choose another port"));
    g_error_free(err);
}
END_TEST

START_TEST(passed_descriptor)
{
    int sv[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    g_autofree char *text = g_strdup_printf("socket,id=q,fd=%d", sv[0]);
    struct chardev *chr = chardev_new_from_options(m, text, NULL);
    ck_assert_ptr_nonnull(chr);
    attach(chr, &a);
    ck_assert_uint_eq(a.opened, 1);
    put(sv[1], "abc");
    AWAIT(a.got->len == 3);
    close(sv[1]);
    AWAIT(a.closed == 1);
}
END_TEST

START_TEST(slow_reader_pushes_back)
{
    int sv[2];
    char *big = g_malloc0(100000);
    size_t taken = 0, n;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    g_autofree char *text = g_strdup_printf("socket,id=q,fd=%d", sv[0]);
    struct chardev *chr = chardev_new_from_options(m, text, NULL);
    attach(chr, &a);
    while ((n = chr_write(chr, big, 100000)) > 0) {
        taken += n;
        ck_assert_uint_lt(taken, 10000000);
    }
    ck_assert_uint_eq(a.writable, 0);
    size_t got = 0;
    while (got < taken) {
        char buf[65536];
        ssize_t r = recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT);
        if (r > 0)
            got += (size_t)r;
        g_main_context_iteration(m->context, FALSE);
    }
    ck_assert_uint_eq(got, taken);
    ck_assert_uint_eq(a.writable, 1);
    ck_assert_uint_eq(chr_write(chr, "x", 1), 1);
    close(sv[1]); /* a reader that dies with bytes under way */
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(chr_write(chr, big, 100000), 100000);
    AWAIT(a.closed == 1);
    g_free(big);
}
END_TEST

START_TEST(front_end_without_room)
{
    int sv[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    g_autofree char *text = g_strdup_printf("socket,id=q,fd=%d", sv[0]);
    struct chardev *chr = chardev_new_from_options(m, text, NULL);
    a.room = 3;
    attach(chr, &a);
    put(sv[1], "abcdef");
    AWAIT(a.got->len == 3);
    for (int i = 0; i < 20; i++)
        g_main_context_iteration(m->context, FALSE);
    ck_assert_uint_eq(a.got->len, 3);
    a.room = 2;
    chr_accept_input(chr);
    AWAIT(a.got->len == 5);
    a.room = 9;
    chr_accept_input(chr);
    AWAIT(a.got->len == 6);
    ck_assert_str_eq(a.got->str, "abcdef");
    close(sv[1]);
}
END_TEST

START_TEST(pty_opens_and_closes)
{
    GString *text = g_string_new(NULL);
    struct chardev *chr = from("p", "pty", NULL);
    attach(chr, &a);
    chardev_describe(m, text);
    char *name = strstr(text->str, "/dev/pts/");
    ck_assert_ptr_nonnull(name);
    name[strcspn(name, " \n")] = 0;
    ck_assert(!chr_is_open(chr));
    chr_write(chr, "lost", 4);
    for (unsigned round = 1; round <= 2; round++) {
        int fd = open(name, O_RDWR | O_NOCTTY);
        ck_assert_int_ge(fd, 0);
        AWAIT(a.opened == round);
        chr_write(chr, "hi\n", 3);
        expect_bytes(fd, "hi\n");
        put(fd, "\x03\r");
        AWAIT(a.got->len == 2 * round);
        close(fd);
        AWAIT(a.closed == round);
    }
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(memory_and_ringbuf)
{
    struct chardev *chr = chardev_memory_new(m, "mem");
    attach(chr, &a);
    chardev_memory_set_room(chr, 4);
    ck_assert_uint_eq(chr_write(chr, "abcdef", 6), 4);
    ck_assert_uint_eq(a.writable, 0);
    g_byte_array_unref(chardev_memory_take(chr));
    ck_assert_uint_eq(a.writable, 1);
    a.room = 1;
    chardev_memory_send(chr, "xyz", 3);
    ck_assert_str_eq(a.got->str, "x");
    a.room = 5;
    chr_accept_input(chr);
    ck_assert_str_eq(a.got->str, "xyz");
    struct chardev *ring = chardev_new_from_options(m, "ringbuf,id=r,size=4", NULL);
    chr_write(ring, "abcdef", 6);
    GByteArray *kept = chardev_memory_take(ring);
    ck_assert_uint_eq(kept->len, 4);
    ck_assert_mem_eq(kept->data, "cdef", 4);
    g_byte_array_unref(kept);
}
END_TEST

START_TEST(one_front_end_each)
{
    struct chardev *chr = chardev_memory_new(m, "mem");
    struct chr_frontend t = table(&b);
    GError *err = NULL;
    attach(chr, &a);
    ck_assert(!chr_attach(chr, &t, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "mux=on"));
    g_error_free(err);
    chr_detach(chr, &b); /* not attached: nothing happens */
    chr_detach(chr, &a);
    ck_assert(chr_attach(chr, &t, NULL));
}
END_TEST

START_TEST(mux_escapes)
{
    struct chardev *base = chardev_memory_new(m, "con");
    struct chardev *mux = chardev_mux_new(m, base);
    ck_assert_str_eq(chardev_id(mux), "con");
    ck_assert(chardev_is_mux(mux));
    struct chr_frontend mon = table(&b);
    mon.monitor = true;
    ck_assert(chr_attach(mux, &mon, NULL));
    attach(mux, &a); /* comes later, yet gets the input: the other is a monitor */
    chardev_memory_send(base, "ls\x01\x01\r", 5);
    ck_assert_str_eq(a.got->str, "ls\x01\r");
    chardev_memory_send(base, "\x01", 1);
    chardev_memory_send(base, "c", 1);
    chardev_memory_send(base, "quit", 4);
    ck_assert_str_eq(b.got->str, "quit");
    chardev_memory_send(base, "\x01" "b", 2);
    ck_assert_uint_eq(b.breaks, 1);
    chardev_memory_send(base, "\x01" "c" "x", 3);
    ck_assert_str_eq(a.got->str, "ls\x01\rx");
    chr_write(mux, "both", 4);
    GByteArray *out = chardev_memory_take(base);
    ck_assert_mem_eq(out->data + out->len - 4, "both", 4);
    g_byte_array_unref(out);
    chardev_memory_send(base, "\x01h", 2);
    out = chardev_memory_take(base);
    g_byte_array_append(out, (const guint8 *)"", 1);
    ck_assert_ptr_nonnull(strstr((char *)out->data, "Ctrl-A X"));
    g_byte_array_unref(out);
    ck_assert_uint_eq(m->requests, 0);
    chardev_memory_send(base, "\x01x", 2);
    ck_assert_uint_ne(m->requests, 0);
    chr_detach(mux, &a); /* the focus goes on to who is left */
    chardev_memory_send(base, "z", 1);
    ck_assert_str_eq(b.got->str, "quitz");
}
END_TEST

START_TEST(mux_waits_for_a_guest_that_does_not_read)
{
    struct chardev *base = chardev_memory_new(m, "con");
    struct chardev *mux = chardev_mux_new(m, base);
    a.room = 0;
    attach(mux, &a);
    chardev_memory_send(base, "later", 5);
    ck_assert_uint_eq(a.got->len, 0);
    chardev_memory_send(base, "\x01x", 2); /* escapes are heard all the same */
    ck_assert_uint_ne(m->requests, 0);
    a.room = 2;
    chr_accept_input(mux);
    ck_assert_str_eq(a.got->str, "la");
    a.room = 100;
    chr_accept_input(mux);
    ck_assert_str_eq(a.got->str, "later");
    char *flood = g_strnfill(10000, 'f');
    a.room = 0;
    chardev_memory_send(base, flood, 10000);
    for (size_t got = a.got->len; got < 10005; got = a.got->len) {
        a.room = 100; /* nothing is lost when the other end can wait */
        chr_accept_input(mux);
        ck_assert_uint_gt(a.got->len, got);
    }
    g_free(flood);
}
END_TEST

START_TEST(mux_time_stamps)
{
    struct chardev *base = chardev_memory_new(m, "con");
    struct chardev *mux = chardev_mux_new(m, base);
    attach(mux, &a);
    chardev_memory_send(base, "\x01t", 2);
    ck_assert_uint_eq(chr_write(mux, "one\ntwo\n", 8), 8);
    GByteArray *out = chardev_memory_take(base);
    g_byte_array_append(out, (const guint8 *)"", 1);
    ck_assert(g_str_has_prefix((char *)out->data, "one\n[00:00:0"));
    ck_assert(g_str_has_suffix((char *)out->data, "] two\n"));
    g_byte_array_unref(out);
}
END_TEST

START_TEST(refused_texts)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"stido", "did you mean 'stdio'"},
        {"vc", "no display"},
        {"udp::4555", "udp"},
        {"unix:", "1 to"},
        {"unix:/tmp/x,sever=on", "did you mean 'server'"},
        {"tcp:localhost", "port"},
        {"tcp:localhost:", "port"},
        {"file:", "path"},
        {"file:/nonexistent/x", "No such file"},
        {"pipe:/nonexistent/x", "mkfifo"},
        {"chardev:nobody", "nobody"},
        {"unix:/nonexistent/x", "server=on"},
        {"socket", "path=PATH"},
        {"socket,fd=77", "fd=77"},
        {"ringbuf,size=3", "power of two"},
        {"null,mux=perhaps", "perhaps"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *err = NULL;
        ck_assert_msg(!chardev_new_from_text(m, "x", bad[i].text, NULL, &err), "%s", bad[i].text);
        ck_assert_ptr_nonnull(err);
        ck_assert_msg(strstr(err->message, bad[i].says), "%s -> %s", bad[i].text, err->message);
        g_error_free(err);
    }
    ck_assert_uint_eq(m->chardevs->len, 0);
    ck_assert_ptr_null(chardev_new_from_options(m, "null", NULL));
    ck_assert_ptr_nonnull(chardev_new_from_options(m, "null,id=n,mux=on", NULL));
    ck_assert_ptr_null(chardev_new_from_options(m, "null,id=n", NULL));
    ck_assert(chardev_is_mux(chardev_find(m, "n")));
}
END_TEST

/* In a child on a terminal of its own: raw meanwhile, sane after each way out. */
static struct termios child_on_terminal(int how, bool *was_raw)
{
    int master, slave, go[2];
    char byte = 0;
    struct termios during, after;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        login_tty(slave);
        for (int sig = 1; sig < 32; sig++)
            signal(sig, SIG_DFL); /* Check has its own for some */
        struct machine *mm = machine_new_test();
        machine_lock(mm);
        struct chardev *chr = chardev_new_from_text(mm, "s", "mon:stdio", NULL, NULL);
        chr_write(chr, "R", 1);
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        if (how == 0)
            exit(0);
        if (how == 1)
            chardev_free(chr);
        else
            raise(how);
        _exit(0);
    }
    expect_bytes(master, "R");
    ck_assert_int_eq(tcgetattr(slave, &during), 0);
    *was_raw = !(during.c_lflag & (ICANON | ECHO | ISIG));
    ck_assert_int_eq(write(go[1], &byte, 1), 1);
    close(go[0]);
    close(go[1]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (how > 1)
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == how);
    ck_assert_int_eq(tcgetattr(slave, &after), 0);
    close(master);
    close(slave);
    return after;
}

START_TEST(terminal_is_restored)
{
    static const int ways[] = {0, 1, SIGTERM, SIGINT, SIGHUP, SIGSEGV, SIGABRT};
    bool raw;
    machine_unlock(m);
    struct termios t = child_on_terminal(ways[_i], &raw);
    machine_lock(m);
    ck_assert(raw);
    ck_assert((t.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
    ck_assert(t.c_iflag & ICRNL);
}
END_TEST

/* Scripts and CI: input from /dev/null, a file, a pipe that ends. */
START_TEST(stdio_that_is_no_terminal)
{
    int in[2], out[2];
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        struct chardev *chr = from("s", "stdio", NULL);
        attach(chr, &a);
        AWAIT(a.got->len == 5);
        for (int i = 0; i < 10; i++) /* end of file: no busy loop, output goes on */
            g_main_context_iteration(m->context, FALSE);
        chr_write(chr, a.got->str, a.got->len);
        _exit(chardev_new_from_text(m, "t", "stdio", NULL, NULL) != NULL);
    }
    close(out[1]);
    put(in[1], "hello");
    close(in[1]);
    expect_bytes(out[0], "hello");
    int status;
    waitpid(pid, &status, 0);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(fcntl(out[0], F_GETFL) & O_NONBLOCK, 0);
    close(out[0]);
    close(in[0]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chardev");
    TCase *t = tcase_create("chardev");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, file_is_written);
    tcase_add_test(t, pipes_both_ways);
    tcase_add_test(t, unix_server_reconnects);
    tcase_add_test(t, second_client_waits);
    tcase_add_test(t, unix_client_and_retry);
    tcase_add_test(t, tcp_on_loopback);
    tcase_add_test(t, passed_descriptor);
    tcase_add_test(t, slow_reader_pushes_back);
    tcase_add_test(t, front_end_without_room);
    tcase_add_test(t, pty_opens_and_closes);
    tcase_add_test(t, memory_and_ringbuf);
    tcase_add_test(t, one_front_end_each);
    tcase_add_test(t, mux_escapes);
    tcase_add_test(t, mux_waits_for_a_guest_that_does_not_read);
    tcase_add_test(t, mux_time_stamps);
    tcase_add_test(t, refused_texts);
    tcase_add_loop_test(t, terminal_is_restored, 0, 7);
    tcase_add_test(t, stdio_that_is_no_terminal);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
