#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 600
# Linux's v9fs (Debian's generic kernel) on a shared folder in every security model: files, links,
# names, owners, attributes; what the guest wrote is there, and nothing outside the folder is.
kernel=generic
. "$(dirname "$0")/lib-virtio.sh"
if [ ! -d "$GUEST/generic.root" ]; then
    skip "a folder under Linux" "no generic kernel in build/guest"
    exit 0
fi
virtio_guest "netfs fscache 9pnet 9p 9pnet_virtio" <<'END' || exit 1
mkdir -p /mnt
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 shared /mnt && echo MOUNTED
cd /mnt
md5sum <big | sed s/^/READ:/
cat big big >twice
sync
echo 3 >/proc/sys/vm/drop_caches
md5sum <twice | sed s/^/TWICE:/
mkdir -p a/b/c && echo deep >a/b/c/file && mv a/b a/moved && cat a/moved/c/file
echo 1234567890 >cut && truncate -s 4 cut && echo "CUT:$(cat cut)"
ln cut cut2 && echo "LINKS:$(stat -c %h cut)"
ln -s a/moved/c/file link && echo "LINK:$(readlink link) $(cat link)"
chmod 640 cut && chown 12:34 cut && echo "OWNER:$(stat -c '%a %u %g' cut)"
mknod fifo p && echo "KIND:$(stat -c %F fifo)"
touch -d '2001-02-03 04:05:06' cut && echo "TIME:$(date -r cut +%Y)"
i=0; while [ $i -lt 300 ]; do : >many.$i; i=$((i + 1)); done; echo "MANY:$(ls | grep -c many)"
rm many.*; echo "LEFT:$(ls | grep -c many)"
(exec 3<>gone; rm gone; echo still >&3; echo "UNLINKED:$(cat /proc/self/fd/3 2>/dev/null | wc -c)")
echo more >>cut; echo "APPEND:$(cat cut)"
cat escape/hostname 2>&1 | sed s/^/ESCAPE:/
cat escape-file 2>&1 | sed s/^/ESCAPE:/
echo owned >escape/owned 2>/dev/null; echo owned >escape-file 2>/dev/null
rm -r a && ls a 2>&1 | sed s/^/GONE:/
df /mnt | tail -1 | sed s/^/DF:/
dd if=/dev/zero of=synced bs=64k count=16 conv=fsync 2>/dev/null && echo FSYNC
cd /; umount /mnt && echo DONE
END

one() { # security model
    share=$work/share-$1
    mkdir "$share" "$work/outside-$1"
    head -c 3000000 /dev/urandom >"$share/big"
    echo secret-of-the-host >"$work/outside-$1/hostname"
    ln -s "$work/outside-$1" "$share/escape"
    ln -s "$work/outside-$1/hostname" "$share/escape-file"
    sum=$(md5sum <"$share/big" | cut -d' ' -f1)
    twice=$(cat "$share/big" "$share/big" | md5sum | cut -d' ' -f1)
    virtio_boot "$1" -m 256 \
        -virtfs "local,id=x,path=$share,security_model=$1,mount_tag=shared"
    expect "$1: mounted and unmounted" '^DONE'
    expect "$1: reads" "^READ:$sum"
    expect "$1: writes" "^TWICE:$twice"
    expect "$1: a folder moves with what is open in it" '^deep'
    expect "$1: truncates" '^CUT:1234$'
    expect "$1: hard links" '^LINKS:2'
    expect "$1: symbolic links" '^LINK:a/moved/c/file deep'
    expect "$1: mode and owner" '^OWNER:640 12 34'
    expect "$1: kinds" '^KIND:(fifo|named pipe)'
    expect "$1: times" '^TIME:2001'
    expect "$1: many names" '^MANY:300'
    expect "$1: none left" '^LEFT:0'
    expect "$1: appends" '^APPEND:1234more'
    expect "$1: removes trees" '^GONE:.*No such file'
    expect "$1: fsync" '^FSYNC'
    check "$1: nothing of the host is seen through a link" \
        sh -c "! grep -q secret-of-the-host '$log'"
    check "$1: nothing is written through one" sh -c \
        "[ ! -e '$work/outside-$1/owned' ] && grep -q secret '$work/outside-$1/hostname'"
    check "$1: the host has what was written" \
        test "$(md5sum <"$share/twice" | cut -d' ' -f1)" = "$twice"
    no_complaints "$1"
}
one none
one mapped-xattr
one mapped-file
check "mapped-file: the host's owner stays" test "$(stat -c %u "$share/cut")" = "$(id -u)"
[ "$(id -u)" != 0 ] || one passthrough
