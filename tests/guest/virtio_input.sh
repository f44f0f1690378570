#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
# timeout: 300
# Linux's virtio_input: what a VNC viewer types and where it points arrives as events of the virtio
# keyboard and tablet, without a grab.
. "$(dirname "$0")/lib-virtio.sh"
if ! pkg-config --exists libvncclient; then
    skip "virtio input" "libvncclient is not installed"
    exit 0
fi
# shellcheck disable=SC2046
${CC:-gcc} -O2 -o "$work/vncdo" tests/guest/screen/vncdo.c \
    $(pkg-config --cflags --libs libvncclient) || exit 1
virtio_guest "virtio_input evdev" <<'END' || exit 1
sleep 1
node() { # name: its /dev/input/eventN
    awk -v name="$1" '/^N:/ { mine = index($0, name) } /^H:/ && mine { print }' \
        /proc/bus/input/devices | sed 's/.*\(event[0-9]*\).*/\1/'
}
for kind in Keyboard Tablet Mouse; do
    n=$(node "Virtio $kind")
    echo "FOUND: $kind $(cat /sys/class/input/$n/device/id/product)"
    (exec 3</dev/input/$n
    while set -- $(dd bs=24 count=1 <&3 2>/dev/null | od -An -v -tu2) && [ $# = 12 ]; do
        echo "$kind: $9 ${10} ${11}"
        [ "$9 ${10}" != "2 8" ] || touch /tmp/stop
    done) &
done
echo READY
i=0
while [ $i -lt 60 ] && ! [ -e /tmp/stop ]; do i=$((i + 1)); sleep 0.5; done
END
socket=$work/vnc
: >"$work/input.log.raw"
virtio_boot input -m 128 -vga std -vnc "unix:$socket" -device virtio-keyboard-pci \
    -device virtio-mouse-pci -device virtio-tablet-pci &
guest=$!
log=$work/input.log.raw
wait_log() { # pattern
    tries=1200
    while ! grep -qE "$1" "$log" 2>/dev/null && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
}
wait_log '^READY'
"$work/vncdo" "$socket" raw none pause=300 ext=1e at=0,0,0 at=4000,4000,0 at=4000,4000,1 at=4000,4000,0 \
    at=100,100,8 at=100,100,0 pause=500 >"$work/vncdo.out" 2>&1
wait_log '^Tablet: 2 8 1'
expect "the keyboard is found" '^FOUND: Keyboard 0001'
expect "the tablet is found" '^FOUND: Tablet 0003'
expect "a key goes down" '^Keyboard: 1 30 1'
expect "and up" '^Keyboard: 1 30 0'
expect "the pointer is where it points: right" '^Tablet: 3 0 32767'
expect "and below" '^Tablet: 3 1 32767'
expect "a button goes down" '^Tablet: 1 272 1'
expect "and up" '^Tablet: 1 272 0'
expect "the wheel turns" '^Tablet: 2 8 1'
check "nothing goes to the mouse" sh -c "! grep -q '^Mouse: ' '$log'"
wait $guest
no_complaints "virtio input"
