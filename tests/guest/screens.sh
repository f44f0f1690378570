#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 300
# Every VGA and VBE mode, drawn by the option ROM of tests/guest/screen and photographed through
# the monitor. The hashes in screens.expected are of pictures that were looked at.
#
#   tests/guest/screens.sh              compares with the hashes: "ok N - NAME HASH"
#   KEEP=DIR tests/guest/screens.sh     leaves the pictures there, as PNG too
#   REFEREE=qemu tests/guest/screens.sh compares the pictures with QEMU's, pixel by pixel; the
#       lower three bits of a colour may differ (the two widen five and six bits differently)
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/guest/lib-screen.sh
. tests/guest/lib-screen.sh
work=$BUILD/tests/guest/screens
mkdir -p "$work"
rm -f "$work"/*.ppm "$work"/*.log
[ -e /usr/share/seabios/vgabios-stdvga.bin ] || skip "package seabios is not installed"
build_rom "$work/screen.rom"

photograph() { # name of the emulator, command...
    who=$1
    shift
    log=$work/$who.log
    : >"$log"
    rm -f "$work/fifo"
    mkfifo "$work/fifo"
    "$@" -m 32 -display none -vga std -net none -serial none -monitor stdio \
        -device "pci-testdev,romfile=$work/screen.rom" -debugcon "file:$log" \
        <"$work/fifo" >"$work/$who.out" 2>&1 &
    pid=$!
    exec 3>"$work/fifo"
    i=1
    while wait_for 30 reported $i; do
        name=$(sed -n "${i}p" "$log")
        [ "$name" != end ] || break
        echo "screendump $work/$who-$name.ppm" >&3
        wait_for 20 complete "$work/$who-$name.ppm" || break
        [ -z "${KEEP:-}" ] || [ "$who" != hostel ] || {
            echo "screendump $KEEP/$name.png -f png" >&3
        }
        echo "sendkey spc" >&3
        i=$((i + 1))
    done
    [ "$name" = end ]
    tap $? "$who draws all pictures"
    echo quit >&3
    exec 3>&-
    wait $pid
}

photograph hostel "$HOSTEL" -accel tcg-interp
if [ "${REFEREE:-}" = qemu ]; then
    command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed"
    ${CC:-gcc} -O2 -o "$work/ppmdiff" $src/ppmdiff.c || exit 1
    photograph qemu qemu-system-x86_64 -accel tcg
    for name in $(grep -v -e '^end' "$work/hostel.log"); do
        case $name in
        vbe800x600x4) continue ;; # QEMU stops in this mode
        panning | textsmooth | underlined) continue ;; # QEMU leaves these out
        text40x25) continue ;; # QEMU: 16 columns for a character, a VGA has 18
        esac
        "$work/ppmdiff" "$work/hostel-$name.ppm" "$work/qemu-$name.ppm" >"$work/$name.diff"
        tap $? "$name is as QEMU has it: $(cat "$work/$name.diff")"
    done
else
    for name in $(grep -v -e '^end' "$work/hostel.log"); do
        sum=$(sha256sum <"$work/hostel-$name.ppm" | cut -c 1-16)
        grep -q "^$name $sum\$" tests/guest/screens.expected
        tap $? "$name $sum"
    done
fi
echo "1..$n"
exit $bad
