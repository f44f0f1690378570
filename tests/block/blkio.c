/* SPDX-License-Identifier: MIT */
/*
 * The block layer from a shell: what qemu-io is to QEMU, with its syntax where both have it.
 *
 *   blkio OPTIONS [-j N] [-s] run                    commands from standard input, N at a time
 *   blkio OPTIONS [-j N] kill SEED COUNT             writes, each 16th followed by a flush whose
 *                                                    number is printed; to be killed
 *   blkio OPTIONS verify SEED FLUSHED                what was flushed by then is there
 *   blkio OPTIONS [-j N] bench read|write SIZE COUNT [STEP]   seconds it took
 *
 * OPTIONS as -blockdev takes them; -s: writes go to a temporary snapshot. Commands: read [-P B]
 * OFF LEN, write [-P B | -z [-u]] OFF LEN, discard OFF LEN, flush, length. Requests that overlap
 * one under way wait for it, so that the result does not depend on N. Not qemu-io's: snapshot
 * create|apply|delete NAME; the NAME makes up some hundred KiB of machine state that goes with it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"
#include "block/snapshot.h"
#include "core/machine_test.h"
#include "util/keyval.h"

#define MAX_JOBS 256
#define SECTOR   512

struct job {
    struct blk_req req;
    struct iovec iov;
    bool busy;
    int pattern; /* of a read: -1 none */
};

static struct machine *machine;
static struct blk *blk;
static struct job jobs[MAX_JOBS];
static unsigned njobs = 1, busy, failures;

/* ---- Requests ------------------------------------------------------------------------- */

static void check_pattern(const struct job *j)
{
    const uint8_t *p = j->iov.iov_base;

    for (uint64_t i = 0; i < j->req.len; i++)
        if (p[i] != j->pattern) {
            printf("Pattern verification failed at offset %" PRIu64 "\n", j->req.off + i);
            failures++;
            return;
        }
}

static void done(struct blk_req *req, int result)
{
    struct job *j = req->arg;

    if (result < 0) {
        printf("request at %" PRIu64 " failed: %s\n", req->off, g_strerror(-result));
        failures++;
    } else if (req->op == BLK_READ && j->pattern >= 0) {
        check_pattern(j);
    }
    j->busy = false;
    busy--;
}

static void wait_some(void)
{
    machine_unlock(machine);
    g_main_context_iteration(machine->context, TRUE);
    machine_lock(machine);
}

static void wait_all(void)
{
    while (busy)
        wait_some();
}

static bool overlaps(uint64_t off, uint64_t len)
{
    for (unsigned i = 0; i < njobs; i++)
        if (jobs[i].busy && off < jobs[i].req.off + jobs[i].req.len &&
            jobs[i].req.off < off + len)
            return true;
    return false;
}

static struct job *get_job(uint64_t off, uint64_t len)
{
    while (busy == njobs || (busy && overlaps(off, len)))
        wait_some();
    struct job *j = jobs;
    while (j->busy)
        j++;
    if (j->iov.iov_len < len) {
        free(j->iov.iov_base);
        if (posix_memalign(&j->iov.iov_base, 4096, len))
            abort();
    }
    j->iov.iov_len = len;
    j->pattern = -1;
    return j;
}

static void submit(struct job *j, enum blk_op op, unsigned flags, uint64_t off, uint64_t len)
{
    bool data = op == BLK_READ || op == BLK_WRITE;

    j->busy = true;
    busy++;
    j->req = (struct blk_req){.op = op, .flags = flags, .off = off, .len = len, .done = done,
                              .arg = j, .iov = data ? &j->iov : NULL, .niov = data};
    blk_submit(blk, &j->req);
}

static void flush(void)
{
    wait_all();
    submit(get_job(0, 0), BLK_FLUSH, 0, 0, 0);
    wait_all();
}

/* ---- run ------------------------------------------------------------------------------ */

static uint64_t number(const char *s)
{
    char *end;
    uint64_t v = strtoull(s ? s : "0", &end, 0);

    return v << (*end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0);
}

static void command(char **w)
{
    enum blk_op op = BLK_READ;
    unsigned flags = 0;
    int pattern = -1;
    char *name = *w++;

    if (!strcmp(name, "write"))
        op = BLK_WRITE;
    else if (!strcmp(name, "discard"))
        op = BLK_DISCARD;
    for (; *w && **w == '-'; w++) {
        if (!strcmp(*w, "-P"))
            pattern = (int)number(*++w);
        else if (!strcmp(*w, "-z"))
            op = BLK_ZERO;
        else if (!strcmp(*w, "-u"))
            flags = BLK_MAY_UNMAP;
    }
    if (!w[0] || !w[1])
        exit(2);
    uint64_t off = number(w[0]), len = number(w[1]);
    struct job *j = get_job(off, len);
    if (op == BLK_WRITE)
        memset(j->iov.iov_base, pattern < 0 ? 0xcd : pattern, len);
    else
        j->pattern = pattern;
    submit(j, op, flags, off, len);
}

/* ---- Snapshots ------------------------------------------------------------------------ */

#define STATE 300001 /* bytes, some clusters and a part of one */

static GByteArray *state_of(const char *name)
{
    GByteArray *a = g_byte_array_new();
    GRand *r = g_rand_new_with_seed(g_str_hash(name));

    g_byte_array_set_size(a, STATE);
    for (unsigned i = 0; i < STATE; i++)
        a->data[i] = (guint8)g_rand_int(r);
    g_rand_free(r);
    return a;
}

static int create_snapshot(const char *name)
{
    static unsigned next = 1;
    g_autoptr(GByteArray) state = state_of(name);
    g_autofree char *id = g_strdup_printf("%u", next++);
    struct snapshot s = {.id = id, .name = (char *)name, .vm_state_size = STATE,
                         .date_sec = 1000000000, .icount = UINT64_MAX};
    int rc = blk_vmstate_write(blk, 0, state->data, 100);

    if (rc == 0)
        rc = blk_vmstate_write(blk, 100, state->data + 100, STATE - 100);
    return rc < 0 ? rc : blk_snapshot_create(blk, &s);
}

static int apply_snapshot(const char *name, const char *id)
{
    g_autoptr(GByteArray) state = state_of(name);
    g_autofree uint8_t *got = g_malloc(STATE);
    int rc = blk_vmstate_read(blk, id, 0, got, STATE);

    if (rc == 0 && memcmp(got, state->data, STATE) != 0)
        rc = -EIO;
    return rc < 0 ? rc : blk_snapshot_apply(blk, id);
}

static void snapshot(char **w)
{
    wait_all();
    g_autoptr(GArray) list = blk_snapshots(blk);
    const struct snapshot *s = snapshot_find(list, w[2]);
    int rc = -ENOENT;

    if (!strcmp(w[1], "create"))
        rc = create_snapshot(w[2]);
    else if (s && !strcmp(w[1], "apply"))
        rc = apply_snapshot(w[2], s->id);
    else if (s && !strcmp(w[1], "delete"))
        rc = blk_snapshot_remove(blk, s->id);
    if (rc < 0) {
        printf("snapshot %s %s: %s\n", w[1], w[2], g_strerror(-rc));
        failures++;
    }
}

static int run(void)
{
    char line[256];

    while (fgets(line, sizeof(line), stdin)) {
        char **w = g_strsplit(g_strstrip(line), " ", -1);
        if (!w[0] || !w[0][0] || w[0][0] == '#')
            ;
        else if (!strcmp(w[0], "flush"))
            flush();
        else if (!strcmp(w[0], "snapshot") && w[1] && w[2])
            snapshot(w);
        else if (!strcmp(w[0], "length"))
            printf("%" PRIu64 "\n", blk_size(blk));
        else
            command(w);
        g_strfreev(w);
    }
    wait_all();
    return failures != 0;
}

/* ---- kill and verify ------------------------------------------------------------------- */

/* Operation i of a run: where, and whether it writes its number, zeros or discards. */
struct op {
    uint64_t off, len;
    enum blk_op op;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x7fb5d329728ea185ull;
    x ^= x >> 27;
    x *= 0x81dadef4bc2dd44dull;
    return x ^ x >> 33;
}

static struct op op_at(uint64_t seed, uint64_t i)
{
    uint64_t r = mix(seed * 1000003 + i + 1), sectors = blk_size(blk) / SECTOR;
    struct op o = {.len = 1 + (r >> 8) % ((r & 7) ? 16 : 512)};

    o.off = mix(r) % (sectors - o.len) * SECTOR;
    o.len *= SECTOR;
    o.op = (r >> 40) % 10 == 0 ? BLK_ZERO : BLK_WRITE;
    return o;
}

static int kill_run(uint64_t seed, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        struct op o = op_at(seed, i);
        struct job *j = get_job(o.off, o.len);
        uint64_t *p = j->iov.iov_base;
        for (uint64_t k = 0; k < o.len / 8; k++)
            p[k] = i;
        submit(j, o.op, BLK_MAY_UNMAP, o.off, o.len);
        if (i % 16 == 0) {
            flush();
            printf("%" PRIu64 "\n", i);
            fflush(stdout);
        }
    }
    wait_all();
    return failures != 0;
}

static bool covers(uint64_t seed, uint64_t i, uint64_t sector)
{
    struct op o = op_at(seed, i);

    return sector * SECTOR >= o.off && sector * SECTOR < o.off + o.len;
}

/* Zeros may also be from a zeroing after the flush. */
static bool later(uint64_t seed, uint64_t flushed, uint64_t sector, uint64_t value)
{
    for (uint64_t i = flushed + 1; i <= flushed + 16 + MAX_JOBS; i++)
        if (covers(seed, i, sector) &&
            (op_at(seed, i).op == BLK_ZERO ? value == 0 : value == i))
            return true;
    return false;
}

static int verify(uint64_t seed, uint64_t flushed)
{
    uint64_t sectors = blk_size(blk) / SECTOR;
    uint64_t *want = g_new0(uint64_t, sectors);

    for (uint64_t i = 1; i <= flushed; i++) {
        struct op o = op_at(seed, i);
        for (uint64_t s = o.off / SECTOR; s < (o.off + o.len) / SECTOR; s++)
            want[s] = o.op == BLK_ZERO ? 0 : i;
    }
    for (uint64_t s = 0; s < sectors && !failures; s++) {
        if (s % 128 == 0) {
            submit(get_job(s * SECTOR, MIN(128, sectors - s) * SECTOR), BLK_READ, 0, s * SECTOR,
                   MIN(128, sectors - s) * SECTOR);
            wait_all();
        }
        uint64_t *p = (uint64_t *)jobs[0].iov.iov_base + s % 128 * (SECTOR / 8);
        for (unsigned k = 0; k < SECTOR / 8 && !failures; k++)
            if (p[k] != want[s] && !later(seed, flushed, s, p[k])) {
                printf("sector %" PRIu64 " has %" PRIu64 ", flushed was %" PRIu64 "\n", s, p[k],
                       want[s]);
                failures++;
            }
    }
    g_free(want);
    return failures != 0;
}

/* ---- bench ---------------------------------------------------------------------------- */

/* As `qemu-img bench` goes: STEP bytes on each time, around at the end. */
static int bench(const char *kind, uint64_t size, uint64_t count, uint64_t step)
{
    enum blk_op op = strcmp(kind, "write") ? BLK_READ : BLK_WRITE;
    uint64_t off = 0;
    int64_t start = g_get_monotonic_time();

    for (uint64_t i = 0; i < count; i++) {
        while (busy == njobs)
            wait_some();
        struct job *j = jobs;
        while (j->busy)
            j++;
        if (j->iov.iov_len < size) {
            if (posix_memalign(&j->iov.iov_base, 4096, size))
                abort();
            memset(j->iov.iov_base, 0x5a, size);
            j->iov.iov_len = size;
        }
        j->pattern = -1;
        submit(j, op, 0, off, size);
        off += step;
        if (off + size > blk_size(blk))
            off %= blk_size(blk) - size;
    }
    wait_all();
    printf("%.3f\n", (double)(g_get_monotonic_time() - start) / 1e6);
    return failures != 0;
}

/* ---- Start ---------------------------------------------------------------------------- */

static int work(int argc, char **argv)
{
    if (argc == 1 && !strcmp(argv[0], "run"))
        return run();
    if (argc == 3 && !strcmp(argv[0], "kill"))
        return kill_run(number(argv[1]), number(argv[2]));
    if (argc == 3 && !strcmp(argv[0], "verify"))
        return verify(number(argv[1]), number(argv[2]));
    if ((argc == 4 || argc == 5) && !strcmp(argv[0], "bench"))
        return bench(argv[1], number(argv[2]), number(argv[3]), number(argv[argc == 5 ? 4 : 2]));
    fprintf(stderr, "blkio OPTIONS [-j N] [-s] run|kill|verify|bench ...\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct blk_config config = {0};
    GError *err = NULL;
    int rc = 1;

    if (argc < 3)
        return work(0, NULL);
    struct keyvals *kv = argv[1][0] == '{' ? NULL : keyvals_parse(argv[1], NULL, &err);
    for (argc -= 2, argv += 2; argc > 0 && argv[0][0] == '-'; argc--, argv++) {
        if (!strcmp(argv[0], "-s"))
            config.snapshot = true;
        else if (!strcmp(argv[0], "-j") && argc-- > 1)
            njobs = (unsigned)number(*++argv);
    }
    njobs = CLAMP(njobs, 1, MAX_JOBS);
    machine = machine_new_test();
    machine_lock(machine);
    blk = kv ? blk_open(machine, kv, &config, &err) : NULL;
    if (blk)
        rc = work(argc, argv);
    else
        printf("%s\n", err ? err->message : "options are wrong");
    g_clear_error(&err);
    keyvals_free(kv);
    machine_unlock(machine);
    machine_free(machine);
    for (unsigned i = 0; i < MAX_JOBS; i++)
        free(jobs[i].iov.iov_base);
    return rc;
}
