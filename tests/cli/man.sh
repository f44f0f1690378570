#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual page has every option of -help, with the same words, and completion finds them.
cd "$(dirname "$0")/../.." || exit 2
if scripts/make-man "$HOSTEL" | cmp -s - docs/hostel.1; then
    echo "ok 1 - docs/hostel.1 is what scripts/make-man writes"
else
    scripts/make-man "$HOSTEL" | diff docs/hostel.1 - | sed 's/^/# /'
    echo "not ok 1 - docs/hostel.1 is stale: scripts/make-man build/hostel > docs/hostel.1"
fi
if command -v bash >/dev/null; then
    words=$(bash -c '. scripts/hostel.bash; _hostel "$HOSTEL" -ker -m; echo "${COMPREPLY[@]}"
        _hostel "$HOSTEL" isa-s -device; echo "${COMPREPLY[@]}"
        _hostel "$HOSTEL" x86 -cpu; echo "${COMPREPLY[@]}"' | tr '\n' ' ')
    if [ "$words" = "-kernel isa-serial x86-64-v2 " ]; then
        echo "ok 2 - bash completion"
    else
        echo "# $words"
        echo "not ok 2 - bash completion"
    fi
else
    echo "ok 2 - bash completion # SKIP no bash"
fi
