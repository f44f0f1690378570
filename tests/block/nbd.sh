#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 120
# Prints TAP (ok N - name).
# Disks on an NBD server: qemu-nbd serves what qemu-io checks afterwards.
. "$(dirname "$0")/lib-block.sh"
need qemu-nbd qemu-io qemu-img
cd "$work" || exit 2
if "$blkio" driver=nbd,filename=nbd:unix:/none run 2>&1 </dev/null | grep -q "no disk format"; then
    echo "ok 1 - nbd # SKIP built without libnbd"
    exit 0
fi

server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    wait 2>/dev/null
    server=
}
trap 'stop; rm -rf "$work"' EXIT

serve() { # options of qemu-nbd: an export "disk" at $work/socket, until stop
    stop
    rm -f socket
    qemu-nbd -k "$work/socket" -x disk -e 8 -t "$@" >server.log 2>&1 &
    server=$!
    for _ in $(seq 300); do
        [ ! -S socket ] || return 0
        sleep 0.1
    done
    return 1
}
uri="nbd+unix:///disk?socket=$work/socket"
plain="nbd:unix:$work/socket:exportname=disk"
parts="server.type=unix,server.path=$work/socket,export=disk"

qemu-img create -q -f raw a.raw 24M
cp a.raw b.raw
serve -f raw --discard=unmap a.raw
commands 1 300 24 "write zero unmap discard flush" >script
{
    qemu-io -f raw -d unmap b.raw <script
    "$blkio" "driver=raw,file.driver=nbd,file.filename=$uri,discard=unmap" -j 16 run <script &&
        stop && cmp a.raw b.raw
} >log 2>&1
verdict $? "300 requests, 16 at a time, as qemu-io does them"

qemu-img create -q -f qcow2 a.qcow2 24M
serve -f raw a.qcow2
{
    "$blkio" "driver=qcow2,file.driver=nbd,file.$(echo "$parts" | sed 's/,/,file./g')" run <<-'END'
	write -P 7 0 65536
	flush
	read -P 7 0 65536
	END
} >log 2>&1
[ $? != 0 ] && grep -q "No space left" log
verdict $? "a qcow2 image cannot grow on a server"
stop
qemu-img create -q -f qcow2 -o preallocation=full a.qcow2 24M
commands 2 200 24 "write flush" >writes
serve -f raw a.qcow2
{
    "$blkio" "driver=qcow2,file.filename=$plain" -j 4 run <writes && stop &&
        qemu-img check a.qcow2 && qemu-img create -q -f raw c.raw 24M && qemu-io -f raw c.raw <writes &&
        qemu-img compare -f qcow2 -F raw a.qcow2 c.raw
} >log 2>&1
verdict $? "but one with all its clusters works"

serve -f raw -r a.raw
{
    "$blkio" "driver=raw,file.filename=$plain" run </dev/null
    echo "status $?"
    echo "read 0 512" | "$blkio" "driver=raw,read-only=on,file.filename=$plain" run
} >log 2>&1
rc=$?
[ $rc = 0 ] && grep -q "the export is read-only (readonly=on)" log && grep -q "status 1" log
verdict $? "a read-only export wants readonly=on"
(
    echo "read 0 512"
    sleep 1
    kill -9 "$server"
    sleep 1
    echo "read 0 512"
    echo "write -P 1 0 512"
) | "$blkio" "driver=raw,read-only=on,file.filename=$plain" run >log 2>&1
[ $? != 0 ] && [ "$(grep -c 'failed' log)" -ge 1 ]
verdict $? "requests fail when the server has died"
stop
serve -f raw a.raw
"$blkio" "driver=raw,file.filename=nbd:unix:$work/socket:exportname=other" run >log 2>&1 </dev/null
[ $? = 1 ] && grep -q "no connection" log
verdict $? "an export that is not there"
stop

for bad in nbd:host nbd:unix: nbds://host/x 'nbd+unix:///x' nbd:///x; do
    timeout 20 "$blkio" "driver=raw,file.filename=$bad" run >log 2>&1 </dev/null
    [ $? = 1 ] && grep -q "nbd" log
    verdict $? "refused: $bad"
done
