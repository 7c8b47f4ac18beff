# Signed PDF: poppler's pdfsig and pyHanko (PyPI, in a virtual environment made here) validate ours
# with RSA and ECDSA keys; openssl verifies the message by itself; ours verifies pyHanko's. Neither
# of them knows SM2: that they find our SM2 signatures at all is what they can say.
#
# PYHANKO names a python that has pyhanko.
p=$work/pdf
mkdir -p "$p"
python=${PYHANKO:-}
if [ -z "$python" ] && python3 -m venv "$p/venv" >/dev/null 2>&1 &&
    "$p/venv/bin/pip" install -q pyhanko >/dev/null 2>&1; then
    python=$p/venv/bin/python
fi
if [ -z "$python" ] || ! "$python" -c 'import pyhanko.sign' 2>/dev/null; then
    skip "python with pyhanko is not there"
    return 0
fi
py() { "$python" "$here/pdf.py" "$@" 2>/dev/null; }

# A root of openssl and a signer under it, as one of our identity folders.
rsa_identity() {
    mkdir -p "$p/rsa" && echo interop >"$p/pass"
    openssl req -x509 -newkey rsa:3072 -nodes -keyout "$p/root.key" -out "$p/rsa-root.pem" -days 30 \
        -subj "/CN=Interop RSA Root" -addext "keyUsage=critical,keyCertSign,cRLSign" &&
        openssl req -newkey rsa:3072 -nodes -keyout "$p/rsa.key" -out "$p/rsa.csr" -subj "/CN=RSA Signer" &&
        printf 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >"$p/ext" &&
        openssl x509 -req -in "$p/rsa.csr" -CA "$p/rsa-root.pem" -CAkey "$p/root.key" -set_serial 77 -days 30 \
            -extfile "$p/ext" -out "$p/rsa/sign.cer" &&
        openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in "$p/rsa.key" -out "$p/rsa/sign.key" -passout "file:$p/pass" &&
        cp "$p/rsa-root.pem" "$p/rsa/chain.cer"
}

plain=$root/test-vectors/pdf/unsigned.pdf
need make_ours intl "$p/ours" || return 0
need rsa_identity || return 0
need m doc seal-picture --name 互通测试有限公司 --out "$p/seal.png" || return 0
: >"$p/crls"
cat "$p/ours/ca/root.cer" >"$p/ec-root.pem"

for kind in rsa ec; do
    case $kind in
    rsa) id=$p/rsa anchor=$p/rsa-root.pem trust="--trust $p/rsa-root.pem" ;;
    ec) id=$p/ours/agency anchor=$p/ec-root.pem
        trust="--trust $p/ours/ca/root.cer --chain $p/ours/ca/issuing.cer --crl $p/ours/ca/ca.crl --crl $p/ours/ca/root.crl" ;;
    esac
    need m stamp apply "$plain" --id "$id" --picture "$p/seal.png" --out "$p/$kind-b.pdf" || continue
    need m stamp apply "$plain" --id "$id" --picture "$p/seal.png" --certify 2 --tsa-id "$p/ours/tsa" --out "$p/$kind-t.pdf" || continue
    need m stamp extend "$p/$kind-t.pdf" --chain "$p/ours/ca/issuing.cer" --crl "$p/ours/ca/ca.crl" \
        --sha256 --tsa-id "$p/ours/tsa" --out "$p/$kind-lta.pdf" || continue
    need m stamp apply "$p/$kind-t.pdf" --id "$p/ours/bidder" --form cms --out "$p/$kind-two.pdf" || continue
    for form in b t lta two; do
        file=$p/$kind-$form.pdf
        says "pdfsig finds our $kind-$form signature valid" "Signature is Valid." pdfsig -nocert "$file"
        says "pyHanko: our $kind-$form signature holds" " holds intact trusted" py verify "$file" "$anchor" "$p/ec-root.pem"
        holds "pyHanko: and every one in the file" py verify "$file" "$anchor" "$p/ec-root.pem"
        holds "we read it as valid or without revocation lists" m_reads "$file" $trust --trust "$p/ec-root.pem"
    done
    says "pyHanko: our $kind-t signature is time-stamped" " stamped" py verify "$p/$kind-t.pdf" "$anchor" "$p/ec-root.pem"
    need py der "$p/$kind-b.pdf" "$p/cms.der" "$p/content" &&
        holds "openssl verifies our $kind message over the signed bytes" openssl cms -verify -inform DER -in "$p/cms.der" \
            -binary -content "$p/content" -CAfile "$anchor" -partial_chain -purpose any -out /dev/null
    # Neither believes what was changed afterwards.
    sed 's/(Price: 1/(Price: 9/' "$p/$kind-b.pdf" >"$p/bent.pdf"
    says "pdfsig sees one byte changed in $kind-b" "Digest Mismatch" pdfsig -nocert "$p/bent.pdf"
    refuses "we refuse it, too" m stamp verify "$p/bent.pdf" $trust
done

# pyHanko signs, we verify, and sign after it.
for form in pades cms certify; do
    need py sign "$plain" "$p/rsa.key" "$p/rsa/sign.cer" "$p/rsa-root.pem" "$p/theirs-$form.pdf" $form || continue
    holds "we verify pyHanko's $form signature" m_reads "$p/theirs-$form.pdf" --trust "$p/rsa-root.pem"
    tamper "$p/theirs-$form.pdf" "$p/bent.pdf" 10
    refuses "we refuse it with one byte changed" m stamp verify "$p/bent.pdf" --trust "$p/rsa-root.pem"
    # Neither of us shows a new seal on what is certified.
    seal="--picture $p/seal.png"
    [ $form = certify ] && seal=
    need m stamp apply "$p/theirs-$form.pdf" --id "$p/rsa" $seal --out "$p/both.pdf" || continue
    holds "pyHanko: both signatures hold after ours on $form" py verify "$p/both.pdf" "$p/rsa-root.pem"
    holds "we: both hold" m_reads "$p/both.pdf" --trust "$p/rsa-root.pem"
done

# What pyHanko calls an illegitimate change, and what we do.
vectors=$root/test-vectors/pdf
for name in isa-content shadow-font shadow-hide shadow-hide-replace isa-page-added wrap-stolen byte-changed seal-swapped certified-2-sealed; do
    refuses "pyHanko refuses $name" py verify "$vectors/$name.pdf" "$vectors/roots.pem"
    refuses "we refuse $name" m stamp verify "$vectors/$name.pdf" --trust "$vectors/roots.pem" --at 2026-07-01T00:00:00Z
done
