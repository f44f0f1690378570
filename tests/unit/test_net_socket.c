/* SPDX-License-Identifier: MIT */
/*
 * stream, dgram and socket between two machines in this process: what one card sends the other
 * receives, whole and in order, however slow it is; links follow the connection.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/machine_test.h"
#include "net/netdev.h"
#include "util/iov.h"

struct fake {
    struct net_client client;
    unsigned got, bad, room, links;
    uint32_t next;
};

static struct machine *m[2];
static struct fake *card[2];
static char *dir;

static uint8_t byte_of(uint32_t n, size_t i)
{
    return (uint8_t)(n * 31 + i * 7);
}

static size_t len_of(uint32_t n)
{
    return 18 + n * 131 % 1500;
}

static bool fake_receive(struct net_client *c, const struct net_frame *f)
{
    struct fake *k = (struct fake *)c;
    g_autofree uint8_t *buf = g_malloc(f->len);
    uint32_t n;

    if (!k->room)
        return false;
    k->room--;
    iov_read(f->iov, f->niov, 0, buf, f->len);
    memcpy(&n, buf + 14, sizeof(n));
    bool ok = n == k->next++ && f->len == len_of(n);
    for (size_t i = 18; ok && i < f->len; i++)
        ok = buf[i] == byte_of(n, i);
    k->bad += !ok;
    k->got++;
    return true;
}

static void fake_link(struct net_client *c)
{
    ((struct fake *)c)->links++;
}

static const struct net_client_ops fake_ops = {.kind = "fake", .receive = fake_receive,
                                               .link_changed = fake_link};

/* In pieces, as a card's are. */
static bool send_nth(struct fake *k, uint32_t n)
{
    uint8_t f[2000];
    size_t len = len_of(n);
    struct iovec iov[3] = {{f, 5}, {f + 5, 12}, {f + 17, len - 17}};
    struct net_frame fr = {.iov = iov, .niov = 3, .len = len};

    for (size_t i = 0; i < len; i++)
        f[i] = byte_of(n, i);
    memcpy(f + 14, &n, sizeof(n));
    return net_send(&k->client, &fr);
}

static void setup(void)
{
    dir = g_dir_make_tmp("hostel-XXXXXX", NULL);
    for (unsigned i = 0; i < 2; i++) {
        m[i] = machine_new_test();
        machine_lock(m[i]);
        card[i] = net_client_new(m[i], &fake_ops, sizeof(struct fake), "card");
        card[i]->room = UINT32_MAX;
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < 2; i++) {
        machine_unlock(m[i]);
        machine_free(m[i]);
    }
    rmdir(dir);
    g_free(dir);
}

static void add(unsigned i, const char *fmt, const char *arg)
{
    GError *err = NULL;
    g_autofree char *text = g_strdup_printf(fmt, arg);

    ck_assert_msg(netdev_add_from_text(m[i], text, &err), "%s: %s", text,
                  err ? err->message : "");
    net_connect(&card[i]->client, net_find(m[i], "n"));
}

/* Both share this thread's main context. */
static void turn(void)
{
    for (unsigned i = 0; i < 2; i++)
        clock_step(&m[i]->vclock, 1000);
    g_main_context_iteration(NULL, FALSE);
}

static bool joined(void)
{
    return net_link_up(&card[0]->client) && net_link_up(&card[1]->client);
}

static void wait_until(bool (*cond)(void))
{
    for (unsigned i = 0; i < 20000 && !cond(); i++) {
        turn();
        if (i > 100)
            g_usleep(100);
    }
    ck_assert(cond());
}

static void exchange(uint32_t count)
{
    uint32_t at[2] = {0, 0};

    for (unsigned turns = 0; turns < 100000; turns++) {
        for (unsigned i = 0; i < 2; i++)
            while (at[i] < count && send_nth(card[i], at[i]))
                at[i]++;
        turn();
        if (card[0]->got == count && card[1]->got == count)
            break;
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(card[i]->got, count);
        ck_assert_uint_eq(card[i]->bad, 0);
    }
}

static bool parted(void)
{
    return !net_link_up(&card[0]->client);
}

START_TEST(unix_stream)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);

    add(0, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path);
    ck_assert(!net_link_up(&card[0]->client));
    add(1, "stream,id=n,addr.type=unix,addr.path=%s", path);
    wait_until(joined);
    ck_assert_uint_ge(card[0]->links, 1);
    exchange(3000);
    ck_assert(netdev_del(m[1], "n", NULL));
    wait_until(parted);
    ck_assert(send_nth(card[0], 0)); /* nobody there: lost */
    add(1, "stream,id=n,addr.type=unix,addr.path=%s,reconnect=1", path);
    wait_until(joined);
    card[0]->got = card[1]->got = card[0]->next = card[1]->next = 0;
    exchange(100);
}
END_TEST

START_TEST(a_slow_receiver_loses_nothing)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    uint32_t sent = 0;

    add(0, "stream,id=n,server=on,addr.type=unix,addr.path=%s", path);
    add(1, "stream,id=n,addr.type=unix,addr.path=%s", path);
    wait_until(joined);
    card[0]->room = 0;
    for (unsigned i = 0; i < 2000; i++) {
        while (send_nth(card[1], sent))
            sent++;
        turn();
    }
    ck_assert_uint_gt(sent, 100); /* buffers of the host and ours */
    ck_assert_uint_lt(sent, 20000);
    ck_assert_uint_eq(card[0]->got, 0);
    for (unsigned i = 0; i < 100000 && card[0]->got < sent; i++) {
        card[0]->room = 7;
        net_accept(&card[0]->client);
        turn();
    }
    ck_assert_uint_eq(card[0]->got, sent);
    ck_assert_uint_eq(card[0]->bad, 0);
    ck_assert(send_nth(card[1], sent)); /* room again */
}
END_TEST

static unsigned free_port(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type, 0);

    ck_assert(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
              getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    close(fd);
    return ntohs(a.sin_port);
}

START_TEST(tcp_socket)
{
    g_autofree char *where = g_strdup_printf("127.0.0.1:%u", free_port(SOCK_STREAM));

    add(0, "socket,id=n,listen=%s", where);
    add(1, "socket,id=n,connect=%s", where);
    wait_until(joined);
    exchange(1000);
}
END_TEST

START_TEST(passed_sockets)
{
    int fd[2];
    char text[2][16];

    ck_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    for (unsigned i = 0; i < 2; i++) {
        g_snprintf(text[i], sizeof(text[i]), "%d", fd[i]);
        add(i, "socket,id=n,fd=%s", text[i]);
    }
    exchange(500);
}
END_TEST

/* A length that no frame has ends the connection. */
START_TEST(nonsense_ends_a_stream)
{
    int fd[2];
    char text[16];

    ck_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    g_snprintf(text, sizeof(text), "%d", fd[0]);
    add(0, "socket,id=n,fd=%s", text);
    ck_assert(write(fd[1], "\xff\xff\xff\xff", 4) == 4);
    wait_until(parted);
    ck_assert_int_eq(read(fd[1], text, 1), 0);
    close(fd[1]);
}
END_TEST

/* A few at a time: datagrams may be lost when nobody reads. */
static void exchange_slowly(void)
{
    for (uint32_t n = 0; n < 300; n++) {
        for (unsigned i = 0; i < 2; i++)
            ck_assert(send_nth(card[i], n));
        for (unsigned k = 0; k < 1000 && (card[0]->got <= n || card[1]->got <= n); k++)
            turn();
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(card[i]->got, 300);
        ck_assert_uint_eq(card[i]->bad, 0);
    }
}

START_TEST(udp)
{
    unsigned a = free_port(SOCK_DGRAM), b = free_port(SOCK_DGRAM);
    g_autofree char *one = g_strdup_printf("udp=127.0.0.1:%u,localaddr=127.0.0.1:%u", a, b);
    g_autofree char *other = g_strdup_printf(
        "local.type=inet,local.host=127.0.0.1,local.port=%u,"
        "remote.type=inet,remote.host=127.0.0.1,remote.port=%u", a, b);

    add(0, "socket,id=n,%s", one);
    add(1, "dgram,id=n,%s", other);
    exchange_slowly();
}
END_TEST

START_TEST(unix_dgram)
{
    g_autofree char *one = g_strdup_printf("local.type=unix,local.path=%s/a,"
                                           "remote.type=unix,remote.path=%s/b", dir, dir);
    g_autofree char *other = g_strdup_printf("local.type=unix,local.path=%s/b,"
                                             "remote.type=unix,remote.path=%s/a", dir, dir);

    add(0, "dgram,id=n,%s", one);
    add(1, "dgram,id=n,%s", other);
    exchange_slowly();
}
END_TEST

START_TEST(refusals)
{
    static const char *const wrong[][2] = {
        {"socket,id=x", "exactly one"},
        {"socket,id=x,listen=5,connect=6", "exactly one"},
        {"socket,id=x,listen=nowhere", "HOST:PORT"},
        {"socket,id=x,fd=999", "not an open socket"},
        {"socket,id=x,udp=127.0.0.1:5", "localaddr"},
        {"socket,id=x,mcast=10.0.0.1:5", "not a multicast"},
        {"stream,id=x", "addr.type"},
        {"stream,id=x,addr.type=unix,addr.path=/nowhere/s", "/nowhere/s"},
        {"stream,id=x,server=on,reconnect=3,addr.type=unix,addr.path=/tmp/s", "reconnect"},
        {"dgram,id=x", "local.*"},
        {"dgram,id=x,local.type=inet,local.host=127.0.0.1", "port= is missing"},
        {"tap,id=x,fd=0", "not an open tap"},
        {"tap,id=x,vhost=on", "vhost"},
        {"tap,id=x,br=br0", "br="},
        {"tap,id=x,fd=3,ifname=t", "ifname="},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GError *err = NULL;
        ck_assert_msg(!netdev_add_from_text(m[0], wrong[i][0], &err), "%s", wrong[i][0]);
        ck_assert_msg(strstr(err->message, wrong[i][1]), "%s: %s", wrong[i][0], err->message);
        g_error_free(err);
        ck_assert_ptr_null(net_find(m[0], "x"));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_socket");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, unix_stream);
    tcase_add_test(t, a_slow_receiver_loses_nothing);
    tcase_add_test(t, tcp_socket);
    tcase_add_test(t, passed_sockets);
    tcase_add_test(t, nonsense_ends_a_stream);
    tcase_add_test(t, udp);
    tcase_add_test(t, unix_dgram);
    tcase_add_test(t, refusals);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
