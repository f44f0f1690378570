#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 3600
# A Debian on a qcow2 disk, by SeaBIOS and GRUB, with its own kernel and systemd: what it writes on
# one controller is there when it starts on the next one.
. "$(dirname "$0")/lib-linux.sh"
disk=$GUEST/debian.qcow2
log=$work/log
if ! command -v expect >/dev/null || ! command -v qemu-img >/dev/null; then
    skip "Debian on a disk" "no expect or no qemu-img"
    exit 0
fi
if [ ! -e "$disk" ] && ! scripts/make-debian-disk "$disk.new" >"$work/out" 2>&1; then
    skip "Debian on a disk" "$(tail -n 1 "$work/out")"
    exit 0
fi
[ -e "$disk" ] || mv "$disk.new" "$disk"
qemu-img create -q -f qcow2 -b "$disk" -F qcow2 "$work/disk.qcow2"

# Log in, run a command, power off: the conversation is in $log, the status that of hostel.
session() { # command, options...
    command=$1
    shift
    command expect - "$command" "${HOSTEL:-build/hostel}" -m 512 -nographic "$@" >"$log" 2>&1 <<'END'
set timeout 900
set command [lindex $argv 0]
spawn -noecho {*}[lrange $argv 1 end]
expect {
    "login:" { send "root\r" }
    timeout { exit 99 }
    eof { exit 98 }
}
expect -re {root@debian.*# $}
send -- "$command; poweroff\r"
expect { eof {} timeout { exit 97 } }
exit [lindex [wait] 3]
END
    status=$?
    tr -d '\r' <"$log" >"$log.text"
    mv "$log.text" "$log"
}

session 'echo "on $(cat /sys/block/sd?/device/model)" >/root/note; sync' -hda "$work/disk.qcow2"
check "pc: it starts from an IDE disk, writes and powers off" [ $status = 0 ]
expect "GRUB's menu was on the serial port" "GNU GRUB"
session 'cat /root/note; echo "then on $(ls /sys/bus/pci/drivers/ahci)" >>/root/note' \
    -machine q35 -hda "$work/disk.qcow2"
check "q35: the same disk behind AHCI" [ $status = 0 ]
expect "what was written on IDE is there" "^on "
session 'cat /root/note; ls /dev/vda1' -drive file="$work/disk.qcow2",if=virtio
check "virtio: the same disk behind virtio-blk" [ $status = 0 ]
expect "what was written on AHCI is there" "^then on .*0000:00:1f.2"
expect "it is a virtio disk" "^/dev/vda1"
check "the image is sound" qemu-img check -q "$work/disk.qcow2"
