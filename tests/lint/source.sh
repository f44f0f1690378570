#!/bin/sh
# SPDX-License-Identifier: MIT
# The rules that every source file keeps: licence line, width, no notes to self, and includes
# that only go the way docs/tour.md draws them.
cd "$(dirname "$0")/../.." || exit 2
n=0
verdict() { # name, offending lines
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        printf '%s\n' "$2" | sed 's/^/# /'
        echo "not ok $n - $1: $(printf '%s\n' "$2" | head -n 1)"
    fi
}

# What git tracks; in an unpacked archive, what looks like source.
files() { # extensions
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -co --exclude-standard
    else
        find . -path ./build -prune -o -type f -print | sed 's|^\./||'
    fi | grep -E "$1" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done
}
code=$(files '\.(c|h|def|S|inc)$')
scripts=$(files '(^|/)(configure|Makefile|scripts/[^/.]*|\.ci/run|[^/]*\.sh)$')

verdict "every source file begins with its SPDX line" "$(for f in $code; do
    head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: MIT \*/$' || echo "$f"
done
for f in $scripts; do
    head -n 2 "$f" | grep -q '# SPDX-License-Identifier: MIT$' || echo "$f"
done)"

verdict "lines have at most 100 columns" "$(echo "$code" | xargs awk '
    { line = $0; gsub(/\t/, "        ", line) }
    length(line) > 100 { print FILENAME ":" FNR ": " length(line) " columns" }')"

verdict "no notes to self" "$(echo "$code $scripts" | xargs grep -nE \
    '\<(TODO|FIXME|XXX|HACK)\>|[fF]or now\>' | grep -v '^tests/lint/')"

verdict "no tabs and no blanks at line ends in C" "$(echo "$code" | xargs grep -nP '\t|[ \t]$' |
    head -n 20)"

# ---- Include directions ----------------------------------------------------------------

includes() { # directory: "file:line:header" of what is included with quotes
    echo "$code" | tr ' ' '\n' | grep "^$1" | xargs -r grep -nE '^ *# *include "' /dev/null |
        sed 's/# *include "\([^"]*\)".*/\1/; s/: */:/g'
}

allow() { # directory, pattern of allowed headers
    verdict "$1 includes only what it may" "$(includes "$1" | grep -vE ":($2)[^:]*$")"
}

allow util/ 'util/|config.h'
allow core/ 'util/|core/|config.h'
allow target/x86/ 'util/|core/region.h|target/x86/'
allow backend/ 'util/|core/|backend/|net/dump'
allow block/ 'util/|core/|block/|config.h'
allow net/ 'util/|core/|net/'
allow chardev/ 'util/|core/|chardev/'
allow audio/ 'util/|core/|audio/|config.h'
allow ui/ 'util/|core/|ui/|chardev/'
allow migration/ 'util/|core/|migration/|block/|chardev/sockaddr|config.h'
allow monitor/ 'util/|core/|monitor/|chardev/|block/|migration/|net/|ui/|config.h'
allow accel/ 'util/|core/|target/x86/|accel/|config.h'
# The board and the local APIC stand next to the CPU: they alone may name a vCPU.
hw='util/|core/(region|clock|irq|irqchip|notifier|action|device|event|machine|machine_test)[.]h'
hw="$hw|core/inspect[.]h|hw/|audio/|backend/|chardev/|block/|net/|ui/"
allow hw/ "$hw|config.h|core/vcpu.h"
verdict "of hw/, only the board and the local APIC know vCPUs" "$(includes hw/ |
    grep ':core/vcpu[.]h' | grep -vE '^hw/(pc/|intc/lapic)')"
