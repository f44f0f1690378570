# SPDX-License-Identifier: MIT
# For virtio_net.sh and e1000_linux.sh: a peer on the host's loopback, and what a guest does with it.
#
#   net_peer                starts it; its ports are shell variables. 1: it cannot be had
#   net_script BYTES CONNS  the guest's script, on standard output
#   net_files DIR           what it needs, for the initramfs
#   net_user                what follows -netdev user
#   net_checks NAME BYTES CONNS

net_peer() {
    command -v python3 >/dev/null || return 1
    ${CC:-cc} -O1 -static -o "$work/net_guest" "$(dirname "$0")/net_guest.c" 2>"$work/cc.log" ||
        return 1
    python3 "$(dirname "$0")/net_peer.py" "$work/ports" &
    peer=$!
    trap 'kill $peer; rm -rf "$work"' EXIT
    for _ in $(seq 100); do [ -s "$work/ports" ] && break || sleep 0.1; done
    . "$work/ports"
    mkdir -p "$work/tftp"
    head -c 100000 "$0" >"$work/tftp/boot"
    # A DNS server of our own, for libslirp alone, where mounts can be private.
    if [ "$DNS" != 0 ] && unshare -m true 2>/dev/null; then
        echo "nameserver 127.0.0.77" >"$work/resolv.conf"
        printf '#!/bin/sh\nmount --bind %s /etc/resolv.conf && exec %s "$@"\n' \
            "$work/resolv.conf" "${HOSTEL:-build/hostel}" >"$work/inner"
        printf '#!/bin/sh\nexec unshare -m %s "$@"\n' "$work/inner" >"$work/hostel"
        chmod +x "$work/inner" "$work/hostel"
        HOSTEL=$work/hostel
    else
        DNS=0
    fi
}

net_files() {
    mkdir -p "$1"
    cp "$work/net_guest" "$1"
    cat >"$1/lease" <<'END'
#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip -4 addr flush dev $interface
ip addr add $ip/24 dev $interface
ip route add default via $router
mkdir -p /etc
echo "nameserver $dns" >/etc/resolv.conf
echo "LEASE $1:$ip from $serverid for $lease, $domain $boot_file"
END
    chmod +x "$1/lease"
}

net_script() {
    cat <<END
ip link set lo up
ip link set eth0 up
for i in \$(seq 100); do [ "\$(cat /sys/class/net/eth0/carrier)" = 1 ] && break; usleep 50000; done
udhcpc -i eth0 -n -q -s /lease -O bootfile 2>&1
wget -q -O - http://10.0.2.2:$HTTP/down/$1 | md5sum | sed s/^/DOWN:/
dd if=/dev/urandom bs=65536 count=$(($1 / 65536)) of=/tmp/up 2>/dev/null
echo "UP:\$(md5sum </tmp/up | cut -c1-32):\$(nc 10.0.2.2 $UPLOAD </tmp/up)"
/net_guest conns 10.0.2.2 $ECHO $2
/net_guest conns 10.0.2.100 7 20 | sed s/^/GUESTFWD:/
/net_guest udp 10.0.2.2 $UDP 60
for i in \$(seq 100); do
    ip -6 addr show dev eth0 | grep fec0 | grep -qv tentative && break
    usleep 50000
done
[ $HTTP6 = 0 ] || wget -q -O - "http://[fec0::2]:$HTTP6/down/100000" | md5sum | sed s/^/IP6:/
[ $DNS = 0 ] || nslookup some.name.example | sed -n 's/^Address: *192/DNS:192/p'
tftp -g -r boot -l /tmp/boot 10.0.2.2 && md5sum </tmp/boot | sed s/^/TFTP:/
mkdir -p /www
dd if=/dev/urandom bs=65536 count=$(($1 / 65536)) of=/www/file 2>/dev/null
httpd -p 80 -h /www
/net_guest udpecho 7 &
sleep 1
echo "FILE:\$(md5sum </www/file | cut -c1-32)"
wget -q -O - http://10.0.2.2:$HTTP/check
ifconfig eth0 | grep packets
grep -E 'eth0|virtio' /proc/interrupts
echo DONE
END
}

net_user() {
    echo "tftp=$work/tftp,bootfile=boot,domainname=example.test,$(:
    )guestfwd=tcp:10.0.2.100:7-tcp:127.0.0.1:$ECHO,$(:
    )hostfwd=tcp::$FWD_TCP-:80,hostfwd=udp::$FWD_UDP-:7"
}

net_checks() {
    down=$(python3 -c "
import hashlib, sys
b = bytes((i * 7 + i // 251) & 255 for i in range(65536))
for n in ($2, 100000): print(hashlib.md5((b * (n // 65536 + 1))[:n]).hexdigest())")
    expect "$1: DHCP" '^LEASE bound:10.0.2.15 from 10.0.2.2 for 86400, example.test'
    expect "$1: download" "^DOWN:$(echo "$down" | head -n 1)"
    check "$1: upload" awk -F: '$1 == "UP" && $2 == $3 && length($2) == 32 { ok = 1 }
        END { exit !ok }' "$log"
    expect "$1: $3 connections" "^CONNS:$3$"
    expect "$1: guestfwd to a TCP port" '^GUESTFWD:CONNS:20$'
    expect "$1: UDP" '^UDP:60$'
    if [ "$HTTP6" != 0 ]; then
        expect "$1: IPv6" "^IP6:$(echo "$down" | tail -n 1)"
    else
        skip "$1: IPv6" "the host has no ::1"
    fi
    if [ "$DNS" != 0 ]; then
        expect "$1: DNS" '^DNS:192.0.2.53'
    else
        skip "$1: DNS" "no private mount, or no port 53"
    fi
    expect "$1: TFTP" "^TFTP:$(md5sum <"$work/tftp/boot" | cut -c1-32)"
    check "$1: hostfwd, TCP" awk -F: '$1 == "FILE" { f = $2 } $1 == "FWDTCP" { w = $2 }
        END { exit !(f && f == w) }' "$log"
    expect "$1: hostfwd, UDP" '^FWDUDP:20$'
    expect "$1: to the end" '^DONE'
    check "$1: no errors counted" sh -c "! grep -iE 'WARNING:|BUG:|NETDEV WATCHDOG|hw csum' '$log'"
}
