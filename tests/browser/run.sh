#!/usr/bin/env bash
# The verifier's page in a real browser: real dossiers, sound and changed, must give the very report of
# `mifeng verify --json`; and the bidder's page must hold a host to its receipts. Needs chromium, python3, and what
# the page's build.sh needs; what cannot be had is skipped by name.
#   MIFENG=path/to/mifeng bash tests/browser/run.sh
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
: "${MIFENG:?the path of the mifeng command}"

skip() {
    echo "skipped: browser: $*"
    exit 0
}

browser=""
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        browser="$name"
        break
    fi
done
[[ -n "$browser" ]] || skip "no chromium"
command -v python3 >/dev/null || skip "no python3"

work="${CARGO_TARGET_DIR:-$root/target}/browser-test"
rm -rf "$work"
mkdir -p "$work"
python3 "$here/send.py" "$browser" "$work"
code=0
bash "$root/crates/shell/mifeng-wasm/build.sh" "$work/page" || code=$?
((code != 3)) || skip "the page cannot be built here"
((code == 0)) || exit "$code"

for suite in gm intl; do
    folder="$work/$suite"
    if [[ -n "${MIFENG_DEMOS:-}" ]]; then
        ln -s "$MIFENG_DEMOS/$suite" "$folder"
    else
        # The demo bids against a real clock: on a machine that is busy with other things a bid may
        # come too late.
        made=0
        for _ in 1 2 3; do
            rm -rf "$folder"
            if "$MIFENG" demo --size 1 --suite "$suite" --keep "$folder" >"$work/$suite.log" 2>&1; then
                made=1
                break
            fi
        done
        ((made == 1)) || { tail -5 "$work/$suite.log"; exit 1; }
    fi
done
exec python3 "$here/drive.py" "$browser" "$MIFENG" "$work"
