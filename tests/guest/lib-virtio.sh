# SPDX-License-Identifier: MIT
# For virtio_*.sh: boot a Debian kernel (cloud, or $kernel) with its virtio drivers and a script.
#
#   virtio_guest "modules" <<'END'     makes $GUEST anew: an initramfs with these modules (and what
#   ...                                every virtio device needs) loaded before the script runs
#   END
#   virtio_boot NAME [options of hostel...]
#
# A function virtio_extra adds files to $work/extra.

. "$(dirname "$0")/lib-linux.sh"
kernel=${kernel:-cloud}

virtio_guest() {
    # shellcheck disable=SC2086
    set -- virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci $1
    tree=$(echo "$GUEST/$kernel.root"/lib/modules/*/kernel)
    rm -rf "$work/extra" "$work/guest"
    mkdir -p "$work/extra/mod" "$work/guest"
    for name in "$@"; do
        file=$(find "$tree" -name "$name.ko")
        [ -n "$file" ] || { echo "# no module $name" >&2; return 1; }
        cp "$file" "$work/extra/mod"
        echo "insmod /mod/$name.ko || echo FAILED: $name" >>"$work/extra/test.sh"
    done
    cat >>"$work/extra/test.sh"
    if command -v virtio_extra >/dev/null; then virtio_extra; fi
    ln -s "$(realpath "$GUEST/vmlinuz-$kernel")" "$work/guest/vmlinuz-$kernel"
    scripts/make-initramfs "$work/guest/initramfs.cpio.gz" "$GUEST/busybox" "$work/extra" >/dev/null
}

virtio_boot() {
    boot_name=$1
    shift
    old=$GUEST
    GUEST=$work/guest
    boot "$boot_name" "$kernel" "sh /test.sh" "$@"
    GUEST=$old
}

# Nothing that a driver complained about.
no_complaints() {
    check "$1: no driver complains" sh -c \
        "! grep -E 'FAILED:|virtio.*(fail|error|warn|cannot|refus)|WARNING:|BUG:|I/O error' '$log'"
}
