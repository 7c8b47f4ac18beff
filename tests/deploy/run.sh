#!/usr/bin/env bash
# The unit file as systemd reads it, and the configuration beside it as the command reads it.
# Usage: tests/deploy/run.sh MIFENG
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mifeng="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# The example names a folder that is not there: the file itself was understood, every key of it.
sed "s|/var/lib/mifeng|$work/none|; s|/etc/mifeng|$work|" deploy/serve.toml >"$work/serve.toml"
said="$("$mifeng" --lang en --pin-file /dev/null serve --config "$work/serve.toml" 2>&1)" && exit 1
if [[ "$said" != *"configuration: $work/serve.toml"* || "$said" == *"[usage]"* || "$said" == *unexpected* ]]; then
    echo "error: deploy/serve.toml is not taken: $said" >&2
    exit 1
fi
echo "verbose-nonsense = true" >>"$work/serve.toml"
"$mifeng" serve --config "$work/serve.toml" >/dev/null 2>&1 && exit 1
[[ "$("$mifeng" serve --config "$work/serve.toml" 2>&1)" == *verbose-nonsense* ]] || exit 1

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: the unit file (no systemd-analyze)"
    exit 0
fi
# Its program is not installed here.
sed "s|/usr/bin/mifeng|$mifeng|" deploy/mifeng.service >"$work/mifeng.service"
said="$(systemd-analyze verify "$work/mifeng.service" 2>&1 | grep -F mifeng.service || true)"
if [[ -n "$said" ]]; then
    echo "error: $said" >&2
    exit 1
fi
echo "deploy: configuration and unit file ok"
