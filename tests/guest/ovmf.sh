#!/bin/sh
# SPDX-License-Identifier: MIT
# suite: guests
# timeout: 600
# UEFI: Debian's OVMF in two flash drives reaches its shell, keeps a variable from one run to the
# next, and starts GRUB and Linux from a GPT disk with an EFI system partition.
. "$(dirname "$0")/lib-linux.sh"
code=/usr/share/OVMF/OVMF_CODE_4M.fd vars=/usr/share/OVMF/OVMF_VARS_4M.fd
PATH=$PATH:/usr/sbin:/sbin
for tool in mcopy mformat sfdisk grub-mkstandalone; do
    command -v $tool >/dev/null || { skip OVMF "no $tool"; exit 0; }
done
[ -e $code ] || { skip OVMF "package ovmf is not installed"; exit 0; }
[ -d /usr/lib/grub/x86_64-efi ] || { skip OVMF "package grub-efi-amd64-bin is not installed"; exit 0; }

disk() { # file, MiB: GPT with one EFI system partition from 1 MiB on, $fat names it for mtools
    rm -f "$1"
    truncate -s "$2M" "$1"
    printf 'label: gpt\nstart=2048, type=uefi\n' | sfdisk -q "$1" 2>/dev/null
    fat=$1@@1M
    mformat -i "$fat" -T $((($2 - 2) * 2048)) ::
}

uefi() { # name, options: $log, $status
    log=$work/$1.log
    shift
    timeout 250 "$HOSTEL" -nodefaults -display none -vga std -m 256 -serial "file:$log.raw" \
        -drive if=pflash,unit=0,format=raw,readonly=on,file=$code \
        -drive if=pflash,unit=1,format=raw,file="$work/vars.fd" "$@" </dev/null >"$log.out" 2>&1
    status=$?
    tr -d '\r' <"$log.raw" >"$log" 2>/dev/null
    cat "$log.out" >>"$log"
}

disk "$work/shell.img" 16
cat >"$work/startup.nsh" <<'NSH'
if "%hostel%" == "kept" then
  echo The variable was kept.
else
  set hostel kept
  echo The variable is set.
endif
reset -s
NSH
mcopy -i "$fat" "$work/startup.nsh" ::
cp $vars "$work/vars.fd"
for run in q35-first q35-second; do
    uefi $run -M ${run%%-*} -drive if=ide,format=raw,file="$work/shell.img"
    case $run in
    *second) expect "$run: the variable came from the flash drive" 'The variable was kept' ;;
    *) expect "$run: the shell runs a script from the disk" 'The variable is set' ;;
    esac
    check "$run: power-off ends with status 0" test "$status" = 0
done

disk "$work/linux.img" 128
cat >"$work/grub.cfg" <<'CFG'
insmod part_gpt
insmod fat
search --file /vmlinuz --set=root
linux /vmlinuz console=ttyS0 panic=-1 RUN="ls /sys/firmware/efi"
initrd /initramfs
boot
CFG
grub-mkstandalone -O x86_64-efi -o "$work/BOOTX64.EFI" --modules="part_gpt fat search linux" \
    --install-modules="part_gpt fat linux search normal" "boot/grub/grub.cfg=$work/grub.cfg" >/dev/null 2>&1
mmd -i "$fat" ::/EFI ::/EFI/BOOT
mcopy -i "$fat" "$work/BOOTX64.EFI" ::/EFI/BOOT/
mcopy -i "$fat" "$GUEST/vmlinuz-cloud" ::/vmlinuz
mcopy -i "$fat" "$GUEST/initramfs.cpio.gz" ::/initramfs
uefi linux -M q35 -smp 2 -drive if=ide,format=raw,file="$work/linux.img"
expect "Linux starts from GRUB" '^Hostel: /init started'
expect "with UEFI's run-time services" '^runtime-map|^efivars|^fw_vendor'
check "no complaints" sh -c "! grep -qE 'WARNING|Call Trace|Firmware Bug|ACPI (Error|BIOS)|can.t (claim|assign)' '$log'"
check "and powers off" test "$status" = 0
