/* SPDX-License-Identifier: MIT */
/*
 * What VNC clients say: the RFB protocol (3.3, 3.7, 3.8; RFC 6143), its security types None and
 * VNC Authentication, and messages from client to server. A client's clipboard is thrown away.
 */
#include <fcntl.h>
#include <rfb/rfb.h>
#include <string.h>
#include <sys/random.h>

#include "core/machine.h"
#include "ui/vnc_int.h"

enum { SECURITY_NONE = 1, SECURITY_VNC = 2, RESULT_OK = 0, RESULT_FAILED = 1 };
enum {
    SET_PIXEL_FORMAT = 0,
    SET_ENCODINGS = 2,
    UPDATE_REQUEST = 3,
    KEY_EVENT = 4,
    POINTER_EVENT = 5,
    CUT_TEXT = 6,
    SET_DESKTOP_SIZE = 251,
    QEMU_CLIENT = 255,
    QEMU_KEY_EVENT = 0,
    ENCODINGS_MAX = 1024,
};

static unsigned get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void put_text(struct vnc_client *c, const char *text)
{
    vnc_put32(c, (uint32_t)strlen(text));
    vnc_put(c, text, strlen(text));
}

/* ---- Handshake ---------------------------------------------------------------------------- */

void vnc_greet(struct vnc_client *c)
{
    vnc_put(c, "RFB 003.008\n", 12);
}

static void challenge(struct vnc_client *c)
{
    if (getrandom(c->challenge, sizeof(c->challenge), 0) != sizeof(c->challenge)) {
        vnc_client_drop(c);
        return;
    }
    vnc_put(c, c->challenge, sizeof(c->challenge));
    c->state = VNC_RESPONSE;
}

static void refuse(struct vnc_client *c, const char *why)
{
    vnc_put32(c, RESULT_FAILED);
    if (c->minor >= 8)
        put_text(c, why);
    c->state = VNC_CLOSING;
}

static size_t on_version(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    unsigned security = c->vnc->auth ? SECURITY_VNC : SECURITY_NONE;
    unsigned major = 0;

    if (len < 12)
        return 0;
    g_autofree char *text = g_strndup((const char *)buf, 12);
    if (sscanf(text, "RFB %3u.%3u", &major, &c->minor) != 2 || major != 3) {
        vnc_client_drop(c);
        return 12;
    }
    /* Some said 3.4 to 3.6, which never were, and some say more than we know. */
    c->minor = c->minor >= 8 ? 8 : c->minor == 7 ? 7 : 3;
    if (c->minor >= 7) {
        vnc_put16(c, 1 << 8 | security);
        c->state = VNC_SECURITY;
    } else {
        vnc_put32(c, security);
        c->state = VNC_INIT;
        if (c->vnc->auth)
            challenge(c);
    }
    return 12;
}

static size_t on_security(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    if (buf[0] != (c->vnc->auth ? SECURITY_VNC : SECURITY_NONE)) {
        refuse(c, "There is no such security type");
    } else if (c->vnc->auth) {
        challenge(c);
    } else {
        if (c->minor >= 8)
            vnc_put32(c, RESULT_OK);
        c->state = VNC_INIT;
    }
    return 1;
}

static bool password_fits(struct vnc_client *c, const uint8_t response[VNC_CHALLENGE])
{
    const struct vnc *v = c->vnc;
    uint8_t expected[VNC_CHALLENGE], differs = 0;

    if (!v->password || !*v->password || g_get_real_time() / G_USEC_PER_SEC >= v->expires)
        return false;
    g_autofree char *password = g_strdup(v->password);
    memcpy(expected, c->challenge, sizeof(expected));
    rfbEncryptBytes(expected, password);
    for (unsigned i = 0; i < VNC_CHALLENGE; i++)
        differs |= expected[i] ^ response[i];
    return !differs;
}

static size_t on_response(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    if (len < VNC_CHALLENGE)
        return 0;
    if (password_fits(c, buf)) {
        vnc_put32(c, RESULT_OK);
        c->state = VNC_INIT;
    } else {
        refuse(c, "The password is wrong, or there is none");
    }
    return VNC_CHALLENGE;
}

/* Somebody wants to be alone, or somebody is. False: this client has to go. */
static bool share(struct vnc_client *c, bool shared)
{
    struct vnc *v = c->vnc;

    if (v->share == SHARE_IGNORE)
        return true;
    if (v->share == SHARE_FORCE_SHARED)
        return shared;
    for (unsigned i = 0; i < v->clients->len; i++) {
        struct vnc_client *other = v->clients->pdata[i];
        if (other == c || other->state != VNC_NORMAL)
            continue;
        if (shared && other->exclusive)
            return false;
        if (!shared)
            vnc_client_drop(other);
    }
    c->exclusive = !shared;
    return true;
}

/* Nobody looked so far: the surface has an old picture, or none. */
static void draw_now(struct vnc *v)
{
    machine_lock(v->machine);
    if (!v->viewer.visible)
        console_refresh(v->viewer.console);
    machine_unlock(v->machine);
}

static size_t on_init(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    struct vnc *v = c->vnc;
    g_autofree char *title = vnc_title(v);

    if (!share(c, buf[0] != 0) || !v->viewer.console) {
        vnc_client_drop(c);
        return 1;
    }
    draw_now(v);
    c->width = MIN(v->viewer.console->surface.width, UINT16_MAX);
    c->height = MIN(v->viewer.console->surface.height, UINT16_MAX);
    vnc_put16(c, c->width);
    vnc_put16(c, c->height);
    vnc_put_format(c);
    put_text(c, title);
    c->resize = false;
    c->state = VNC_NORMAL;
    vnc_client_count(v);
    machine_lock(v->machine);
    vnc_client_event(c, "VNC_INITIALIZED");
    machine_unlock(v->machine);
    return 1;
}

/* ---- Messages ----------------------------------------------------------------------------- */

static void on_request(struct vnc_client *c, const uint8_t *m)
{
    unsigned x = get16(m + 2), y = get16(m + 4), w = get16(m + 6), h = get16(m + 8);

    if (!m[1])
        pixman_region32_union_rect(&c->dirty, &c->dirty, (int)x, (int)y, w, h);
    c->requested = true;
    vnc_client_poke(c);
}

/* Answered at once, so that a client that waits for it goes on. */
static void on_desktop_size(struct vnc_client *c, const uint8_t *m)
{
    struct machine *machine = c->vnc->machine;
    struct console *con = c->vnc->viewer.console;

    machine_lock(machine);
    if (con && con->ops->wish)
        con->ops->wish(con->dev, get16(m + 2), get16(m + 4));
    machine_unlock(machine);
    c->resize = true;
    vnc_client_poke(c);
}

static size_t qemu_length(const uint8_t *m, size_t len)
{
    return len < 2 ? 2 : m[1] == QEMU_KEY_EVENT ? 12 : 0;
}

/* The message's length, as far as its beginning tells (then more than len); 0: unknown. */
static size_t length_of(const uint8_t *m, size_t len)
{
    switch (m[0]) {
    case SET_PIXEL_FORMAT: return 20;
    case SET_ENCODINGS: return len < 4 ? 4 : 4 + 4 * (size_t)get16(m + 2);
    case UPDATE_REQUEST: return 10;
    case KEY_EVENT: return 8;
    case POINTER_EVENT: return 6;
    case CUT_TEXT: return 8;
    case SET_DESKTOP_SIZE: return len < 8 ? 8 : 8 + 16 * (size_t)m[6];
    case QEMU_CLIENT: return qemu_length(m, len);
    default: return 0;
    }
}

static void carry_out(struct vnc_client *c, const uint8_t *m)
{
    switch (m[0]) {
    case SET_PIXEL_FORMAT:
        if (!vnc_set_format(c, m + 4))
            vnc_client_drop(c);
        vnc_damage_all(c);
        c->say_cursor = true;
        break;
    case SET_ENCODINGS: vnc_set_encodings(c, m + 4, get16(m + 2)); break;
    case UPDATE_REQUEST: on_request(c, m); break;
    case KEY_EVENT: vnc_key(c, get32(m + 4), 0, m[1] != 0); break;
    case POINTER_EVENT: vnc_pointer(c, m[1], get16(m + 2), get16(m + 4)); break;
    case CUT_TEXT: /* a negative length: the extended clipboard, which was not offered */
        c->skip = get32(m + 4) >> 31 ? -get32(m + 4) : get32(m + 4);
        break;
    case SET_DESKTOP_SIZE: on_desktop_size(c, m); break;
    case QEMU_CLIENT: vnc_key(c, get32(m + 4), get32(m + 8), get16(m + 2) != 0); break;
    }
}

static size_t on_message(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    if (c->skip) {
        size_t n = MIN(len, c->skip);
        c->skip -= (uint32_t)n;
        return n;
    }
    if (buf[0] == SET_ENCODINGS && len >= 4 && get16(buf + 2) > ENCODINGS_MAX) {
        vnc_client_drop(c);
        return 0;
    }
    size_t length = length_of(buf, len);
    if (!length)
        vnc_client_drop(c);
    if (!length || length > len)
        return 0;
    carry_out(c, buf);
    return length;
}

size_t vnc_receive(struct vnc_client *c, const uint8_t *buf, size_t len)
{
    switch (c->state) {
    case VNC_VERSION: return on_version(c, buf, len);
    case VNC_SECURITY: return on_security(c, buf, len);
    case VNC_RESPONSE: return on_response(c, buf, len);
    case VNC_INIT: return on_init(c, buf, len);
    case VNC_NORMAL: return on_message(c, buf, len);
    case VNC_CLOSING: return len;
    }
    return 0;
}
