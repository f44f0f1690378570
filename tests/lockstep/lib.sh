#!/bin/sh
# SPDX-License-Identifier: MIT
# Guest programs in lock step: what the scripts beside this one have in common.
BUILD=${BUILD:-build}
HOSTEL=${HOSTEL:-$PWD/$BUILD/hostel}
GUEST=${GUEST:-$PWD/build/guest}
lib=tests/guest/lib
out=$BUILD/tests/lockstep
mkdir -p "$out"
n=0 bad=0

verdict() { # ok?, name, log
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$3" | head -n 40
        bad=1
    fi
}

build() { # name
    case $1 in
    *_64) mode="-m64 -DLONG -mcmodel=large -mno-red-zone" ;;
    *) mode=-m32 ;;
    esac
    # shellcheck disable=SC2086
    ${CC:-gcc} $mode -std=gnu11 -O2 -Wall -Wextra -ffreestanding -nostdlib -static -no-pie \
        -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
        -mgeneral-regs-only -I$lib -Wl,-T,$lib/link.ld -Wl,--build-id=none -Wl,-z,noexecstack \
        -o "$out/$1.elf" "tests/guest/$1.c" $lib/guest.c $lib/start.S || return 1
    case $1 in
    *_64) objcopy -O elf32-i386 "$out/$1.elf" "$out/$1.elf" ;;
    esac
}

run() { # name, accelerators: in lock step, to the end; the log ends with the summary
    : >"$out/$1.out"
    options=$(sed -n '1,12s/.*options: *//p' "tests/guest/$1.c")
    # shellcheck disable=SC2086
    build "$1" && timeout -k 5 60 "$HOSTEL" -accel "compare,$2" -m 64 \
        -kernel "$out/$1.elf" -display none -serial none -monitor none -nodefaults -no-reboot \
        -debugcon "file:$out/$1.out" -device isa-debug-exit,iobase=0x501,iosize=4 $options \
        >"$out/$1.log" 2>&1
    [ $? -le 1 ] && grep -q 'are equal after [0-9]* instructions' "$out/$1.log"
}
