#!/bin/sh
# Builds ./gontainer, one static file against musl.  `./musl-build.sh test [WORDS]` then runs the whole
# test suite against that file (WORDS go to cargo test).
#
# std for musl comes from the first of these that can be had; WAY=1, 2 or 3 takes only that one:
#   1  the toolchain has it    2  rustup adds it    3  it is built from the distribution's source: the smallest
# CPU=aarch64 or riscv64 builds ./gontainer-CPU for another machine, by way 3 and with what .ci/machines has fetched.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"

say() { echo "musl-build.sh: $*" >&2; }
die() { say "$@"; exit 1; }
way() { case ${WAY:-$1} in "$1") ;; *) false ;; esac; }

case ${1-} in '' | test) ;; *) die "usage: [WAY=1|2|3] $0 [test [WORDS]]" ;; esac

# Fixed addresses: nothing to relocate at start. No unwind tables: a panic aborts.
flags='-C target-feature=+crt-static -C relocation-model=static -C force-unwind-tables=no'
out=target/musl # not target/: two compilers would rebuild each other's work. Relative: flags split at spaces
packages='rustc-web cargo-web rust-web-src musl-tools'

host=$(rustc -vV 2>/dev/null | sed -n 's/^host: //p') || true
cpu=$(uname -m) gcc=musl-gcc ar=ar
if [ -n "${CPU-}" ]; then
    [ -z "${1-}" ] || die "what is built for another machine is not tested on this one"
    cpu=$CPU gcc=target/vm/$CPU/musl-gcc ar=$CPU-linux-gnu-ar WAY=3 host=
fi
case $host in
*-linux-musl) target=$host ;; # Alpine's is x86_64-alpine-linux-musl
*) target=$(echo "$cpu" | sed 's/^riscv64$/riscv64gc/')-unknown-linux-musl ;;
esac

has_std() {
    std=$(rustc --print target-libdir --target "$target" 2>/dev/null) && ls "$std"/libstd-*.rlib >/dev/null 2>&1
}

rustup_adds_std() {
    command -v rustup >/dev/null || return 1
    # Without a network it must give up soon: the third way waits.
    if RUSTUP_MAX_RETRIES=0 timeout 120 rustup target add "$target" >/dev/null 2>&1 && has_std; then
        say "rustup added $target"
    else
        say "rustup cannot add $target"
        return 1
    fi
}

has_source() {
    [ -d /usr/lib/rustlib/src/rust/library/std ] && [ -x /usr/bin/cargo ] && command -v "$gcc" >/dev/null
}

install_source() {
    install="apt-get install -y --no-install-recommends $packages"
    command -v apt-get >/dev/null || die "no std for $target: install it with this system's packages, or with rustup"
    [ "$(id -u)" = 0 ] || die "std for $target is missing. Run this, then try again:  sudo $install"
    say "installing $packages"
    # --no-remove: on a conflict with the user's own rustc, fail instead of replacing it.
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive $install --no-remove; } </dev/null >&2
    has_source || die "these packages lack what is needed: $packages"
}

# The distribution's compiler by its path: rustup's comes first in PATH, and -Zbuild-std wants the very
# compiler that the source belongs to.
build_with_source() {
    mkdir -p "$out"
    # Nothing unwinds, but std names an unwinder, and how much of that the optimiser removes is up to it.
    echo 'int _Unwind_Backtrace(void) { return 5; } long _Unwind_GetIP(void) { return 0; }' |
        "$gcc" -Os -x c -c -o "$out/unwind.o" -
    rm -f "$out/libunwind.a"
    "$ar" rcs "$out/libunwind.a" "$out/unwind.o"
    # What compilers write about themselves is left out.
    echo 'SECTIONS { /DISCARD/ : { *(.comment) } } INSERT AFTER .bss;' >"$out/no-comment.ld"
    # A panic, which would be a bug, ends the process at once: what std prints of it takes 17 KB. And libc's
    # functions are called directly, not through a table of their addresses, nor does a match jump through one.
    unstable='-Zunstable-options -C panic=immediate-abort -Z relax-elf-relocations=yes -C jump-tables=no'
    # Instructions that stand in many places alike become one function, as on other processors at this level.
    outline='-C llvm-args=-enable-machine-outliner=always -C llvm-args=-inline-threshold=0'
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
        RUSTFLAGS="$flags $unstable $outline -C linker=$gcc -C link-self-contained=no -L $out \
        -C link-arg=-Wl,-T,$out/no-comment.ld" \
        /usr/bin/cargo build --release --target "$target" --target-dir "$out" \
        -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
}

# An ELF file is static if no program header asks for a loader (type 3) or is dynamic (type 2), and sound if none
# is both written to and executed (flags 7). Read with od, which is everywhere; file and readelf are not.
number() { od -A n -t "u$3" -j "$2" -N "$3" -- "$1" | tr -d ' '; }
is_static_and_sound() {
    [ "$(number "$1" 0 4)" = 1179403647 ] || return 1 # 7f 45 4c 46
    header=$(number "$1" 32 8) size=$(number "$1" 54 2) left=$(number "$1" 56 2)
    while [ "$left" -gt 0 ]; do
        case $(number "$1" "$header" 4) in 2 | 3) return 1 ;; esac
        [ "$(number "$1" $((header + 4)) 4)" != 7 ] || return 1
        header=$((header + size)) left=$((left - 1))
    done
}

program=gontainer${CPU:+-$CPU}
rm -f "$program" # whatever fails below, no old file passes for the new one
if { way 1 && has_std; } || { way 2 && rustup_adds_std; }; then
    RUSTFLAGS=$flags cargo build --release --target "$target" --target-dir "$out"
elif way 3; then
    has_source || install_source
    build_with_source
else
    die "way $WAY does not lead to std for $target"
fi

built=$out/$target/release/gontainer
is_static_and_sound "$built" || die "not static, or with code that can be written to: $built"
cp "$built" "$program"
echo "$program: $target, $(wc -c <"$program") bytes, statically linked"

if [ "${1-}" = test ]; then
    shift
    GONTAINER=$PWD/gontainer cargo test "$@"
fi
