#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 900
# Debian's gdb going backwards over the start of a Debian kernel. On a host that is busy with other
# things the run is not always repeatable yet (docs/debugging.md): then this says so and fails.
cd "$(dirname "$0")/../.." || exit 2
. tests/guest/lib-gdb.sh

symbol() { # name: its address in the kernel; an ELF file with it is written
    grep -E " [tT] $1\$" "$work/kallsyms" | head -n 1 | cut -d ' ' -f 1
}
args="console=ttyS0 panic=-1 nokaslr quiet"
"$HOSTEL" -m 256 -nodefaults -display none -monitor none -accel tcg-interp \
    -serial file:"$work/kallsyms.raw" -kernel "$GUEST/vmlinuz-cloud" \
    -initrd "$GUEST/initramfs.cpio.gz" -no-reboot -append "$args RUN=\"grep -w -e start_kernel -e \
rest_init -e proc_pid_status /proc/kallsyms\"" </dev/null >/dev/null 2>&1
tr -d '\r' <"$work/kallsyms.raw" >"$work/kallsyms"
sections=
for name in start_kernel rest_init proc_pid_status; do
    printf '.section .%s,"ax"\n.globl %s\n.type %s,@function\n%s: nop\n' $name $name $name $name
    sections="$sections -Wl,--section-start=.$name=0x$(symbol $name)"
done >"$work/kernel.S"
# shellcheck disable=SC2086
${CC:-gcc} -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--entry=start_kernel $sections \
    -o "$work/kernel" "$work/kernel.S"

start -S -m 256 -icount shift=2 -serial null -kernel "$GUEST/vmlinuz-cloud" \
    -initrd "$GUEST/initramfs.cpio.gz" -append "$args RUN=\"cat /proc/self/status\""
debug kernel <<'END'
break start_kernel
continue
break proc_pid_status
continue
break rest_init
reverse-continue
stepi
reverse-stepi
printf "at %d\n", $rip - (long)&rest_init
reverse-continue
continue
continue
END
kill "$machine" 2>/dev/null
finish
expect "a kernel's beginning" '^Breakpoint 1, .* in start_kernel'
expect "its first process is looked at" '^Breakpoint 2, .* in proc_pid_status'
expect "back to a place that was passed without a breakpoint" '^Breakpoint 3, .* in rest_init'
expect "a step and back" '^at 0$'
[ "$(grep -cE '^Breakpoint 1, ' "$work/gdb.out")" = 2 ]
verdict $? "and to the beginning"
[ "$(grep -cE '^Breakpoint 2, ' "$work/gdb.out")" = 2 ]
verdict $? "the same way once more"
expect_not "all of it could be repeated" 'cannot be repeated'
echo "1..$number"
