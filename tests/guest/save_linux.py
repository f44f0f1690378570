# SPDX-License-Identifier: MIT
"""The dialogue of save_linux.sh: HOSTEL KERNEL DIRECTORY CYCLES."""
import json
import os
import re
import socket
import subprocess
import sys
import time

hostel, kernel, work, cycles = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
PATIENCE = 180
count = 0


class Machine:
    def __init__(self, *more):
        global count
        count += 1
        self.serial = f"{work}/{count}.serial"
        self.path = f"{work}/{count}.qmp"
        self.process = subprocess.Popen(
            [hostel, "-accel", "tcg-interp", "-nodefaults", "-display", "none", "-m", "192",
             "-smp", "2", "-kernel", kernel, "-initrd", f"{work}/initramfs.cpio.gz", "-append",
             'console=ttyS0 panic=-1 quiet RUN="sh /load.sh"', "-vga", "std",
             "-drive", f"if=none,id=d,file={work}/disk.qcow2", "-device", "virtio-blk-pci,drive=d",
             "-serial", f"file:{self.serial}", "-qmp", f"unix:{self.path},server=on,wait=off",
             *more], stdin=subprocess.DEVNULL)
        self.connect()

    def connect(self):
        end = time.time() + PATIENCE
        while time.time() < end:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
                break
            except OSError:
                time.sleep(0.05)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                return answer.get("return", answer)

    def hmp(self, line):
        return self.run("human-monitor-command", **{"command-line": line})

    def sums(self):
        with open(self.serial, errors="replace") as f:
            return [int(n) for n in re.findall(r"SUM (\d+) right", f.read())]

    def goes_on(self, more=2):
        """It prints `more` sums that it had not printed before."""
        before = len(self.sums())
        end = time.time() + PATIENCE
        while time.time() < end:
            if len(self.sums()) >= before + more:
                return
            assert self.process.poll() is None, "the process has ended"
            time.sleep(0.05)
        raise AssertionError("the guest stands still")

    def migrated(self, uri):
        answer = self.run("migrate", uri=uri)
        assert answer == {}, answer
        end = time.time() + PATIENCE
        while time.time() < end:
            info = self.run("query-migrate")
            if info.get("status") in ("completed", "failed"):
                return info
            time.sleep(0.02)
        raise AssertionError("the migration does not end")

    def quit(self):
        self.run("quit")
        self.process.wait(PATIENCE)


def passed(name):
    print(f"ok: {name}", flush=True)


m = Machine()
m.goes_on(3)
passed("the guest works")

for i in range(cycles):
    answer = m.hmp(f"savevm s{i % 3}")
    assert answer == "", answer
    m.goes_on(1)
    answer = m.hmp(f"loadvm s{i % 3}")
    assert answer == "", answer
    m.goes_on(1)
for i in range(min(cycles, 3)):
    assert m.hmp(f"delvm s{i}") == ""
assert "no snapshot" in m.hmp("info snapshots")
passed("savevm and loadvm")

for i in range(cycles):
    info = m.migrated(f"file:{work}/saved")
    assert info["status"] == "completed", info
    m.quit()
    m = Machine("-incoming", f"file:{work}/saved" + (",lazy=on" if i % 2 else ""))
    m.goes_on(1)
passed("migrate to a file and back")

for i in range(3):
    n = Machine("-incoming", f"unix:{work}/move")
    m.run("migrate-set-capabilities",
          capabilities=[{"capability": "auto-converge", "state": True}])
    info = m.migrated(f"unix:{work}/move")
    assert info["status"] == "completed", info
    print(f"downtime {info['downtime']} ms of {info['total-time']} ms,"
          f" {info['ram']['dirty-sync-count']} rounds")
    n.goes_on()
    refused = m.run("cont")
    assert "cannot be taken back" in refused["error"]["desc"], refused
    m.quit()
    m = n
passed("live migration between two processes")

assert m.hmp(f'migrate "exec:cat >{work}/copy"') == ""
assert m.run("cont") == {}
info = m.migrated(f"file:{work}/saved")
m.quit()
m = Machine("-incoming", f"exec:cat {work}/copy")
m.goes_on()
m.quit()
size = os.path.getsize(f"{work}/saved")
subprocess.run(["cp", "--sparse=always", f"{work}/saved", f"{work}/short"], check=True)
os.truncate(f"{work}/short", size * 2 // 3)
n = Machine("-incoming", f"file:{work}/short")
while n.run("query-migrate").get("status") != "failed":
    time.sleep(0.05)
assert n.run("query-status")["status"] == "inmigrate"
assert "error" in n.run("cont")
n.run("migrate-incoming", uri=f"file:{work}/saved")
n.goes_on()
n.quit()
passed("a machine is refused and another one taken")
