#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 180
# The SDL window on a virtual X server: it shows what screendump says, follows the guest's modes,
# takes keys and clicks, fills the screen, and closing it ends the machine: "ok N - ..." for each.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/guest/lib-screen.sh
. tests/guest/lib-screen.sh
work=$BUILD/tests/guest/window
mkdir -p "$work/fb"
[ -e /usr/share/seabios/vgabios-stdvga.bin ] || skip "package seabios is not installed"
for tool in Xvfb xdotool xwininfo openbox; do
    command -v $tool >/dev/null || skip "$tool is not installed"
done
"$HOSTEL" -display help | grep -q '^sdl' || skip "built without SDL"
build_rom "$work/screen.rom"
${CC:-gcc} -O2 -o "$work/xwdcut" $src/xwdcut.c || exit 1
${CC:-gcc} -O2 -o "$work/ppmdiff" $src/ppmdiff.c || exit 1

rm -f "$work/display" "$work/fifo"
Xvfb -displayfd 5 -screen 0 1280x1024x24 -nolisten tcp -fbdir "$work/fb" 5>"$work/display" \
    >"$work/xvfb.out" 2>&1 &
server=$!
manager= pid=
trap 'kill $pid $manager $server 2>/dev/null' EXIT
wait_for 20 [ -s "$work/display" ] || skip "Xvfb does not start"
DISPLAY=:$(cat "$work/display")
export DISPLAY
unset WAYLAND_DISPLAY
SDL_RENDER_DRIVER=software SDL_FRAMEBUFFER_ACCELERATION=0 # OpenGL here would be slower
export SDL_RENDER_DRIVER SDL_FRAMEBUFFER_ACCELERATION
openbox >"$work/openbox.out" 2>&1 & # full screen and closing are a window manager's
manager=$!
managed() { xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q '#'; }
wait_for 20 managed || skip "openbox does not start"
log=$work/guest.log
: >"$log"
mkfifo "$work/fifo"
# What SDL's D-Bus library keeps to the end is not ours.
echo leak:libdbus >"$work/lsan"
export LSAN_OPTIONS="suppressions=$work/lsan:print_suppressions=0"
"$HOSTEL" -accel tcg-interp -m 32 -net none -serial none -monitor stdio -name test \
    -chardev vc,id=second -mon second -display sdl,show-cursor=on \
    -device "pci-testdev,romfile=$work/screen.rom" -debugcon "file:$log" \
    <"$work/fifo" >"$work/hostel.out" 2>&1 &
pid=$!
exec 3>"$work/fifo"

geometry() { # of the window: sets x y w h
    id=$(xwininfo -root -tree | awk '/"Hostel/ { print $1; exit }')
    [ -n "$id" ] || return 1
    eval "$(xwininfo -id "$id" | awk '/Absolute upper-left X/ { print "x=" $NF }
        /Absolute upper-left Y/ { print "y=" $NF } /Width:/ { print "w=" $NF }
        /Height:/ { print "h=" $NF }')"
}
has_size() { # "720 400"
    geometry && [ "$w $h" = "$1" ]
}
shows() { # picture: the window has the same pixels
    "$work/xwdcut" "$work/fb/Xvfb_screen0" "$x" "$y" "$w" "$h" >"$work/window.ppm" &&
        "$work/ppmdiff" "$work/window.ppm" "$1" >"$work/diff"
}
compare() { # name of what the guest shows
    xdotool mousemove 0 0 # the pointer would be in the picture
    echo "screendump $work/$1.ppm" >&3
    wait_for 10 complete "$work/$1.ppm" && geometry && wait_for 10 shows "$work/$1.ppm"
}

rm -f "$work"/*.ppm
wait_for 60 reported 1
tap $? "the guest draws its first picture"
wait_for 10 has_size "720 400"
tap $? "the window has the guest's size: $w $h"
compare text80x25
tap $? "the window shows it: $(cat "$work/diff")"
xwininfo -id "$id" | grep -q 'Hostel (test)'
tap $? "the title has the machine's name"
xdotool windowfocus --sync "$id" key space
wait_for 20 reported 2
tap $? "a key reaches the guest"
i=2
while [ $i -lt 8 ] && wait_for 20 reported $i; do
    i=$((i + 1))
    xdotool key space
done
wait_for 20 reported $i
compare "$(tail -n 1 "$log")"
tap $? "graphics: $(tail -n 1 "$log"), $(cat "$work/diff")"
wait_for 10 has_size "640 400"
tap $? "the window follows the mode: $w $h"
xdotool key ctrl+alt+f
wait_for 10 has_size "1280 1024"
tap $? "Ctrl-Alt-F fills the screen: $w $h"
xdotool key ctrl+alt+f
wait_for 10 has_size "640 400"
tap $? "and back: $w $h"
echo stop >&3
stopped() { xwininfo -id "$id" | grep -q 'Stopped'; }
wait_for 10 stopped
tap $? "the title says that the machine is stopped"
echo cont >&3
xdotool mousemove $((x + 50)) $((y + 50)) click 1
grabbed() { xwininfo -id "$id" | grep -q 'Ctrl-Alt-G'; }
wait_for 10 grabbed
tap $? "a click gives the mouse to the guest"
xdotool key ctrl+alt+g
released() { ! grabbed; }
wait_for 10 released
tap $? "Ctrl-Alt-G takes it back"

xdotool key ctrl+alt+2
titled() { xwininfo -id "$id" | grep -q "$1"; }
wait_for 10 titled 'Hostel (test): second'
tap $? "Ctrl-Alt-2 shows the monitor on its own console"
wait_for 10 has_size "640 384"
tap $? "in the size of its text: $w $h"
enter() { # a line
    xdotool type "$1"
    xdotool key Return
}
enter stop
wait_for 10 titled 'Stopped'
tap $? "what is typed there is the monitor's"
enter 'info status'
sleep 0.5
"$work/xwdcut" "$work/fb/Xvfb_screen0" "$x" "$y" "$w" "$h" >"$work/monitor.ppm"
[ "$(tail -c +16 "$work/monitor.ppm" | tr -d '\0' | wc -c)" -gt 3000 ]
tap $? "and it is seen"
enter cont
xdotool key ctrl+alt+1
not_titled() { ! titled "$1"; }
wait_for 10 not_titled second
tap $? "Ctrl-Alt-1 is the guest again"

ended() { ! kill -0 $pid 2>/dev/null; }
xdotool key alt+F4 # which the window manager takes
wait_for 10 ended
tap $? "closing the window ends the machine"
exec 3>&-
ended || kill $pid
wait $pid
tap $? "with status 0"
pid=
echo "1..$n"
exit $bad
