#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 300
# libvirt takes this program for its emulator: virsh defines, starts, lists, suspends, resumes,
# photographs, types to, shuts down and destroys a domain. An embedded driver with a root of its own:
# no daemon runs, nothing of the host's libvirt is touched.
. "$(dirname "$0")/lib-linux.sh"
if ! command -v virsh >/dev/null || ! ls /usr/lib/*/libvirt/connection-driver/*qemu.so >/dev/null 2>&1
then
    skip "virsh drives a domain" "no virsh, or no qemu driver of libvirt"
    exit 0
fi
root=$work/root
mkdir -p "$root/etc" "$root/log/qemu"
cat >"$root/etc/qemu.conf" <<EOF
stdio_handler = "file"
user = "$(id -un)"
group = "$(id -gn)"
remember_owner = 0
namespaces = []
cgroup_controllers = []
security_driver = "none"
EOF
emulator=$(realpath "${HOSTEL:-build/hostel}")
log=$work/console
qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M 2>/dev/null || truncate -s 64M "$work/disk.qcow2"
kernel=$(realpath "$GUEST/vmlinuz-cloud")
initrd=$(realpath "$GUEST/initramfs.cpio.gz")
cat >"$work/domain.xml" <<EOF
<domain type='qemu'>
  <name>tenant</name>
  <memory unit='MiB'>128</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$kernel</kernel>
    <initrd>$initrd</initrd>
    <cmdline>console=ttyS0 panic=-1 RUN="echo ready; sleep 600"</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>$emulator</emulator>
    <controller type='usb' model='none'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$work/disk.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <video><model type='vga'/></video>
    <memballoon model='none'/>
  </devices>
</domain>
EOF

# One virsh for all: with it the embedded driver ends.
mkfifo "$work/in"
virsh -c "qemu:///embed?root=$root" <"$work/in" >"$work/out" 2>&1 &
virsh=$!
exec 3>"$work/in"
say() {
    echo "$*" >&3
}
# Wait until the output, or the console, has a line like this.
await() { # file, pattern
    for _ in $(seq 600); do
        grep -qE "$2" "$1" 2>/dev/null && return 0
        kill -0 $virsh 2>/dev/null || return 1
        sleep 0.2
    done
    return 1
}
step() { # name, file, pattern
    if await "$2" "$3"; then
        ok "$1"
    else
        not_ok "$1"
        tail -n 5 "$work/out" | sed 's/^/# /'
        tail -n 5 "$root/log/qemu/tenant.log" 2>/dev/null | sed 's/^/# /'
    fi
}

say define "$work/domain.xml"
step "defined" "$work/out" "Domain 'tenant' defined"
say start tenant
step "started" "$work/out" "Domain 'tenant' started|error: Failed to start"
if grep -q "Failed to start" "$work/out"; then
    not_ok "the domain starts"
    tail -n 5 "$root/log/qemu/tenant.log" | sed 's/^/# /'
    exit 1
fi
say ttyconsole tenant
step "its console is told" "$work/out" "^/dev/pts/[0-9]+"
cat "$(grep -oE '^/dev/pts/[0-9]+' "$work/out" | head -n 1)" >"$log" &
reader=$!
say list
step "listed" "$work/out" "tenant +running"
step "the guest runs" "$log" "^ready"
say suspend tenant
step "suspended" "$work/out" "Domain 'tenant' suspended"
say domstate tenant --reason
step "its state is paused" "$work/out" "^paused \(user\)"
say resume tenant
step "resumed" "$work/out" "Domain 'tenant' resumed"
say vcpuinfo tenant
step "its CPUs are told" "$work/out" "^CPU time:"
say domblklist tenant
step "its disk is told" "$work/out" "vda +$work/disk.qcow2"
say domblkstat tenant vda
step "what the disk did is told" "$work/out" "vda rd_req"
say send-key tenant KEY_LEFTCTRL KEY_C
say screenshot tenant --file "$work/shot.png"
step "photographed" "$work/out" "Screenshot saved to $work/shot.png"
check "the picture is one" sh -c "head -c 8 '$work/shot.png' | od -An -c | grep -qE 'P +N +G|P +6'"
say qemu-monitor-command tenant --hmp info status
step "the human monitor answers" "$work/out" "VM status: running"
say reset tenant
step "reset" "$work/out" "Domain 'tenant' was reset"
say shutdown tenant
step "asked to shut down" "$work/out" "Domain 'tenant' is being shutdown"
say destroy tenant
step "destroyed" "$work/out" "Domain 'tenant' destroyed"
say list --all
step "listed as off" "$work/out" "tenant +shut off"
say undefine tenant
step "undefined" "$work/out" "Domain 'tenant' has been undefined"
say quit
exec 3>&-
wait $virsh
kill $reader 2>/dev/null
check "virsh saw no error" sh -c "! grep -q '^error:' '$work/out'"
