/* SPDX-License-Identifier: MIT */
/*
 * A floating-point program for float.sh: prints checksums and signal codes that must be the
 * same on the host and in a guest. Long double (x87) functions, SSE arithmetic in every rounding
 * mode with its sticky flags, exceptions as signals, several processes at once that keep
 * different modes. Nothing whose code path the C library chooses by CPU features and that
 * rounds differently then. As /init it powers off at the end.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t sum, seed;

static void mix(const void *p, size_t n)
{
    const uint8_t *b = p;

    while (n--)
        sum = (sum ^ *b++) * 0x100000001b3ull;
}
static void mix_ld(long double v)
{
    mix(&v, 10);
}
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void functions(long double x)
{
    mix_ld(sinl(x));
    mix_ld(expl(x / 9));
    mix_ld(logl(fabsl(x) + 1));
    mix_ld(sqrtl(fabsl(x)));
    mix_ld(fmodl(x, 3.3L));
    mix_ld(powl(fabsl(x) + 1, 2.5L));
    mix_ld(atanl(x));
    mix_ld(rintl(x));
    mix_ld(x / 7);
}

static void arithmetic(double x, double y)
{
    float f = (float)x, g = (float)y;
    double v[] = {x + y, x - y, x * y, x / y, (double)(f * g), (double)(f / g), (double)(int)x,
                  (double)(int64_t)(y * 1e6), (double)f, __builtin_sqrt(y)};
    long long q = llrintl((long double)x * 1000);

    mix(v, sizeof(v));
    mix(&q, sizeof(q));
}

static void text(double x, long double l)
{
    char buf[120];
    double back;

    snprintf(buf, sizeof(buf), "%.17g %La %.20Lf", x, l, l);
    mix(buf, strlen(buf));
    back = strtod(buf, NULL);
    mix(&back, sizeof(back));
}

static void compute(const char *who)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

    sum = 0xcbf29ce484222325ull;
    seed = 88172645463325252ull;
    for (int n = 0; n < 6000; n++) {
        double x = (double)(int64_t)rnd() / (double)(1ull << 58);
        double y = ldexp((double)(rnd() >> 11), -40);
        int flags;

        if (n % 500 == 0)
            fesetround(modes[n / 500 % 4]);
        functions((long double)x * 1.25L);
        arithmetic(x, y);
        text(x, (long double)y / 3);
        flags = fetestexcept(FE_ALL_EXCEPT);
        mix(&flags, sizeof(flags));
        if (n % 64 == 0)
            feclearexcept(FE_ALL_EXCEPT);
    }
    fesetround(FE_TONEAREST);
    printf("%s %016lx\n", who, (unsigned long)sum);
    fflush(stdout);
}

/* ---- Exceptions as signals ------------------------------------------------------------------ */

static sigjmp_buf unwind;
static volatile int code;

static void on_fpe(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    code = info->si_code;
    siglongjmp(unwind, 1);
}

static volatile double zero, one = 1, big = 1e308;
static volatile long double lzero, lone = 1, lbig = 1e4932L;

static void provoke(const char *name, int exception, double (*sse)(void), long double (*x87)(void))
{
    volatile long double r;

    code = 0;
    if (sigsetjmp(unwind, 1) == 0) {
        feclearexcept(FE_ALL_EXCEPT);
        feenableexcept(exception);
        r = sse ? sse() : x87();
        r = r + 1; /* the next x87 instruction reports it */
        (void)r;
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    printf("%s: si_code %d\n", name, code);
}

static double sse_div(void) { return one / zero; }
static double sse_ovf(void) { return big * big; }
static double sse_inv(void) { return zero / zero; }
static double sse_inexact(void) { return one / 3; }
static long double x87_div(void) { return lone / lzero; }
static long double x87_ovf(void) { return lbig * lbig; }
static long double x87_inv(void) { return lzero / lzero; }

static void signals(void)
{
    struct sigaction a = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};

    sigaction(SIGFPE, &a, NULL);
    provoke("SSE division by zero", FE_DIVBYZERO, sse_div, NULL);
    provoke("SSE overflow", FE_OVERFLOW, sse_ovf, NULL);
    provoke("SSE invalid", FE_INVALID, sse_inv, NULL);
    provoke("SSE inexact", FE_INEXACT, sse_inexact, NULL);
    provoke("x87 division by zero", FE_DIVBYZERO, NULL, x87_div);
    provoke("x87 overflow", FE_OVERFLOW, NULL, x87_ovf);
    provoke("x87 invalid", FE_INVALID, NULL, x87_inv);
}

int main(void)
{
    signals();
    compute("alone");
    for (int n = 0; n < 4; n++) {
        if (fork() == 0) {
            char who[20];

            snprintf(who, sizeof(who), "together %d", n);
            compute(who);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    if (getpid() == 1) {
        sync();
        reboot(RB_POWER_OFF);
    }
    return 0;
}
