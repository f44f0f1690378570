#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Prints TAP (ok N - name).
# A writer is killed at random moments: what it had flushed is there, and qemu-img finds no
# cluster in use that is not counted. KILLS=n times (12; `KILLS=200 tests/block/kill.sh`).
. "$(dirname "$0")/lib-block.sh"
need qemu-img
cd "$work" || exit 2
kills=${KILLS:-12}

# Kill it once, after so many milliseconds from its first flush on.
kill_one() { # options, seed, milliseconds
    rm -f flushed
    "$blkio" "$1" -j 8 kill "$2" 100000000 >flushed 2>&1 &
    pid=$!
    while [ ! -s flushed ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    sleep "0.$3"
    kill -9 $pid
    wait $pid 2>/dev/null
    # The kernel ends the requests of a killed process, and its locks, a little later.
    until qemu-img info k.qcow2 >/dev/null 2>&1; do sleep 0.02; done
    last=$(tail -n 1 flushed)
    case $last in '' | *[!0-9]*) cat flushed; return 1 ;; esac
}

# Leaks (status 3) are what a kill between two tables may leave; lazy refcounts are put right when
# the image is opened.
check() { # image
    qemu-img check -f qcow2 "$1"
    rc=$?
    [ $rc = 0 ] || [ $rc = 3 ]
}

series() { # name, create options, options
    rc=0 i=0
    while [ $i -lt "$kills" ] && [ $rc = 0 ]; do
        i=$((i + 1))
        seed=$((i + ${SEED:-1}))
        rm -f k.qcow2
        # shellcheck disable=SC2086
        qemu-img create -q -f qcow2 $2 k.qcow2 32M
        {
            kill_one "driver=qcow2,file.filename=k.qcow2,discard=unmap,$3" $seed \
                $(printf %03d $((seed * 37 % 250))) &&
                { [ "${4:-}" = lazy ] || check k.qcow2; } &&
                "$blkio" driver=qcow2,file.filename=k.qcow2 verify $seed "$last" &&
                check k.qcow2
        } >log 2>&1
        rc=$?
        if [ "${4:-}" = lazy ] && [ $rc = 0 ]; then
            qemu-img check -f qcow2 k.qcow2 >log 2>&1
            rc=$?
        fi
    done
    verdict $rc "$1: $i kills"
}

series "qcow2" "-o cluster_size=16k" ""
series "qcow2, clusters of 512 bytes" "-o cluster_size=512" ""
series "qcow2, lazy refcounts" "-o lazy_refcounts=on,cluster_size=8k" "" lazy
series "qcow2, direct, threads" "-o cluster_size=4k" "cache.direct=on,file.aio=threads"
