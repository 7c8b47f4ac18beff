# Sealed bids and their parts: Python (its standard library and PyPI `cryptography` >= 50, in a
# virtual environment made here) and the openssl program, both ways.
#
# MIFENG_TESTKIT names the test kit (built if it is not there); MIFENG_PYTHON a python that has
# cryptography >= 50.
kit=${MIFENG_TESTKIT:-$(dirname "$mifeng")/mifeng-testkit}
if [ ! -x "$kit" ]; then
    (cd "$root" && cargo build -q -p mifeng-testkit) || { bad "cannot build the test kit"; return 0; }
    kit=${CARGO_TARGET_DIR:-$root/target}/debug/mifeng-testkit
fi
python=${MIFENG_PYTHON:-}
if [ -z "$python" ] && python3 -m venv "$work/venv" >/dev/null 2>&1 &&
    "$work/venv/bin/pip" install -q 'cryptography>=50' >/dev/null 2>&1; then
    python=$work/venv/bin/python
fi
if [ -z "$python" ] || ! "$python" -c 'import cryptography.cobblestone' 2>/dev/null; then
    skip "python with cryptography >= 50 is not there"
    return 0
fi
s=$work/seal
mkdir -p "$s"
k() { "$kit" "$@"; }
py() { "$python" "$here/seal.py" "$@"; }
pipe() { local in=$1 out=$2; shift 2; "$@" <"$in" >"$out"; }

# Cobblestone-256 in both directions, at lengths around a chunk.
key=$(openssl rand -hex 32) context=$(openssl rand -hex 32)
for len in 0 1 16383 16384 16385 100000 1048576; do
    openssl rand -out "$s/plain" "$len" 2>/dev/null; [ "$len" = 0 ] && : >"$s/plain"
    need pipe "$s/plain" "$s/ours" k body seal "$key" "$context" || continue
    need pipe "$s/plain" "$s/theirs" py body seal "$key" "$context" || continue
    pipe "$s/ours" "$s/out1" py body open "$key" "$context" >"$work/out" 2>&1
    holds "python opens our body of $len bytes" cmp "$s/plain" "$s/out1"
    pipe "$s/theirs" "$s/out2" k body open "$key" "$context" >"$work/out" 2>&1
    holds "we open python's body of $len bytes" cmp "$s/plain" "$s/out2"
done
for at in 1 50 99; do
    tamper "$s/ours" "$s/bad" $at
    refuses "python refuses our body with one bit changed at $at %" pipe "$s/bad" /dev/null py body open "$key" "$context"
    tamper "$s/theirs" "$s/bad" $at
    refuses "we refuse python's body with one bit changed at $at %" pipe "$s/bad" /dev/null k body open "$key" "$context"
done

# SM2 encryption against openssl pkeyutl, both ways.
if openssl list -public-key-algorithms 2>/dev/null | grep -qi sm2; then
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out "$s/sm2.pem" 2>/dev/null
    for len in 1 16 32 200; do
        openssl rand -out "$s/plain" "$len"
        need pipe "$s/plain" "$s/ours" k sm2 encrypt "$s/sm2.pem" || continue
        holds "openssl decrypts our SM2 ciphertext of $len bytes" openssl pkeyutl -decrypt -inkey "$s/sm2.pem" -in "$s/ours" -out "$s/out1"
        holds "to the same bytes" cmp "$s/plain" "$s/out1"
        need openssl pkeyutl -encrypt -inkey "$s/sm2.pem" -in "$s/plain" -out "$s/theirs" || continue
        holds "we decrypt openssl's SM2 ciphertext of $len bytes" pipe "$s/theirs" "$s/out2" k sm2 decrypt "$s/sm2.pem"
        holds "to the same bytes" cmp "$s/plain" "$s/out2"
        tamper "$s/theirs" "$s/bad" 95
        refuses "we refuse openssl's SM2 ciphertext with one bit changed" pipe "$s/bad" /dev/null k sm2 decrypt "$s/sm2.pem"
    done
else
    skip "this openssl has no SM2"
fi

# Whole seals: the leaf by openssl, the body by python, the tar by python's tarfile.
for suite in gm intl; do
    need k seal $suite "$s/$suite" || continue
    holds "a seal of $suite opens without our code" py "$s/$suite" "$s/$suite/enc.pem"
done
openssl req -x509 -newkey rsa:3072 -nodes -subj "/CN=RSA bidder" -keyout "$s/rsa.pem" -out "$s/rsa.cer" -days 30 2>/dev/null
need k seal intl "$s/rsa" "$s/rsa.cer" && holds "a seal to an RSA certificate opens without our code" py "$s/rsa" "$s/rsa.pem"
