#!/bin/sh
# SPDX-License-Identifier: MIT
# The rule of accel/tcg-interp/handlers.h on the object code: a hot handler (h_*, but not h_gen*
# and h_cold_*) has no call and no ret, and jumps to the next handler through a pointer, or to
# another handler (the compiler makes one of two that are equal).
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}

if grep -q '^LOOP_FORM = 1' "$BUILD/config.mk"; then
    echo "ok 1 - hot handlers only jump # SKIP the interpreter is built as a loop"
    exit
fi
# clang's musttail guarantees the jumps; what it does not inline is its choice.
if grep -q '^CC = .*clang' "$BUILD/config.mk"; then
    echo "ok 1 - hot handlers only jump # SKIP built by clang, whose tail calls are guaranteed"
    exit
fi
if ! command -v objdump >/dev/null; then
    echo "ok 1 - hot handlers only jump # SKIP no objdump"
    exit
fi

# "name: what" for each breach, then "count N".
report=$(objdump -d --no-show-raw-insn "$BUILD"/accel/tcg-interp/*.o | awk '
    function close_one() {
        if (name != "" && !jumps) print name ": jumps to no handler"
    }
    /^[0-9a-f]+ <.*>:$/ {
        close_one()
        name = $2
        gsub(/[<>:]/, "", name)
        # gcc moves what is unlikely to NAME.cold; that is not the hot path.
        hot = name ~ /^h_/ && name !~ /^h_(gen|cold)/ && name !~ /\.cold/
        if (!hot) name = ""
        else count++
        jumps = 0
        next
    }
    name == "" { next }
    $2 == "call" || $2 == "ret" { print name ": " $2 " " $3 }
    $2 ~ /jmp/ && (/\*/ || /<h_[a-z0-9_]*>$/) { jumps = 1 }
    END { close_one(); print "count " count + 0 }')
count=$(echo "$report" | sed -n 's/^count //p')
bad=$(echo "$report" | grep -v '^count ')
echo "# $count hot handlers"
echo "$bad" | sed '/^$/d; s/^/# /' | head -n 40
if [ "$count" -gt 100 ] && [ -z "$bad" ]; then
    echo "ok 1 - hot handlers only jump"
else
    echo "not ok 1 - hot handlers only jump: $(echo "$bad" | wc -l) breaches in $count handlers"
fi
