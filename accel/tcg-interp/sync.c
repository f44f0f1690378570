/* SPDX-License-Identifier: MIT */
/*
 * What vCPU threads and others have to tell each other: the memory map changed, somebody wrote
 * where you decoded, stop storing directly into this page, stand still.
 *
 * A vCPU is `running` while it may use its TLB or its blocks. Requests are posted first and
 * `running` is read afterwards; the vCPU sets `running` first and reads its requests
 * afterwards: either the poster sees it running and waits, or it sees the request before it
 * touches anything. It serves requests at least once per slice of instructions. It is not
 * running while it sleeps, waits for the machine lock or holds it, or waits in here: so nobody
 * waits for somebody who waits.
 */
#include "accel/tcg-interp/engine.h"

static uint32_t requests(struct tcg_cpu *t)
{
    return __atomic_load_n(&t->requests, __ATOMIC_SEQ_CST);
}

static void tell_waiters(struct tcg_vm *vm)
{
    if (!__atomic_load_n(&vm->waiters, __ATOMIC_SEQ_CST))
        return;
    g_mutex_lock(&vm->sync_lock);
    g_cond_broadcast(&vm->sync_cond);
    g_mutex_unlock(&vm->sync_lock);
}

static void serve_code(struct tcg_cpu *t)
{
    GArray *req;

    g_mutex_lock(&t->req_lock);
    req = t->req;
    t->req = g_array_new(FALSE, FALSE, sizeof(struct code_req));
    g_mutex_unlock(&t->req_lock);
    for (unsigned n = 0; n < req->len; n++) {
        const struct code_req *r = &g_array_index(req, struct code_req, n);

        if (r->drop_w)
            tlb_drop_w(t, r->ram, r->off, r->len);
        else
            code_kill(t, r->ram, r->off, r->len);
    }
    g_array_free(req, TRUE);
}

bool sync_serve(struct tcg_cpu *t)
{
    uint32_t r = requests(t);

    if (likely(!(r & ~REQ_STOP)))
        return false;
    __atomic_fetch_and(&t->requests, ~(REQ_CODE | REQ_FLUSH), __ATOMIC_SEQ_CST);
    if (r & REQ_CODE)
        serve_code(t);
    if (r & REQ_FLUSH)
        tlb_flush_all(t);
    tell_waiters(t->vm);
    return true;
}

void sync_begin_running(struct tcg_cpu *t)
{
    struct tcg_vm *vm = t->vm;

    __atomic_store_n(&t->running, 1, __ATOMIC_SEQ_CST);
    while (unlikely(requests(t) & REQ_STOP)) {
        sync_end_running(t);
        g_mutex_lock(&vm->sync_lock);
        while (requests(t) & REQ_STOP)
            g_cond_wait(&vm->sync_cond, &vm->sync_lock);
        g_mutex_unlock(&vm->sync_lock);
        __atomic_store_n(&t->running, 1, __ATOMIC_SEQ_CST);
    }
    sync_serve(t);
}

void sync_end_running(struct tcg_cpu *t)
{
    __atomic_store_n(&t->running, 0, __ATOMIC_SEQ_CST);
    tell_waiters(t->vm);
}

void sync_pause_point(struct tcg_cpu *t)
{
    if (likely(!requests(t)))
        return;
    sync_end_running(t);
    sync_begin_running(t);
}

void sync_post(struct tcg_cpu *t, uint32_t what)
{
    __atomic_fetch_or(&t->requests, what, __ATOMIC_SEQ_CST);
}

/* A vCPU that sleeps is not to collect the same wish again and again. */
static bool said_last(const GArray *req, const struct code_req *r)
{
    const struct code_req *last =
        req->len ? &g_array_index(req, struct code_req, req->len - 1) : NULL;

    return last && last->ram == r->ram && last->off == r->off && last->len == r->len &&
           last->drop_w == r->drop_w;
}

void sync_post_code(struct tcg_cpu *t, struct code_req r)
{
    g_mutex_lock(&t->req_lock);
    if (!said_last(t->req, &r))
        g_array_append_val(t->req, r);
    g_mutex_unlock(&t->req_lock);
    sync_post(t, REQ_CODE);
}

static bool all_quiet(struct tcg_vm *vm, struct tcg_cpu *self, uint8_t mask, bool stop)
{
    for (unsigned n = 0; n < vm->cpus->len; n++) {
        struct tcg_cpu *o = vm->cpus->pdata[n];

        if (o == self || !(mask >> (o->vcpu->index & 7) & 1))
            continue;
        if (__atomic_load_n(&o->running, __ATOMIC_SEQ_CST) && (stop || (requests(o) & ~REQ_STOP)))
            return false;
    }
    return true;
}

static void wait_quiet(struct tcg_vm *vm, struct tcg_cpu *self, uint8_t mask, bool stop)
{
    __atomic_fetch_add(&vm->waiters, 1, __ATOMIC_SEQ_CST);
    g_mutex_lock(&vm->sync_lock);
    while (!all_quiet(vm, self, mask, stop))
        g_cond_wait(&vm->sync_cond, &vm->sync_lock);
    g_mutex_unlock(&vm->sync_lock);
    __atomic_fetch_sub(&vm->waiters, 1, __ATOMIC_SEQ_CST);
}

void sync_wait(struct tcg_vm *vm, struct tcg_cpu *self, uint8_t mask)
{
    wait_quiet(vm, self, mask, false);
}

/* One vCPU at a time stops the others: whoever waits for `exclusive` is not running. */
void sync_stop_others(struct tcg_cpu *t)
{
    struct tcg_vm *vm = t->vm;

    sync_end_running(t);
    g_rec_mutex_lock(&vm->exclusive);
    for (unsigned n = 0; n < vm->cpus->len; n++)
        if (vm->cpus->pdata[n] != t)
            sync_post(vm->cpus->pdata[n], REQ_STOP);
    wait_quiet(vm, t, 0xff, true);
    __atomic_store_n(&t->running, 1, __ATOMIC_SEQ_CST);
    sync_serve(t);
}

void sync_let_others(struct tcg_cpu *t)
{
    struct tcg_vm *vm = t->vm;

    g_mutex_lock(&vm->sync_lock);
    for (unsigned n = 0; n < vm->cpus->len; n++)
        if (vm->cpus->pdata[n] != t)
            __atomic_fetch_and(&((struct tcg_cpu *)vm->cpus->pdata[n])->requests, ~REQ_STOP,
                               __ATOMIC_SEQ_CST);
    g_cond_broadcast(&vm->sync_cond);
    g_mutex_unlock(&vm->sync_lock);
    g_rec_mutex_unlock(&vm->exclusive);
}
