/* SPDX-License-Identifier: MIT */
/* The command line: values that are read, errors that name the nearest spelling. */
#include <check.h>
#include <string.h>

#include "options.h"

static struct options o;
static GError *err;

static void setup(void)
{
    options_init(&o);
}

static void teardown(void)
{
    options_free(&o);
    g_clear_error(&err);
}

/* Parse words separated by blanks. */
static bool parse(const char *line)
{
    char **argv = g_strsplit(line, " ", -1);
    bool ok;

    options_free(&o);
    options_init(&o);
    g_clear_error(&err);
    ok = options_parse(&o, g_strv_length(argv), argv, &err);
    g_strfreev(argv);
    ck_assert_msg(ok == (err == NULL), "result and error disagree for: %s", line);
    return ok;
}

static void accept(const char *line)
{
    ck_assert_msg(parse(line), "%s: %s", line, err ? err->message : "");
}

/* Refused, and the message has this in it. */
static void refuse(const char *line, const char *expect)
{
    ck_assert_msg(!parse(line), "%s: was accepted", line);
    ck_assert_msg(strstr(err->message, expect), "%s: '%s' is not in '%s'", line, expect,
                  err->message);
    ck_assert_msg(!strchr(err->message, '\n'), "%s: more than one line: %s", line, err->message);
}

START_TEST(memory)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"1G", 1ull << 30},      {"512", 512ull << 20},      {"size=64M", 64ull << 20},
        {"1.5g", 3ull << 29},    {"0x100", 256ull << 20},    {"2048k", 2ull << 20},
        {"1T", 1ull << 40},      {"1048577B", (1 << 20) + 4096},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        char *line = g_strdup_printf("hostel -m %s", good[i].text);
        accept(line);
        ck_assert_msg(o.config.ram_size == good[i].bytes, "%s", line);
        g_free(line);
    }
    accept("hostel");
    ck_assert(o.config.ram_size == 128 << 20);
    refuse("hostel -m 1X", "'1X' is not a size");
    refuse("hostel -m 0", "1 MiB");
    refuse("hostel -m 2T", "1 TiB");
    refuse("hostel -m -5", "not a size");
    refuse("hostel -m 99999999999999999999", "not a size");
    refuse("hostel -m 18446744073709551615G", "64 bits");
    refuse("hostel -m 1G,slots=2", "slots");
    refuse("hostel -m 1G,sise=2", "did you mean 'size'?");
    refuse("hostel -m", "argument is missing");
}
END_TEST

START_TEST(smp)
{
    static const struct {
        const char *text;
        unsigned cpus, sockets, cores, threads;
    } good[] = {
        {"4", 4, 1, 4, 1},
        {"cpus=8,sockets=2", 8, 2, 4, 1},
        {"sockets=2,cores=2,threads=2", 8, 2, 2, 2},
        {"6,cores=3", 6, 2, 3, 1},
        {"8,cores=2,sockets=2", 8, 2, 2, 2},
        {"8,threads=2", 8, 1, 4, 2},
        {"maxcpus=4", 4, 1, 4, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        char *line = g_strdup_printf("hostel -smp %s", good[i].text);
        accept(line);
        ck_assert_uint_eq(o.config.cpus, good[i].cpus);
        ck_assert_uint_eq(o.config.sockets, good[i].sockets);
        ck_assert_uint_eq(o.config.cores, good[i].cores);
        ck_assert_uint_eq(o.config.threads, good[i].threads);
        g_free(line);
    }
    refuse("hostel -smp 0", "out of range");
    refuse("hostel -smp 256", "out of range");
    refuse("hostel -smp 5,cores=2,sockets=2,threads=1", "are not 5 CPUs");
    refuse("hostel -smp sockets=200,cores=200", "more than");
    refuse("hostel -smp 2,maxcpus=4", "maxcpus");
    refuse("hostel -smp 2,dies=2", "dies");
    refuse("hostel -smp 2,core=2", "did you mean 'cores'?");
    refuse("hostel -smp two", "not a number");
}
END_TEST

START_TEST(machine)
{
    accept("hostel");
    ck_assert_str_eq(o.config.machine_type, "pc");
    ck_assert(o.config.acpi && o.config.hpet);
    accept("hostel -machine pc,accel=kvm:tcg,acpi=off,hpet=off");
    ck_assert_str_eq(o.config.accel, "kvm:tcg");
    ck_assert(!o.config.acpi && !o.config.hpet);
    accept("hostel --machine type=q35 -M none -no-user-config");
    ck_assert_str_eq(o.config.machine_type, "none");
    accept("hostel -no-acpi -no-hpet");
    ck_assert(!o.config.acpi && !o.config.hpet);
    refuse("hostel -machine pc,smm=on", "smm");
    refuse("hostel -machine pc,usb=on", "usb");
    refuse("hostel -machine pc,acip=off", "did you mean 'acpi'?");
    accept("hostel -M help");
    ck_assert_int_eq(o.help, HELP_MACHINE);
    accept("hostel -M pc,help");
    ck_assert_int_eq(o.help, HELP_MACHINE_KEYS);
}
END_TEST

START_TEST(accel)
{
    accept("hostel -accel tcg,thread=multi");
    ck_assert_str_eq(o.config.accel, "tcg");
    accept("hostel -accel kvm -accel tcg-interp");
    ck_assert_str_eq(o.config.accel, "kvm:tcg-interp");
    accept("hostel -enable-kvm");
    ck_assert_str_eq(o.config.accel, "kvm");
    refuse("hostel -accel tcg,thread=single", "thread");
    refuse("hostel -accel tcg,thred=multi", "did you mean 'thread'?");
    accept("hostel -accel help -m 4M");
    ck_assert_int_eq(o.help, HELP_ACCEL);
    accept("hostel -cpu ?");
    ck_assert_int_eq(o.help, HELP_CPU);
    accept("hostel -cpu max,+aes");
    ck_assert_str_eq(o.config.cpu, "max,+aes");
}
END_TEST

START_TEST(boot)
{
    accept("hostel -kernel k -initrd i -append a,,b -bios f -boot order=cd,menu=on");
    ck_assert_str_eq(o.config.kernel, "k");
    ck_assert_str_eq(o.config.initrd, "i");
    ck_assert_str_eq(o.config.append, "a,,b");
    ck_assert_str_eq(o.config.bios, "f");
    refuse("hostel -append quiet", "needs -kernel");
    refuse("hostel -initrd i", "needs -kernel");
    refuse("hostel -boot xyz", "boot order");
    refuse("hostel -boot menu=maybe", "neither on nor off");
}
END_TEST

START_TEST(clocks)
{
    accept("hostel -icount shift=3,sleep=off");
    ck_assert(o.config.icount && o.config.icount_shift == 3 && !o.config.icount_sleep);
    accept("hostel -icount 0");
    ck_assert(o.config.icount && o.config.icount_shift == 0 && o.config.icount_sleep);
    refuse("hostel -icount auto", "repeatable");
    refuse("hostel -icount 11", "out of range");
    refuse("hostel -icount sleep=off", "shift=N is missing");
    refuse("hostel -icount 1,align=on", "align");
    accept("hostel -rtc base=2006-06-17T16:01:21,clock=vm");
    ck_assert_int_eq(o.config.rtc_base, 1150560081);
    ck_assert_int_eq(o.config.rtc_clock, 1);
    accept("hostel -rtc 1970-01-02");
    ck_assert_int_eq(o.config.rtc_base, 86400);
    accept("hostel -rtc base=localtime");
    ck_assert(o.config.rtc_localtime && o.config.rtc_base == INT64_MIN);
    refuse("hostel -rtc base=yesterday", "yesterday");
    refuse("hostel -rtc clock=hots", "did you mean 'host'?");
    refuse("hostel -rtc driftfix=slew", "driftfix");
}
END_TEST

START_TEST(devices)
{
    accept("hostel -device isa-debug-exit,iobase=0xf4,iosize=4 -device pc-testdev,id=a,,b");
    ck_assert_uint_eq(o.devices->len, 2);
    ck_assert_str_eq(o.devices->pdata[0], "isa-debug-exit,iobase=0xf4,iosize=4");
    ck_assert_str_eq(o.devices->pdata[1], "pc-testdev,id=a,,b");
    accept("hostel -global isa-serial.iobase=0x3f8 -global driver=a,property=b,value=c");
    struct machine_global *g = o.config.globals->pdata[0];
    ck_assert_str_eq(g->driver, "isa-serial");
    ck_assert_str_eq(g->property, "iobase");
    ck_assert_str_eq(g->value, "0x3f8");
    refuse("hostel -global foo", "NAME.KEY=VALUE");
    refuse("hostel -device {\"driver\":", "JSON");
    refuse("hostel -device x,,=1,=2", "no name before");
    accept("hostel -device help");
    ck_assert_int_eq(o.help, HELP_DEVICE);
    accept("hostel -device isa-serial,help");
    ck_assert_int_eq(o.help, HELP_DEVICE_PROPS);
    ck_assert_str_eq(o.help_arg, "isa-serial");
}
END_TEST

static void terminals_are(const char *line, const char *serials, const char *monitors)
{
    accept(line);
    g_ptr_array_add(o.serials, NULL);
    g_ptr_array_add(o.monitors, NULL);
    char *s = g_strjoinv(" ", (char **)o.serials->pdata);
    char *m = g_strjoinv(" ", (char **)o.monitors->pdata);
    ck_assert_msg(strcmp(s, serials) == 0, "%s: serial '%s'", line, s);
    ck_assert_msg(strcmp(m, monitors) == 0, "%s: monitor '%s'", line, m);
    g_free(s);
    g_free(m);
}

START_TEST(terminals)
{
    terminals_are("hostel", "mon:stdio", "");
    terminals_are("hostel -nographic", "mon:stdio", "");
    terminals_are("hostel -nographic -nodefaults", "", "");
    terminals_are("hostel -display none", "null", "");
    terminals_are("hostel -display none -serial stdio", "stdio", "");
    terminals_are("hostel -nographic -serial pty", "pty", "stdio");
    terminals_are("hostel -nographic -serial stdio", "stdio", "");
    terminals_are("hostel -nographic -monitor none", "stdio", "none");
    terminals_are("hostel -nographic -monitor stdio", "null", "stdio");
    terminals_are("hostel -serial mon:stdio -serial null", "mon:stdio null", "");
    terminals_are("hostel -daemonize", "null", "");
    terminals_are("hostel -M none", "", "stdio");
    terminals_are("hostel -M none -display none", "", "");
    refuse("hostel -daemonize -nographic", "-daemonize");
    refuse("hostel -daemonize -serial stdio", "-daemonize");
    refuse("hostel -serial a -serial b -serial c -serial d -serial e", "4 serial ports");
    accept("hostel -chardev socket,id=m,path=x -mon chardev=m,mode=readline");
    ck_assert_str_eq(((struct option_mon *)o.mons->pdata[0])->chardev, "m");
    accept("hostel -mon m,mode=control,pretty=on,id=monitor -qmp unix:x,server=on -qmp none");
    ck_assert_uint_eq(o.mons->len, 2);
    ck_assert(((struct option_mon *)o.mons->pdata[0])->pretty);
    ck_assert(((struct option_mon *)o.mons->pdata[1])->text);
    ck_assert_str_eq(((struct option_mon *)o.mons->pdata[1])->chardev, "unix:x,server=on");
    terminals_are("hostel -nographic -qmp stdio", "null", "");
    terminals_are("hostel -daemonize -nographic -nodefaults", "", "");
    refuse("hostel -daemonize -display none -qmp stdio", "-daemonize");
    refuse("hostel -mon m,mode=other", "mode");
    refuse("hostel -mon m,pretty=on", "mode=control");
    refuse("hostel -display vnc", "address");
    refuse("hostel -display vnc=:x", "DISPLAY");
    refuse("hostel -vnc :1,tls-creds=a", "TLS");
    terminals_are("hostel -vnc :1", "vc", "vc");
    terminals_are("hostel -display vnc=unix:/tmp/x -serial stdio", "stdio", "vc");
    refuse("hostel -display sdk", "no such display");
    refuse("hostel -display none,full-screen=on", "full-screen");
    refuse("hostel -vga qxl", "qxl");
    accept("hostel -net nic -net user -netdev user,id=n0 -nic user,model=e1000");
    accept("hostel -vga none -net none -nic none -parallel none");
}
END_TEST

START_TEST(unknown)
{
    refuse("hostel -kernal x", "did you mean '-kernel'?");
    refuse("hostel --nographics", "did you mean '-nographic'?");
    refuse("hostel -Zqy", "there is no such option");
    refuse("hostel -spice port=1", "does not have this option yet");
    refuse("hostel -", "no such option");
    refuse("hostel --", "no such option");
    refuse("hostel -d in_asn", "did you mean 'in_asm'?");
    refuse("hostel -uuid 1234", "UUID");
    refuse("hostel -name process=x", "process");
}
END_TEST

START_TEST(usage)
{
    GString *s = g_string_new(NULL);

    accept("hostel -help -nonsense");
    ck_assert_int_eq(o.help, HELP_USAGE);
    options_usage(s);
    ck_assert_ptr_nonnull(strstr(s->str, "\n  -kernel FILE\n"));
    ck_assert_ptr_nonnull(strstr(s->str, "\n  -icount "));
    char **lines = g_strsplit(s->str, "\n", -1);
    for (char **l = lines; *l; l++)
        ck_assert_msg(strlen(*l) <= 100, "longer than 100 columns: %s", *l);
    g_strfreev(lines);
    g_string_free(s, TRUE);
    accept("hostel --version");
    ck_assert_int_eq(o.help, HELP_VERSION);
    accept("hostel -d help");
    ck_assert_int_eq(o.help, HELP_LOG);
}
END_TEST

START_TEST(log_options)
{
    accept("hostel -d int,cpu_reset -d mmu -D file");
    ck_assert_uint_eq(o.log_mask, LOG_INT | LOG_CPU_RESET | LOG_MMU);
    ck_assert_str_eq(o.log_file, "file");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {memory, smp, machine, accel, boot, clocks,
                            devices, terminals, unknown, usage, log_options};

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
