#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 180
# -display curses in a real terminal (tmux): the guest's text and colours, keys, consoles, another
# size, a graphics mode, and the terminal as it was after each way out: "ok N - ..." for each.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/guest/lib-screen.sh
. tests/guest/lib-screen.sh
work=$BUILD/tests/cli/curses
mkdir -p "$work"
[ -e /usr/share/seabios/vgabios-stdvga.bin ] || skip "package seabios is not installed"
command -v tmux >/dev/null || skip "tmux is not installed"
build_rom "$work/screen.rom"
log=$work/guest.log
socket=$work/tmux
tm() { tmux -f /dev/null -S "$socket" "$@"; }
tm kill-server 2>/dev/null
LC_ALL=C.UTF-8 tm -u new-session -d -x 100 -y 30 "env -i PATH=$PATH LC_ALL=C.UTF-8 sh" ||
    skip "tmux does not start"
trap 'tm kill-server 2>/dev/null' EXIT

screen_has() { tm capture-pane -p | grep -qF -e "$1"; }
start() {
    : >"$log"
    tm send-keys -l "clear; TERM=screen-256color sh -c 'echo \$\$ >$work/pid; exec \"\$@\"' - $HOSTEL -accel tcg-interp -m 32 -net none -k en-us \
-display curses -device pci-testdev,romfile=$work/screen.rom -debugcon file:$log; echo status \$?"
    tm send-keys Enter
    wait_for 60 reported 1
}
# The shell has its prompt, its echo and its lines again.
restored() {
    tm send-keys -l "stty -a | tr ' ;' '\n\n' | grep -c -x -e icanon -e echo -e icrnl"
    tm send-keys Enter
    wait_for 10 screen_has 3
}

start
tap $? "the guest draws its first picture"
wait_for 10 screen_has 'ABCDEFGHIJKLMNO'
tap $? "its text is on the terminal"
wait_for 10 screen_has '┌'
tap $? "with its frames"
tm capture-pane -p -e | grep -q "$(printf '\033')\[[0-9;]*4[1-7]"
tap $? "and its colours"
tm send-keys Space
wait_for 20 reported 2
tap $? "a key reaches the guest"
tm send-keys M-2
wait_for 10 screen_has '(qemu)'
tap $? "Alt-2 is the monitor"
tm send-keys -l "info status"
tm send-keys Enter
wait_for 10 screen_has 'VM status: running'
tap $? "which takes commands"
tm send-keys M-1
gone() { ! screen_has '(qemu)'; }
wait_for 10 gone
tap $? "Alt-1 is the guest again"
tm resize-window -x 60 -y 20 2>/dev/null
i=2
while ! grep -q '^cga' "$log" && wait_for 20 reported $i; do
    tm send-keys Space
    i=$((i + 1))
done
wait_for 10 screen_has 'The guest shows graphics'
tap $? "a graphics mode is told of, in another size of the terminal"
tm send-keys M-2
wait_for 10 screen_has '(qemu)'
tm send-keys -l quit
tm send-keys Enter
wait_for 20 screen_has 'status 0'
tap $? "quit ends it"
restored
tap $? "and the terminal is as it was"

for signal in TERM SEGV; do
    start
    kill -$signal "$(cat "$work/pid")"
    wait_for 20 screen_has 'status '
    tap $? "SIG$signal ends it"
    restored
    tap $? "and the terminal is as it was"
done
echo "1..$n"
exit $bad
