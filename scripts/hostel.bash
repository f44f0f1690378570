# SPDX-License-Identifier: MIT
# bash completion for hostel: options, and values from the program's own lists.
_hostel()
{
    local cur=$2 prev=$3 words
    case $prev in
        -accel | --accel)
            words=$("$1" -accel help 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
        -cpu | --cpu)
            words=$("$1" -cpu help 2>/dev/null | awk '!NF { exit } NR > 1 { print $1 }') ;;
        -device | --device)
            words=$("$1" -device help 2>/dev/null | awk '{ print $1 }') ;;
        -M | -machine | --machine)
            words=$("$1" -machine help 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
        -d)
            words=$("$1" -d help 2>/dev/null | awk '{ print $1 }') ;;
        -display | -vga | -net | -nic | -parallel)
            words=none ;;
        -serial | -monitor | -debugcon)
            words='stdio mon:stdio pty null none file: pipe: unix: tcp: chardev:' ;;
        -kernel | -initrd | -bios | -pidfile | -D)
            COMPREPLY=($(compgen -f -- "$cur"))
            return ;;
        *)
            words=$("$1" -help 2>/dev/null | awk '/^  -/ { print $1 }') ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o nospace -F _hostel hostel
