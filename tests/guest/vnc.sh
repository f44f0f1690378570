#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 180
# The VNC server as viewers meet it (libvncclient): the
# picture is what screendump says, in each encoding, it follows the guest's modes, keys reach the
# guest, a password is asked for: "ok N - ..." for each.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/guest/lib-screen.sh
. tests/guest/lib-screen.sh
work=$BUILD/tests/guest/vnc
mkdir -p "$work"
[ -e /usr/share/seabios/vgabios-stdvga.bin ] || skip "package seabios is not installed"
pkg-config --exists libvncclient || skip "libvncclient is not installed"
build_rom "$work/screen.rom"
# shellcheck disable=SC2046
${CC:-gcc} -O2 -o "$work/vncdo" $src/vncdo.c $(pkg-config --cflags --libs libvncclient) || exit 1
${CC:-gcc} -O2 -o "$work/ppmdiff" $src/ppmdiff.c || exit 1

rm -f "$work/fifo" "$work"/*.ppm "$work/socket"
mkfifo "$work/fifo"
log=$work/guest.log
: >"$log"
socket=$(mktemp -d)/vnc
"$HOSTEL" -accel tcg-interp -m 32 -net none -serial none -monitor stdio -name test \
    -vnc "unix:$socket,password=on" \
    -device "pci-testdev,romfile=$work/screen.rom" -debugcon "file:$log" \
    <"$work/fifo" >"$work/hostel.out" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$(dirname "$socket")"' EXIT
exec 3>"$work/fifo"

view() { # encodings, command...
    encodings=$1
    shift
    timeout 60 "$work/vncdo" "$socket" "$encodings" secret "$@" >"$work/vncdo.out" 2>&1
}
same() { # name, encodings: the viewer has the picture that screendump has
    rm -f "$work/dump.ppm" "$work/view.ppm"
    view "$2" "save=$work/view.ppm" || return 1
    echo "screendump $work/dump.ppm" >&3
    wait_for 10 complete "$work/dump.ppm" &&
        "$work/ppmdiff" "$work/view.ppm" "$work/dump.ppm" >"$work/diff"
}

wait_for 60 reported 1
tap $? "the guest draws its first picture"
! view raw pause=1
tap $? "nobody gets in before there is a password"
echo "change vnc password secret" >&3
wait_for 10 view raw pause=1
tap $? "with the password a viewer does"
for e in raw zlib tight; do
    same text80x25 $e
    tap $? "$e: the viewer shows the text mode: $(cat "$work/diff")"
done
view raw key=0x20
wait_for 20 reported 2
tap $? "a key reaches the guest"
view raw pause=300 ext=39
wait_for 20 reported 3
tap $? "and so does one by its place on the keyboard"
next() {
    echo "sendkey spc 10" >&3
    i=$((i + 1))
    wait_for 20 reported $i
}
i=3
while ! tail -n 1 "$log" | grep -q '^vbe640x480x15' && next; do :; done
for e in raw zlib tight; do
    same graphics $e
    tap $? "$e: $(tail -n 1 "$log"): $(cat "$work/diff")"
done
view tight pause=200 key=0x20 size=800x600
tap $? "the viewer follows the guest's modes"
echo "info vnc" >&3
wait_for 10 grep -q 'Auth: vnc' "$work/hostel.out"
tap $? "the monitor tells about the server"
echo quit >&3
exec 3>&-
wait $pid
tap $? "the machine ends with status 0"
[ ! -e "$socket" ]
tap $? "and takes its socket with it"
echo "1..$n"
exit $bad
