#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
# timeout: 500
# Linux's virtio_net on the user network: DHCP, DNS, TFTP, HTTP both ways, many connections, UDP,
# IPv6, forwarded ports; through both interfaces, both kinds of rings, with and without offloads.
. "$(dirname "$0")/lib-virtio.sh"
. "$(dirname "$0")/lib-net.sh"
if ! net_peer; then
    skip "virtio-net under Linux" "no python3, or no static C library"
    exit 0
fi

one() { # name, bytes, connections, properties
    net_script "$2" "$3" | virtio_guest "failover net_failover virtio_net" || exit 1
    virtio_boot "$1" -m 256 -netdev "user,id=n0,$(net_user)" -device "virtio-net-pci,netdev=n0$4"
    net_checks "$1" "$2" "$3"
    no_complaints "$1"
}
virtio_extra() { net_files "$work/extra"; }
one modern 20971520 500 ,disable-legacy=on
one packed 2097152 50 ,packed=on
one legacy 2097152 50 ,disable-modern=on
one plain 2097152 50 ,mrg_rxbuf=off,csum=off,guest_csum=off,event_idx=off,vectors=0
