/* SPDX-License-Identifier: MIT */
/* What core/device.c asks of the property tables. */
#ifndef CORE_PROP_H
#define CORE_PROP_H

struct device;

void props_defaults(struct device *dev);
/* Apply -global; a failure is kept in dev->error. */
void props_globals(struct device *dev);
void props_free(struct device *dev);

#endif
