#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 120
# A machine as a process: signals, background, pid file, monitor on a socket, exit status.
n=0
check() { # name, command...
    n=$((n + 1))
    name=$1
    shift
    if "$@"; then echo "ok $n - $name"; else echo "not ok $n - $name"; fi
}
work=$(mktemp -d)
trap 'kill $started 2>/dev/null; rm -rf "$work"' EXIT
started=

soon() { # command...: true within ten seconds
    for _ in $(seq 100); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    return 1
}

# A machine that does nothing for as long as it takes.
machine() {
    "$HOSTEL" -S -M none -display none -nodefaults -pidfile "$work/pid" "$@"
}

for signal in INT TERM HUP; do
    "$HOSTEL" -S -M none -display none -nodefaults -pidfile "$work/pid" </dev/null \
        >"$work/out" 2>&1 &
    started=$!
    soon test -s "$work/pid"
    check "pid file has the number (SIG$signal)" test "$(cat "$work/pid")" = "$started"
    check "pid file is the owner's (SIG$signal)" test "$(stat -c %a "$work/pid")" = 600
    # A background job of a shell has SIGINT ignored; the machine asks for it anyway.
    kill -$signal "$started"
    wait "$started"
    check "SIG$signal ends it with status 0" test $? = 0
    check "SIG$signal removes the pid file" test ! -e "$work/pid"
done

machine -daemonize -monitor "unix:$work/mon,server=on,wait=off" >"$work/out" 2>&1
check "-daemonize returns 0 when the machine is there" test $? = 0
started=$(cat "$work/pid")
check "-daemonize leaves a process" kill -0 "$started"
check "its standard output is not ours" test "$(readlink "/proc/$started/fd/1")" = /dev/null
machine -daemonize >"$work/out" 2>&1
check "a second one with the same pid file is refused" test $? = 1
check "and says why" grep -q 'another machine uses it' "$work/out"

if command -v python3 >/dev/null; then
    python3 - "$work/mon" >"$work/mon.out" <<'EOF'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(5)
def until(text):
    got = b''
    while text not in got:
        more = s.recv(4096)
        if not more:
            break
        got += more
    sys.stdout.write(got.decode())
until(b'(qemu) ')
for line in (b'info status\n', b'info version\n', b'nonsense\n'):
    s.sendall(line)
    until(b'\n\r\x1b[K(qemu) ')
s.sendall(b'quit\n')
until(b'never')
EOF
    check "monitor on a socket: greeting" grep -q 'QEMU' "$work/mon.out"
    check "monitor on a socket: info status" grep -q 'VM status: paused (prelaunch)' "$work/mon.out"
    check "monitor on a socket: a mistake" grep -q "unknown command: 'nonsense'" "$work/mon.out"
    gone() { ! kill -0 "$started" 2>/dev/null; }
    check "monitor's quit ends the machine" soon gone
else
    n=$((n + 1))
    echo "ok $n - monitor on a socket # SKIP no python3"
    kill "$started"
fi

machine -daemonize -serial tape >"$work/out" 2>&1
check "-daemonize returns 1 when there is no machine" test $? = 1
check "and the reason was printed" grep -q tape "$work/out"
