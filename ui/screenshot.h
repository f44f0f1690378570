/* SPDX-License-Identifier: MIT */
/* A picture of a surface as a file. */
#ifndef UI_SCREENSHOT_H
#define UI_SCREENSHOT_H

#include "ui/console.h"

enum screenshot_format { SCREENSHOT_PPM, SCREENSHOT_PNG };

/* Write the surface to a file, replacing it. Main thread. */
bool screenshot_write(const struct surface *s, const char *path, enum screenshot_format format,
                      GError **err);

#endif
