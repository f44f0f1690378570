#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 400
# Debian's gdb going backwards in a machine with -icount.
cd "$(dirname "$0")/../.." || exit 2
. tests/guest/lib-gdb.sh
build prog64 "-m64 -DLONG -mcmodel=large -mno-red-zone -Wl,-T,$lib/link.ld" \
    tests/guest/debugged.c $lib/guest.c $lib/start.S
objcopy -O elf32-i386 "$work/prog64" "$work/prog64.boot"

mkfifo "$work/line.in" "$work/line.out"
start -S -smp 2 -m 64 -icount shift=2 -kernel "$work/prog64.boot" -serial pipe:"$work/line" \
    -debugcon file:"$work/guest.out" -device isa-debug-exit,iobase=0x501,iosize=4
debug prog64 <<END
break count_up
continue
continue
shell echo typed >"$work/line.in"
continue
printf "third %d\n", counter
reverse-continue
printf "second %d\n", counter
reverse-continue
printf "first %d\n", counter
stepi
stepi
stepi
printf "at %x\n", \$rip - (long)&count_up
reverse-stepi
printf "back at %x\n", \$rip - (long)&count_up
delete
watch counter
continue
continue
continue
printf "counted %d\n", counter
reverse-continue
printf "undone %d\n", counter
reverse-continue
printf "undone %d\n", counter
delete
break factorial if n == 5
reverse-continue
backtrace
reverse-finish
reverse-step
reverse-next
monitor info history
set var limit = 7
delete
break end
continue
printf "in the end %d\n", counter
delete
reverse-continue
printf "in the beginning %d\n", counter
END
kill "$machine" 2>/dev/null
finish
expect "a breakpoint is hit three times" '^third 2$'
expect "back to the hit before" '^second 1$'
expect "and to the first" '^first 0$'
steps=$(sed -n 's/^at //p' "$work/gdb.out")
back=$(sed -n 's/^back at //p' "$work/gdb.out")
[ -n "$steps" ] && [ $((0x${back:-0})) -lt $((0x${steps:-0})) ]
verdict $? "one instruction back"
expect "forward again, by a watchpoint" '^counted 3$'
expect "back to before it was counted" '^undone 2$'
expect "... and once more" '^undone 1$'
expect "another breakpoint, in the past" '^#0 +factorial \(n=5\)'
expect "back out of a function" '^0x[0-9a-f]+ in factorial \(n=6\)'
expect "the history is described" '^instructions [0-9]+ to [0-9]+'
expect "what is done anew can be done otherwise" '^in the end 7$'
expect "the beginning of the history is told" '^The history does not go back further: '
expect "... and reached" '^in the beginning 0$'
expect_not "no packet surprises gdb" 'too long|Protocol error|unexpectedly|cannot be repeated'

# ---- A kernel, over what came in at a serial port ---------------------------------------

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
