#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 60
# The command line as a user meets it: help texts, one line for each mistake, exit status.
n=0
tap() {
    n=$((n + 1))
    echo "$1 $n - $2"
}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# Status 1, nothing on standard output, one line on standard error with this in it.
refused() { # text, options...
    want=$1
    shift
    said=$(timeout 10 "$HOSTEL" "$@" 2>&1 >"$out" </dev/null)
    status=$?
    if [ $status = 1 ] && [ ! -s "$out" ] && [ "$(printf '%s\n' "$said" | wc -l)" = 1 ] &&
        printf '%s' "$said" | grep -qF -e "$want" &&
        printf '%s' "$said" | grep -q '^hostel: '; then
        tap ok "refused: $*"
    else
        echo "# status $status: $said"
        tap "not ok" "refused: $*"
    fi
}

# Status 0, nothing on standard error, this on standard output.
shown() { # text, options...
    want=$1
    shift
    said=$(timeout 10 "$HOSTEL" "$@" 2>"$out" </dev/null)
    status=$?
    if [ $status = 0 ] && [ ! -s "$out" ] && printf '%s' "$said" | grep -qF -e "$want"; then
        tap ok "shown: $*"
    else
        echo "# status $status: $said"
        tap "not ok" "shown: $*"
    fi
}

shown 'Hostel PC emulator version' -version
shown '  -kernel FILE' -help
shown '  -kernel FILE' --help
shown 'x86-64-v2' -cpu help
shown 'tcg-interp' -accel help
shown 'pc ' -machine help
shown 'acpi=on' -machine pc,help
shown 'isa-serial' -device help
shown 'iobase' -device isa-serial,help
shown 'socket' -chardev help
shown 'none' -display help
shown 'in_asm' -d help
shown 'virtio-net-pci' -nic model=help
shown 'stream: ' -netdev help
shown 'hostfwd=' -netdev user,help

refused "did you mean '-kernel'?" -kernal x
refused 'does not have this option yet' -spice port=1
refused 'No such file' -drive file=/none.img,format=raw
refused 'no controller' -drive if=scsi,file=/etc/hostname,format=raw,readonly=on
refused "no option 'cylinders'" -drive file=/etc/hostname,format=raw,readonly=on,cylinders=9
refused 'throttling' -drive file=x,throttling.iops-total=3
refused 'there is a drive already' -drive file=/etc/hostname,format=raw,snapshot=on -drive file=/etc/passwd,format=raw,readonly=on,index=0
refused 'read-only' -drive file=/etc/hostname,format=raw,readonly=on
refused 'node-name=... is missing' -blockdev driver=raw
refused 'JSON, line 1' -blockdev '{driver}'
refused "there is no drive 'x'" -device ide-hd,drive=x
refused "cache: 'fast'" -drive file=x,cache=fast
refused 'argument is missing' -m
refused "no setting 'colour'" -smbios type=1,colour=red
refused 'either file= or string=' -fw_cfg opt/name
refused 'exit-failure' -action panic=cry
refused 'inject-nmi' -watchdog-action bark
refused "'1Q' is not a size" -m 1Q
refused "did you mean 'max'?" -cpu maxx
refused 'aes' -cpu max,+aess
refused "did you mean 'tcg'?" -accel tgc
refused "did you mean 'thread'?" -accel tcg,thred=multi
refused "did you mean 'q35'?" -machine q3
refused 'no such machine' -machine acorn
refused "did you mean 'isa-serial'?" -device isa-seral
refused "did you mean 'iobase'?" -device isa-serial,iobsae=0x3f8
refused "iobase" -device isa-serial,iobase=many
refused "did you mean 'isa-serial'?" -global isa-serail.iobase=3
refused 'iobsae' -global isa-serial.iobsae=3
refused "did you mean 'socket'?" -chardev soket,id=a
refused 'nothing' -mon nothing
refused 'tape' -serial tape
refused '/nonexistent/kernel' -kernel /nonexistent/kernel
refused '/nonexistent/initrd' -kernel "$GUEST/vmlinuz-cloud" -initrd /nonexistent/initrd
refused '/nonexistent/rom' -bios /nonexistent/rom
refused '/dev/null' -bios /dev/null
refused '/nonexistent/dir/pid' -pidfile /nonexistent/dir/pid
refused '/nonexistent/dir/log' -D /nonexistent/dir/log -d int
refused 'not an ELF' -kernel "$0"
refused 'package seabios' -bios bios-unheard-of.bin -display none
refused 'stdio' -serial stdio -monitor stdio -kernel "$GUEST/vmlinuz-cloud"
