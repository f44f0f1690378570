#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Prints TAP (ok N - name).
# Random operations by the block layer and by qemu-io give disks with the same content, and
# images that qemu-img accepts: formats, cluster sizes, backing files, I/O engines, cache modes.
. "$(dirname "$0")/lib-block.sh"
need qemu-img qemu-io

# name | qemu-img create options | blkio options | operations | seed
compare() {
    name=$1 create=$2 options=$3 kinds=$4 seed=$5
    fmt=${create%% *}
    rm -f "$work"/*.img
    if [ -n "${backing:-}" ]; then
        qemu-img create -q -f qcow2 "$work/base.img" "${backing}M"
        commands 99 60 "$backing" "write zero" | qemu-io -f qcow2 "$work/base.img" >/dev/null
        set -- -b base.img -F qcow2
    else
        set --
    fi
    {
        for image in ours theirs; do
            # shellcheck disable=SC2086
            (cd "$work" && qemu-img create -q -f $create "$@" $image.img 24M)
        done
        commands "$seed" "${count:-150}" 24 "$kinds" >"$work/script"
        qemu-io -f "$fmt" -d unmap "$work/theirs.img" <"$work/script" >/dev/null &&
            "$blkio" "driver=$fmt,file.filename=$work/ours.img,discard=unmap,$options" -j 16 run \
                <"$work/script" &&
            qemu-img compare -f "$fmt" -F "$fmt" "$work/ours.img" "$work/theirs.img" &&
            { [ "$fmt" = raw ] || qemu-img check -f "$fmt" "$work/ours.img"; } &&
            if [ -n "${backing:-}" ]; then qemu-img check -f qcow2 "$work/base.img"; fi
    } >"$work/log" 2>&1
    verdict $? "$name"
}

all="write write write zero unmap flush"
for aio in io_uring threads; do
    compare "raw, aio=$aio" raw "file.aio=$aio" "$all discard" 1
    compare "qcow2, aio=$aio" qcow2 "file.aio=$aio" "$all discard" 2
done
compare "raw, direct" raw "cache.direct=on" "$all" 3
compare "qcow2, direct, native" qcow2 "cache.direct=on,file.aio=native" "$all" 4
compare "qcow2 version 2" "qcow2 -o compat=0.10" "cache.no-flush=on" "$all discard" 5
compare "qcow2, lazy refcounts" "qcow2 -o lazy_refcounts=on" "" "$all discard" 6
for size in 512 4k 2M; do
    count=400 compare "qcow2, clusters of $size" "qcow2 -o cluster_size=$size" "" "$all discard" 7
done
for bits in 1 8 64; do
    compare "qcow2, refcounts of $bits bits" "qcow2 -o refcount_bits=$bits,cluster_size=4k" "" \
        "$all discard" 8
done
compare "qcow2, preallocated" "qcow2 -o preallocation=metadata" "" "$all" 9
for backing in 24 7; do
    backing=$backing compare "qcow2 over $backing MiB" qcow2 "" "$all" 10
    backing=$backing compare "qcow2 version 2 over $backing MiB" "qcow2 -o compat=0.10" "" \
        "write flush zero" 11
done
seed=20
while [ $seed -lt "${SEEDS:-26}" ]; do
    backing=15 count=300 compare "qcow2, seed $seed" "qcow2 -o cluster_size=8k" "" "$all discard" \
        $seed
    seed=$((seed + 1))
done
