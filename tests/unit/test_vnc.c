/* SPDX-License-Identifier: MIT */
/* ui/vnc*.c over a unix socket, byte by byte: handshakes, pictures, keys, and clients that break
 * the rules or stop reading. timeout: 120 */
#include <check.h>
#include <errno.h>
#include <rfb/rfb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#undef MAX_ENCODINGS
#include "core/event.h"
#include "core/machine_test.h"
#include "ui/console.h"
#include "ui/input.h"
#include "ui/vnc.h"

enum { W = 100, H = 60 };

static struct machine *m;
static struct console *con;
static struct machine_config config;
static char *dir, *path;
static unsigned draws;
static GString *keys, *events;
static int motion[3], place[2];

/* ---- A screen and a keyboard ------------------------------------------------------------- */

static uint32_t colour(unsigned x, unsigned y)
{
    return (x * 2 << 16) | (y * 4 << 8) | ((x ^ y) & 0xff);
}
static int64_t screen_update(void *dev)
{
    console_resize(con, W, H);
    draws++;
    for (unsigned y = 0; y < H; y++)
        for (unsigned x = 0; x < W; x++)
            con->surface.pixels[y * con->surface.stride + x] = colour(x, y);
    console_damage(con, 0, 0, W, H);
    return -1;
}
static void screen_redraw(void *dev)
{
}
static const struct screen_ops screen = {.update = screen_update, .redraw = screen_redraw};

static void on_key(void *dev, uint16_t key, bool down)
{
    g_string_append_printf(keys, "%s%x ", down ? "" : "-", key);
}
static void on_motion(void *dev, int dx, int dy, int dz, unsigned buttons)
{
    motion[0] += dx;
    motion[1] += dy;
    motion[2] += dz;
}
static void on_position(void *dev, int x, int y, int dz, unsigned buttons)
{
    place[0] = x;
    place[1] = y;
}
static void on_event(void *arg, const char *name, json_t *data)
{
    g_string_append_printf(events, "%s ", name);
}

static void setup(void)
{
    static const struct input_sink sink = {.dev = &con, .key = on_key, .motion = on_motion};

    m = machine_new_test();
    config = *m->config;
    m->config = &config;
    dir = g_dir_make_tmp("hostel-XXXXXX", NULL);
    path = g_strdup_printf("%s/vnc", dir);
    keys = g_string_new(NULL);
    events = g_string_new(NULL);
    draws = 0;
    memset(motion, 0, sizeof(motion));
    machine_lock(m);
    con = console_add(m, "test", &screen, NULL);
    input_add(m, &sink);
    machine_add_listener(m, on_event, NULL);
    machine_unlock(m);
}
static void teardown(void)
{
    machine_free(m);
    rmdir(dir);
    g_free(dir);
    g_free(path);
    g_string_free(keys, TRUE);
    g_string_free(events, TRUE);
}

static void serve(const char *options)
{
    g_autofree char *text = g_strdup_printf("unix:%s%s", path, options);
    GError *err = NULL;

    machine_lock(m);
    ck_assert_msg(vnc_open(m, text, &err), "%s", err ? err->message : "");
    machine_unlock(m);
}

/* ---- A client ----------------------------------------------------------------------------- */

static int dial(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}
static void turn(void)
{
    machine_iterate(m, false);
}
static void turns(unsigned n)
{
    while (n--) {
        turn();
        g_usleep(200);
    }
}
/* False: the server hung up. */
static bool get(int fd, void *buf, size_t len)
{
    uint8_t *p = buf;

    for (unsigned tries = 0; len && tries < 20000; tries++) {
        ssize_t n = recv(fd, p, len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return false;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
            continue;
        }
        turn();
        g_usleep(200);
    }
    ck_assert_uint_eq(len, 0);
    return true;
}
static void put(int fd, const void *buf, size_t len)
{
    const uint8_t *p = buf;

    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
        turn();
    }
}
static bool hung_up(int fd)
{
    uint8_t buf[4096];

    for (unsigned tries = 0; tries < 5000; tries++) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
        turn();
        g_usleep(200);
    }
    return false;
}
static unsigned u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}
static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) << 16 | u16(p + 2);
}

static void server_init(int fd, uint8_t shared)
{
    uint8_t b[64];

    put(fd, &shared, 1);
    ck_assert(get(fd, b, 24));
    ck_assert_uint_eq(u16(b), W);
    ck_assert_uint_eq(u16(b + 2), H);
    uint32_t n = u32(b + 20);
    ck_assert_uint_le(n, sizeof(b));
    ck_assert(get(fd, b, n));
    ck_assert_int_eq(memcmp(b, "Hostel", 6), 0);
}
static int log_in_shared(uint8_t shared)
{
    int fd = dial();
    uint8_t b[16];

    ck_assert(get(fd, b, 12));
    ck_assert_int_eq(memcmp(b, "RFB 003.008\n", 12), 0);
    put(fd, b, 12);
    ck_assert(get(fd, b, 2));
    ck_assert_uint_eq(b[0], 1);
    ck_assert_uint_eq(b[1], 1);
    put(fd, "\1", 1);
    ck_assert(get(fd, b, 4));
    ck_assert_uint_eq(u32(b), 0);
    server_init(fd, shared);
    return fd;
}
static int log_in(void)
{
    return log_in_shared(1);
}
static void encodings(int fd, unsigned n, const int32_t *list)
{
    uint8_t b[4 + 4 * 16] = {2, 0, 0, (uint8_t)n};

    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 4; k++)
            b[4 + 4 * i + k] = (uint8_t)((uint32_t)list[i] >> (24 - 8 * k));
    put(fd, b, 4 + 4 * n);
}
static void ask(int fd, bool incremental)
{
    uint8_t b[10] = {3, incremental, 0, 0, 0, 0, 0, W, 0, H};

    put(fd, b, sizeof(b));
}
static void key(int fd, uint32_t keysym, bool down)
{
    uint8_t b[8] = {4, down, 0, 0, (uint8_t)(keysym >> 24), (uint8_t)(keysym >> 16),
                    (uint8_t)(keysym >> 8), (uint8_t)keysym};

    put(fd, b, sizeof(b));
    turns(4);
}
static void tap_key(int fd, uint32_t keysym)
{
    key(fd, keysym, true);
    key(fd, keysym, false);
}
static void pointer(int fd, uint8_t buttons, unsigned x, unsigned y)
{
    uint8_t b[6] = {5, buttons, (uint8_t)(x >> 8), (uint8_t)x, (uint8_t)(y >> 8), (uint8_t)y};

    put(fd, b, sizeof(b));
    turns(4);
}
/* One rectangle: what it says about itself. */
static void header(int fd, int32_t encoding, unsigned w, unsigned h)
{
    uint8_t b[16];

    ck_assert(get(fd, b, 16));
    ck_assert_uint_eq(b[0], 0);
    ck_assert_uint_eq(u16(b + 2), 1);
    ck_assert_int_eq((int32_t)u32(b + 12), encoding);
    ck_assert_uint_eq(u16(b + 8), w);
    ck_assert_uint_eq(u16(b + 10), h);
}
static void check_pixels(const uint8_t *b)
{
    for (unsigned i = 0; i < W * H; i++)
        ck_assert_uint_eq(b[4 * i] | b[4 * i + 1] << 8 | b[4 * i + 2] << 16,
                          colour(i % W, i / W));
}
static void raw_picture(int fd)
{
    static uint8_t b[W * H * 4];

    header(fd, 0, W, H);
    ck_assert(get(fd, b, sizeof(b)));
    check_pixels(b);
}

/* ---- Pictures ----------------------------------------------------------------------------- */

START_TEST(raw)
{
    serve("");
    turns(50);
    ck_assert_uint_eq(draws, 0); /* nobody looks */
    int fd = log_in();
    while (draws < 2) /* the log-in, and the first frame */
        turns(1);
    ask(fd, false);
    raw_picture(fd);
    unsigned before = draws;
    ask(fd, true);
    turns(300);
    uint8_t b;
    ck_assert_int_lt(recv(fd, &b, 1, 0), 0); /* nothing changed */
    ck_assert_uint_eq(draws, before);
    console_wake(con);
    raw_picture(fd);
    ck_assert_str_eq(events->str, "VNC_CONNECTED VNC_INITIALIZED ");
    close(fd);
    turns(20);
    ck_assert(g_str_has_suffix(events->str, "VNC_DISCONNECTED "));
    before = draws;
    console_wake(con);
    turns(300);
    ck_assert_uint_eq(draws, before);
}
END_TEST

START_TEST(zlib)
{
    static uint8_t packed[W * H * 8], b[W * H * 4];
    z_stream z = {0};

    serve("");
    int fd = log_in();
    encodings(fd, 2, (int32_t[]){6, 0});
    ck_assert_int_eq(inflateInit(&z), Z_OK);
    for (unsigned i = 0; i < 2; i++) { /* one stream for all rectangles */
        ask(fd, false);
        header(fd, 6, W, H);
        ck_assert(get(fd, packed, 4));
        uint32_t n = u32(packed);
        ck_assert_uint_le(n, sizeof(packed));
        ck_assert(get(fd, packed, n));
        z.next_in = packed;
        z.avail_in = n;
        z.next_out = b;
        z.avail_out = sizeof(b);
        ck_assert_int_eq(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        ck_assert_uint_eq(z.avail_out, 0);
        check_pixels(b);
    }
    inflateEnd(&z);
    close(fd);
}
END_TEST

START_TEST(formats)
{
    static const uint8_t rgb565be[20] = {0, 0, 0, 0, 16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0};
    static const uint8_t indexed[20] = {0, 0, 0, 0, 8, 8, 0, 0};
    static uint8_t b[W * H * 2], map[6 + 256 * 6];

    serve("");
    int fd = log_in();
    put(fd, rgb565be, 20);
    ask(fd, false);
    header(fd, 0, W, H);
    ck_assert(get(fd, b, W * H * 2));
    for (unsigned i = 0; i < W * H; i++) {
        uint32_t c = colour(i % W, i / W);
        ck_assert_uint_eq(u16(b + 2 * i) >> 11, ((c >> 16) * 31 + 127) / 255);
        ck_assert_uint_eq(u16(b + 2 * i) & 31, ((c & 255) * 31 + 127) / 255);
    }
    put(fd, indexed, 20);
    turns(10);
    while (recv(fd, b, sizeof(b), 0) > 0)
        ;
    close(fd);
    fd = log_in();
    put(fd, indexed, 20);
    ck_assert(get(fd, map, sizeof(map)));
    ck_assert_uint_eq(map[0], 1);
    ck_assert_uint_eq(u16(map + 4), 256);
    ck_assert_uint_eq(u16(map + 6 + 6 * 7), 65535); /* colour 7 is red */
    close(fd);
}
END_TEST

START_TEST(sizes)
{
    uint8_t b[16];

    serve("");
    int fd = log_in();
    encodings(fd, 1, (int32_t[]){-223});
    while (draws < 2)
        turns(1);
    ask(fd, false);
    raw_picture(fd);
    machine_lock(m);
    console_resize(con, 33, 20);
    machine_unlock(m);
    ask(fd, true);
    header(fd, -223, 33, 20);
    ask(fd, true); /* then the picture of that size */
    ck_assert(get(fd, b, 16));
    ck_assert_uint_le(u16(b + 8), W);
    close(fd);
}
END_TEST

/* ---- Who may come ------------------------------------------------------------------------- */

static int knock(unsigned minor, unsigned *security)
{
    int fd = dial();
    uint8_t b[16];

    ck_assert(get(fd, b, 12));
    g_snprintf((char *)b, sizeof(b), "RFB 003.%03u\n", minor);
    put(fd, b, 12);
    if (minor < 7) {
        ck_assert(get(fd, b, 4));
        *security = u32(b);
    } else {
        ck_assert(get(fd, b, 2));
        *security = b[1];
        put(fd, b + 1, 1);
    }
    return fd;
}
static uint32_t answer(int fd, const char *password)
{
    uint8_t challenge[16], b[4];

    ck_assert(get(fd, challenge, 16));
    rfbEncryptBytes(challenge, (char *)password);
    put(fd, challenge, 16);
    ck_assert(get(fd, b, 4));
    return u32(b);
}

START_TEST(old_protocols)
{
    unsigned security;

    serve("");
    int fd = knock(3, &security);
    ck_assert_uint_eq(security, 1);
    server_init(fd, 1);
    close(fd);
    fd = knock(7, &security); /* 3.7 has no result after None */
    ck_assert_uint_eq(security, 1);
    server_init(fd, 1);
    close(fd);
    fd = dial();
    put(fd, "HTTP/1.1 GET\n", 12);
    ck_assert(hung_up(fd));
    close(fd);
}
END_TEST

START_TEST(passwords)
{
    unsigned security;
    GError *err = NULL;

    serve(",password=on");
    int fd = knock(8, &security);
    ck_assert_uint_eq(security, 2);
    ck_assert_uint_eq(answer(fd, ""), 1); /* none is set: nobody gets in */
    ck_assert(hung_up(fd));
    close(fd);
    machine_lock(m);
    ck_assert(vnc_set_password(m, "secret", &err));
    machine_unlock(m);
    fd = knock(8, &security);
    ck_assert_uint_eq(answer(fd, "secreT"), 1);
    ck_assert(hung_up(fd));
    close(fd);
    for (unsigned minor = 3; minor <= 8; minor += 5) {
        fd = knock(minor, &security);
        ck_assert_uint_eq(security, 2);
        ck_assert_uint_eq(answer(fd, "secret"), 0);
        server_init(fd, 1);
        close(fd);
    }
    machine_lock(m);
    ck_assert(vnc_expire_password(m, g_get_real_time() / G_USEC_PER_SEC, &err));
    machine_unlock(m);
    fd = knock(8, &security);
    ck_assert_uint_eq(answer(fd, "secret"), 1);
    close(fd);
}
END_TEST

START_TEST(password_needs_the_option)
{
    GError *err = NULL;

    serve("");
    machine_lock(m);
    ck_assert(!vnc_set_password(m, "x", &err));
    machine_unlock(m);
    ck_assert(strstr(err->message, "password=on"));
    g_error_free(err);
}
END_TEST

START_TEST(sharing)
{
    serve("");
    int a = log_in(), b = log_in(); /* both stay */
    ask(a, false);
    raw_picture(a);
    int alone = log_in_shared(0);
    ck_assert(hung_up(a));
    ck_assert(hung_up(b));
    int late = dial();
    uint8_t buf[16];
    ck_assert(get(late, buf, 12));
    put(late, buf, 12);
    ck_assert(get(late, buf, 2));
    put(late, "\1", 1);
    ck_assert(get(late, buf, 4));
    put(late, "\1", 1);
    ck_assert(hung_up(late)); /* somebody is alone */
    close(a);
    close(b);
    close(late);
    close(alone);
}
END_TEST

START_TEST(limit)
{
    serve(",connections=2");
    int a = log_in(), b = log_in(), c = dial();
    ck_assert(hung_up(c));
    close(a);
    turns(20);
    c = log_in();
    close(b);
    close(c);
}
END_TEST

START_TEST(owner_only)
{
    struct stat st;

    serve("");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* ---- Keys and pointer ------------------------------------------------------------------------ */

static void typed(const char *want)
{
    ck_assert_str_eq(keys->str, want);
    g_string_truncate(keys, 0);
}

START_TEST(keysyms_us)
{
    serve("");
    int fd = log_in();
    tap_key(fd, 'a');
    typed("1e -1e ");
    tap_key(fd, 0xff0d);
    typed("1c -1c ");
    tap_key(fd, 0xff51);
    typed("e04b -e04b ");
    tap_key(fd, 'A'); /* without Shift: it is put there */
    typed("2a 1e -2a -1e ");
    key(fd, 0xffe1, true);
    tap_key(fd, 'A');
    tap_key(fd, '7'); /* that keyboard has it on Shift; ours has not */
    key(fd, 0xffe1, false);
    typed("2a 1e -1e -2a 8 2a -8 -2a ");
    key(fd, 'x', true);
    close(fd); /* it takes its keys with it */
    turns(20);
    typed("2d -2d ");
}
END_TEST

START_TEST(keysyms_de)
{
    config.keymap = (char *)"de";
    serve("");
    int fd = log_in();
    tap_key(fd, 'z');
    typed("15 -15 ");
    tap_key(fd, 0xf6); /* odiaeresis */
    typed("27 -27 ");
    tap_key(fd, '@'); /* AltGr-Q */
    typed("e038 10 -e038 -10 ");
    close(fd);
}
END_TEST

START_TEST(extended_keys)
{
    serve("");
    int fd = log_in();
    encodings(fd, 2, (int32_t[]){-258, 0});
    header(fd, -258, W, H);
    /* "z" was typed by the key that has y in America */
    put(fd, (uint8_t[]){255, 0, 0, 1, 0, 0, 0, 'z', 0, 0, 0, 0x15}, 12);
    put(fd, (uint8_t[]){255, 0, 0, 0, 0, 0, 0, 'z', 0, 0, 0, 0x15}, 12);
    put(fd, (uint8_t[]){255, 0, 0, 1, 0, 0, 0xff, 0x51, 0, 0, 0, 0xcb}, 12);
    turns(4);
    typed("15 -15 e04b ");
    close(fd);
}
END_TEST

START_TEST(relative_pointer)
{
    serve("");
    int fd = log_in();
    pointer(fd, 0, 10, 10); /* where it is; nothing moves */
    ck_assert_int_eq(motion[0], 0);
    pointer(fd, 0, 15, 8);
    ck_assert_int_eq(motion[0], 5);
    ck_assert_int_eq(motion[1], -2);
    pointer(fd, 8, 15, 8); /* wheel */
    pointer(fd, 0, 15, 8);
    ck_assert_int_eq(motion[2], 1);
    encodings(fd, 2, (int32_t[]){-257, 0});
    uint8_t b[16];
    ck_assert(get(fd, b, 16));
    ck_assert_int_eq((int32_t)u32(b + 12), -257);
    ck_assert_uint_eq(u16(b + 4), 0); /* relative */
    pointer(fd, 0, 0x7fff - 3, 0x7fff + 4);
    ck_assert_int_eq(motion[0], 2);
    ck_assert_int_eq(motion[1], 2);
    close(fd);
}
END_TEST

START_TEST(absolute_pointer)
{
    static const struct input_sink tablet = {.dev = &draws, .position = on_position};

    machine_lock(m);
    input_add(m, &tablet);
    machine_unlock(m);
    serve("");
    int fd = log_in();
    pointer(fd, 0, W - 1, 0);
    ck_assert_int_eq(place[0], 32767);
    ck_assert_int_eq(place[1], 0);
    close(fd);
}
END_TEST

/* ---- Hostile -------------------------------------------------------------------------------- */

START_TEST(never_waits)
{
    serve("");
    int fd = log_in(), half = dial();
    put(half, "RFB", 3);
    put(fd, (uint8_t[]){2, 0, 0, 200, 0}, 5); /* the rest of 200 encodings does not come */
    gint64 before = g_get_monotonic_time();
    turns(20);
    ck_assert_int_lt(g_get_monotonic_time() - before, 10 * G_USEC_PER_SEC);
    int other = log_in(); /* others are served */
    ask(other, false);
    raw_picture(other);
    close(half);
    close(fd);
    close(other);
}
END_TEST

START_TEST(nonsense)
{
    static const uint8_t bad[][20] = {
        {77},                                              /* no such message */
        {2, 0, 0xff, 0xff},                                /* encodings */
        {0, 0, 0, 0, 24, 24, 0, 1},                        /* 24 bits */
        {0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 40, 8, 0}, /* shift */
        {0, 0, 0, 0, 32, 24, 0, 1, 0, 0, 0, 255, 0, 255, 16, 8, 0},   /* no red */
        {255, 9},
    };

    serve("");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        int fd = log_in();
        put(fd, bad[i], 20);
        ck_assert(hung_up(fd));
        close(fd);
    }
    int fd = log_in(); /* a clipboard is thrown away, however large */
    uint8_t cut[8] = {6, 0, 0, 0, 0, 0x10, 0, 0};
    static uint8_t text[0x100000];
    put(fd, cut, 8);
    put(fd, text, sizeof(text));
    ask(fd, false);
    raw_picture(fd);
    close(fd);
}
END_TEST

START_TEST(does_not_read)
{
    serve("");
    int fd = log_in();
    /* It asks and asks; what waits for it stays one picture and some acknowledgements. */
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t b[10] = {3, 0, 0, 0, 0, 0, 0, W, 0, H};
        if (send(fd, b, sizeof(b), MSG_NOSIGNAL) < 0)
            ck_assert_int_eq(errno, EAGAIN);
        turn();
    }
    int other = log_in();
    ask(other, false);
    raw_picture(other);
    for (unsigned i = 0; i < 3; i++) /* and when it reads again, whole pictures come */
        raw_picture(fd);
    close(fd);
    close(other);
}
END_TEST

START_TEST(noise)
{
    serve("");
    srand(1);
    for (unsigned i = 0; i < 200; i++) {
        static const uint8_t types[] = {0, 2, 3, 4, 5, 6, 251, 255};
        uint8_t b[64];
        int fd = log_in();
        for (unsigned k = 0; k < 20; k++) {
            for (size_t j = 0; j < sizeof(b); j++)
                b[j] = rand() % 3 ? 0 : (uint8_t)rand();
            b[0] = types[rand() % 8];
            if (send(fd, b, (size_t)(rand() % 64), MSG_NOSIGNAL) < 0)
                break;
            turn();
        }
        close(fd);
        turns(3);
    }
    int fd = log_in();
    ask(fd, false);
    close(fd);
}
END_TEST

START_TEST(options)
{
    static const char *const good[] = {"none", ":0", "127.0.0.1:5,password=on", "[::1]:3,to=9",
                                       "unix:/x,share=ignore", ":1,id=a,connections=3"};
    static const char *const bad[] = {"", "5901", ":x", ":99999", "unix:", ":0,websocket=on",
                                      ":0,tls-creds=a", ":0,share=me", ":0,nothing=1",
                                      ":0,lossy=on"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        ck_assert_msg(vnc_check(good[i], NULL), "%s", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *err = NULL;
        ck_assert_msg(!vnc_check(bad[i], &err), "%s", bad[i]);
        g_error_free(err);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        raw, zlib, formats, sizes, old_protocols, passwords, password_needs_the_option, sharing,
        limit, owner_only, keysyms_us, keysyms_de, extended_keys, relative_pointer,
        absolute_pointer, never_waits, nonsense, does_not_read, noise, options};
    Suite *s = suite_create("vnc");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
