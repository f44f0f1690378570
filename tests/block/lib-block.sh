# SPDX-License-Identifier: MIT
# For tests of block/: TAP lines, a scratch directory, blkio (tests/block/blkio.c), skipping.
# shellcheck shell=sh
cd "$(dirname "$0")/../.." || exit 2
blkio=$PWD/${BUILD:-build}/tests/block/blkio
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
n=0

verdict() { # status, name; on failure shows $work/log
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        sed 's/^/# /' "$work/log" 2>/dev/null | tail -n 20
        echo "not ok $n - $2"
    fi
}

need() { # tools
    for tool; do
        if ! command -v "$tool" >/dev/null 2>&1; then
            echo "ok 1 - block # SKIP no $tool"
            exit 0
        fi
    done
}

# Random commands that qemu-io and blkio both know: seed, count, MiB of the disk, with what.
commands() {
    awk -v seed="$1" -v count="$2" -v mib="$3" -v kinds="$4" 'BEGIN {
        srand(seed)
        n = split(kinds, kind, " ")
        sectors = mib * 2048
        for (i = 0; i < count; i++) {
            k = kind[int(rand() * n) + 1]
            len = 1 + int(rand() * (rand() < 0.2 ? 1200 : 60))
            off = int(rand() * (sectors - len))
            if (rand() < 0.3) { off -= off % 128; len += 127; len -= len % 128 }
            if (off + len > sectors) len = sectors - off
            where = off * 512 " " len * 512
            if (k == "write") print "write -P " 1 + int(rand() * 254) " " where
            if (k == "zero") print "write -z " where
            if (k == "unmap") print "write -z -u " where
            if (k == "discard") print "discard " where
            if (k == "flush") print "flush"
        }
    }'
}
