#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: kvm
# timeout: 400
# `accel switch` between KVM and the interpreter.
[ -w /dev/kvm ] || { echo "ok 1 - switch # SKIP /dev/kvm cannot be opened"; echo "1..1"; exit 0; }
exec "$(dirname "$0")/switch.sh" kvm "tcg-interp kvm" 100
