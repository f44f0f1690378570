#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processor time of emulators on one Linux guest: medians and ratios.

Every emulator boots the same kernel and initramfs (tests/bench/guest.c is /init). The guest
writes a line to port 0xe9 before and after each workload; at each line the user + system time
of the emulator process so far is read from /proc. Runs alternate between the emulators.
"""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ISOLINUX = "/usr/lib/ISOLINUX/isolinux.bin"
LDLINUX = "/usr/lib/syslinux/modules/bios/ldlinux.c32"
CLK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of the process with all its threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLK


def cpu_precise(pid):
    """The same in nanoseconds where the scheduler tells (sum over threads), else in ticks."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total / 1e9
    except (OSError, ValueError):
        return cpu_seconds(pid)


def commands(args, work):
    append = "console=ttyS0 quiet panic=-1 reboot=t"
    direct = ["-m", "512", "-nodefaults", "-display", "none", "-serial", "null",
              "-kernel", args.kernel, "-initrd", args.initrd, "-append", append,
              "-no-reboot", "-debugcon", "stdio"]
    cmds = {"hostel": [args.hostel, "-accel", "tcg-interp"] + direct}
    if args.qemu:
        cmds["qemu"] = [args.qemu, "-M", "pc", "-accel", "tcg", "-vga", "none"] + direct
    if args.bochs:
        cmds["bochs"] = [args.bochs, "-q", "-f", bochs_config(args, work),
                         "-rc", os.path.join(work, "debugger")]
    return cmds


def bochs_config(args, work):
    """Bochs has no direct kernel boot: the same kernel and initramfs from an ISOLINUX CD."""
    tree = os.path.join(work, "iso")
    os.mkdir(tree)
    for source, name in ((ISOLINUX, "isolinux.bin"), (LDLINUX, "ldlinux.c32"),
                         (args.kernel, "vmlinuz"), (args.initrd, "initrd")):
        shutil.copy(source, os.path.join(tree, name))
    with open(os.path.join(tree, "isolinux.cfg"), "w") as f:
        f.write("DEFAULT x\nPROMPT 0\nTIMEOUT 1\nLABEL x\n KERNEL /vmlinuz\n"
                " APPEND initrd=/initrd console=ttyS0 quiet panic=-1\n")
    iso = os.path.join(work, "bench.iso")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-b", "isolinux.bin", "-c",
                    "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                   check=True, stderr=subprocess.DEVNULL)
    with open(os.path.join(work, "debugger"), "w") as f:
        f.write("c\n")  # Debian builds Bochs with its debugger: let it go
    rc = os.path.join(work, "bochsrc")
    with open(rc, "w") as f:
        f.write(f"""display_library: sdl2
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
boot: cdrom
ata0-master: type=cdrom, path={iso}, status=inserted
cpu: count=1, ips=100000000, model=corei5_lynnfield_750, reset_on_triple_fault=0
clock: sync=none
port_e9_hack: enabled=1
com1: enabled=1, mode=null
log: {work}/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
""")
    return rc


def run_once(cmd, timeout):
    """One boot: {"boot": seconds, workload: seconds, ...}."""
    env = dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy")  # for Bochs
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, env=env)
    times, name, started = {}, None, 0.0
    deadline = time.monotonic() + timeout
    signal.signal(signal.SIGALRM, lambda *_: p.kill())
    signal.alarm(int(timeout))
    try:
        for raw in p.stdout:
            now = cpu_precise(p.pid)
            line = raw.decode("ascii", "replace").strip()
            if line.endswith("init") and "boot" not in times:
                times["boot"] = now
            elif line == "end":
                break
            elif line == "." and name:
                times[name] = now - started
                name = None
            elif line.isalnum() and "boot" in times:
                name, started = line, cpu_precise(p.pid)
        else:
            if time.monotonic() >= deadline:
                print(f"{cmd[0]}: no end after {timeout} s", file=sys.stderr)
    finally:
        signal.alarm(0)
        p.kill()
        p.wait()
    return times


def geomean(values):
    values = list(values)
    return statistics.geometric_mean(values) if values else float("nan")


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--hostel", default="build/hostel")
    ap.add_argument("--qemu", default="")
    ap.add_argument("--bochs", default="")
    ap.add_argument("--kernel", required=True)
    ap.add_argument("--initrd", required=True)
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--timeout", type=float, default=900)
    args = ap.parse_args()
    with tempfile.TemporaryDirectory() as work:
        cmds = commands(args, work)
        results = {name: [] for name in cmds}
        for run in range(args.runs):
            for name, cmd in cmds.items():
                results[name].append(run_once(cmd, args.timeout))
                done = len(results[name][-1])
                print(f"run {run + 1} {name}: {done} figures", file=sys.stderr)
    medians = {}
    for name, runs in results.items():
        keys = set().union(*runs)
        medians[name] = {k: statistics.median(r[k] for r in runs if k in r) for k in keys}
    report(medians)


def report(medians):
    peers = [p for p in medians if p != "hostel"]
    ours = medians["hostel"]
    order = sorted(set().union(*medians.values()), key=lambda k: (k != "boot", k))
    print("processor seconds (median)".ljust(28) + "".join(n.rjust(9) for n in medians) +
          "".join(f"vs {p}".rjust(10) for p in peers))
    for key in order:
        row = key.ljust(28)
        row += "".join(f"{medians[n][key]:9.2f}" if key in medians[n] else "        -"
                       for n in medians)
        for p in peers:
            known = key in ours and medians[p].get(key, 0) > 0
            row += f"{ours[key] / medians[p][key]:10.2f}" if known else "         -"
        print(row)
    for p in peers:
        both = [k for k in ours if k != "boot" and k in medians[p] and medians[p][k] > 0]
        ratios = {k: ours[k] / medians[p][k] for k in both}
        if ratios:
            worst = max(ratios, key=ratios.get)
            print(f"workloads, time relative to {p}: geometric mean {geomean(ratios.values()):.2f},"
                  f" worst {worst} {ratios[worst]:.2f}")


if __name__ == "__main__":
    main()
