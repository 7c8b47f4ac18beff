#!/usr/bin/env bash
# The OpenAPI document against a host with a tender that takes bids: no 500, no answer that it does not name, every
# answer of the kind and form that it says. The feed never ends by itself and is left out; the server's own tests read it.
# Then the addresses that need a sign-in, by a bidder who is signed in: allowed with its token, refused without and with another.
# Usage: tests/api/schemathesis.sh SCHEMATHESIS MIFENG
set -euo pipefail
tool="$(realpath -s "$1")"
mifeng="$(realpath "$2")"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'kill "$host" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# The demo's bidders hand in at once; its deadline is far behind the end of this.
"$mifeng" --lang en serve --demo --by-hand --seconds 1800 --pace 0 --suite intl --listen 127.0.0.1:0 --keep "$work/demo" >"$work/demo.log" 2>&1 &
host=$!
url=""
for _ in {1..300}; do
    url="$(grep -o 'http://127.0.0.1:[0-9]*' "$work/demo.log" | head -1 || true)"
    [[ -n "$url" ]] && break
    kill -0 "$host" 2>/dev/null || break
    sleep 0.1
done
if [[ -z "$url" ]]; then
    cat "$work/demo.log" >&2
    exit 1
fi

cd "$work"
"$tool" --config-file "$here/schemathesis.toml" run "$url/v1/openapi.json" \
    --exclude-path '/v1/tenders/{tender}/events' \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method \
    --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-40}" --seed 1 --workers 2 \
    --rate-limit auto --request-timeout 20 --no-shrink --warnings off --continue-on-failure

# A bidder whose bid is in the log: the demo waits for this one, and goes on with the others'. Nobody signs out meanwhile: the
# token would be worth nothing.
tender="$url/v1/tenders/DEMO-2026-001"
bidder="$work/demo/bidder1"
for _ in {1..300}; do
    [[ -s "$bidder/lot1.rec" && -s "$bidder/lot1.bid" ]] && break
    sleep 0.1
done
"$mifeng" send --host "$url/t/DEMO-2026-001" "$bidder/lot1.rec" --bid "$bidder/lot1.bid"
"$mifeng" --pin-file "$work/demo/pin" sign-in --host "$url/t/DEMO-2026-001" --id "$bidder" --out "$work/token"
token="$(cat "$work/token")"
python3 - "$tender/own" "$token" <<'END'
import json, sys, time, urllib.error, urllib.request
for turn in range(300):
    asked = urllib.request.Request(sys.argv[1], headers={"Authorization": "Bearer " + sys.argv[2]})
    try:
        if len(json.load(urllib.request.urlopen(asked))) > 0:
            sys.exit(0)
    except urllib.error.HTTPError as no:
        code = json.load(no)["code"]
        if code != "access.no-bid":
            sys.exit(f"signed in: {code}")
    time.sleep(0.1)
sys.exit("the bid is not in the log")
END
"$tool" --config-file "$here/schemathesis.toml" run "$url/v1/openapi.json" \
    --include-path-regex '/(own|opened|sheets|journal|whole|sign-in)$' --exclude-method POST --exclude-method DELETE \
    --header "Authorization: Bearer $token" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,ignored_auth \
    --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-40}" --seed 1 --workers 2 \
    --rate-limit auto --request-timeout 20 --no-shrink --warnings off --continue-on-failure

# It is still there, and its log as well.
code="$("$tool" --version >/dev/null && python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)' "$url/healthz")"
[[ "$code" == 200 ]]
