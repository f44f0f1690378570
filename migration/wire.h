/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way to or from a saved machine. One thread uses a stream; who else may be told
 * to stop it uses its cancel descriptor.
 */
#ifndef MIGRATION_WIRE_H
#define MIGRATION_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct blk;
struct wire;

/* Owns fd. cancel_fd (borrowed; -1: none): waiting ends with an error when it is readable. A
 * regular file is read and written at the stream's position. */
struct wire *wire_new_fd(int fd, int cancel_fd);
/* The place for a machine's state in an image (block/snapshot.h): of the snapshot with that id,
 * to be read; NULL: of the next one, to be written. Main thread, lock held. */
struct wire *wire_new_vmstate(struct blk *blk, const char *id);
/* Reads the caller's bytes. */
struct wire *wire_new_memory(const uint8_t *data, size_t len);
/* Everything has been written: false if the host's kernel says otherwise. */
bool wire_finish(struct wire *s, GError **err);
void wire_free(struct wire *s);

/* All of it. Reading past the end is an error. */
bool wire_write(struct wire *s, const void *buf, size_t len, GError **err);
bool wire_read(struct wire *s, void *buf, size_t len, GError **err);

uint64_t wire_pos(const struct wire *s);
/* It is a file: its descriptor may be used with pread(), pwrite(), mmap(), and positions set.
 * Else -1. */
int wire_file(const struct wire *s);
void wire_seek(struct wire *s, uint64_t pos);

#endif
