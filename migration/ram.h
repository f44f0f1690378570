/* SPDX-License-Identifier: MIT */
/* Guest memory on its way out and in (format.h: PAGE, FLAT, SUMS). */
#ifndef MIGRATION_RAM_H
#define MIGRATION_RAM_H

#include "migration/record.h"

struct machine;
struct ram_block;

/* ---- Out: one thread, a round after another ------------------------------------------------ */

struct ram_out_block {
    struct ram_block *ram;
    uint64_t pages;
    uint64_t *todo;   /* a bit per page that is to be sent */
    uint32_t *sums;   /* FLAT: of each page as it is in the file; else NULL */
    uint64_t flat_at; /* where the block is in the file */
};

struct ram_out {
    struct machine *m;
    struct wire *s;
    bool flat, watch;
    struct ram_out_block *b;
    unsigned n;
    uint8_t *buf;     /* FORMAT_BATCH pages */
    uint64_t records; /* written */
    /* Told after each batch how many bytes it had; false with *err ends the round. May be NULL. */
    bool (*progress)(void *arg, uint64_t bytes, GError **err);
    void *arg;
    /* Statistics; atomic. */
    uint64_t normal, zero, sent, total;
};

/* All pages are to be sent. With `watch` the machine runs meanwhile. In a regular file blocks are
 * laid out flat. Lock held. */
void ram_out_begin(struct ram_out *r, struct machine *m, struct wire *s, bool watch);
void ram_out_end(struct ram_out *r); /* lock held */
/* Note what was written since the last call; returns how many pages are to be sent. Lock held. */
uint64_t ram_out_sync(struct ram_out *r);
/* Where the blocks are in the file; before the first round. */
bool ram_out_layout(struct ram_out *r, GError **err);
/* Send all that is noted. Without the lock, or with it. */
bool ram_out_round(struct ram_out *r, GError **err);
/* The checksums of a flat layout, after the last round. */
bool ram_out_sums(struct ram_out *r, GError **err);

/* ---- In ------------------------------------------------------------------------------------ */

struct ram_in {
    struct machine *m;
    struct wire *s;
    bool apply;        /* else everything is only checked */
    bool lazy;         /* blocks of a flat file are mapped: pages come when they are touched */
    uint64_t *flat_at; /* per block: where it is in the file; 0: it is not */
    uint32_t **sums;   /* per block, for lazy: what its pages are to be */
    uint8_t *buf;
};

/* Memory reads as zeros from now on (apply). Nobody uses it meanwhile. */
void ram_in_begin(struct ram_in *r, struct machine *m, struct wire *s, bool apply, bool lazy);
void ram_in_end(struct ram_in *r);
/* A PAGE, FLAT or SUMS record whose head was read. */
bool ram_in_record(struct ram_in *r, const struct record *rec, GError **err);
/* Every FLAT record had its SUMS; lazy: now they are mapped. */
bool ram_in_complete(struct ram_in *r, GError **err);

/* The checksum of a page of zeros. */
#define SUM_OF_ZEROS 0x98f94189u

#endif
