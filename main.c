/* SPDX-License-Identifier: MIT */
/* The way in: options -> machine -> main loop -> exit status. */
#include <stdio.h>

#include "config.h"

int main(void)
{
    printf("Hostel PC emulator version %s\n", HOSTEL_VERSION);
    return 0;
}
