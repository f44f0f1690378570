/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_RAW_H
#define BLOCK_RAW_H

#include "block/node.h"

/* The format was not given but guessed: sector 0 stays what it is. */
void raw_set_guessed(struct node *n);

/* The format an image begins like, "raw" if like none; also formats that are not supported. */
const char *format_probe(const uint8_t *head, size_t len);
#define FORMAT_HEAD 512 /* bytes that tell */

#endif
