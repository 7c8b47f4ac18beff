#!/usr/bin/env bash
# The container as deploy/Containerfile says it is run: everything read-only but the state, no capability, no root.
# Usage: tests/deploy/container.sh MIFENG
#
# Needs root, podman and curl. The image has MIFENG instead of a program built by its first stage: that one needs the network. Its
# base is looked for on this machine, or made by debootstrap. PODMAN names other options, as `PODMAN="podman --runtime runc"`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mifeng="$(realpath "$1")"
read -ra podman <<<"${PODMAN:-podman}"
command -v "${podman[0]}" >/dev/null || { echo "skipped: the container (no podman)"; exit 0; }
base="$(grep '^FROM' deploy/Containerfile | tail -n 1 | cut -d ' ' -f 2)"
work="$(mktemp -d)"
name="mifeng-test-$$"
port=$((20000 + $$ % 10000))
ended() {
    "${podman[@]}" rm -f "$name" >/dev/null 2>&1 || true
    "${podman[@]}" rmi -f "localhost/$name" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap ended EXIT
fail() { echo "error: $*" >&2; "${podman[@]}" logs "$name" >&2 || true; exit 1; }

if ! "${podman[@]}" image exists "$base"; then
    command -v debootstrap >/dev/null || { echo "skipped: the container (neither $base nor debootstrap)"; exit 0; }
    debootstrap --variant=minbase "$(sed 's/.*:\(.*\)-slim/\1/' <<<"$base")" "$work/base" >/dev/null
    tar -C "$work/base" -c . | "${podman[@]}" import - "$base" >/dev/null
    rm -rf "$work/base"
fi
mkdir "$work/image"
cp "$mifeng" "$work/image/mifeng"
# Stand-ins for what a browser runs: the host only has to find them.
echo "<!doctype html><title>page</title>" >"$work/image/mifeng-verify.html"
: >"$work/image/mifeng-desk.wasm"
# The second stage alone, with files of the build from here.
awk '/^FROM/ { stage += 1 } stage == 2' deploy/Containerfile |
    sed '/^COPY --from=build /{ s|--from=build ||; s|/src/target/[^ ]*/||g }' >"$work/image/Containerfile"
"${podman[@]}" build -q --pull=never --isolation=chroot -t "localhost/$name" "$work/image" >/dev/null

# What the host may read; made here, as an agency would.
mkdir "$work/etc" "$work/state"
head -c 18 /dev/urandom | base64 >"$work/etc/pin"
m() { "$mifeng" --lang en --pin-file "$work/etc/pin" "$@" >/dev/null; }
m ca init --ca "$work/ca" --suite gm --name "Test CA"
m ca issue --ca "$work/ca" --kind host --name "Platform" --out "$work/etc/platform"
cp "$work/ca/root.cer" "$work/etc/"
cat >"$work/etc/serve.toml" <<TOML
dir = "/var/lib/mifeng"
id = "/etc/mifeng/platform"
listen = "127.0.0.1:$port"
pin-file = "/etc/mifeng/pin"
TOML
# The user of the image, which has no name here.
chown -R 10001:10001 "$work/state" "$work/etc"

limits=(--read-only --cap-drop=all --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 -v "$work/state:/var/lib/mifeng")
# The house with one tender: in a container too, whose places have the names that the host will know.
inside() {
    "${podman[@]}" run --rm "${limits[@]}" --network=none -v "$work/etc:/etc/mifeng" "localhost/$name" \
        --pin-file /etc/mifeng/pin "$@" >/dev/null
}
inside anchor init --id /etc/mifeng/platform --suite gm --origin host.example/anchor --db /var/lib/mifeng
inside tender init --host /var/lib/mifeng/T1 --id /etc/mifeng/platform --suite gm --origin host.example/t/T1 \
    --trust /etc/mifeng/root.cer

start() {
    "${podman[@]}" run -d --name "$name" "${limits[@]}" --network=host -v "$work/etc:/etc/mifeng:ro" "localhost/$name" >/dev/null
    for _ in {1..100}; do
        if curl -sf "http://127.0.0.1:$port/healthz" >"$work/health"; then return 0; fi
        [[ "$("${podman[@]}" inspect -f '{{.State.Status}}' "$name")" == running ]] || fail "it ended"
        sleep 0.1
    done
    fail "it does not answer"
}

start
curl -sf "http://127.0.0.1:$port/v1/tenders/T1" | grep -q '"host.example/t/T1"' || fail "no tender"
# The pages' parts that run in a browser are found without being named.
curl -sf "http://127.0.0.1:$port/audit/verify.html" | grep -q '<title>page' || fail "no verification page"
# What the host could not write to it could not be led to write to either.
process="$("${podman[@]}" inspect -f '{{.State.Pid}}' "$name")"
status="$(cat "/proc/$process/status")"
grep -qE '^Uid:\s+10001\s+10001\s+10001\s+10001$' <<<"$status" || fail "not the user of the image"
for set in CapPrm CapEff CapBnd CapAmb; do
    grep -qE "^$set:\s+0+$" <<<"$status" || fail "it has capabilities: $set"
done
grep -E '^[^ ]+ / ' "/proc/$process/mounts" | grep -qE ' ro,' || fail "its root can be written to"
"${podman[@]}" stop -t 20 "$name" >/dev/null
[[ "$("${podman[@]}" inspect -f '{{.State.ExitCode}}' "$name")" == 0 ]] || fail "it did not end well"
"${podman[@]}" rm "$name" >/dev/null
# The same state, another container.
start
curl -sf "http://127.0.0.1:$port/v1/tenders/T1" | grep -q '"host.example/t/T1"' || fail "no tender any more"
grep -q '"anchored":true' "$work/health" || fail "its anchor log is away: $(cat "$work/health")"
echo "container: $(cat "$work/health")"
echo "container: served read-only, without capabilities, as user 10001; stopped and started again"
