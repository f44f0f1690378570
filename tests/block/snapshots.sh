#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Internal snapshots of qcow2: made, gone back to and deleted between random writes, by the block
# layer on one image and by qemu-img and qemu-io on another. The disks and every snapshot have the
# same content, and qemu-img check finds neither corruption nor leaks.
. "$(dirname "$0")/lib-block.sh"
need qemu-img qemu-io

# Steps of both: lines for blkio; "snapshot" lines are qemu-img's for the other image.
steps() { # seed
    for step in "$1" "$1 create a" "$1"1 "$1 create b" "$1"2 "$1 apply a" "$1"3 "$1 create c" \
        "$1"4 "$1 delete b" "$1"5 "$1 apply c" "$1"6 "$1 create d" "$1"7 "$1 delete a"; do
        # shellcheck disable=SC2086
        set -- $step
        if [ $# = 1 ]; then
            commands "$1" 25 12 "write write zero unmap flush"
        else
            echo "snapshot $2 $3"
        fi
        set -- "$seed"
    done
}

theirs() { # the same with QEMU's tools, on $work/theirs.img
    : >"$work/part"
    while read -r word verb name; do
        if [ "$word" != snapshot ]; then
            echo "$word $verb $name" >>"$work/part"
            continue
        fi
        qemu-io -f qcow2 -d unmap "$work/theirs.img" <"$work/part" >/dev/null || return 1
        : >"$work/part"
        case $verb in create) flag=-c ;; apply) flag=-a ;; *) flag=-d ;; esac
        qemu-img snapshot "$flag" "$name" "$work/theirs.img" || return 1
    done
}

same_content() {
    qemu-img compare -f qcow2 -F qcow2 "$work/ours.img" "$work/theirs.img" || return 1
    for name in c d; do
        for image in ours theirs; do
            qemu-img convert -f qcow2 -l "snapshot.name=$name" -O raw "$work/$image.img" \
                "$work/$image.raw" || return 1
        done
        cmp "$work/ours.raw" "$work/theirs.raw" || return 1
    done
}

compare() { # name, qemu-img create options, blkio options, seed
    seed=$4
    rm -f "$work"/*.img
    {
        for image in ours theirs; do
            # shellcheck disable=SC2086
            qemu-img create -q -f qcow2 $2 "$work/$image.img" 12M
        done
        steps "$seed" >"$work/script"
        theirs <"$work/script" &&
            "$blkio" "driver=qcow2,file.filename=$work/ours.img,discard=unmap,$3" -j 8 run \
                <"$work/script" &&
            qemu-img check -f qcow2 "$work/ours.img" && same_content &&
            [ "$(qemu-img snapshot -l "$work/ours.img" | awk 'NR > 2 { printf $2 }')" = cd ] &&
            qemu-img snapshot -a c "$work/ours.img" && qemu-img snapshot -d c "$work/ours.img" &&
            qemu-img snapshot -d d "$work/ours.img" && qemu-img check -f qcow2 "$work/ours.img"
    } >"$work/log" 2>&1
    verdict $? "$1"
}

compare "qcow2" "" "" 1
compare "qcow2 version 2" "-o compat=0.10" "" 2
compare "lazy refcounts" "-o lazy_refcounts=on" "" 3
compare "clusters of 512 bytes" "-o cluster_size=512" "" 4
compare "clusters of 2 MiB" "-o cluster_size=2M" "" 5
compare "refcounts of 8 bits" "-o refcount_bits=8,cluster_size=4k" "" 6
compare "preallocated" "-o preallocation=metadata" "" 7

# Counts of one bit have no room for a snapshot.
rm -f "$work"/*.img
{
    qemu-img create -q -f qcow2 -o refcount_bits=1 "$work/ours.img" 12M
    printf 'write 0 65536\nsnapshot create a\n' |
        "$blkio" "driver=qcow2,file.filename=$work/ours.img" run
    qemu-img check -f qcow2 "$work/ours.img"
} >"$work/log" 2>&1
grep -q 'snapshot create a: No space left on device' "$work/log" &&
    ! grep -q corruption "$work/log"
verdict $? "refcounts of one bit: refused, and nothing is corrupt"
