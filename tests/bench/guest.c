/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: /init of an initramfs. Runs each workload once, a fixed amount of work,
 * and writes "<name>\n" to port 0xe9 before it and "." lines after it; the host side
 * (tests/bench/bench.py) reads the emulator's processor time at each line.
 *
 * Port 0xe9 is a debug console on every emulator compared (QEMU -debugcon, Bochs
 * port_e9_hack).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <emmintrin.h>

static void say(const char *s)
{
    while (*s)
        outb(*s++, 0xe9);
    outb('\n', 0xe9);
}

/* Results go here, so that no workload is optimised away. */
static volatile uint64_t sink;

static void work_integer(void)
{
    uint32_t table[256], crc = ~0u;
    uint64_t x = 88172645463325252ull;

    for (uint32_t n = 0; n < 256; n++) {
        uint32_t v = n;

        for (int k = 0; k < 8; k++)
            v = v & 1 ? 0xedb88320u ^ v >> 1 : v >> 1;
        table[n] = v;
    }
    for (uint32_t n = 0; n < 100000000; n++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        crc = table[(crc ^ x) & 0xff] ^ crc >> 8;
    }
    sink = crc + x;
}

static int fib(int n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void work_calls(void)
{
    sink = fib(38);
}

static void work_memory(void)
{
    size_t n = 8 << 20;
    uint32_t *a = malloc(n * sizeof(*a)), at = 0;

    for (uint32_t k = 0; k < n; k++)
        a[k] = (k * 2654435761u + 12345) & (n - 1);
    for (int k = 0; k < 8000000; k++)
        at = a[at ^ (k & 15)];
    for (int r = 0; r < 2; r++)
        for (size_t k = 0; k < n; k += 4)
            at += a[k] ^ a[k + 1];
    sink = at;
    free(a);
}

static void work_string(void)
{
    size_t n = 4 << 20;
    char *a = malloc(n), *b = malloc(n);

    memset(a, 'x', n);
    a[n - 1] = 0;
    for (int r = 0; r < 60; r++) {
        memcpy(b, a, n);
        b[r] = 'y';
        sink += strlen(b) + memcmp(a, b, n) + (strchr(b, 'y') - b);
        /* the instructions themselves, as kernels use them */
        void *d = b, *s = a;
        size_t c = n;
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(c)::"memory");
        d = b, c = n / 8;
        __asm__ volatile("rep stosq" : "+D"(d), "+c"(c) : "a"(0ull) : "memory");
    }
    free(a);
    free(b);
}

static void work_float(void)
{
    double x = 0.5, s = 0;
    long double l = 1;

    for (int n = 1; n < 12000000; n++) {
        x = 3.7 * x * (1 - x);
        s += x / (1 + x * x) + (double)n * 1e-9;
        if ((n & 7) == 0)
            l = l * 1.0000001L + 1 / (long double)n;
    }
    for (int n = 0; n < 300000; n++)
        s += sin(n * 0.001) + sqrt(n) + exp(-n * 1e-5);
    sink = (uint64_t)(s + l);
}

static void work_sse2(void)
{
    enum { N = 16384 };
    static float a[N] __attribute__((aligned(16))), b[N] __attribute__((aligned(16)));
    static uint8_t p[N] __attribute__((aligned(16)));
    __m128i sum = _mm_setzero_si128();

    for (int k = 0; k < N; k++) {
        a[k] = k;
        b[k] = 1.0f / (k + 1);
        p[k] = k * 7;
    }
    for (int r = 0; r < 3000; r++) {
        for (int k = 0; k < N; k += 4) {
            __m128 v = _mm_load_ps(a + k), w = _mm_load_ps(b + k);

            _mm_store_ps(a + k, _mm_add_ps(_mm_mul_ps(v, w), _mm_sub_ps(v, w)));
        }
        for (int k = 0; k < N; k += 16) {
            __m128i v = _mm_load_si128((__m128i *)(p + k));

            sum = _mm_add_epi64(sum, _mm_sad_epu8(v, _mm_setzero_si128()));
            v = _mm_avg_epu8(_mm_adds_epu8(v, _mm_set1_epi8(3)), _mm_srli_epi16(v, 1));
            _mm_store_si128((__m128i *)(p + k), v);
        }
    }
    sink = (uint64_t)a[17] + (uint64_t)_mm_cvtsi128_si64(sum);
}

static void work_syscall(void)
{
    char byte;
    int z = open("/dev/zero", O_RDONLY);

    for (int n = 0; n < 300000; n++) {
        sink += syscall(SYS_getppid);
        if (read(z, &byte, 1) < 0)
            break;
    }
    close(z);
}

static void work_fork(void)
{
    for (int n = 0; n < 1200; n++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static void work_pagefault(void)
{
    size_t len = 16 << 20;

    for (int r = 0; r < 12; r++) {
        char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        madvise(p, len, MADV_NOHUGEPAGE);
        for (size_t k = 0; k < len; k += 4096)
            p[k] = 1;
        munmap(p, len);
    }
}

static void work_switch(void)
{
    int ab[2], ba[2];
    char byte = 0;

    if (pipe(ab) || pipe(ba))
        return;
    if (fork() == 0) {
        for (int n = 0; n < 40000; n++)
            if (read(ab[0], &byte, 1) != 1 || write(ba[1], &byte, 1) != 1)
                break;
        _exit(0);
    }
    for (int n = 0; n < 40000; n++)
        if (write(ab[1], &byte, 1) != 1 || read(ba[0], &byte, 1) != 1)
            break;
    wait(NULL);
}

static void run_shell(const char *script)
{
    if (fork() == 0) {
        char *argv[] = {"sh", "-c", (char *)script, NULL};

        execv("/bin/busybox", argv);
        _exit(127);
    }
    wait(NULL);
}

static void work_gzip(void)
{
    run_shell("busybox gzip -c </bin/busybox >/tmp/g; busybox gzip -c </bin/busybox >/tmp/g;"
              "busybox gzip -dc </tmp/g >/dev/null");
}

static void work_sha256(void)
{
    run_shell("for n in 1 2 3 4 5 6 7 8; do busybox sha256sum /bin/busybox; done >/tmp/s");
}

static void work_shell(void)
{
    run_shell("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); case $i in *7) x=${i%7};; esac; done;"
              "for f in $(busybox seq 1 150); do busybox true; done");
}

static void work_lua(void)
{
    if (fork() == 0) {
        char *argv[] = {"lua", "/work.lua", NULL};

        execv("/usr/bin/lua5.4", argv);
        _exit(127);
    }
    wait(NULL);
}

static const struct {
    const char *name;
    void (*run)(void);
} workloads[] = {
    {"integer", work_integer}, {"calls", work_calls},   {"memory", work_memory},
    {"string", work_string},   {"float", work_float},   {"sse2", work_sse2},
    {"syscall", work_syscall}, {"fork", work_fork},     {"pagefault", work_pagefault},
    {"switch", work_switch},   {"gzip", work_gzip},     {"sha256", work_sha256},
    {"shell", work_shell},     {"lua", work_lua},
};

int main(void)
{
    if (ioperm(0xe9, 1, 1)) /* before anything else: this is "the first line of /init" */
        return 1;
    say("init");
    mkdir("/tmp", 0755);
    mkdir("/dev", 0755);
    mkdir("/proc", 0755);
    mount("none", "/tmp", "tmpfs", 0, NULL);
    mount("none", "/dev", "devtmpfs", 0, NULL);
    mount("none", "/proc", "proc", 0, NULL);
    for (size_t n = 0; n < sizeof(workloads) / sizeof(workloads[0]); n++) {
        say(workloads[n].name);
        workloads[n].run();
        say(".");
    }
    say("end");
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
