# SPDX-License-Identifier: MIT
# What screens.sh and window.sh share: the option ROM that draws, and waiting.
# shellcheck shell=sh
BUILD=${BUILD:-build}
HOSTEL=${HOSTEL:-$PWD/$BUILD/hostel}
src=tests/guest/screen
n=0 bad=0

tap() { # status, text
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
skip() { # why
    echo "ok 1 - $(basename "$0" .sh) # SKIP $1"
    echo "1..1"
    exit 0
}

build_rom() { # file
    blocks=32
    ${CC:-gcc} -m16 -std=gnu11 -Os -Wall -Wextra -ffreestanding -nostdlib -static -no-pie \
        -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
        -mgeneral-regs-only -march=i386 -fno-builtin -fno-tree-loop-distribute-patterns \
        -DROM_BLOCKS=$blocks -Wl,-m,elf_i386,-T,$src/link.ld,--build-id=none \
        -o "$1" $src/start.S $src/screen.c || exit 1
    [ "$(stat -c %s "$1")" -lt $((blocks * 512)) ] || { echo "$1: too large"; exit 1; }
    truncate -s $((blocks * 512)) "$1"
    # Its bytes add up to 0.
    sum=$(od -An -v -tu1 "$1" | awk '{ for (i = 1; i <= NF; i++) s += $i }
        END { print (256 - s % 256) % 256 }')
    # shellcheck disable=SC2059
    printf "\\$(printf %03o "$sum")" |
        dd of="$1" bs=1 seek=$((blocks * 512 - 1)) conv=notrunc 2>/dev/null
}

wait_for() { # seconds, command...: until it succeeds
    tries=$(($1 * 20 * ${TIMEOUT_SCALE:-1}))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}
reported() { # line number: the guest said that many in $log
    [ "$(wc -l <"$log")" -ge "$1" ]
}
complete() { # PPM file: the emulator has written it all
    [ -s "$1" ] && [ "$(head -c 30 "$1" |
        awk 'NR == 2 { print $1 * $2 * 3 + length($0) + 8 }' 2>/dev/null)" = \
        "$(stat -c %s "$1")" ]
}
