/* SPDX-License-Identifier: MIT */
/* Coroutines with stacks of their own, switched by hand (System V AMD64 ABI, 3.2.1). */
#include "util/coroutine.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define GUARD 4096
#define STACK (256 * 1024) /* touched as far as it is used */
#define KEPT  64           /* idle stacks */

struct co {
    struct co_sched *sched;
    void (*fn)(void *arg);
    void *arg;
    void *sp;
    uint8_t *stack; /* GUARD bytes nobody may touch, then STACK */
    bool ended;
    void *asan_fake;
};

/* Push what a callee must preserve, exchange the stacks, pop it. The MXCSR and the x87 control
 * word stay the thread's. A new stack returns into co_boot, which calls co_main(rbx). */
void co_switch(void **save, void *load);
void co_boot(void);
void co_main(struct co *co);
__asm__(".text\n"
        ".globl co_switch\n.type co_switch, @function\n"
        "co_switch:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n    mov %rsi, %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n"
        ".size co_switch, . - co_switch\n"
        ".globl co_boot\n.type co_boot, @function\n"
        "co_boot:\n"
        "    mov %rbx, %rdi\n    call co_main\n    ud2\n"
        ".size co_boot, . - co_boot\n");

/* ---- Switching ------------------------------------------------------------------------ */

static void enter(struct co *co)
{
    struct co_sched *s = co->sched;

    s->current = co;
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&s->asan_fake, co->stack + GUARD, STACK);
#endif
    co_switch(&s->main_sp, co->sp);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(s->asan_fake, NULL, NULL);
#endif
    s->current = NULL;
}

static void leave(struct co *co)
{
    struct co_sched *s = co->sched;

#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&co->asan_fake, s->asan_bottom, s->asan_size);
#endif
    co_switch(&co->sp, s->main_sp);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(co->asan_fake, &s->asan_bottom, &s->asan_size);
#endif
}

void co_main(struct co *co)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(NULL, &co->sched->asan_bottom, &co->sched->asan_size);
#endif
    for (;;) { /* once more when the stack is used again */
        co->fn(co->arg);
        co->ended = true;
        leave(co);
    }
}

/* ---- Life ----------------------------------------------------------------------------- */

static struct co *co_new(struct co_sched *s)
{
    struct co *co = g_new0(struct co, 1);

    co->sched = s;
    co->stack = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (co->stack == MAP_FAILED || mprotect(co->stack, GUARD, PROT_NONE) < 0)
        g_error("no memory for a coroutine's stack");
    uint64_t *top = (uint64_t *)(co->stack + GUARD + STACK) - 2;
    *top = 0;
    *--top = (uint64_t)(uintptr_t)co_boot;
    *--top = 0;                       /* rbp: the end of the frames */
    *--top = (uint64_t)(uintptr_t)co; /* rbx */
    for (int i = 0; i < 4; i++)
        *--top = 0; /* r12 to r15 */
    co->sp = top;
    return co;
}

static void co_free(struct co *co)
{
    munmap(co->stack, GUARD + STACK);
    g_free(co);
}

void co_sched_init(struct co_sched *s)
{
    *s = (struct co_sched){.ready = G_QUEUE_INIT, .idle = G_QUEUE_INIT};
}

void co_sched_fini(struct co_sched *s)
{
    assert(s->alive == 0);
    struct co *co;
    while ((co = g_queue_pop_head(&s->idle)))
        co_free(co);
}

void co_start(struct co_sched *s, void (*fn)(void *arg), void *arg)
{
    struct co *co = g_queue_pop_head(&s->idle);

    if (!co)
        co = co_new(s);
    co->fn = fn;
    co->arg = arg;
    co->ended = false;
    s->alive++;
    g_queue_push_tail(&s->ready, co);
}

static void retire(struct co_sched *s, struct co *co)
{
    s->alive--;
    if (s->idle.length < KEPT)
        g_queue_push_head(&s->idle, co);
    else
        co_free(co);
}

void co_run(struct co_sched *s)
{
    struct co *co;

    if (s->current)
        return;
    while ((co = g_queue_pop_head(&s->ready))) {
        enter(co);
        if (co->ended)
            retire(s, co);
    }
}

struct co *co_self(const struct co_sched *s)
{
    return s->current;
}

void co_yield(struct co_sched *s)
{
    assert(s->current);
    leave(s->current);
}

void co_ready(struct co_sched *s, struct co *co)
{
    g_queue_push_tail(&s->ready, co);
}

/* ---- Waiting -------------------------------------------------------------------------- */

void co_wait(struct co_sched *s, struct co_queue *q)
{
    g_queue_push_tail(&q->waiting, s->current);
    co_yield(s);
}

void co_wake_one(struct co_sched *s, struct co_queue *q)
{
    struct co *co = g_queue_pop_head(&q->waiting);

    if (co)
        co_ready(s, co);
}

void co_wake_all(struct co_sched *s, struct co_queue *q)
{
    while (q->waiting.length)
        co_wake_one(s, q);
}

void co_lock(struct co_sched *s, struct co_mutex *m)
{
    if (m->locked)
        co_wait(s, &m->queue); /* co_unlock() leaves it locked for us */
    m->locked = true;
}

void co_unlock(struct co_sched *s, struct co_mutex *m)
{
    assert(m->locked);
    if (m->queue.waiting.length)
        co_wake_one(s, &m->queue);
    else
        m->locked = false;
}
