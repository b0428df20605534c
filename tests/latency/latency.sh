#!/bin/sh
# How long gontainer takes to start a container, beside the least that it can take and beside others that do
# the same job: writes a Markdown table to standard output.  RUNS=500 tests/latency/latency.sh [GONTAINER]
#
# Each pair is timed in turns under one clock, whole processes, by `gontainer -bench -vs`. Before that, both must
# show that they did the job: namespaces that are not the host's, the same root, a new /proc.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
gontainer=$(readlink -f "${1:-$here/../../gontainer}")
runs=${RUNS:-500}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# As in most sessions: unshare alone of these reads its locale's files, and takes a fifth longer for it.
export LC_ALL=C.UTF-8

cc="gcc -O2 -static -nostdlib -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -s
    -Wl,-z,noseparate-code,--build-id=none"
$cc -o "$work/yardstick" "$here/yardstick.c"
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/sys" "$root/etc" "$root/tmp" "$root/usr"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in sh readlink ls; do ln -s busybox "$root/bin/$name"; done
: >"$root/this-is-the-rootfs"
printf '%s\n' '__asm__(".globl _start\n_start: mov $60, %eax; xor %edi, %edi; syscall");' |
    $cc -x c -o "$root/noop" -
cp "$gontainer" "$work/gontainer"
gontainer=$work/gontainer

# Says what is wrong about a container, from inside; nothing if all is well.
cat >"$root/check" <<'CHECK'
[ -e /proc/self/ns/pid ] || echo "no /proc"
for host in "$@"; do
    name=${host%%:*}
    [ "$(readlink /proc/self/ns/$name)" != "$host" ] || echo "$name is the host's"
done
[ -e /this-is-the-rootfs ] || echo "another root"
set -- /proc/[0-9]*
[ $# -le 4 ] || echo "$# processes in /proc"
CHECK
five_of_host=
for name in user pid mnt uts ipc; do five_of_host="$five_of_host $(readlink /proc/self/ns/$name)"; done

bundle() { # for crun and runc: the same five namespaces, /proc and nothing else
    mkdir -p "$work/$1" && cd "$work/$1"
    uid=$(id -u) gid=$(id -g)
    words=$(for word in "$@"; do printf '"%s",' "$word"; done)
    words=${words#*,} words=${words%,}
    cat >config.json <<CONFIG
{"ociVersion": "1.0.2", "root": {"path": "$root"}, "hostname": "c",
 "process": {"user": {"uid": 0, "gid": 0}, "args": [$words], "env": ["PATH=/bin"], "cwd": "/"},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"namespaces": [{"type": "user"}, {"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}],
  "uidMappings": [{"containerID": 0, "hostID": $uid, "size": 1}],
  "gidMappings": [{"containerID": 0, "hostID": $gid, "size": 1}]}}
CONFIG
    cd / # relative to nothing
}

# A line of the table: name, our flags, the other's words before the command.
line() {
    name=$1 flags=$2 other=$3 host=$five_of_host
    case $flags in *-net) host="$host $(readlink /proc/self/ns/net)" ;; esac
    # shellcheck disable=SC2086
    said=$("$gontainer" -run $flags -- /bin/sh /check $host 2>&1) || true
    [ -z "$said" ] || { echo "gontainer $flags: $said" >&2; exit 1; }
    case $other in
    *BUNDLE*)
        runtime=${other%% *}
        # shellcheck disable=SC2086
        bundle check-$runtime /bin/sh /check $host
        bundle "noop-$runtime" /noop
        checked=$(echo "$other" | sed "s|BUNDLE|$work/check-$runtime|") timed=$(echo "$other" | sed "s|BUNDLE|$work/noop-$runtime|")
        ;;
    *) checked="$other /bin/sh /check $host" timed="$other /noop" ;;
    esac
    # shellcheck disable=SC2086
    said=$($checked 2>"$work/errors") || said="status $? $said $(cat "$work/errors")"
    if [ -n "$said" ]; then
        echo "$name does not do the same here: $(echo "$said" | head -n 1)" >&2
        return
    fi
    # shellcheck disable=SC2086
    "$gontainer" -bench="$runs" $flags -json -vs="$timed" -- /noop >"$work/json" 2>"$work/errors" || {
        echo "$name could not be timed: $(tail -n 1 "$work/errors")" >&2
        return
    }
    ours=$(sed -n 's/^ *"median": \(.*\),$/\1/p' "$work/json" | head -n 1)
    theirs=$(sed -n 's/^ *"median": \(.*\),$/\1/p' "$work/json" | tail -n 1)
    ratio=$(sed -n 's/^ *"whole_ratio": \(.*\),$/\1/p' "$work/json")
    awk -v name="$name" -v theirs="$theirs" -v ours="$ours" -v ratio="$ratio" \
        'BEGIN { printf "| %s | %.0f | %.0f | %.2f |\n", name, theirs * 1e6, ours * 1e6, ratio }'
}
has() { command -v "$1" >/dev/null; }

cpu=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
echo "$("$gontainer" -v), Linux $(uname -r), $(nproc) CPUs ($cpu), as $([ "$(id -u)" = 0 ] && echo root || echo an ordinary user), medians of $runs pairs"
echo
echo "| what | it takes, µs | gontainer takes, µs | ratio |"
echo "|---|---|---|---|"
whole="-uid -pid -uts -ipc -mnt=$root"
five="$whole -dev=none -sys=none -dns=none" # as the others are told here: /proc and nothing else
line "the least there is, with a PID 1" "$five" "$work/yardstick upmtiI $root"
line "the least there is, without" "$five -as-pid1" "$work/yardstick upmti $root"
line "the least there is, with a network namespace" "$five -net" "$work/yardstick upmtinI $root"
if has unshare; then
    unshare="unshare -Urpfmui -R $root --mount-proc" version=$(unshare --version | sed 's/.* //')
    line "unshare ($version), LC_ALL=$LC_ALL" "$five" "$unshare"
    LC_ALL=C
    line "unshare ($version), LC_ALL=$LC_ALL" "$five" "$unshare"
fi
if has minijail0; then
    line "minijail0" "$five" "minijail0 -U -m -M -p -v -l --uts -P $root -K"
fi
if has bwrap; then
    bwrap="bwrap --unshare-user --uid 0 --gid 0 --unshare-pid --unshare-uts --unshare-ipc --bind $root / --proc /proc"
    line "bubblewrap ($(bwrap --version | sed 's/.* //'))" "$five" "$bwrap"
    line "bubblewrap with /dev" "$whole" "$bwrap --dev /dev"
fi
if has systemd-nspawn && [ "$(id -u)" = 0 ]; then
    nspawn="systemd-nspawn -q --register=no --keep-unit --private-users=0:65536 --as-pid2 -D $root"
    line "systemd-nspawn ($(systemd-nspawn --version | sed -n '1s/.* (\(.*\))/\1/p')), with /dev and /sys" "$whole" "$nspawn"
fi
for runtime in crun runc; do
    if has $runtime; then
        line "$runtime ($($runtime --version | sed -n '1s/.* //p'))" "$five" "$runtime $([ $runtime = runc ] || echo --cgroup-manager=disabled) --root $work/state run -b BUNDLE c$$"
    fi
done
