/* SPDX-License-Identifier: MIT */
/*
 * A VNC viewer for scripts, by libvncclient:
 *   vncdo HOST:DISPLAY|PATH ENCODINGS PASSWORD COMMAND...
 *   key=NAME|0xKEYSYM  ext=XTKEY  at=X,Y,BUTTONS  pause=MS  size=WxH  save=FILE.ppm
 * `size` waits until the screen has that size, `save` until nothing has changed for a while.
 */
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *password;

static char *get_password(rfbClient *c)
{
    return strdup(password);
}

static rfbBool resize(rfbClient *c)
{
    free(c->frameBuffer);
    c->frameBuffer = calloc((size_t)c->width * c->height, 4);
    return c->frameBuffer != NULL;
}

/* Handle what comes until nothing did for that long. */
static int settle(rfbClient *c, unsigned ms)
{
    int n;

    while ((n = WaitForMessage(c, ms * 1000)) > 0)
        if (!HandleRFBServerMessage(c))
            return 0;
    return n >= 0;
}

static int save(rfbClient *c, const char *path)
{
    if (!settle(c, 400))
        return 0;
    FILE *f = fopen(path, "wb");
    if (!f)
        return 0;
    fprintf(f, "P6\n%d %d\n255\n", c->width, c->height);
    for (int i = 0; i < c->width * c->height; i++) {
        const uint8_t *p = c->frameBuffer + (size_t)i * 4;
        fputc(p[c->format.redShift / 8], f);
        fputc(p[c->format.greenShift / 8], f);
        fputc(p[c->format.blueShift / 8], f);
    }
    return fclose(f) == 0;
}

static int wait_size(rfbClient *c, const char *text)
{
    int w, h;

    if (sscanf(text, "%dx%d", &w, &h) != 2)
        return 0;
    for (int i = 0; i < 200; i++) {
        if (c->width == w && c->height == h)
            return 1;
        if (!settle(c, 100))
            return 0;
    }
    fprintf(stderr, "the screen is %dx%d\n", c->width, c->height);
    return 0;
}

static int key(rfbClient *c, uint32_t sym)
{
    return SendKeyEvent(c, sym, TRUE) && SendKeyEvent(c, sym, FALSE);
}

static int command(rfbClient *c, const char *text)
{
    const char *arg = strchr(text, '=');
    int x, y, b;

    if (!arg++)
        return 0;
    if (!strncmp(text, "key=", 4))
        return key(c, arg[1] ? (uint32_t)strtoul(arg, NULL, 16) : (uint32_t)*arg);
    if (!strncmp(text, "ext=", 4)) {
        uint32_t code = (uint32_t)strtoul(arg, NULL, 16);
        return SendExtendedKeyEvent(c, 0, code, TRUE) && SendExtendedKeyEvent(c, 0, code, FALSE);
    }
    if (!strncmp(text, "at=", 3))
        return sscanf(arg, "%d,%d,%d", &x, &y, &b) == 3 && SendPointerEvent(c, x, y, b);
    if (!strncmp(text, "pause=", 6))
        return settle(c, (unsigned)atoi(arg));
    if (!strncmp(text, "size=", 5))
        return wait_size(c, arg);
    return !strncmp(text, "save=", 5) && save(c, arg);
}

int main(int argc, char **argv)
{
    rfbClient *c = rfbGetClient(8, 3, 4);
    char *args[] = {argv[0], argv[1], NULL};
    int n = 2;

    if (argc < 4)
        return 2;
    password = argv[3];
    c->appData.encodingsString = argv[2];
    c->appData.enableJPEG = FALSE;
    c->MallocFrameBuffer = resize;
    c->canHandleNewFBSize = TRUE;
    c->GetPassword = get_password;
    if (argv[1][0] == '/') {
        c->serverHost = strdup(argv[1]);
        c->serverPort = 0;
        n = 1;
    }
    if (!rfbInitClient(c, &n, args)) /* frees it when it fails */
        return 1;
    for (int i = 4; i < argc; i++) {
        if (!command(c, argv[i])) {
            fprintf(stderr, "%s failed\n", argv[i]);
            return 1;
        }
    }
    rfbClientCleanup(c);
    return 0;
}
