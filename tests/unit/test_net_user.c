/* SPDX-License-Identifier: MIT */
/*
 * The user network in virtual time, with a guest made of frames: a lease of a day is had and
 * renewed (RFC 2131), and when nothing is connected nothing is waited for.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine_test.h"
#include "net/netdev.h"
#include "util/iov.h"

enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, BOOTP = 42, OPTIONS = BOOTP + 240,
       FRAME = OPTIONS + 60, HOURS = 3600 };

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

struct guest {
    struct net_client client;
    uint8_t last[2048];
    size_t len;
};

static struct machine *m;
static struct guest *guest;

static bool guest_receive(struct net_client *c, const struct net_frame *f)
{
    struct guest *g = (struct guest *)c;
    uint8_t buf[2048];

    iov_read(f->iov, f->niov, 0, buf, MIN(f->len, sizeof(buf)));
    if (f->len > OPTIONS && buf[12] == 8 && buf[13] == 0 && buf[23] == 17) {
        g->len = MIN(f->len, sizeof(buf));
        memcpy(g->last, buf, g->len);
    }
    return true;
}

static const struct net_client_ops guest_ops = {.kind = "guest", .receive = guest_receive};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static unsigned sum(const uint8_t *p, unsigned len)
{
    unsigned s = 0;

    for (unsigned i = 0; i < len; i += 2)
        s += (unsigned)p[i] << 8 | p[i + 1];
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return ~s & 0xffff;
}

/* A broadcast from 0.0.0.0:68 to port 67 with the message type and, for REQUEST, the address. */
static void dhcp(unsigned type)
{
    static const uint8_t cookie[4] = {99, 130, 83, 99};
    static const uint8_t want[6] = {50, 4, 10, 0, 2, 15};
    uint8_t f[FRAME] = {0}, *o = f + OPTIONS;

    memset(f, 0xff, 6);
    memcpy(f + 6, mac, 6);
    f[12] = 8;
    f[14] = 0x45;
    put16(f + 16, FRAME - 14);
    f[22] = 64;
    f[23] = 17;
    memset(f + 30, 0xff, 4);
    put16(f + 24, sum(f + 14, 20));
    put16(f + 34, 68);
    put16(f + 36, 67);
    put16(f + 38, FRAME - 34);
    f[BOOTP] = 1;
    f[BOOTP + 1] = 1;
    f[BOOTP + 2] = 6;
    memcpy(f + BOOTP + 28, mac, 6);
    memcpy(f + OPTIONS - 4, cookie, 4);
    *o++ = 53;
    *o++ = 1;
    *o++ = (uint8_t)type;
    if (type == REQUEST)
        o = (uint8_t *)memcpy(o, want, sizeof(want)) + sizeof(want);
    *o = 255;
    guest->len = 0;
    net_post_buffer(&guest->client, f, sizeof(f), false);
    clock_step(&m->vclock, 1000000);
}

/* The value of an option in what came last, or NULL. */
static const uint8_t *option(unsigned code)
{
    for (size_t i = OPTIONS; i + 1 < guest->len && guest->last[i] != 255;
         i += guest->last[i] ? 2u + guest->last[i + 1] : 1)
        if (guest->last[i] == code)
            return guest->last + i + 2;
    return NULL;
}

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
    guest = net_client_new(m, &guest_ops, sizeof(*guest), "guest");
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
}

static void plug(const char *text)
{
    ck_assert(netdev_add_from_text(m, text, NULL));
    net_connect(&guest->client, net_find(m, "u"));
}

static void expect_lease(unsigned type)
{
    static const uint8_t day[4] = {0, 1, 0x51, 0x80};

    ck_assert_uint_gt(guest->len, OPTIONS);
    ck_assert_mem_eq(guest->last + BOOTP + 16, "\x0a\x00\x02\x0f", 4); /* yiaddr */
    ck_assert(option(53) && option(53)[0] == type);
    ck_assert(option(51) && !memcmp(option(51), day, 4));
    ck_assert(option(3) && !memcmp(option(3), "\x0a\x00\x02\x02", 4));
}

START_TEST(a_lease_is_renewed_for_days)
{
    plug("user,id=u,ipv6=off");
    dhcp(DISCOVER);
    expect_lease(OFFER);
    dhcp(REQUEST);
    expect_lease(ACK);
    for (unsigned i = 0; i < 4; i++) { /* a client asks at half time */
        clock_step(&m->vclock, 12ll * HOURS * NSEC_PER_SEC);
        dhcp(REQUEST);
        expect_lease(ACK);
    }
}
END_TEST

START_TEST(an_idle_network_waits_for_nothing)
{
    plug("user,id=u,ipv6=off,hostfwd=tcp::0-:22");
    dhcp(DISCOVER);
    machine_iterate(m, false);
    ck_assert_int_lt(clock_next_deadline(&m->vclock), INT64_MAX);
    clock_step(&m->vclock, 700ll * NSEC_PER_SEC);
    machine_iterate(m, false);
    clock_step(&m->vclock, NSEC_PER_SEC);
    machine_iterate(m, false);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
}
END_TEST

START_TEST(names_are_told)
{
    plug("user,id=u,ipv6=off,domainname=example.test,bootfile=pxe.0");
    dhcp(DISCOVER);
    ck_assert(option(15) && !memcmp(option(15), "example.test", 12));
    ck_assert_str_eq((char *)guest->last + BOOTP + 108, "pxe.0");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_user");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_lease_is_renewed_for_days);
    tcase_add_test(t, an_idle_network_waits_for_nothing);
    tcase_add_test(t, names_are_told);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
