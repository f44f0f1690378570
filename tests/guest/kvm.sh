#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: kvm
# timeout: 900
# The guest programs on KVM: each must print what it prints on the interpreter. A row is
# "ok N - name"; what this host's KVM cannot run is skipped with the reason.
ACCEL=kvm exec "$(dirname "$0")/run.sh" "$@"
