#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
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
echo "1..$number"
