#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Guest programs of tests/guest on the interpreter twice in lock step, with what they print; and a
# kernel's first million instructions.
cd "$(dirname "$0")/../.." || exit 2
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

for name in real_32 gates_32 paging_32 vm86_32 task_32 long_64 debug_64 x2apic_64 odds_64; do
    : >"$out/$name.out"
    options=$(sed -n '1,12s/.*options: *//p' "tests/guest/$name.c")
    # shellcheck disable=SC2086
    build $name && timeout -k 5 60 "$HOSTEL" -accel compare,a=tcg-interp,b=tcg-interp -m 64 \
        -kernel "$out/$name.elf" -display none -serial none -monitor none -nodefaults -no-reboot \
        -debugcon "file:$out/$name.out" -device isa-debug-exit,iobase=0x501,iosize=4 $options \
        >"$out/$name.log" 2>&1
    rc=$?
    [ $rc -le 1 ] && grep -q 'are equal after [0-9]* instructions' "$out/$name.log" &&
        diff -u "tests/guest/$name.expected" "$out/$name.out" >>"$out/$name.log"
    verdict $? "$name, twice in lock step" "$out/$name.log"
done

boot() { # keys
    timeout -k 5 100 "$HOSTEL" -accel "compare,a=tcg,b=tcg,$1" -m 128 -display none -serial none \
        -monitor none -kernel "$GUEST/vmlinuz-cloud" >"$out/boot.log" 2>&1
}
boot limit=1000000 && grep -q 'are equal after 1000000 instructions' "$out/boot.log"
verdict $? "a million instructions of a kernel's start" "$out/boot.log"
boot every=1000,from=20000500,limit=20001000 &&
    grep -q 'are equal after 20001000 instructions' "$out/boot.log"
verdict $? "twenty million, by steps of a thousand, the last ones singly" "$out/boot.log"

refuse() { # keys, what it says
    timeout 20 "$HOSTEL" -accel "$1" -display none -serial none -monitor none -smp "${3:-1}" \
        >"$out/refuse.log" 2>&1
    [ $? = 1 ] && grep -q "$2" "$out/refuse.log"
    verdict $? "refused: -accel $1 -smp ${3:-1}" "$out/refuse.log"
}
refuse compare 'wants both sides'
refuse compare,a=tcg 'wants both sides'
refuse compare,a=tcg,b=tgc 'no such accelerator'
refuse compare,a=compare,b=tcg 'no such accelerator'
refuse compare,a=tcg,b=tcg,every=0 'every'
refuse compare,a=tcg,b=tcg 'one CPU' 2
echo "1..$n"
exit $bad
