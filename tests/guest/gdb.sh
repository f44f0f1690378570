#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 400
# Debian's gdb against the gdb server: small programs of ours with all their symbols.
cd "$(dirname "$0")/../.." || exit 2
. tests/guest/lib-gdb.sh

build prog64 "-m64 -DLONG -mcmodel=large -mno-red-zone -Wl,-T,$lib/link.ld" \
    tests/guest/debugged.c $lib/guest.c $lib/start.S
build prog32 "-m32 -Wl,-T,$lib/link.ld" tests/guest/debugged.c $lib/guest.c $lib/start.S
build modes "-m32 -Wl,-Ttext=0xf0000" tests/guest/modes.S
objcopy -O elf32-i386 "$work/prog64" "$work/prog64.boot"
objcopy -O binary -j .text "$work/modes" "$work/modes.rom"

# Options of every machine here.
small() {
    start -m 64 -serial none -debugcon file:"$work/guest.out" \
        -device isa-debug-exit,iobase=0x501,iosize=4 "$@"
}

# ---- Breakpoints, steps, watchpoints, threads, registers --------------------------------

small -S -smp 2 -kernel "$work/prog64.boot"
debug prog64 <<'END'
info threads
break fill
continue
echo [table] \n
p table[3]
finish
watch counter
continue
continue
delete
thread 2
set scheduler-locking on
next
next
set var $before = ap_counter
next
next
printf "ap +%d\n", ap_counter - $before
p/x ap_counter == ap_counter
set scheduler-locking off
thread 1
finish
set var limit=100
set $r15 = 0x1122334455667788
p/x $r15
stepi
p/x $r15
set $xmm3.v2_int64[1] = 0x0123456789abcdef
stepi
p/x $xmm3.v2_int64[1]
p/x $cr0
p $efer
p factorial(6)
monitor info registers
maintenance packet qqemu.sstepbits
maintenance packet Qqemu.PhyMemMode:1
x/wx 0x100000
continue
END
finish
expect "a machine that has not begun is attached" '\* 1 +Thread .*_start'
expect "CPUs are threads" '^  2 +Thread 2 .CPU#1 .halted.'
expect "a breakpoint is hit" '^Thread 1 hit Breakpoint 1, fill \(\)'
expect "memory is read" '^\$1 = 0$'
expect "a function is finished" '^main \(\) at '
expect "a watchpoint is hit" '^Thread 1 hit Hardware watchpoint 2: counter'
expect "... and says what changed" '^New value = 2$'
expect "one thread alone steps" '^ap \+1$'
expect "a register is written" '^\$[0-9]+ = 0x1122334455667788$'
expect "an SSE register is written" '^\$[0-9]+ = 0x123456789abcdef$'
expect "control registers are there" '^\$[0-9]+ = 0x80010033$'
expect "EFER is there, by its bits" '^\$[0-9]+ = \[ LME LMA NXE \]$'
expect "a function of the guest is called" '^\$[0-9]+ = 720$'
expect "monitor commands arrive" '^CR0=80010033 CR2='
expect "the kinds of steps are told" 'received: "ENABLE=1,NOIRQ=2"'
expect "physical memory is read" '^0x100000.*0x1badb002'
expect "the end of the machine is told" 'exited normally|exited with code'
expect_not "no packet surprises gdb" 'too long|Protocol error|unexpectedly'
grep -q '^counter 100, 7! = 5040' "$work/guest.out"
verdict $? "the guest has seen what was written"

# ---- Changing modes under gdb ------------------------------------------------------------

small -S -bios "$work/modes.rom"
debug modes <<'END'
x/i $pc
hbreak real
hbreak protected_fn
hbreak long_mode
continue
p/x $cs
p/x $cs_base
stepi
p/x $bx
stepi
x/xh 0x10020
continue
p/x $esp
stepi
p/x $ebx
continue
set architecture i386:x86-64
x/i $pc
stepi
stepi
p/x $rbx
monitor info registers
info registers
END
kill "$machine" 2>/dev/null
finish
expect "real mode: the reset vector" '0xfffffff0'
expect "real mode: a breakpoint in another segment" '^Breakpoint 1, real \(\)'
expect "real mode: its selector" '^\$1 = 0xf100$'
expect "real mode: its base" '^\$2 = 0xf1000$'
expect "real mode: a step" '^\$3 = 0x1235$'
expect "real mode: memory" '^0x10020:.0x1235'
expect "protected mode: a breakpoint" '^Breakpoint 2, protected_fn \(\)'
expect "protected mode: a step" '^\$5 = 0x89abcdf0$'
expect "64-bit mode: a breakpoint" '^Breakpoint 3, long_mode \(\)'
expect "64-bit mode: gdb follows" '^=> 0xf[0-9a-f]+ <long_mode>:.movabs \$0x1122334455667788,%rbx'
expect "64-bit mode: a step" '^\$6 = 0x1122334455667789$'
expect_not "no packet is too long" 'too long|internal-error'

small -S -bios "$work/modes.rom"
debug "" <<'END'
set architecture i8086
x/i $pc
stepi
x/i $pc
END
kill "$machine" 2>/dev/null
finish
expect "without symbols, as i8086: the reset vector" '^=> 0xfffffff0:.ljmp +\$0xf000,\$0x0'
expect "... and where it leads" '^=> 0xf0000:.cli'

# ---- A 32-bit program ---------------------------------------------------------------------

small -S -kernel "$work/prog32"
debug prog32 <<'END'
break factorial if n == 1
continue
backtrace
delete
up
finish
p table
p/x $eip == $rip
set $eax = 77
p $eax
kill
END
finish
expect "32 bits: a condition" '^Breakpoint 1, factorial \(n=1\)'
expect "32 bits: a backtrace" '^#2 .* main \(\) at'
expect "32 bits: a register is written" '^\$[0-9]+ = 77$'
verdict "$status" "kill ends the machine"

# ---- Coming and going ----------------------------------------------------------------------

small -kernel "$work/prog64.boot" -smp 2 -S
debug prog64 <<'END'
break count_up
continue
disconnect
END
expect "a debugger leaves without a word" '^Breakpoint 1, count_up|hit Breakpoint 1, count_up'
finish
verdict "$((status == 1 ? 0 : 1))" "... and the machine goes on to its end"

small -kernel "$work/prog64.boot" -smp 2 -S
(
    echo "target remote $work/socket"
    echo "shell touch $work/first; while [ ! -e $work/second ]; do sleep 0.1; done"
    echo "p 40 + 2"
    echo "detach"
) >"$work/first.commands"
timeout 100 gdb -nx -batch -x "$work/first.commands" >"$work/first.out" 2>&1 </dev/null &
first=$!
for _ in $(seq 300); do
    [ ! -e "$work/first" ] || break
    sleep 0.1
done
debug "" <<'END'
info threads
END
expect "a second debugger is told why not" 'another debugger is connected'
touch "$work/second"
wait $first
cp "$work/first.out" "$work/gdb.out"
expect "... and does not disturb the first" '^\$1 = 42'
finish
verdict "$((status == 1 ? 0 : 1))" "a machine that is detached goes on"
echo "1..$number"
