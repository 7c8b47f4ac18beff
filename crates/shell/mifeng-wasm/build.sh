#!/usr/bin/env bash
# Builds the verifier's web page, and the module that seals in the bidder's desk, into target/verify-page/ (or the folder given):
#   mifeng-verify.html                      one file that works offline, opened from a disk or a server
#   index.html page.css page.js worker.js mifeng.wasm   the same in parts, for any static server
#   mifeng-desk.wasm                        sealing: `mifeng serve --verify-page …/mifeng-verify.html` finds it beside the page
# The same sources and compilers give the same bytes. Needs the Rust target wasm32-unknown-unknown
# and clang (a few of ring's functions are C); says so and ends with 3 if one cannot be had.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$here/../../.."

target=wasm32-unknown-unknown
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
out="${1:-$CARGO_TARGET_DIR/verify-page}"

missing() {
    echo "cannot build the page: $*" >&2
    exit 3
}

libdir="$(rustc --print target-libdir --target "$target")"
if [[ ! -d "$libdir" ]]; then
    rustup target add "$target" >&2 || missing "the standard library for $target is not here"
fi
command -v clang >/dev/null || missing "no clang"
clang --print-targets 2>/dev/null | grep -q wasm32 || missing "this clang does not know wasm32"

# Randomness has no source in the module, and needs none; paths of this machine stay out of it; the
# stack is that of a small thread.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--cfg getrandom_backend=\"unsupported\" \
--remap-path-prefix=$PWD=/mifeng --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo \
-C link-arg=-zstack-size=4194304"
export CC_wasm32_unknown_unknown=clang
build() {
    cargo build --quiet --locked --profile page --target "$target" -p mifeng-wasm --lib "$@"
}
made="$CARGO_TARGET_DIR/$target/page/mifeng_wasm.wasm"
mkdir -p "$out"
build --features desk
cp "$made" "$out/mifeng-desk.wasm"
build
# Whoever has built the example need not build it, and all that it rests on, in another profile.
if [[ -n "${MIFENG_LAY_OUT:-}" ]]; then
    "$MIFENG_LAY_OUT" "$here/web" "$made" "$out"
else
    cargo run --quiet --release --locked -p mifeng-wasm --example lay_out -- "$here/web" "$made" "$out"
fi
