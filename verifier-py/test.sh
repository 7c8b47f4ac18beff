#!/bin/sh
# The second verifier: its vectors, then both verifiers on fresh dossiers, check by check, and on flipped ones.
# usage: test.sh [MIFENG] [quick]     exits 0 only if all agree; "quick" makes one dossier of each suite
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mifeng=${1:-$here/../target/release/mifeng}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

MIFENG="$mifeng" python3 -m unittest discover -q -s "$here/tests"

demo() { # name, arguments
    name=$1
    shift
    "$mifeng" demo --size 1 --keep "$work/$name" "$@" >"$work/$name.log" 2>&1 || { tail -5 "$work/$name.log"; exit 1; }
}
demo gm --suite gm --policy joint
demo intl --suite intl --policy board
if [ "${2:-}" != quick ]; then
    demo trust --suite gm --cas 2
    demo faults --suite intl --policy joint-with-remedy --faults
    demo clock --suite gm --policy joint-clock
    demo one-time --suite gm --policy joint-one-time-key
    demo one-time-intl --suite intl --policy one-time-key
    for method in lowest negotiation consultation inquiry single-source framework works; do
        demo "$method" --suite intl --method "$method"
    done
    demo works-gm --suite gm --method works
fi
for dossier in "$work"/*/dossier.tar; do
    flips=0
    case $dossier in */gm/*|*/intl/*) flips=50 ;; esac
    python3 "$here/tests/compare.py" --mifeng "$mifeng" --flips "$flips" "$dossier"
done
python3 "$here/tests/forge.py" --mifeng "$mifeng" --each 3 --joint
python3 "$here/tests/receipts.py" --mifeng "$mifeng" "$work/gm" "$work/intl"
if [ -f "$here/../test-vectors/dossier/manifest.json" ]; then
    python3 "$here/tests/compare.py" --mifeng "$mifeng" --vectors "$here/../test-vectors/dossier"
fi
