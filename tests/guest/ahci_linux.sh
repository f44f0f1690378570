#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 300
# As ide_linux.sh, with Linux's ahci on the ports of the Q35 board. (lib-linux.sh)
IDE_MACHINE=q35 IDE_DRIVER="libahci ahci"
. "$(dirname "$0")/ide_linux.sh"
expect "the driver took the controller" 'ahci 0000:00:1f.2: AHCI 0001.0300 32 slots 6 ports'
expect "both drives came up at 3 Gb/s" 'ata3: SATA link up 3.0 Gbps'
