# SPDX-License-Identifier: MIT
"""How long a saved machine of 2 GiB takes from the start of the process to its first output, beside
QEMU's: resume.py HOSTEL KERNEL INITRD [ROUNDS [MIB]]. Half of its memory is in use. The guest
prints all the time, so the first byte comes with its first instructions. Alternating; medians."""
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

hostel, kernel, initrd = sys.argv[1:4]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
memory = sys.argv[5] if len(sys.argv) > 5 else "2048"
FILL = ("head -c 8388608 /dev/urandom >/tmp/a; mount -o remount,size=95% /tmp; i=0; "
        f"while [ $i -lt {int(memory) // 16} ]; do cat /tmp/a >>/tmp/b; i=$((i+1)); done; "
        "echo FILLED; while true; do echo -n x; done")
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))


def command(program, serial, *more):
    accel = "tcg-interp" if program == hostel else "tcg"
    return [program, "-accel", accel, "-machine", "pc", "-nodefaults", "-display", "none", "-m",
            memory, "-kernel", kernel, "-initrd", initrd, "-append",
            f'console=ttyS0 panic=-1 quiet RUN="{FILL}"', "-serial", f"file:{serial}", *more]


def save(program, uri):
    serial, monitor = f"{work}/serial", f"{work}/monitor"
    open(serial, "w").close()
    p = subprocess.Popen(command(program, serial, "-monitor",
                                 f"unix:{monitor},server=on,wait=off"),
                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while "FILLED" not in open(serial, errors="replace").read(4096):
        time.sleep(0.2)
    s = socket.socket(socket.AF_UNIX)
    s.connect(monitor)
    s.sendall(b"migrate_set_parameter max-bandwidth 10G\nstop\nmigrate -d " + uri.encode() +
              b"\n")
    done = b""
    while b"completed" not in done:
        s.sendall(b"info migrate\n")
        time.sleep(0.3)
        done = s.recv(1 << 20)
    s.sendall(b"quit\n")
    p.wait()


def resume(program, uri):
    fifo = f"{work}/out"
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(fd, True)
    hold = os.open(fifo, os.O_WRONLY)
    start = time.monotonic()
    p = subprocess.Popen(command(program, fifo, "-incoming", uri, "-monitor",
                                 f"unix:{work}/m,server=on,wait=off"),
                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.005)
    s = None
    while True:  # both were stopped when they were saved
        try:
            if not s:
                s = socket.socket(socket.AF_UNIX)
                s.connect(f"{work}/m")
                s.sendall(b"cont\n")
            break
        except OSError:
            s = None
            time.sleep(0.001)
    os.read(fd, 1)
    took = time.monotonic() - start
    p.kill()
    p.wait()
    os.close(fd)
    os.close(hold)
    os.unlink(f"{work}/m")
    return took * 1000


rows = [("hostel, lazy", hostel, f"file:{work}/h,lazy=on"), ("hostel", hostel, f"file:{work}/h")]
save(hostel, f"file:{work}/h")
if shutil.which("qemu-system-x86_64"):
    qemu = "qemu-system-x86_64"
    save(qemu, f'"exec:cat >{work}/q"')
    rows.append(("QEMU, exec:cat", qemu, f"exec:cat {work}/q"))
for f in ("h", "q"):
    if os.path.exists(f"{work}/{f}"):
        st = os.stat(f"{work}/{f}")
        print(f"{f}: {st.st_size >> 20} MiB, {st.st_blocks * 512 >> 20} MiB on disk")
times = {name: [] for name, _, _ in rows}
for _ in range(rounds):
    for name, program, uri in rows:
        times[name].append(resume(program, uri))
for name, t in times.items():
    print(f"{name:16} {statistics.median(t):8.1f} ms  (of {len(t)}: {min(t):.1f} to {max(t):.1f})")
shutil.rmtree(work)
