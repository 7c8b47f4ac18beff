#!/bin/bash
# Other people's tools against ours, both ways: what they verify of ours, what we verify of theirs,
# and that both refuse what was tampered with. One line per check; exit code 1 if one fails.
#
#   bash tests/interop/run.sh [openssl|bc|softhsm|seal|stamp …]   default: all
#
# MIFENG names the command (default: target/debug/mifeng, built if it is not there).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/mifeng-interop.XXXXXX")
trap 'rm -rf "$work"' EXIT

passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok      $area: $1"; }
bad() {
    failed=$((failed + 1)); echo "FAILED  $area: $1"
    [ -s "$work/out" ] && sed 's/^/        /' "$work/out" | head -5
}
skip() { skipped=$((skipped + 1)); echo "skipped: $area: $1"; }
# holds NAME COMMAND…: the command must succeed.
holds() { local name=$1; shift; if "$@" >"$work/out" 2>&1; then ok "$name"; else bad "$name"; fi; }
# refuses NAME COMMAND…: the command must refuse, and not crash; ours with its codes for refused (1)
# and malformed (3), since a mistaken call (2) or a missing file (4) would show nothing.
refuses() {
    local name=$1 code; shift
    "$@" >"$work/out" 2>&1; code=$?
    case $1:$code in
    m:[13] | "$mifeng":[13]) ok "$name" ;;
    m:* | "$mifeng":*) bad "$name (exit $code)" ;;
    *:[1-4]) ok "$name" ;;
    *) bad "$name (exit $code)" ;;
    esac
}
# says NAME TEXT COMMAND…: the command must print TEXT, whatever it exits with.
says() {
    local name=$1 text=$2; shift 2
    "$@" >"$work/out" 2>&1
    if grep -qF -- "$text" "$work/out"; then ok "$name"; else bad "$name (expected: $text)"; fi
}
# A step that must work for the checks after it to mean anything.
need() { if ! "$@" >"$work/out" 2>&1; then bad "preparing: $*"; return 1; fi; }
# Copies a file with the byte at 1/2 (or the given per cent) of its length changed.
tamper() { # FROM TO [PERCENT]
    local size at byte
    size=$(stat -c %s "$1"); at=$((size * ${3:-50} / 100)); cp "$1" "$2"
    byte=$(od -An -tu1 -j "$at" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %o $((byte ^ 1)))" | dd of="$2" bs=1 seek="$at" conv=notrunc status=none
}
# Debian package PACKAGE for the program or file WHAT, installed only by root with apt at hand.
want() {
    local what=$1 package=$2
    command -v "$what" >/dev/null 2>&1 && return 0
    [ -e "$what" ] && return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$package" >/dev/null 2>&1
    command -v "$what" >/dev/null 2>&1 || [ -e "$what" ]
}

mifeng=${MIFENG:-$root/target/debug/mifeng}
if [ ! -x "$mifeng" ]; then
    (cd "$root" && cargo build -q -p mifeng-cli) || { echo "cannot build mifeng" >&2; exit 2; }
    mifeng=${CARGO_TARGET_DIR:-$root/target}/debug/mifeng
fi
echo "interop" >"$work/pin"
m() { "$mifeng" --lang en --pin-file "$work/pin" "$@"; }

# Our CA of a suite with a bidder, a person and a time-stamp authority, and something signed.
# make_ours SUITE FOLDER
make_ours() {
    local suite=$1 to=$2
    mkdir -p "$to"
    head -c 5000 "$here/run.sh" >"$to/data"
    need m ca init --ca "$to/ca" --suite "$suite" --name "Interop" &&
        need m ca dual --ca "$to/ca" --name "Bidder" --uscc 91350100M000100Y43 --out "$to/bidder" &&
        need m ca issue --ca "$to/ca" --kind agency --name "Agency" --out "$to/agency" &&
        need m ca issue --ca "$to/ca" --kind agency --name "Revoked" --out "$to/revoked" &&
        need m ca issue --ca "$to/ca" --kind tsa --name "TSA" --out "$to/tsa" &&
        need m ca revoke --ca "$to/ca" --cert "$to/revoked/sign.cer" &&
        need m sign "$to/data" --id "$to/agency" --form rfc5652 --out "$to/data.p7s" &&
        need m sign "$to/data" --id "$to/agency" --form rfc5652 --attached --out "$to/data.p7m" &&
        need m sign "$to/data" --id "$to/agency" --form rfc5652 --tsa-id "$to/tsa" --out "$to/stamped.p7s"
}

for area in "${@:-openssl bc softhsm seal stamp}"; do
    for area in $area; do
        case $area in
        openssl | bc | softhsm | seal | stamp) . "$here/$area.sh" ;;
        *) echo "usage: run.sh [openssl|bc|softhsm|seal|stamp …]" >&2; exit 2 ;;
        esac
    done
done
echo "$passed ok, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
