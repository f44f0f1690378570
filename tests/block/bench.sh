#!/bin/sh
# SPDX-License-Identifier: MIT
# The block layer alone beside `qemu-img bench`, in alternation: requests a second, medians of
# RUNS=n (5), and the ratio. No test: part of `make bench`.
set -eu
cd "$(dirname "$0")/../.."
blkio=${BUILD:-build}/tests/block/blkio
command -v qemu-img >/dev/null || { echo "bench: without qemu-img (apt-get install qemu-utils)"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
img=$work/disk
runs=${RUNS:-5} mib=256

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# format, kind (read, write), request size in bytes, step in bytes, number, depth
measure() {
    fmt=$1 kind=$2 size=$3 step=$4 count=$5 depth=$6 i=0
    : >"$work/ours"
    : >"$work/theirs"
    w=
    [ "$kind" = read ] || w=-w
    while [ $i -lt "$runs" ]; do
        i=$((i + 1))
        "$blkio" "driver=$fmt,file.filename=$img.$fmt" -j "$depth" bench "$kind" "$size" "$count" \
            "$step" >>"$work/ours"
        # shellcheck disable=SC2086
        qemu-img bench $w -f "$fmt" -i io_uring -t writeback -c "$count" -d "$depth" -s "$size" \
            -S "$step" "$img.$fmt" | sed -n 's/Run completed in \([0-9.]*\) .*/\1/p' >>"$work/theirs"
    done
    awk -v ours="$(median <"$work/ours")" -v theirs="$(median <"$work/theirs")" -v n="$count" \
        -v what="$fmt $kind $size bytes, step $step, depth $depth" 'BEGIN {
        printf "%-56s %9.0f/s   qemu-img %9.0f/s   ratio %.2f\n", what, n / ours, n / theirs,
            theirs / ours }'
}

echo "block layer: requests a second"
qemu-img create -q -f raw $img.raw ${mib}M
qemu-img create -q -f qcow2 $img.qcow2 ${mib}M
for fmt in raw qcow2; do
    "$blkio" "driver=$fmt,file.filename=$img.$fmt" -j 16 bench write 1M $mib >/dev/null
    measure $fmt read 4096 1069056 50000 32
    measure $fmt write 4096 1069056 50000 32
    measure $fmt read 4096 1069056 20000 1
    measure $fmt read 65536 65536 4000 8
    measure $fmt write 65536 65536 4000 8
done
