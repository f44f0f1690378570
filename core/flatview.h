/* SPDX-License-Identifier: MIT */
/* Between the region tree and the flat view computed from it. */
#ifndef CORE_FLATVIEW_H
#define CORE_FLATVIEW_H

#include "core/region.h"

/* Something below as->root changed: publish a new view now, or at the outermost as_commit(). */
void as_stale(struct address_space *as);

#endif
