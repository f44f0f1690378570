/* SPDX-License-Identifier: MIT */
/*
 * A machine for unit tests of devices: virtual and host clock are test clocks moved by
 * clock_step(), 1 MiB of RAM lies at 0, there are no vCPUs and no threads.
 */
#ifndef CORE_MACHINE_TEST_H
#define CORE_MACHINE_TEST_H

#include "core/machine.h"

struct machine *machine_new_test(void); /* end it with machine_free() */

#endif
