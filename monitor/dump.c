/* SPDX-License-Identifier: MIT */
/*
 * Guest memory into files: ranges as they are, or all of it as an ELF core file, which gdb and
 * crash open (System V ABI, ELF-64: a PT_LOAD for each piece of RAM, PT_NOTE with an NT_PRSTATUS
 * for each CPU). Memory is written from a paused machine, in one go.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/fds.h"
#include "core/event.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

enum { CHUNK = 1 << 16 };

static bool write_all(int fd, const void *buf, uint64_t len, GError **err)
{
    const uint8_t *p = buf;

    while (len) {
        ssize_t n = write(fd, p, MIN(len, 1u << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, "writing the file: %s", g_strerror(errno));
        p += n;
        len -= (uint64_t)n;
    }
    return true;
}

static int create(const char *name, GError **err)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        error_set(err, "Could not open '%s': %s", name, g_strerror(errno));
    return fd;
}

/* ---- memsave, pmemsave -------------------------------------------------------------------- */

static bool read_some(struct command_context *ctx, bool physical, uint64_t addr, void *buf,
                      size_t len)
{
    struct machine *m = ctx->machine;

    if (physical)
        return as_read(&m->mem, addr, buf, len);
    return m->inspect && ctx->vcpu && m->inspect->read_linear(ctx->vcpu, addr, buf, len);
}

static bool save(struct command_call *call, struct command_context *ctx, bool physical,
                 GError **err)
{
    uint64_t addr = (uint64_t)call->arg[0].num, left = (uint64_t)call->arg[1].num;
    const char *name = call->arg[2].text;
    g_autofree uint8_t *buf = g_malloc(CHUNK);
    bool ok = true;

    if (call->arg[1].num < 0)
        return error_set(err, "Parameter 'size' expects a size");
    int fd = create(name, err);
    while (fd >= 0 && ok && left) {
        size_t n = MIN(left, CHUNK);
        ok = read_some(ctx, physical, addr, buf, n) ||
             error_set(err, "Invalid addr 0x%016" G_GINT64_MODIFIER "x/size %" G_GINT64_FORMAT
                            " specified", addr, call->arg[1].num);
        ok = ok && write_all(fd, buf, n, err);
        addr += n;
        left -= n;
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0 && ok;
}

static bool run_memsave(struct command_call *call, GError **err)
{
    struct command_context ctx = *call->ctx;
    int64_t n = call->arg[3].num;

    if (call->arg[3].given && (n < 0 || n >= (int64_t)ctx.machine->vcpus->len))
        return error_set(err, "Parameter 'cpu-index' expects a CPU number");
    if (call->arg[3].given)
        ctx.vcpu = ctx.machine->vcpus->pdata[n];
    return save(call, &ctx, false, err);
}

static bool run_pmemsave(struct command_call *call, GError **err)
{
    return save(call, call->ctx, true, err);
}

/* ---- dump-guest-memory -------------------------------------------------------------------- */

struct piece {
    uint64_t gpa, size;
    const uint8_t *host;
};

/* What of main memory is at which address; ROM and windows of devices are not part of it. */
static GArray *pieces(struct machine *m, uint64_t begin, uint64_t end)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(struct piece));
    const struct flat_view *view = m->mem.view;

    for (unsigned i = 0; i < view->n; i++) {
        const struct region_section *s = &view->s[i];
        uint64_t from = MAX(s->base, begin), to = MIN(s->base + s->size, end);

        if (s->ram == NULL || s->ram != m->ram || from >= to)
            continue;
        struct piece p = {from, to - from, s->ram->host + s->ram_offset + (from - s->base)};
        g_array_append_val(out, p);
    }
    return out;
}

static void add_note(GByteArray *notes, uint32_t type, const void *data, uint32_t len)
{
    static const uint8_t zeros[4];
    Elf64_Nhdr h = {.n_namesz = 5, .n_descsz = len, .n_type = type};

    g_byte_array_append(notes, (const guint8 *)&h, sizeof(h));
    g_byte_array_append(notes, (const guint8 *)"CORE\0\0\0", 8);
    g_byte_array_append(notes, data, len);
    g_byte_array_append(notes, zeros, (4 - len % 4) % 4);
}

/* struct elf_prstatus of x86-64: pr_pid at 32, pr_reg at 112, 336 bytes in all. */
static void add_cpu(GByteArray *notes, const struct cpu_inspect *inspect, struct vcpu *v,
                    uint32_t index)
{
    static const char *const regs[] = {
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
        "rsi", "rdi", NULL, "rip", "cs", "rflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es",
        "fs", "gs"};
    uint8_t status[336] = {0};
    uint32_t pid = index + 1;

    memcpy(status + 32, &pid, sizeof(pid));
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        uint64_t value = UINT64_MAX; /* orig_rax: no system call */
        if (regs[i] && !inspect->register_value(v, regs[i], &value))
            value = 0;
        memcpy(status + 112 + 8 * i, &value, sizeof(value));
    }
    add_note(notes, NT_PRSTATUS, status, sizeof(status));
}

static GByteArray *make_notes(struct machine *m)
{
    GByteArray *notes = g_byte_array_new();

    for (unsigned i = 0; m->inspect && i < m->vcpus->len; i++)
        add_cpu(notes, m->inspect, m->vcpus->pdata[i], i);
    return notes;
}

static bool write_headers(int fd, const GArray *all, const GByteArray *notes, GError **err)
{
    unsigned n = all->len + 1;
    uint64_t at = sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
    g_autofree Elf64_Phdr *ph = g_new0(Elf64_Phdr, n);
    Elf64_Ehdr eh = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                 EV_CURRENT},
                     .e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
                     .e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
                     .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (uint16_t)n};

    ph[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = at, .p_filesz = notes->len};
    at += notes->len;
    for (unsigned i = 0; i < all->len; i++) {
        const struct piece *p = &g_array_index(all, struct piece, i);
        ph[i + 1] = (Elf64_Phdr){.p_type = PT_LOAD, .p_offset = at, .p_paddr = p->gpa,
                                 .p_filesz = p->size, .p_memsz = p->size};
        at += p->size;
    }
    return write_all(fd, &eh, sizeof(eh), err) &&
           write_all(fd, ph, n * sizeof(Elf64_Phdr), err) &&
           write_all(fd, notes->data, notes->len, err);
}

static bool write_dump(struct machine *m, int fd, uint64_t begin, uint64_t end, GError **err)
{
    g_autoptr(GArray) all = pieces(m, begin, end);
    g_autoptr(GByteArray) notes = make_notes(m);
    bool ok = all->len > 0 || error_set(err, "there is no memory in that range");

    ok = ok && write_headers(fd, all, notes, err);
    for (unsigned i = 0; ok && i < all->len; i++) {
        const struct piece *p = &g_array_index(all, struct piece, i);
        ok = write_all(fd, p->host, p->size, err);
    }
    return ok;
}

/* "file:PATH" or "fd:NAME" */
static int open_target(struct machine *m, const char *protocol, GError **err)
{
    if (g_str_has_prefix(protocol, "file:"))
        return create(protocol + 5, err);
    if (!g_str_has_prefix(protocol, "fd:")) {
        error_set(err, "Parameter 'protocol' expects file:PATH or fd:NAME");
        return -1;
    }
    int fd = machine_take_fd(m, protocol + 3);
    if (fd < 0)
        error_set(err, "File descriptor named '%s' not found", protocol + 3);
    return fd;
}

static bool dump(struct machine *m, const char *protocol, uint64_t begin, uint64_t end,
                 GError **err)
{
    int fd = open_target(m, protocol, err);
    bool running = machine_running(m);

    if (fd < 0)
        return false;
    if (running)
        machine_pause(m);
    bool ok = write_dump(m, fd, begin, end, err);
    if (close(fd) < 0 && ok)
        ok = error_set(err, "writing the file: %s", g_strerror(errno));
    if (running)
        machine_start(m);
    return ok;
}

static bool run_dump(struct command_call *call, GError **err)
{
    const char *format = call->arg[5].text;
    bool begin = call->arg[3].given, length = call->arg[4].given;
    uint64_t from = begin ? (uint64_t)call->arg[3].num : 0;
    uint64_t to = length ? from + (uint64_t)call->arg[4].num : UINT64_MAX;

    if (call->arg[0].on)
        return error_set(err, "paging: memory is dumped by physical addresses only");
    if (begin != length)
        return error_set(err, "Parameter '%s' is missing", begin ? "length" : "begin");
    if (format && strcmp(format, "elf") != 0)
        return error_set(err, "format: elf is the one there is");
    if (!dump(call->ctx->machine, call->arg[1].text, from, to, err))
        return false;
    if (call->arg[2].on)
        machine_event(call->ctx->machine, "DUMP_COMPLETED",
                      json_pack("{s:{s:s, s:i, s:i}}", "result", "status", "completed",
                                "completed", 0, "total", 0));
    return true;
}

static bool run_dump_text(struct command_call *call, GError **err)
{
    g_autofree char *protocol = g_strconcat("file:", call->arg[0].text, NULL);

    return dump(call->ctx->machine, protocol, 0, UINT64_MAX, err);
}

static bool run_query_dump(struct command_call *call, GError **err)
{
    call->ret = json_pack("{s:s, s:i, s:i}", "status", "none", "completed", 0, "total", 0);
    return true;
}

static bool run_capability(struct command_call *call, GError **err)
{
    call->ret = json_pack("{s:[s]}", "formats", "elf");
    return true;
}

const struct command dump_commands[] = {
    {.name = "memsave", .qmp = "memsave", .run = run_memsave,
     .args = {{"val", ARG_INT}, {"size", ARG_INT}, {"filename", ARG_WORD},
              {"cpu-index", ARG_INT, true}},
     .help = "write memory at a linear address to a file"},
    {.name = "pmemsave", .qmp = "pmemsave", .run = run_pmemsave,
     .args = {{"val", ARG_INT}, {"size", ARG_INT}, {"filename", ARG_WORD}},
     .help = "write memory at a guest-physical address to a file"},
    {.qmp = "dump-guest-memory", .run = run_dump,
     .args = {{"paging", ARG_BOOL}, {"protocol", ARG_WORD}, {"detach", ARG_BOOL, true},
              {"begin", ARG_INT, true}, {"length", ARG_INT, true},
              {"format", ARG_WORD, true, "DumpGuestMemoryFormat"}},
     .help = "write all memory to an ELF core file"},
    {.name = "dump-guest-memory", .args = {{"filename", ARG_WORD}}, .run = run_dump_text,
     .help = "write all memory to an ELF core file"},
    {.qmp = "query-dump", .info = "dump", .returns = "DumpQueryResult", .run = run_query_dump,
     .help = "a dump that is under way: none ever is between two commands"},
    {.qmp = "query-dump-guest-memory-capability", .returns = "DumpGuestMemoryCapability",
     .run = run_capability, .help = "formats of dumps"},
    {0}};
