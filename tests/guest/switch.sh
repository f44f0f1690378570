#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 200
# `accel switch` at random moments while switch_64 computes, takes timer interrupts and reads time.
#
#   tests/guest/switch.sh [ACCEL "NAME NAME..." TIMES]
#
# Without arguments: the interpreter to itself, which carries the state out and in.
cd "$(dirname "$0")/../.." || exit 2
accel=${1:-tcg} names=${2:-tcg-interp} times=${3:-100}
out=${BUILD:-build}/tests/guest
number=0

check() { # name, command...
    name=$1
    shift
    number=$((number + 1))
    if "$@"; then echo "ok $number - $name"; else
        echo "not ok $number - $name"
        tail -n 20 "$log.out" "$log" | sed 's/^/# /'
    fi
}

# What is typed: to the monitor (Ctrl-A C), the switches, back to COM1, the byte that ends it.
type_it() {
    sleep 1
    printf '\001c'
    awk -v n="$times" -v names="$names" 'BEGIN {
        srand()
        k = split(names, name, " ")
        for (i = 0; i < n; i++)
            printf "sleep %.3f; echo accel switch %s\n", rand() * 0.05, name[i % k + 1]
    }' | sh
    echo info accel
    sleep 1
    printf '\001cq'
    sleep "${PATIENCE:-5}"
}

tests/guest/run.sh switch_64 >"$out/switch.build" || { cat "$out/switch.build"; exit 1; }
log=$out/switch.$accel
: >"$log"
type_it | timeout -k 5 180 "${HOSTEL:-build/hostel}" -accel "$accel" -m 64 -nodefaults -display none \
    -kernel "$out/switch_64.elf" -serial mon:stdio -no-reboot -debugcon "file:$log" \
    -device isa-debug-exit,iobase=0x501,iosize=4 >"$log.out" 2>&1
check "$accel: switched $times times" grep -q "switched $times times" "$log.out"
check "$accel: sums, interrupts and time are right" cmp -s tests/guest/switch_64.expected "$log"
echo "1..$number"
