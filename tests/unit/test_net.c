/* SPDX-License-Identifier: MIT */
/*
 * Networks without a guest: cables with fakes at both ends, hubs, links, dumps, what the options
 * refuse; checksums and segmentation against a plain reference.
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/machine_test.h"
#include "net/dump.h"
#include "net/netdev.h"
#include "net/offload.h"
#include "util/iov.h"
#include "util/keyval.h"

struct fake {
    struct net_client client;
    GPtrArray *got;   /* GByteArray * */
    unsigned room;    /* frames it takes before it is full */
    unsigned writable;
    unsigned links;
    struct net_offload last;
    struct net_client *echo; /* send what comes back to where it came from */
};

static struct machine *m;

static bool fake_receive(struct net_client *c, const struct net_frame *f)
{
    struct fake *k = (struct fake *)c;
    GByteArray *a;

    if (!k->room)
        return false;
    k->room--;
    a = g_byte_array_sized_new((guint)f->len);
    g_byte_array_set_size(a, (guint)f->len);
    iov_read(f->iov, f->niov, 0, a->data, f->len);
    g_ptr_array_add(k->got, a);
    k->last = f->off;
    if (k->echo)
        net_post(c, f);
    return true;
}

static void fake_writable(struct net_client *c)
{
    ((struct fake *)c)->writable++;
}

static void fake_link(struct net_client *c)
{
    ((struct fake *)c)->links++;
}

static void fake_free(struct net_client *c)
{
    g_ptr_array_free(((struct fake *)c)->got, TRUE);
}

static const struct net_client_ops fake_ops = {.kind = "fake", .receive = fake_receive,
                                               .writable = fake_writable,
                                               .link_changed = fake_link, .free = fake_free};

static struct fake *fake_new(const char *id)
{
    struct fake *k = net_client_new(m, &fake_ops, sizeof(*k), id);

    k->got = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    k->room = 1u << 30;
    return k;
}

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
}

static bool send_bytes(struct fake *k, const void *data, size_t len)
{
    struct iovec iov = {(void *)data, len};
    struct net_frame f = {.iov = &iov, .niov = 1, .len = len};

    return net_send(&k->client, &f);
}

static const GByteArray *nth(const struct fake *k, unsigned i)
{
    ck_assert_uint_lt(i, k->got->len);
    return k->got->pdata[i];
}

/* ---- Cables ---------------------------------------------------------------------------- */

START_TEST(frames_arrive)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[100];

    memset(frame, 0x5a, sizeof(frame));
    ck_assert(send_bytes(a, frame, sizeof(frame))); /* loose: lost */
    net_connect(&a->client, &b->client);
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert(send_bytes(a, frame, NET_ETH_HEADER - 1)); /* no frame */
    ck_assert_uint_eq(b->got->len, 1);
    ck_assert_uint_eq(nth(b, 0)->len, 100);
    ck_assert_mem_eq(nth(b, 0)->data, frame, 100);
    ck_assert_uint_eq(a->got->len, 0);
}
END_TEST

START_TEST(a_full_receiver_holds_up_the_sender)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[60] = {1};

    net_connect(&a->client, &b->client);
    b->room = 1;
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert(!send_bytes(a, frame, sizeof(frame)));
    ck_assert_uint_eq(b->got->len, 1);
    b->room = 5;
    net_accept(&b->client);
    ck_assert_uint_eq(a->writable, 0); /* never from within */
    clock_step(&m->vclock, 1);
    ck_assert_uint_eq(a->writable, 1);
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    net_accept(&b->client); /* it was not full: nobody is told */
    clock_step(&m->vclock, 1);
    ck_assert_uint_eq(a->writable, 1);
}
END_TEST

START_TEST(posted_frames_wait_in_order_and_within_bounds)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[1000] = {0};

    net_connect(&a->client, &b->client);
    b->room = 0;
    for (unsigned i = 0; i < 4000; i++) {
        memcpy(frame + 20, &i, sizeof(i));
        net_post_buffer(&a->client, frame, sizeof(frame), false);
    }
    ck_assert_uint_le(net_backlog(&a->client), NET_QUEUE_BYTES);
    ck_assert_uint_eq(b->client.queue.lost, 4000 - NET_QUEUE_BYTES / 1000);
    b->room = 10;
    net_accept(&b->client);
    clock_step(&m->vclock, 1);
    ck_assert_uint_eq(b->got->len, 10);
    b->room = 1u << 20;
    net_accept(&b->client);
    clock_step(&m->vclock, 1);
    ck_assert_uint_eq(net_backlog(&a->client), 0);
    for (unsigned i = 0; i < b->got->len; i++)
        ck_assert_mem_eq(nth(b, i)->data + 20, &i, sizeof(i));
    ck_assert_uint_eq(b->got->len, NET_QUEUE_BYTES / 1000);
}
END_TEST

START_TEST(links_go_down_and_up)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[60] = {0};

    net_connect(&a->client, &b->client);
    ck_assert(net_set_link(m, "b", false, NULL));
    ck_assert(!net_link_up(&a->client) && !net_link_up(&b->client));
    ck_assert_uint_eq(a->links, 1);
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert_uint_eq(b->got->len, 0);
    ck_assert(net_set_link(m, "b", true, NULL));
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert_uint_eq(b->got->len, 1);
    ck_assert_uint_eq(a->links, 2);
    GError *err = NULL;
    ck_assert(!net_set_link(m, "nobody", true, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "'nobody'"));
    g_error_free(err);
}
END_TEST

START_TEST(a_back_end_that_goes_leaves_a_loose_end)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[60] = {0};

    net_connect(&a->client, &b->client);
    b->room = 0;
    net_post_buffer(&a->client, frame, sizeof(frame), false);
    ck_assert(netdev_del(m, "b", NULL));
    ck_assert_ptr_null(a->client.peer);
    ck_assert_ptr_null(net_find(m, "b"));
    ck_assert_uint_eq(a->links, 1);
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    clock_step(&m->vclock, 1);
}
END_TEST

/* ---- Hubs ------------------------------------------------------------------------------- */

START_TEST(a_hub_tells_all_others)
{
    struct fake *k[3];
    uint8_t frame[60] = {7};

    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("k%u", i), *port = g_strdup_printf("p%u", i);
        k[i] = fake_new(id);
        net_connect(net_hub_add_port(m, 4, port), &k[i]->client);
    }
    k[1]->room = 0; /* who is full holds up nobody */
    ck_assert(send_bytes(k[0], frame, sizeof(frame)));
    ck_assert_uint_eq(k[0]->got->len, 0);
    ck_assert_uint_eq(k[1]->got->len, 0);
    ck_assert_uint_eq(k[2]->got->len, 1);
    k[1]->room = 1;
    net_accept(&k[1]->client);
    clock_step(&m->vclock, 1);
    ck_assert_uint_eq(k[1]->got->len, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    net_describe(m, text);
    ck_assert_ptr_nonnull(strstr(text->str, "hub 4\n \\ p0: k0: index=0,type=fake"));
}
END_TEST

/* Two hubs joined twice: a frame goes round until it meets itself. */
START_TEST(a_loop_of_hubs_ends)
{
    struct fake *a = fake_new("a");
    uint8_t frame[60] = {7};

    net_connect(net_hub_add_port(m, 0, "p0"), &a->client);
    net_connect(net_hub_add_port(m, 0, "p1"), net_hub_add_port(m, 1, "q1"));
    net_connect(net_hub_add_port(m, 0, "p2"), net_hub_add_port(m, 1, "q2"));
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert_uint_le(a->got->len, 2);
    for (unsigned i = 0; i < 10; i++)
        clock_step(&m->vclock, 1);
    ck_assert_uint_le(a->got->len, 2);
}
END_TEST

START_TEST(an_echo_is_no_loop)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t frame[60] = {7};

    net_connect(&a->client, &b->client);
    b->echo = &a->client;
    ck_assert(send_bytes(a, frame, sizeof(frame)));
    ck_assert_uint_eq(a->got->len, 1);
}
END_TEST

/* ---- Checksums and segmentation --------------------------------------------------------- */

enum { IP = 14, TCP = 34, DATA = 54 };

static void be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static unsigned get_be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* One byte pair at a time. */
static unsigned plain_sum(const uint8_t *p, size_t len, unsigned sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static unsigned tcp_sum(const uint8_t *f, size_t len)
{
    return plain_sum(f + TCP, len - TCP, plain_sum(f + IP + 12, 8, 6 + (unsigned)(len - TCP)));
}

/* A TCP segment over IPv4 whose checksum holds the pseudo header, as a guest hands it over. */
static void tcp_frame(uint8_t *f, size_t len)
{
    static const uint8_t head[] = {
        0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0,
        0x45, 0, 0, 0, 0xff, 0xff, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2,
        0x80, 0, 0, 80, 0xff, 0xff, 0xff, 0x00, 0, 0, 0, 1, 0x50, 0x99, 0xff, 0xff, 0, 0, 0, 0};

    memcpy(f, head, sizeof(head));
    be16(f + IP + 2, (unsigned)(len - IP));
    be16(f + IP + 10, ~plain_sum(f + IP, 20, 0) & 0xffff);
    for (size_t i = DATA; i < len; i++)
        f[i] = (uint8_t)(i * 7 + i / 251);
    be16(f + TCP + 16, plain_sum(f + IP + 12, 8, 6 + (unsigned)(len - TCP)));
}

/* In pieces of odd sizes. */
static unsigned scatter(struct iovec *iov, uint8_t *f, size_t len)
{
    unsigned n = 0;

    for (size_t off = 0, step = 1; off < len; off += step, step = step * 3 % 1013 + 1)
        iov[n++] = (struct iovec){f + off, MIN(step, len - off)};
    return n;
}

START_TEST(checksums_are_finished)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t f[1501];
    struct iovec iov[200];

    net_connect(&a->client, &b->client);
    for (size_t len = DATA; len <= sizeof(f); len += 37) {
        tcp_frame(f, len);
        struct net_frame fr = {.iov = iov, .niov = scatter(iov, f, len), .len = len,
                               .off = {.todo = NET_CSUM, .csum_start = TCP, .csum_offset = 16}};
        g_ptr_array_set_size(b->got, 0);
        ck_assert(net_send(&a->client, &fr));
        ck_assert_uint_eq(nth(b, 0)->len, len);
        ck_assert_uint_eq(tcp_sum(nth(b, 0)->data, len), 0xffff);
        ck_assert_mem_eq(nth(b, 0)->data + DATA, f + DATA, len - DATA);
        ck_assert_uint_eq(b->last.todo, 0);
    }
}
END_TEST

START_TEST(large_segments_are_cut)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    enum { LEN = 40000, MSS = 1447 };
    g_autofree uint8_t *f = g_malloc(LEN);
    struct iovec iov[200];
    size_t off = DATA;

    net_connect(&a->client, &b->client);
    tcp_frame(f, LEN);
    struct net_frame fr = {.iov = iov, .niov = scatter(iov, f, LEN), .len = LEN,
                           .off = {.todo = NET_CSUM | NET_TSO4, .csum_start = TCP,
                                   .csum_offset = 16, .gso_size = MSS}};
    ck_assert(net_send(&a->client, &fr));
    ck_assert_uint_eq(b->got->len, (LEN - DATA + MSS - 1) / MSS);
    for (unsigned i = 0; i < b->got->len; i++) {
        const GByteArray *p = nth(b, i);
        bool last = i == b->got->len - 1;
        ck_assert_uint_eq(get_be16(p->data + IP + 2), p->len - IP);
        ck_assert_uint_eq(plain_sum(p->data + IP, 20, 0), 0xffff);
        ck_assert_uint_eq(tcp_sum(p->data, p->len), 0xffff);
        ck_assert_uint_eq(get_be16(p->data + IP + 4), (0xffff + i) & 0xffff);
        uint32_t seq = (uint32_t)(0xffffff00 + off - DATA);
        ck_assert_uint_eq(get_be16(p->data + TCP + 4), seq >> 16);
        ck_assert_uint_eq(get_be16(p->data + TCP + 6), seq & 0xffff);
        /* 99: CWR ACK PSH FIN */
        ck_assert_uint_eq(p->data[TCP + 13], last ? 0x19 : i ? 0x10 : 0x90);
        ck_assert_mem_eq(p->data + DATA, f + off, p->len - DATA);
        off += p->len - DATA;
    }
    ck_assert_uint_eq(off, LEN);
    /* Who takes it whole gets it whole. */
    g_ptr_array_set_size(b->got, 0);
    b->client.takes = NET_TSO4;
    ck_assert(net_send(&a->client, &fr));
    ck_assert_uint_eq(b->got->len, 1);
    ck_assert_uint_eq(tcp_sum(nth(b, 0)->data, LEN), 0xffff);
    ck_assert_uint_eq(b->last.todo, NET_TSO4);
}
END_TEST

/* Headers that make no sense, at every length: nothing happens, or a frame comes out. */
START_TEST(nonsense_is_dropped)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    uint8_t f[2000];
    GRand *r = g_rand_new_with_seed(5);

    net_connect(&a->client, &b->client);
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = (size_t)g_rand_int_range(r, NET_ETH_HEADER, sizeof(f));
        tcp_frame(f, MAX(len, DATA));
        f[g_rand_int_range(r, 12, DATA)] = (uint8_t)g_rand_int(r);
        struct iovec iov = {f, len};
        struct net_frame fr = {.iov = &iov, .niov = 1, .len = len,
                               .off = {.todo = (uint8_t)g_rand_int_range(r, 0, 16),
                                       .csum_start = (uint16_t)g_rand_int_range(r, 0, 70),
                                       .csum_offset = (uint16_t)g_rand_int_range(r, 0, 40),
                                       .gso_size = (uint16_t)g_rand_int_range(r, 0, 100)}};
        struct net_checks c;
        net_offload_check(&fr, &c);
        g_ptr_array_set_size(b->got, 0);
        ck_assert(net_send(&a->client, &fr));
        for (unsigned k = 0; k < b->got->len; k++)
            ck_assert_uint_le(nth(b, k)->len, len);
        ck_assert_uint_le(b->got->len, 2000 / NET_MSS_MIN + 1);
    }
    g_rand_free(r);
}
END_TEST

START_TEST(received_checksums_are_checked)
{
    uint8_t f[200];
    struct iovec iov = {f, sizeof(f)};
    struct net_frame fr = {.iov = &iov, .niov = 1, .len = sizeof(f)};
    struct net_checks c;

    tcp_frame(f, sizeof(f));
    be16(f + TCP + 16, 0);
    be16(f + TCP + 16, ~tcp_sum(f, sizeof(f)) & 0xffff);
    net_offload_check(&fr, &c);
    ck_assert(c.ip && c.l4 && !c.ip_bad && !c.l4_bad && !c.udp);
    f[100] ^= 1;
    net_offload_check(&fr, &c);
    ck_assert(c.l4 && c.l4_bad && !c.ip_bad);
    f[IP + 8]--;
    net_offload_check(&fr, &c);
    ck_assert(c.ip && c.ip_bad);
    be16(f + IP + 6, 0x2000); /* a fragment */
    net_offload_check(&fr, &c);
    ck_assert(c.ip && !c.l4);
}
END_TEST

/* ---- Options ---------------------------------------------------------------------------- */

static void refused(const char *text, const char *why)
{
    GError *err = NULL;

    ck_assert_msg(!netdev_add_from_text(m, text, &err), "%s: was accepted", text);
    ck_assert_msg(strstr(err->message, why), "%s: %s", text, err->message);
    g_error_free(err);
}

START_TEST(options_are_refused_with_the_reason)
{
    refused("user", "id=ID is missing");
    refused("usr,id=a", "did you mean 'user'");
    refused("vde,id=a", "not offered");
    refused("user,id=1a", "begins with a letter");
    refused("user,id=a,hostfwds=x", "did you mean 'host");
    refused("user,id=a,smb=/tmp", "no SMB server");
    refused("user,id=a,net=300.0.0.0", "not an IPv4 network");
    refused("user,id=a,net=10.0.2.0/40", "net=");
    refused("user,id=a,host=10.0.3.2", "not within net=");
    refused("user,id=a,host=10.0.2.3", "three addresses");
    refused("user,id=a,ipv4=off,ipv6=off", "no network left");
    refused("user,id=a,tftp=/nowhere", "no such directory");
    refused("user,id=a,hostfwd=tcp::22", "write it as");
    refused("user,id=a,hostfwd=tpc::0-:22", "tcp: or udp:");
    refused("user,id=a,hostfwd=tcp::70000-:22", "port");
    refused("user,id=a,hostfwd=tcp:localhost:0-:22", "not an address");
    refused("user,id=a,hostfwd=tcp:1.2.3.4:5-:22", "1.2.3.4:5");
    refused("user,id=a,guestfwd=udp:10.0.2.9:1-unix:/x", "only TCP");
    refused("user,id=a,guestfwd=tcp:10.0.2.9:1-x", "the target is");
    refused("user,id=a,guestfwd=tcp:10.0.2.2:80-unix:/x", "cannot be had");
    refused("user,id=a,restrict=maybe", "maybe");
    refused("hubport,id=a", "hubid");
    refused("hubport,id=a,hubid=0,netdev=none", "no network 'none'");
    refused("{\"type\":\"user\"}", "id=ID");
    ck_assert_uint_eq(m->net ? m->net->clients->len : 0, 0);
    ck_assert(netdev_add_from_text(m, "{\"type\":\"user\",\"id\":\"j\",\"restrict\":true,"
                                      "\"hostfwd\":[{\"str\":\"udp::0-:7\"}]}", NULL));
    refused("user,id=j", "already");
    ck_assert(netdev_del(m, "j", NULL));
}
END_TEST

START_TEST(older_options_make_hubs)
{
    g_autofree char *card = NULL, *none = NULL, *nic = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    ck_assert(net_net_option(m, "nic,model=virtio,macaddr=52:54:00:00:00:01", "e1000", &card,
                             NULL));
    ck_assert_str_eq(card, "virtio-net-pci,netdev=#net000,mac=52:54:00:00:00:01");
    ck_assert(net_net_option(m, "user,restrict=on", "e1000", &none, NULL));
    ck_assert_ptr_null(none);
    net_describe(m, text);
    ck_assert_ptr_nonnull(strstr(text->str, "hub 0\n \\ #net000\n \\ #net002: #net001: index=0,"
                                            "type=user,net=10.0.2.0,restrict=on\n"));
    ck_assert(net_nic_option(m, "none", "e1000", &none, NULL));
    ck_assert_ptr_null(none);
    ck_assert(net_nic_option(m, "user,id=x,net=10.1.0.0/16", "e1000", &nic, NULL));
    ck_assert_str_eq(nic, "e1000,netdev=#net003,id=x");
}
END_TEST

START_TEST(forwards_come_and_go)
{
    GError *err = NULL;

    ck_assert(!net_hostfwd_add(m, NULL, "tcp::0-:22", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "no user network"));
    g_clear_error(&err);
    ck_assert(netdev_add_from_text(m, "user,id=u", NULL));
    ck_assert(net_hostfwd_add(m, "u", "udp:127.0.0.1:0-:22", NULL));
    ck_assert(net_hostfwd_add(m, NULL, "tcp:[::1]:0-[fec0::15]:22", NULL));
    ck_assert(!net_hostfwd_remove(m, "u", "tcp::1", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "no such rule"));
    g_clear_error(&err);
}
END_TEST

/* ---- Dumps ------------------------------------------------------------------------------ */

START_TEST(a_dump_has_both_ways)
{
    struct fake *a = fake_new("a"), *b = fake_new("b");
    g_autofree char *dir = g_dir_make_tmp("hostel-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "p", NULL), *data = NULL;
    g_autofree char *options = g_strdup_printf("id=d,netdev=a,maxlen=70,file=%s", path);
    struct keyvals *kv = keyvals_parse(options, NULL, NULL);
    uint8_t frame[100] = {9};
    uint32_t word[10];
    gsize len;

    net_connect(&a->client, &b->client);
    ck_assert(net_dump_new(m, kv, NULL));
    ck_assert(!net_dump_new(m, kv, NULL));
    ck_assert(send_bytes(a, frame, 60));
    clock_step(&m->vclock, 5000000);
    ck_assert(send_bytes(b, frame, 100));
    ck_assert(netdev_del(m, "a", NULL)); /* the dump outlives its network */
    ck_assert(net_dump_del(m, "d"));
    ck_assert(!net_dump_del(m, "d"));
    ck_assert(g_file_get_contents(path, &data, &len, NULL));
    ck_assert_uint_eq(len, 24 + 16 + 60 + 16 + 70);
    memcpy(word, data, 40);
    ck_assert_uint_eq(word[0], 0xa1b2c3d4);
    ck_assert_uint_eq(word[5], 1);
    ck_assert_uint_eq(word[8], 60);
    ck_assert_uint_eq(word[9], 60);
    uint32_t second[4];
    memcpy(second, data + 100, sizeof(second));
    ck_assert_uint_eq(second[2], 70);
    ck_assert_uint_eq(second[3], 100);
    ck_assert_uint_eq(second[0] * 1000000ull + second[1] - word[6] * 1000000ull - word[7], 5000);
    keyvals_free(kv);
    unlink(path);
    rmdir(dir);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, frames_arrive);
    tcase_add_test(t, a_full_receiver_holds_up_the_sender);
    tcase_add_test(t, posted_frames_wait_in_order_and_within_bounds);
    tcase_add_test(t, links_go_down_and_up);
    tcase_add_test(t, a_back_end_that_goes_leaves_a_loose_end);
    tcase_add_test(t, a_hub_tells_all_others);
    tcase_add_test(t, a_loop_of_hubs_ends);
    tcase_add_test(t, an_echo_is_no_loop);
    tcase_add_test(t, checksums_are_finished);
    tcase_add_test(t, large_segments_are_cut);
    tcase_add_test(t, nonsense_is_dropped);
    tcase_add_test(t, received_checksums_are_checked);
    tcase_add_test(t, options_are_refused_with_the_reason);
    tcase_add_test(t, older_options_make_hubs);
    tcase_add_test(t, forwards_come_and_go);
    tcase_add_test(t, a_dump_has_both_ways);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
