#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 120
# QMP from the command line: the dialogue that QEMU 7.2 answered (qmp.table) is replayed, on unix
# and TCP sockets, on standard input and on a passed descriptor. Where QEMU 7.2 is installed it is
# asked the same again, so that the table is what it says it is.
here=$(dirname "$0")
client=${BUILD:-build}/tests/cli/qmp_client
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$work"' EXIT
n=0
verdict() { # name, 0 if it is well
    n=$((n + 1))
    if [ "$2" = 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}

truncate -s 1M "$work/disk"
machine() { # program, more options...
    program=$1
    shift
    timeout 100 "$program" -M pc -accel tcg -m 128 -smp 2 -name table -S -nodefaults -display none \
        -blockdev driver=file,node-name=f0,filename="$work/disk" \
        -blockdev driver=raw,node-name=n0,file=f0 -device ide-hd,drive=n0,id=disk0 \
        -device VGA,id=vga0 -chardev ringbuf,id=ring -device isa-serial,chardev=ring,id=com0 \
        "$@" </dev/null >"$work/out" 2>&1 &
    pid=$!
    pids="$pids $pid"
}

machine "$HOSTEL" -qmp unix:"$work/q",server=on,wait=off
"$client" "$work/q" "$here/qmp.table"
verdict "the recorded dialogue" $?
wait $pid
verdict "quit ends it with status 0" $?
verdict "the socket is removed" "$([ -e "$work/q" ]; echo $((! $?)))"

machine "$HOSTEL" -chardev socket,path="$work/q2",server=on,wait=off,id=c -mon chardev=c,mode=control
for _ in $(seq 100); do [ -S "$work/q2" ] && break; sleep 0.1; done
verdict "the socket is its owner's" "$([ "$(stat -c %a "$work/q2")" = 600 ]; echo $?)"
kill $pid

printf '%s' '{"execute":"qmp_capabilities"}{"execute":"query-name"}{"execute":"quit"}' |
    timeout 60 "$HOSTEL" -M none -name pipe -display none -nodefaults -qmp-pretty stdio >"$work/p" 2>&1
verdict "commands from a pipe, status 0" $?
verdict "... are answered, indented" "$(grep -q '^        "name": "pipe"' "$work/p"; echo $?)"

for option in "-qmp nonesuch:x" "-mon nonesuch,mode=control" "-qmp unix:/nonesuch/q,server=on"; do
    # shellcheck disable=SC2086
    said=$(timeout 60 "$HOSTEL" -M none -display none $option 2>&1 </dev/null)
    verdict "refused: $option" "$(echo "$said" | grep -q "^hostel: ${option%% *} "; echo $?)"
done

qemu=$(command -v qemu-system-x86_64)
if [ -z "$qemu" ] || ! "$qemu" --version | grep -q 'version 7\.2'; then
    n=$((n + 1))
    echo "ok $n - QEMU answers as recorded # SKIP no QEMU 7.2"
else
    machine "$qemu" -qmp unix:"$work/q3",server=on,wait=off
    "$client" "$work/q3" "$here/qmp.table"
    verdict "QEMU answers as recorded" $?
fi
echo "1..$n"
