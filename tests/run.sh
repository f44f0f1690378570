#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs tests and counts their TAP lines; the last line is "N passed, N failed, N skipped".
#
#   tests/run.sh [--only TEXT] check|guests|kvm|fuzz    (as `make check` etc. do)
#
#   tests/{unit,device,insn}/test_*.c   Check programs, built in $BUILD/tests
#   tests/{lint,cli,block,guest}/*.sh   print "ok N - name", "not ok N - name" or
#                                       "ok N - name # SKIP why"; lib*.sh and files without
#                                       that are no tests
#   tests/fuzz/fuzz_*.c                 libFuzzer programs, over tests/fuzz/corpus/NAME
#
# A script may say among its first lines `# suite: guests` (else check) and, as a C test may,
# `timeout: SECONDS` (else 120), a script `# sanitizers: no` (too slow there). $TIMEOUT_SCALE multiplies, $JOBS run at a time.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
# What scripts get. HOSTEL: the program; GUEST: kernels and the initramfs.
HOSTEL=$PWD/$BUILD/hostel GUEST=$PWD/build/guest
export BUILD HOSTEL GUEST
results=$BUILD/results

header() { # file, key
    sed -n "1,12s/.*[ *#]$2: *\([a-z0-9]*\).*/\1/p" "$1" | head -n 1
}

# ---- One test: its TAP into $results/NAME.tap ------------------------------------------

run_fuzzer() { # program, name
    corpus=tests/fuzz/corpus/${2#fuzz_}
    scratch=$results/$2.corpus
    rm -rf "$scratch"
    mkdir -p "$scratch"
    [ -d "$corpus" ] || corpus=
    # shellcheck disable=SC2086
    if timeout -k 5 "$limit" "$1" -runs="${FUZZ_RUNS:-20000}" -seed=1 -timeout=10 \
        -artifact_prefix="$results/" "$scratch" $corpus >"$out" 2>&1; then
        echo "ok 1 - $2" >"$tap"
    else
        echo "not ok 1 - $2" >"$tap"
        return 1
    fi
}

run_one() { # path from the root, without extension of a C test
    name=$1
    base=$results/$(echo "$name" | sed 's|^tests/||; s|/|.|g; s|\.sh$||')
    out=$base.out tap=$base.tap
    rm -f "$out" "$tap"
    case $name in *.sh) src=$name ;; *) src=$name.c ;; esac
    limit=$(header "$src" timeout)
    limit=$((${limit:-120} * ${TIMEOUT_SCALE:-1}))
    case $name in
    tests/fuzz/*) run_fuzzer "$BUILD/$name" "${name##*/}" ;;
    *.sh) timeout -k 5 "$limit" "$name" >"$out" 2>&1 ;;
    *)
        CK_TAP_LOG_FILE_NAME=$tap CK_VERBOSITY=silent CK_TIMEOUT_MULTIPLIER=$((10 * \
            ${TIMEOUT_SCALE:-1})) timeout -k 5 "$limit" "$BUILD/$name" >"$out" 2>&1
        ;;
    esac
    rc=$?
    case $name in *.sh) grep -E '^(not )?ok ' "$out" >"$tap" ;; esac
    [ -e "$tap" ] || : >"$tap"
    # What a C program leaves out, it says.
    sed -n 's/^# SKIP:* /ok 0 - a part # SKIP /p' "$out" >>"$tap"
    # Nothing said, or ended badly without saying which: that is one failure.
    if [ $rc = 124 ] || [ $rc = 137 ]; then
        echo "not ok 0 - ended within $limit s" >>"$tap"
    elif [ $rc != 0 ] && ! grep -q '^not ok' "$tap"; then
        echo "not ok 0 - ended with status $rc" >>"$tap"
    elif ! grep -qE '^(not )?ok ' "$tap"; then
        echo "not ok 0 - printed no result" >>"$tap"
    fi
    report "$name" "$tap" "$out"
}

count() { # pattern
    grep -cE "$1" "$tap"
}

report() {
    failed=$(count '^not ok')
    skipped=$(count '^ok .*# SKIP')
    passed=$(($(count '^ok ') - skipped))
    echo "$passed $failed $skipped" >"$base.count"
    short=$(echo "$name" | sed 's|^tests/||')
    if [ "$failed" = 0 ]; then
        why=$(sed -n 's/^ok .*# SKIP *//p' "$tap" | head -n 1)
        echo "ok    $short: $passed passed${why:+, $skipped skipped ($why)}"
        return
    fi
    target=check-here
    case $suite in guests) target=check-guests ;; kvm) target=check-kvm ;; fuzz) target=fuzz-here ;; esac
    where=
    [ "$BUILD" = build ] || where=" BUILD=$BUILD"
    # In one piece, so that tests that run beside it do not cut in.
    {
        echo "FAIL  $short: $passed passed, $failed failed"
        sed -n 's/^not ok/    not ok/p' "$tap" | head -n 20
        [ "$passed" != 0 ] || tail -n 15 "$out" | sed 's/^/    | /'
        echo "    rerun: make$where $target NAME=$short    output: $out"
    } >"$base.report"
    cat "$base.report"
}

suite=${SUITE:-}
if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit 0
fi

# ---- All of them -----------------------------------------------------------------------

only=
if [ "${1:-}" = --only ]; then
    only=$2
    shift 2
fi
suite=${1:-check}
SUITE=$suite
export SUITE

is_test() { # script: of this suite, and printing TAP, by itself or through a lib*.sh
    [ -x "$1" ] || return 1
    case $1 in */lib*.sh) return 1 ;; esac
    s=$(header "$1" suite)
    [ -z "${SANITIZERS:-}" ] || [ "$(header "$1" sanitizers)" != no ] || return 1
    [ "${s:-check}" = "$suite" ] && grep -qE 'ok |/lib[a-z-]*\.sh"?$' "$1"
}

list() {
    case $suite in
    check)
        for t in tests/unit/test_*.c tests/device/test_*.c tests/insn/test_*.c \
            tests/lockstep/test_*.c; do
            [ ! -e "$t" ] || echo "${t%.c}"
        done ;;
    fuzz) for t in tests/fuzz/fuzz_*.c; do [ ! -e "$t" ] || echo "${t%.c}"; done ;;
    esac
    for t in tests/lint/*.sh tests/cli/*.sh tests/block/*.sh tests/guest/*.sh \
        tests/lockstep/*.sh; do
        if [ -e "$t" ] && is_test "$t"; then echo "$t"; fi
    done
}

rm -rf "$results"
mkdir -p "$results"
list | grep -F -e "$only" >"$results/list"
if [ -n "$only" ] && [ ! -s "$results/list" ]; then
    echo "tests/run.sh: no test of '$suite' has '$only' in its path" >&2
    exit 2
fi
xargs -P "${JOBS:-$(nproc)}" -I{} tests/run.sh --one {} <"$results/list"

find "$results" -name '*.count' -exec cat {} + | awk '
    { p += $1; f += $2; s += $3 }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }'
