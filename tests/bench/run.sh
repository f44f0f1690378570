#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: builds the benchmark guest and compares Hostel with the peers that are
# installed (qemu-system-x86_64, bochs with its SDL2 display). RUNS=n (3), BENCH_ARGS=...
set -eu
cd "$(dirname "$0")/../.."
hostel=${BUILD:-build}/hostel guest=build/guest bench=build/bench
mkdir -p "$bench"

missing=
for tool in python3 cpio gcc; do command -v $tool >/dev/null || missing="$missing $tool"; done
[ -z "$missing" ] || { echo "bench: install first:$missing" >&2; exit 1; }

if [ ! -x "$bench/packages/usr/bin/lua5.4" ]; then
    echo "Fetching lua5.4 and its libraries from Debian's packages"
    mkdir -p "$bench/debs"
    (cd "$bench/debs" && apt-get -q -o APT::Sandbox::User=root download \
        lua5.4 liblua5.4-0 libc6 libreadline8 libtinfo6 >log 2>&1) || { cat "$bench/debs/log"; exit 1; }
    for deb in "$bench"/debs/*.deb; do dpkg -x "$deb" "$bench/packages"; done
fi
gcc -O2 -static -o "$bench/guest" tests/bench/guest.c -lm
tests/bench/make-initrd "$bench/initrd" "$bench/guest" "$guest/busybox" "$bench/packages"

qemu=$(command -v qemu-system-x86_64 || true)
bochs=
if command -v bochs >/dev/null && command -v xorriso >/dev/null && [ -e /usr/lib/ISOLINUX/isolinux.bin ]; then
    bochs=$(command -v bochs)
fi
[ -n "$qemu" ] || echo "bench: without QEMU (apt-get install qemu-system-x86)"
[ -n "$bochs" ] || echo "bench: without Bochs (apt-get install bochs bochs-sdl bochsbios vgabios" \
    "isolinux syslinux-common xorriso)"
# shellcheck disable=SC2086
exec python3 tests/bench/bench.py --hostel "$hostel" --qemu "$qemu" --bochs "$bochs" \
    --kernel "$guest/vmlinuz-cloud" --initrd "$bench/initrd" --runs "${RUNS:-3}" ${BENCH_ARGS:-}
