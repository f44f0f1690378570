#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitizers: no
# timeout: 400
# Linux's virtio_console: two consoles and two named ports on sockets, as autopkgtest sets them
# up. A shell answers on hvc1, 400 KB go through a port and back while the reader is slow.
. "$(dirname "$0")/lib-virtio.sh"
if ! command -v python3 >/dev/null; then
    skip "virtio consoles" "no python3"
    exit 0
fi
virtio_guest "virtio_console" <<'END' || exit 1
sleep 1
for p in /sys/class/virtio-ports/*; do echo "PORT: ${p##*/} $(cat $p/name 2>/dev/null)"; done
echo "from the guest" >/dev/hvc0
(while read -r line; do eval "$line"; done) </dev/hvc1 >/dev/hvc1 2>&1 &
p=$(grep -l org.hostel.echo /sys/class/virtio-ports/*/name)
p=/dev/${p#/sys/class/virtio-ports/}
p=${p%/name}
exec 3<>$p
echo READY
head -c 400000 <&3 >/tmp/in
md5sum </tmp/in | sed s/^/GOT:/
cat /tmp/in >&3
head -c 6 <&3
echo
exec 3<&-
echo DONE
END

cat >"$work/peer.py" <<'END'
import hashlib, os, socket, sys, time
work = sys.argv[1]
def connect(name):
    s = socket.socket(socket.AF_UNIX)
    while True:
        try:
            s.connect(os.path.join(work, name))
            return s
        except OSError:
            time.sleep(0.1)
def need(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(min(n - len(data), 3000))
        if not more:
            break
        data += more
        if len(data) % 7 == 0:
            time.sleep(0.01)
    return data
hvc0, hvc1, port = connect("hvc0"), connect("hvc1"), connect("port")
for s in (hvc0, hvc1, port):
    s.settimeout(120)
print("PEER hvc0:", need(hvc0, 14).decode())
data = os.urandom(400000)
port.sendall(data)
back = need(port, len(data))
print("PEER echo:", back == data, "sum", hashlib.md5(data).hexdigest())
hvc1.sendall(b"echo $((6 * 7))-answer\n")
text = b""
while b"42-answer" not in text:
    text += hvc1.recv(100)
print("PEER hvc1: answers")
port.sendall(b"enough")
sys.stdout.flush()
END
python3 "$work/peer.py" "$work" >"$work/peer.log" 2>&1 &
peer=$!
one() { # name, properties
    virtio_boot "$1" -m 256 -device "virtio-serial,id=s,$2" \
        -chardev socket,path="$work/hvc0",server=on,wait=off,id=hvc0 \
        -device virtconsole,chardev=hvc0 \
        -chardev socket,path="$work/hvc1",server=on,wait=off,id=hvc1 \
        -device virtconsole,chardev=hvc1 \
        -chardev socket,path="$work/port",server=on,wait=off,id=port \
        -device virtserialport,chardev=port,name=org.hostel.echo,bus=s.0 \
        -device virtserialport,name=org.hostel.quiet,nr=9
    kill $peer 2>/dev/null
    wait $peer
    cat "$work/peer.log" >>"$log"
    expect "$1: it was all done" '^DONE'
    expect "$1: a port has its name" '^PORT: vport.p2 org.hostel.echo'
    expect "$1: a port has its number" '^PORT: vport.p9 org.hostel.quiet'
    expect "$1: a console to the host" '^PEER hvc0: from the guest'
    expect "$1: a console both ways" '^PEER hvc1: answers'
    expect "$1: 400 KB through a port and back" '^PEER echo: True'
    expect "$1: they arrive as they were" "^GOT:$(sed -n 's/.*sum //p' "$work/peer.log")"
    no_complaints "$1"
}
one modern disable-legacy=on
python3 "$work/peer.py" "$work" >"$work/peer.log" 2>&1 &
peer=$!
one legacy disable-modern=on
