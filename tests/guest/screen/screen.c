/* SPDX-License-Identifier: MIT */
/*
 * Pictures in every mode that a VGA has: each is drawn, reported as a line on port E9h, and stands
 * until a key is pressed. Runs in real mode on the services of SeaBIOS and its VGA BIOS.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

struct regs {
    u16 ax, bx, cx, dx, bp, es, di;
};
void bios10(struct regs *r);
void wait_key(void);
void screen_main(void);

/* ---- Ports, memory, BIOS ---------------------------------------------------------------- */

static void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static void outw(u16 port, u16 v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static u8 inb(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static void poke(u16 seg, u16 off, u8 v)
{
    __asm__ volatile("mov %0, %%fs\n\tmovb %1, %%fs:(%2)" : : "r"(seg), "q"(v), "r"((u32)off)
                     : "memory");
}
static u8 peek(u16 seg, u16 off)
{
    u8 v;
    __asm__ volatile("mov %1, %%fs\n\tmovb %%fs:(%2), %0" : "=q"(v) : "r"(seg), "r"((u32)off)
                     : "memory");
    return v;
}

static void video(u16 ax, u16 bx, u16 cx, u16 dx)
{
    struct regs r = {.ax = ax, .bx = bx, .cx = cx, .dx = dx};
    bios10(&r);
}

static void say(const char *text)
{
    while (*text)
        outb(0xe9, (u8)*text++);
    outb(0xe9, '\n');
}

static void done(const char *name)
{
    say(name);
    wait_key();
}

/* indexed register: bits in `mask` become `v` */
static void reg(u16 port, u8 index, u8 mask, u8 v)
{
    outb(port, index);
    u8 old = inb(port + 1);
    outb(port, index);
    outb(port + 1, (u8)((old & ~mask) | v));
}

static void attr(u8 index, u8 v)
{
    inb(0x3da);
    outb(0x3c0, index);
    outb(0x3c0, v);
    outb(0x3c0, 0x20);
}

static void dac(u8 index, u8 r, u8 g, u8 b)
{
    outb(0x3c8, index);
    outb(0x3c9, r);
    outb(0x3c9, g);
    outb(0x3c9, b);
}

static void cursor_off(void)
{
    video(0x0100, 0, 0x2000, 0);
}
static void blink_off(void)
{
    video(0x1003, 0, 0, 0);
}
static void mode(u8 number)
{
    video(number, 0, 0, 0);
    cursor_off();
}

/* ---- Text ------------------------------------------------------------------------------- */

static void all_characters(u16 seg, u16 cols, u16 rows)
{
    for (u16 i = 0; i < (u16)(cols * rows); i++) {
        poke(seg, (u16)(2 * i), (u8)((i & 0xf0) == 0xb0 ? i ^ 0x40 : i)); /* QEMU widens B0-BF */
        poke(seg, (u16)(2 * i + 1), (u8)(i / cols * 11 + i % 16));
    }
}

static void text_modes(void)
{
    static u8 glyphs[16 * 4];
    struct regs r = {.ax = 0x1100, .bx = 0x1001, .cx = 4, .dx = 'A'};

    mode(3);
    blink_off();
    all_characters(0xb800, 80, 25);
    done("text80x25");

    mode(1);
    blink_off();
    all_characters(0xb800, 40, 25);
    done("text40x25");

    mode(3);
    video(0x1112, 0, 0, 0);
    blink_off();
    cursor_off();
    all_characters(0xb800, 80, 50);
    done("text80x50");

    /* Two fonts: four letters of the second are blocks. */
    mode(3);
    blink_off();
    for (u8 i = 0; i < 64; i++)
        glyphs[i] = (u8)(i % 2 ? 0xf0 >> i / 16 : 0x0f << i / 16);
    video(0x1104, 1, 0, 0); /* 8x16 into block 1 */
    __asm__("mov %%ds, %0" : "=r"(r.es));
    r.bp = (u16)(u32)glyphs;
    bios10(&r);
    video(0x1103, 4, 0, 0); /* block 1 where attribute bit 3 is set */
    all_characters(0xb800, 80, 25);
    done("text512");

    /* Start address, and the address of the second page. */
    mode(3);
    blink_off();
    all_characters(0xb800, 80, 50);
    reg(0x3d4, 0x0d, 0xff, 80 * 3);
    done("textscrolled");

}

/* ---- CGA and planes --------------------------------------------------------------------- */

static void cga_modes(void)
{
    mode(4);
    for (u16 i = 0; i < 0x4000; i++)
        poke(0xb800, i, (u8)(i * 7 + (i >> 6)));
    done("cga320x200x4");

    mode(6);
    for (u16 i = 0; i < 0x4000; i++)
        poke(0xb800, i, (u8)(i & 0x2000 ? i >> 3 : i * 5));
    done("cga640x200x2");
}

/* Colours by write mode 2, frames by mode 3 and by set/reset, a copy by the latches, XOR. */
static void planar_picture(u16 bytes, u16 lines)
{
    for (u16 y = 0; y < lines; y++)
        for (u16 x = 0; x < bytes; x++) {
            outw(0x3ce, 0x0205);
            poke(0xa000, (u16)(y * bytes + x), (u8)(x / 2 + y / 8));
        }
    outw(0x3ce, 0x0305); /* mode 3 */
    outw(0x3ce, 0x0e00);
    for (u16 y = 20; y < 60; y++) {
        peek(0xa000, (u16)(y * bytes + 3));
        poke(0xa000, (u16)(y * bytes + 3), (u8)(0x81 | y));
    }
    outw(0x3ce, 0x0005); /* mode 0 with set/reset on planes 0 and 2 */
    outw(0x3ce, 0x0500);
    outw(0x3ce, 0x0501);
    outw(0x3ce, 0x0303); /* rotate by 3 */
    for (u16 y = 70; y < 100; y++)
        poke(0xa000, (u16)(y * bytes + 6), (u8)(y * 3));
    outw(0x3ce, 0x0001);
    outw(0x3ce, 0x1803); /* XOR */
    outw(0x3ce, 0x3c08); /* four bits in the middle */
    for (u16 y = 70; y < 120; y++) {
        peek(0xa000, (u16)(y * bytes + 9));
        poke(0xa000, (u16)(y * bytes + 9), 0xff);
    }
    outw(0x3ce, 0xff08);
    outw(0x3ce, 0x0003);
    outw(0x3ce, 0x0105); /* mode 1 */
    for (u16 y = 0; y < 50; y++) {
        peek(0xa000, (u16)((y + 60) * bytes + 8));
        poke(0xa000, (u16)((y + 120) * bytes + 20), 0);
    }
    outw(0x3ce, 0x0005);
    outw(0x3c4, 0x0402); /* plane 2 only */
    for (u16 y = 125; y < 150; y++)
        poke(0xa000, (u16)(y * bytes + 30), 0xaa);
    outw(0x3c4, 0x0f02);
}

static void planar_modes(void)
{
    mode(0x0d);
    planar_picture(40, 200);
    done("planar320x200");
    mode(0x0e);
    planar_picture(80, 200);
    done("planar640x200");
    mode(0x10);
    planar_picture(80, 350);
    done("planar640x350");
    mode(0x12);
    planar_picture(80, 480);
    done("planar640x480");
    mode(0x11);
    planar_picture(80, 480);
    done("planar640x480x2");

    /* What is read back: read mode 0 of each plane, colour compare. */
    mode(0x12);
    planar_picture(80, 480);
    u8 sum[5] = {0};
    for (u8 p = 0; p < 5; p++) {
        outw(0x3ce, (u16)(p << 8 | 4));
        outw(0x3ce, p == 4 ? 0x0805 : 0x0005);
        outw(0x3ce, 0x0602);
        outw(0x3ce, 0x0e07);
        for (u16 i = 0; i < 12000; i++)
            sum[p] = (u8)(sum[p] * 31 + peek(0xa000, i));
    }
    for (u8 p = 0; p < 5; p++)
        for (u8 bit = 0; bit < 8; bit++) {
            outw(0x3ce, 0x0205);
            for (u8 y = 0; y < 8; y++)
                poke(0xa000, (u16)((200 + p * 10 + y) * 80 + bit), sum[p] >> bit & 1 ? 15 : 0);
        }
    outw(0x3ce, 0x0005);
    done("readback");

    /* Attribute palette and colour select. */
    mode(0x10);
    planar_picture(80, 350);
    for (u8 i = 0; i < 16; i++) {
        inb(0x3da);
        outb(0x3c0, i);
        outb(0x3c0, (u8)(15 - i));
    }
    attr(0x14, 1);
    reg(0x3ce, 5, 0, 0);
    inb(0x3da);
    outb(0x3c0, 0x30);
    u8 m = inb(0x3c1);
    attr(0x10, m | 0x80);
    for (u8 i = 16; i < 32; i++)
        dac(i, (u8)(i * 2), (u8)(63 - i), (u8)(i * 5));
    done("palette");

    /* A split screen below line 200, the upper part scrolled. */
    mode(0x10);
    planar_picture(80, 350);
    reg(0x3d4, 0x0c, 0xff, 0x08);
    reg(0x3d4, 0x18, 0xff, 200);
    reg(0x3d4, 0x07, 0x10, 0);
    reg(0x3d4, 0x09, 0x40, 0);
    done("split");
}

/* ---- 256 colours ------------------------------------------------------------------------ */

static void bytes_modes(void)
{
    mode(0x13);
    for (u16 y = 0; y < 200; y++)
        for (u16 x = 0; x < 320; x++)
            poke(0xa000, (u16)(y * 320 + x), (u8)(x + y));
    done("mode13");
    for (u16 i = 0; i < 256; i++)
        dac((u8)i, (u8)(i / 4), (u8)(63 - i / 4), (u8)(i % 64));
    done("mode13palette");

    /* Mode X: 320x240, four pages, the second one shown. */
    mode(0x13);
    outw(0x3c4, 0x0604);
    outw(0x3c4, 0x0100);
    outb(0x3c2, 0xe3);
    outw(0x3c4, 0x0300);
    reg(0x3d4, 0x11, 0x80, 0);
    static const u16 crtc[] = {0x0d06, 0x3e07, 0x4109, 0xea10, 0xac11,
                               0xdf12, 0x0014, 0xe715, 0x0616, 0xe317};
    for (u8 i = 0; i < 10; i++)
        outw(0x3d4, crtc[i]);
    for (u8 p = 0; p < 4; p++) {
        outw(0x3c4, (u16)(0x100 << p | 2));
        for (u16 i = 0; i < 80 * 240; i++)
            poke(0xa000, (u16)(80 * 240 + i), (u8)(i % 80 + i / 80 * 2 + p * 16));
    }
    reg(0x3d4, 0x0c, 0xff, 80 * 240 >> 8);
    reg(0x3d4, 0x0d, 0xff, 80 * 240 & 0xff);
    done("modex");
}

/* ---- VBE -------------------------------------------------------------------------------- */

static void vbe_picture(u32 bytes, u32 stride, u8 step)
{
    u16 bank = 0xffff;

    for (u32 at = 0; at < bytes; at++) {
        if (at >> 16 != bank) {
            bank = (u16)(at >> 16);
            video(0x4f05, 0, 0, bank);
        }
        u32 x = at % stride / step, y = at / stride;
        poke(0xa000, (u16)at, (u8)(at % step ? x + y * (at % step) : y - x));
    }
}

static void vbe_modes(void)
{
    static const struct {
        u16 mode;
        u16 width, height;
        u8 step;
        const char *name;
    } modes[] = {{0x101, 640, 480, 1, "vbe640x480x8"},   {0x110, 640, 480, 2, "vbe640x480x15"},
                 {0x114, 800, 600, 2, "vbe800x600x16"},  {0x112, 640, 480, 3, "vbe640x480x24"},
                 {0x142, 640, 480, 4, "vbe640x480x32"},  {0x105, 1024, 768, 1, "vbe1024x768x8"}};

    for (u8 i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        u32 stride = (u32)modes[i].width * modes[i].step;
        video(0x4f02, modes[i].mode, 0, 0);
        vbe_picture(stride * modes[i].height, stride, modes[i].step);
        done(modes[i].name);
    }
    /* A wider line than the screen, and the screen somewhere in it. */
    video(0x4f02, 0x101, 0, 0);
    video(0x4f06, 0, 1024, 0);
    vbe_picture(1024ul * 600, 1024, 1);
    video(0x4f07, 0, 96, 50);
    done("vbepanned");
}

/* ---- What stays -------------------------------------------------------------------------- */

/* Not shown by every emulator: planes in VBE modes, pixel panning, preset row, underlining. */
static void fine_points(void)
{
    video(0x4f02, 0x102, 0, 0);
    planar_picture(100, 600);
    done("vbe800x600x4");

    mode(0x10);
    planar_picture(80, 350);
    attr(0x13, 5);
    done("panning");

    mode(3);
    blink_off();
    all_characters(0xb800, 80, 26);
    reg(0x3d4, 0x08, 0x1f, 5);
    done("textsmooth");

    mode(3);
    blink_off();
    all_characters(0xb800, 80, 25);
    attr(0x10, 0x06); /* monochrome attributes: 1 and 9 are underlined */
    reg(0x3d4, 0x14, 0x1f, 13);
    done("underlined");
}

void screen_main(void)
{
    text_modes();
    cga_modes();
    planar_modes();
    bytes_modes();
    vbe_modes();
    fine_points();
    mode(3);
    say("end");
}
