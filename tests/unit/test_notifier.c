/* SPDX-License-Identifier: MIT */
/* Interrupts and doorbells by eventfd, as core/notifier.h promises. The host kernel is played. */
#include <poll.h>
#include <unistd.h>

#include "core/notifier.h"
#include "tests/device/bench.h"

static struct machine *m;
static unsigned fired;

static void count(void *arg)
{
    ck_assert(machine_is_locked(m));
    ++*(unsigned *)arg;
}

/* The main loop has its turn; nothing waits for it. */
static void turn(void)
{
    machine_unlock(m);
    for (int i = 0; i < 5; i++)
        machine_iterate(m, false);
    machine_lock(m);
}

static bool unread(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* ---- The kernel -------------------------------------------------------------------------- */

#define ROUTES 2
static struct {
    bool used, committed;
    struct msi_message msg;
    int fd;
} route[ROUTES];
static unsigned commits;
static bool refuse;

static int k_add(struct machine *machine, struct msi_message msg)
{
    for (int i = 0; i < ROUTES; i++)
        if (!route[i].used) {
            route[i].used = true;
            route[i].msg = msg;
            route[i].fd = -1;
            return i;
        }
    return -1;
}

static void k_set(struct machine *machine, int r, struct msi_message msg)
{
    ck_assert(route[r].used);
    route[r].msg = msg;
}

static void k_del(struct machine *machine, int r)
{
    ck_assert(route[r].used && route[r].fd < 0);
    memset(&route[r], 0, sizeof(route[r]));
}

static void k_commit(struct machine *machine)
{
    commits++;
    for (int i = 0; i < ROUTES; i++)
        route[i].committed = route[i].used;
}

static bool k_irqfd(struct machine *machine, int r, int fd, bool on)
{
    ck_assert(route[r].used && route[r].committed && (route[r].fd < 0) == on);
    if (refuse)
        return false;
    route[r].fd = on ? fd : -1;
    return true;
}

static const struct irqchip_ops kernel = {.route_add = k_add, .route_set = k_set,
                                          .route_del = k_del, .commit = k_commit,
                                          .irqfd = k_irqfd};

static const struct msi_message msg_a = {0xfee00000, 0x41}, msg_b = {0xfee01000, 0x42};

static void setup(void)
{
    m = bench_new();
    fired = commits = 0;
    refuse = false;
    memset(route, 0, sizeof(route));
}

static void teardown(void)
{
    irqchip_set(m, NULL);
    bench_free(m);
}

/* ---- Interrupts -------------------------------------------------------------------------- */

START_TEST(ours_calls_fire)
{
    struct irq_notifier n;
    ck_assert(irq_notifier_init(&n, m, count, &fired, NULL));
    irq_notifier_set_message(&n, &msg_a);
    irq_notifiers_commit(m);
    eventfd_signal(n.fd);
    ck_assert_uint_eq(fired, 0);
    turn();
    ck_assert_uint_eq(fired, 1);
    turn();
    ck_assert_uint_eq(fired, 1);
    eventfd_signal(n.fd);
    eventfd_signal(n.fd);
    turn();
    ck_assert_uint_eq(fired, 2);
    eventfd_signal(n.fd);
    irq_notifier_fini(&n);
    turn();
    ck_assert_uint_eq(fired, 2);
}
END_TEST

START_TEST(kernel_takes_the_message)
{
    struct irq_notifier n;
    irqchip_set(m, &kernel);
    ck_assert(irq_notifier_init(&n, m, count, &fired, NULL));
    ck_assert(!irq_notifier_in_kernel(&n));
    eventfd_signal(n.fd); /* before there is a message: not lost */
    irq_notifier_set_message(&n, &msg_a);
    irq_notifiers_commit(m);
    ck_assert(irq_notifier_in_kernel(&n));
    ck_assert_int_eq(route[0].fd, n.fd);
    ck_assert_uint_eq(route[0].msg.data, 0x41);
    turn();
    ck_assert_uint_eq(fired, 0); /* it is the kernel's to read */
    ck_assert(unread(n.fd));
    irq_notifier_set_message(&n, &msg_b);
    irq_notifiers_commit(m);
    ck_assert_uint_eq(route[0].msg.data, 0x42);
    unsigned before = commits;
    irq_notifier_set_message(&n, &msg_b);
    irq_notifiers_commit(m);
    ck_assert_uint_eq(commits, before); /* nothing new: nothing told */
    irq_notifier_set_message(&n, NULL);
    ck_assert(!route[0].used);
    turn();
    ck_assert_uint_eq(fired, 1); /* what the kernel did not read */
    irq_notifier_fini(&n);
}
END_TEST

START_TEST(many_are_told_at_once)
{
    struct irq_notifier n[3];
    irqchip_set(m, &kernel);
    for (int i = 0; i < 3; i++) {
        ck_assert(irq_notifier_init(&n[i], m, count, &fired, NULL));
        irq_notifier_set_message(&n[i], &msg_a);
    }
    commits = 0;
    irq_notifiers_commit(m);
    ck_assert_uint_eq(commits, 1);
    ck_assert(irq_notifier_in_kernel(&n[0]) && irq_notifier_in_kernel(&n[1]));
    ck_assert(!irq_notifier_in_kernel(&n[2])); /* the kernel is full */
    eventfd_signal(n[2].fd);
    turn();
    ck_assert_uint_eq(fired, 1);
    for (int i = 0; i < 3; i++)
        irq_notifier_fini(&n[i]);
    ck_assert(!route[0].used && !route[1].used);
}
END_TEST

START_TEST(refused_by_the_kernel)
{
    struct irq_notifier n;
    refuse = true;
    irqchip_set(m, &kernel);
    ck_assert(irq_notifier_init(&n, m, count, &fired, NULL));
    irq_notifier_set_message(&n, &msg_a);
    irq_notifiers_commit(m);
    ck_assert(!irq_notifier_in_kernel(&n) && !route[0].used);
    eventfd_signal(n.fd);
    turn();
    ck_assert_uint_eq(fired, 1);
    irq_notifier_fini(&n);
}
END_TEST

START_TEST(moves_with_the_controllers)
{
    struct irq_notifier n;
    ck_assert(irq_notifier_init(&n, m, count, &fired, NULL));
    irq_notifier_set_message(&n, &msg_a);
    irq_notifiers_commit(m);
    irqchip_set(m, &kernel);
    ck_assert_int_eq(route[0].fd, n.fd);
    eventfd_signal(n.fd);
    irqchip_set(m, NULL);
    ck_assert(!route[0].used);
    turn();
    ck_assert_uint_eq(fired, 1);
    irqchip_set(m, &kernel);
    ck_assert_int_eq(route[0].fd, n.fd);
    irq_notifier_fini(&n);
}
END_TEST

/* ---- Doorbells --------------------------------------------------------------------------- */

static struct region regs;
static struct {
    uint64_t off, val;
    unsigned size, n;
} wrote;

static void regs_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    wrote.off = off;
    wrote.val = val;
    wrote.size = size;
    wrote.n++;
}

static const struct region_ops regs_ops = {.write = regs_write, .min = 1, .max = 4};

/* What a listener was told, as an accelerator would keep it. */
static struct {
    uint64_t gpa;
    struct doorbell *d;
} told[8];
static unsigned ntold;

static void l_doorbell(struct region_listener *l, uint64_t gpa, struct doorbell *d, bool on)
{
    for (unsigned i = 0; i < ntold; i++)
        if (told[i].gpa == gpa && told[i].d == d) {
            ck_assert(!on);
            told[i] = told[--ntold];
            return;
        }
    ck_assert(on);
    told[ntold].gpa = gpa;
    told[ntold++].d = d;
}

static void l_add(struct region_listener *l, const struct region_section *s)
{
    uint64_t gpa;
    for (struct doorbell *d = s->region->doorbells; d; d = d->next)
        if (section_has_doorbell(s, d, &gpa))
            l_doorbell(l, gpa, d, true);
}

static void l_del(struct region_listener *l, const struct region_section *s)
{
    for (unsigned i = ntold; i-- > 0;)
        if (told[i].gpa - s->base < s->size)
            told[i] = told[--ntold];
}

static struct region_listener listener = {.add = l_add, .del = l_del, .doorbell = l_doorbell};

#define AT 0xd0000000u

static void bell_setup(void)
{
    setup();
    wrote.n = ntold = 0;
    region_init_io(&regs, "regs", &regs_ops, NULL, 0x100);
    region_add(&m->mem_root, AT, &regs, 0);
    as_add_listener(&m->mem, &listener);
}

static void bell_teardown(void)
{
    region_fini(&regs);
    as_del_listener(&m->mem, &listener);
    teardown();
}

START_TEST(rings_within_the_write)
{
    unsigned rings = 0;
    struct doorbell d = {.region = &regs, .off = 0x50, .size = 2, .ring = count, .arg = &rings};
    ck_assert(doorbell_add(m, &d, NULL));
    as_st16(&m->mem, AT + 0x50, 3);
    ck_assert_uint_eq(rings, 1);
    ck_assert_uint_eq(wrote.n, 0);
    as_st32(&m->mem, AT + 0x50, 3); /* another width, another place: the register */
    as_st16(&m->mem, AT + 0x52, 3);
    ck_assert_uint_eq(rings, 1);
    ck_assert_uint_eq(wrote.n, 2);
    eventfd_signal(d.fd); /* the kernel took the write */
    eventfd_signal(d.fd);
    turn();
    ck_assert_uint_eq(rings, 2);
    doorbell_del(&d);
    as_st16(&m->mem, AT + 0x50, 3);
    ck_assert_uint_eq(rings, 2);
    ck_assert_uint_eq(wrote.n, 3);
}
END_TEST

START_TEST(matches_the_value)
{
    unsigned rings[2] = {0};
    struct doorbell d[2];
    for (unsigned i = 0; i < 2; i++) {
        d[i] = (struct doorbell){.region = &regs, .off = 0x10, .size = 2, .match = true,
                                 .value = i, .ring = count, .arg = &rings[i]};
        ck_assert(doorbell_add(m, &d[i], NULL));
    }
    as_st16(&m->mem, AT + 0x10, 1);
    as_st16(&m->mem, AT + 0x10, 2);
    as_st16(&m->mem, AT + 0x10, 0);
    as_st16(&m->mem, AT + 0x10, 1);
    ck_assert_uint_eq(rings[0], 1);
    ck_assert_uint_eq(rings[1], 2);
    ck_assert_uint_eq(wrote.n, 1);
    ck_assert_uint_eq(wrote.val, 2);
    doorbell_del(&d[0]);
    doorbell_del(&d[1]);
}
END_TEST

START_TEST(somebody_else_reads)
{
    uint64_t n;
    struct doorbell d = {.region = &regs, .off = 0, .size = 4};
    ck_assert(doorbell_add(m, &d, NULL));
    as_st32(&m->mem, AT, 7);
    as_st32(&m->mem, AT, 8);
    turn();
    ck_assert_int_eq(read(d.fd, &n, sizeof(n)), sizeof(n));
    ck_assert_uint_eq(n, 2);
    doorbell_del(&d);
}
END_TEST

START_TEST(accelerators_are_told)
{
    struct doorbell a = {.region = &regs, .off = 0x20, .size = 4};
    struct doorbell b = {.region = &regs, .off = 0x24, .size = 2};
    ck_assert(doorbell_add(m, &a, NULL));
    ck_assert_uint_eq(ntold, 1);
    ck_assert_uint_eq(told[0].gpa, AT + 0x20);
    region_set_addr(&regs, AT + 0x1000);
    ck_assert_uint_eq(ntold, 1);
    ck_assert_uint_eq(told[0].gpa, AT + 0x1020);
    ck_assert(doorbell_add(m, &b, NULL));
    ck_assert_uint_eq(ntold, 2);
    region_set_enabled(&regs, false);
    ck_assert_uint_eq(ntold, 0);
    doorbell_del(&b);
    region_set_enabled(&regs, true);
    ck_assert_uint_eq(ntold, 1);
    /* half hidden: only what is left of the section rings */
    struct region lid;
    region_init_io(&lid, "lid", &regs_ops, NULL, 0x22);
    region_add(&m->mem_root, AT + 0x1000, &lid, 1);
    ck_assert_uint_eq(ntold, 0);
    region_fini(&lid);
    ck_assert_uint_eq(ntold, 1);
    as_del_listener(&m->mem, &listener);
    ck_assert_uint_eq(ntold, 0);
    as_add_listener(&m->mem, &listener);
    ck_assert_uint_eq(ntold, 1);
    doorbell_del(&a);
    ck_assert_uint_eq(ntold, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("notifier");
    TCase *irq = tcase_create("interrupts"), *bell = tcase_create("doorbells");
    tcase_add_checked_fixture(irq, setup, teardown);
    tcase_add_test(irq, ours_calls_fire);
    tcase_add_test(irq, kernel_takes_the_message);
    tcase_add_test(irq, many_are_told_at_once);
    tcase_add_test(irq, refused_by_the_kernel);
    tcase_add_test(irq, moves_with_the_controllers);
    tcase_add_checked_fixture(bell, bell_setup, bell_teardown);
    tcase_add_test(bell, rings_within_the_write);
    tcase_add_test(bell, matches_the_value);
    tcase_add_test(bell, somebody_else_reads);
    tcase_add_test(bell, accelerators_are_told);
    suite_add_tcase(s, irq);
    suite_add_tcase(s, bell);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
