# A PKCS#11 token: SoftHSM2 (RSA, P-256).
module=
for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
    [ -e "$path" ] && module=$path
done
if [ -z "$module" ] && want softhsm2-util softhsm2; then
    module=/usr/lib/softhsm/libsofthsm2.so
fi
if [ -z "$module" ] || [ ! -e "$module" ]; then
    skip "SoftHSM2 is not there"
    return 0
fi
if ! m token --help >/dev/null 2>&1; then
    skip "this mifeng has no token command"
    return 0
fi
mkdir -p "$work/tokens"
echo "directories.tokendir = $work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF=$work/softhsm2.conf
need softhsm2-util --init-token --free --label interop --so-pin 12345678 --pin interop || return 0
refuses "an empty token is refused" m token test --module "$module"
need m ca init --ca "$work/token-ca" --suite intl --name "Token CA" || return 0
need m token enrol --module "$module" --ca "$work/token-ca" --name "Token Bidder" \
    --uscc 91350100M000100Y43 --token-pin-file "$work/pin" --out "$work/token-id" || return 0
holds "a token signs and unwraps a bid leaf" m token test --module "$module"
echo "wrong" >"$work/wrong-pin"
refuses "a wrong PIN is refused" "$mifeng" --lang en --pin-file "$work/wrong-pin" token test --module "$module"
says "a module that is none is refused" token.library m token test --module "$work/pin"
