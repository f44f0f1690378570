#!/bin/sh
# SPDX-License-Identifier: MIT
# timeout: 180
# Prints TAP (ok N - name).
# Images as qemu-img makes them: compressed, with snapshots, chains, locks; and what is refused.
. "$(dirname "$0")/lib-block.sh"
need qemu-img qemu-io
cd "$work" || exit 2
qcow2() { echo "driver=qcow2,file.filename=$1"; }

# status wanted, text wanted, name, then the command
says() {
    want=$1 text=$2 name=$3
    shift 3
    timeout 60 "$@" >log 2>&1 </dev/null
    rc=$?
    [ $rc = "$want" ] && { [ -z "$text" ] || grep -q -e "$text" log; }
    verdict $? "$name"
}

# ---- Reading what others wrote -----------------------------------------------------------

qemu-img create -q -f raw plain.raw 24M
commands 1 200 24 write | qemu-io -f raw plain.raw >/dev/null
for type in zlib zstd; do
    qemu-img convert -q -c -f raw -O qcow2 -o compression_type=$type plain.raw c.qcow2
    commands 2 60 24 "write zero flush" >script
    {
        cp plain.raw copy.raw
        qemu-io -f raw copy.raw <script
        "$blkio" "$(qcow2 c.qcow2)" -j 8 run <script &&
            qemu-img check c.qcow2 && qemu-img compare -f raw -F qcow2 copy.raw c.qcow2
    } >log 2>&1
    verdict $? "writes over $type compressed clusters"
done

qemu-img create -q -f qcow2 -o cluster_size=4k snap.qcow2 24M
commands 3 100 24 write | qemu-io -f qcow2 snap.qcow2 >/dev/null
qemu-img convert -q -f qcow2 -O raw snap.qcow2 before.raw
qemu-img snapshot -c one snap.qcow2
commands 4 150 24 "write zero unmap discard flush" >script
{
    cp snap.qcow2 after.qcow2
    qemu-io -f qcow2 -d unmap after.qcow2 <script
    "$blkio" "$(qcow2 snap.qcow2),discard=unmap" -j 8 run <script && qemu-img check snap.qcow2 &&
        qemu-img compare -f qcow2 -F qcow2 after.qcow2 snap.qcow2 &&
        qemu-img convert -q -l one -f qcow2 -O raw snap.qcow2 old.raw &&
        cmp old.raw before.raw && qemu-img snapshot -d one snap.qcow2 && qemu-img check snap.qcow2
} >log 2>&1
verdict $? "writing leaves an internal snapshot as it was"

# ---- Chains --------------------------------------------------------------------------------

mkdir sub
qemu-img create -q -f qcow2 sub/0.qcow2 24M
commands 5 20 24 write | qemu-io -f qcow2 sub/0.qcow2 >/dev/null
for i in 1 2 3 4 5; do
    qemu-img create -q -f qcow2 -b $((i - 1)).qcow2 -F qcow2 sub/$i.qcow2
    commands 5$i 20 24 "write zero" | qemu-io -f qcow2 sub/$i.qcow2 >/dev/null
done
{
    qemu-img convert -q -f qcow2 -O raw sub/5.qcow2 chain.raw
    commands 6 50 24 "write zero" >script
    qemu-io -f raw chain.raw <script
    "$blkio" "$(qcow2 sub/5.qcow2)" run <script && qemu-img check sub/5.qcow2 &&
        qemu-img compare -f raw -F qcow2 chain.raw sub/5.qcow2
} >log 2>&1
verdict $? "a chain of six images, in another directory"

qemu-img create -q -f qcow2 -b sub/0.qcow2 -F qcow2 loop.qcow2
qemu-img rebase -u -b "$work/loop.qcow2" -F qcow2 sub/0.qcow2
says 1 "loop" "a loop of backing files is refused" "$blkio" "$(qcow2 loop.qcow2)" run
qemu-img rebase -u -b missing.qcow2 -F qcow2 sub/0.qcow2
says 1 "backing file of.*missing.qcow2.*No such file" "a missing backing file is named" \
    "$blkio" "$(qcow2 sub/0.qcow2)" run
says 0 "25165824" "backing= in the options replaces it" sh -c "echo length |
    '$blkio' '$(qcow2 sub/0.qcow2),backing.driver=raw,backing.file.filename=plain.raw' run"

# ---- Temporary snapshots ----------------------------------------------------------------------

{
    cp plain.raw kept.raw
    commands 7 50 24 write >script
    echo "read -P 9 4096 8192" >check
    { cat script && echo "write -P 9 4096 8192" && cat check; } |
        TMPDIR=$work "$blkio" driver=raw,file.filename=kept.raw -s run &&
        cmp kept.raw plain.raw && ! ls hostel-*
} >log 2>&1
verdict $? "a temporary snapshot takes the writes and leaves nothing"

# ---- Locks --------------------------------------------------------------------------------------

qemu-img create -q -f qcow2 lock.qcow2 1M
mkfifo hold
"$blkio" "$(qcow2 lock.qcow2)" run <hold >/dev/null 2>&1 &
exec 3>hold
sleep 0.5
says 1 'Failed to get.*lock' "qemu-io cannot write an image that is open here" \
    qemu-io -f qcow2 -c 'write 0 512' lock.qcow2
says 1 'another process' "nor can a second one of us" "$blkio" "$(qcow2 lock.qcow2)" run
says 1 'another process' "nor read it" "$blkio" "$(qcow2 lock.qcow2),read-only=on" run
says 0 '' "locking=off reads it all the same" \
    "$blkio" "$(qcow2 lock.qcow2),read-only=on,file.locking=off" run
exec 3>&-
wait
{ sleep 2; } | qemu-io -f qcow2 lock.qcow2 >/dev/null 2>&1 &
sleep 0.7
says 1 'another process' "an image that qemu-io has open" "$blkio" "$(qcow2 lock.qcow2)" run
wait
{ echo "read 0 512" && sleep 2; } | "$blkio" "$(qcow2 lock.qcow2),read-only=on" run \
    >/dev/null 2>&1 &
sleep 0.5
says 0 '' "two readers" "$blkio" "$(qcow2 lock.qcow2),read-only=on" run
wait

# ---- What is refused -------------------------------------------------------------------------

qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=128k ext.qcow2 1M
says 1 "subclusters.*qemu-img convert" "extended L2 entries" "$blkio" "$(qcow2 ext.qcow2)" run
qemu-img create -q -f qcow2 -o data_file=data.raw data.qcow2 1M
says 1 "data_file" "an external data file" "$blkio" "$(qcow2 data.qcow2)" run
qemu-img create -q -f qcow2 luks.qcow2 1M
printf '\0\0\0\2' | dd of=luks.qcow2 bs=1 seek=32 conv=notrunc status=none # crypt_method
says 1 "encrypted" "encryption" "$blkio" "$(qcow2 luks.qcow2)" run
qemu-img create -q -f vmdk x.vmdk 1M
says 1 "no disk format.*'vmdk'" "another format, found by looking" "$blkio" \
    file.filename=x.vmdk run
says 1 "no option 'lazy-refcount'.*did you mean 'lazy-refcounts'" "an unknown option" \
    "$blkio" "$(qcow2 lock.qcow2),lazy-refcount=on" run
says 1 "no protocol 'ssh'" "an unknown protocol" "$blkio" file.filename=ssh:localhost run
says 1 "native wants cache.direct" "aio=native without direct I/O" "$blkio" \
    driver=raw,file.filename=plain.raw,file.aio=native run
says 1 "No such file" "no file" "$blkio" driver=raw,file.filename=none.raw run
says 1 "neither a file nor" "a directory" "$blkio" driver=raw,file.filename=sub,read-only=on run

# ---- Guessed raw images ---------------------------------------------------------------------------

cp plain.raw guess.raw
printf 'write -P 1 0 4096\nwrite -P 2 8192 512\n' >script
says 0 "no format given" "a guessed raw image is written, with a warning" \
    sh -c "'$blkio' file.filename=guess.raw run <script"
says 0 "guess.raw" "and stays raw to qemu-img" sh -c "qemu-img info -f raw guess.raw"

# ---- After a crash -------------------------------------------------------------------------------

qemu-img create -q -f qcow2 -o lazy_refcounts=on,cluster_size=4k dirty.qcow2 24M
{
    commands 8 100 24 "write zero" && echo flush
} >script
"$blkio" "$(qcow2 dirty.qcow2)" run <hold >/dev/null 2>&1 &
pid=$!
exec 3>hold
cat script >&3
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.3
    qemu-img info -U dirty.qcow2 | grep -q "cleanly shut down: no" && break
done
sleep 0.5
kill -9 $pid
wait 2>/dev/null
exec 3>&-
{
    qemu-img info -U dirty.qcow2
    echo length | "$blkio" "$(qcow2 dirty.qcow2)" run && qemu-img check dirty.qcow2
} >log 2>&1
rc=$?
[ $rc = 0 ] && grep -q "cleanly shut down: no" log && grep -q "was not closed" log
verdict $? "an image with the dirty bit is repaired when it is opened"
