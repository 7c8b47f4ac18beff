# openssl 3.0: everything for P-256 and RSA; for SM2 certificates link by link (its cms, ts and CRL
# checks know no SM2).
if ! want openssl openssl; then
    skip "openssl is not there"
    return 0
fi

config() {
    cat <<'CONF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Foreign
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[person]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
[responder]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
authorityKeyIdentifier = keyid
[tsr]
serial = tsr-serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[ca]
default_ca = the_ca
[the_ca]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
private_key = root.key
certificate = root.pem
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
CONF
}

ours_intl() {
    local o=$work/ours-intl
    make_ours intl "$o" || return
    local ca="-CAfile $o/ca/root.cer -untrusted $o/ca/issuing.cer"
    holds "verifies our P-256 chain" openssl verify $ca "$o/agency/sign.cer"
    openssl x509 -in "$o/agency/sign.cer" -outform DER -out "$o/leaf.der"
    tamper "$o/leaf.der" "$o/bad.der" 90
    refuses "refuses our P-256 certificate with one bit changed" openssl verify $ca "$o/bad.der"
    openssl crl -inform DER -in "$o/ca/ca.crl" -out "$o/ca.pem" 2>/dev/null
    holds "our P-256 revocation list: not on it" openssl verify $ca -crl_check -CRLfile "$o/ca.pem" "$o/agency/sign.cer"
    says "our P-256 revocation list: on it" "certificate revoked" openssl verify $ca -crl_check -CRLfile "$o/ca.pem" "$o/revoked/sign.cer"
    local cms="openssl cms -verify -binary -inform DER -CAfile $o/ca/root.cer -purpose any -out /dev/null"
    holds "verifies our detached CMS" $cms -in "$o/data.p7s" -content "$o/data"
    holds "verifies our attached CMS" $cms -in "$o/data.p7m"
    holds "verifies our CMS with a time stamp inside" $cms -in "$o/stamped.p7s" -content "$o/data"
    tamper "$o/data" "$o/data.bad"
    refuses "refuses our CMS over changed content" $cms -in "$o/data.p7s" -content "$o/data.bad"
    refuses "we refuse it too" m check "$o/data.bad" --sig "$o/data.p7s" --trust "$o/ca/root.cer"
    openssl ts -query -data "$o/data" -sha256 -cert -out "$o/q.tsq" 2>/dev/null
    need m tsa stamp --id "$o/tsa" --request "$o/q.tsq" --out "$o/r.tsr" || return
    local ts="openssl ts -verify -in $o/r.tsr -CAfile $o/ca/root.cer -untrusted $o/ca/issuing.cer"
    holds "verifies our time stamp" $ts -queryfile "$o/q.tsq"
    refuses "refuses our time stamp over changed data" $ts -data "$o/data.bad"
}

theirs() { # NAME ALGORITHM-OF-KEYS…
    local name=$1 t=$work/theirs-$1; shift
    mkdir -p "$t"; config >"$t/conf"; cp "$work/ours-intl/data" "$t/data"
    (
        cd "$t" || exit 1
        touch index.txt; echo 01 >crlnumber; echo 01 >tsr-serial
        set -e
        openssl req -x509 -config conf -extensions root -subj "/CN=Foreign root $name" -newkey "$@" -nodes -keyout root.key -out root.pem -days 300
        for who in person tsa revoked; do
            section=person; [ $who = tsa ] && section=tsa
            openssl req -new -config conf -subj "/CN=Foreign $who" -newkey "$@" -nodes -keyout $who.key -out $who.csr
            openssl x509 -req -in $who.csr -CA root.pem -CAkey root.key -set_serial 0x1$((RANDOM)) -days 200 -extfile conf -extensions $section -out $who.pem
        done
        openssl ca -config conf -revoke revoked.pem
        openssl ca -config conf -gencrl -out crl.pem
        openssl cms -sign -binary -in data -signer person.pem -inkey person.key -md sha256 -outform DER -out data.p7s
        openssl cms -sign -binary -nodetach -in data -signer person.pem -inkey person.key -md sha256 -outform DER -out data.p7m
        openssl ts -query -data data -sha256 -cert -out q.tsq
        openssl ts -reply -config conf -section tsr -queryfile q.tsq -signer tsa.pem -inkey tsa.key -out r.tsr
    ) >"$work/out" 2>&1 || { bad "preparing: openssl $name"; return; }
    holds "we take its $name certificate" m cert check "$t/person.pem" --trust "$t/root.pem" --crl "$t/crl.pem" --require-revocation
    says "we see its $name revocation" "pki.revoked" m cert check "$t/revoked.pem" --trust "$t/root.pem" --crl "$t/crl.pem"
    openssl x509 -in "$t/person.pem" -outform DER -out "$t/person.der"; tamper "$t/person.der" "$t/bad.der" 90
    refuses "we refuse its $name certificate with one bit changed" m cert check "$t/bad.der" --trust "$t/root.pem"
    refuses "we refuse its $name certificate under another root" m cert check "$t/person.pem" --trust "$work/ours-intl/ca/root.cer"
    holds "we verify its detached $name CMS" m check "$t/data" --trust "$t/root.pem"
    holds "we verify its attached $name CMS" m check "$t/data.p7m" --trust "$t/root.pem"
    tamper "$t/data" "$t/data.bad"
    refuses "we refuse its $name CMS over changed content" m check "$t/data.bad" --sig "$t/data.p7s" --trust "$t/root.pem"
    holds "we verify its $name time stamp" m tsa check "$t/r.tsr" --data "$t/data" --trust "$t/root.pem"
    refuses "we refuse its $name time stamp over changed data" m tsa check "$t/r.tsr" --data "$t/data.bad" --trust "$t/root.pem"
}

# A dossier renewed by openssl's time-stamp authority, with what openssl's responders say about it.
renewal() {
    local t=$work/theirs-renewal o=$work/ours-intl d=$work/dossier
    mkdir -p "$t"; config >"$t/conf"
    need m demo --suite intl --policy board --size 1 --keep "$d" || return
    holds "its reader verifies our OCSP response" sh -c "'$mifeng' --pin-file '$work/pin' ca ocsp --ca '$o/ca' --cert '$o/agency/sign.cer' --out '$t/ours.ocsp' &&
        openssl ocsp -respin '$t/ours.ocsp' -issuer '$o/ca/issuing.cer' -sha256 -cert '$o/agency/sign.cer' -CAfile '$o/ca/root.cer' -no_nonce | grep -q ': good'"
    answer() { # SIGNER OPTIONS… -respout FILE
        openssl ocsp -index index.txt -CA root.pem -rsigner "$1.pem" -rkey "$1.key" -rmd sha256 -issuer root.pem -noverify "${@:2}"
    }
    (
        cd "$t" || exit 1
        touch index.txt; echo 01 >crlnumber; echo 01 >tsr-serial
        set -e
        local key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        openssl req -x509 -config conf -extensions root -subj "/CN=Foreign root" $key -keyout root.key -out root.pem -days 300
        for who in person tsa responder; do
            openssl req -new -config conf -subj "/CN=Foreign $who" $key -keyout $who.key -out $who.csr
            openssl x509 -req -in $who.csr -CA root.pem -CAkey root.key -set_serial 0x1$((RANDOM)) -days 200 -extfile conf -extensions $who -out $who.pem
            openssl ca -config conf -valid $who.pem
        done
        answer responder -cert tsa.pem -ndays 7 -respout delegated.ocsp
        answer root -resp_no_certs -sha256 -cert tsa.pem -ndays 7 -respout direct.ocsp
        answer person -cert tsa.pem -ndays 7 -respout by-a-person.ocsp
        answer responder -cert tsa.pem -respout endless.ocsp
        answer responder -cert person.pem -ndays 7 -respout of-a-person.ocsp
        openssl ca -config conf -revoke tsa.pem
        answer responder -cert tsa.pem -ndays 7 -respout revoked.ocsp
    ) >"$work/out" 2>&1 || { bad "preparing: openssl ocsp"; return; }
    tamper "$t/direct.ocsp" "$t/changed.ocsp" 95
    renewed() { # RESPONSE…
        local with=(--root "$t/root.pem" --ocsp "${@/#/$t/}")
        (
            cd "$t" || exit 1
            m archive renew "$d/dossier.tar" --statement s.json --suite intl "${with[@]}" &&
                openssl ts -query -data s.json -sha256 -cert -out q.tsq &&
                openssl ts -reply -config conf -section tsr -queryfile q.tsq -signer tsa.pem -inkey tsa.key -out r.tsr
        ) || return 4
        m archive renew "$d/dossier.tar" --stamp "$t/r.tsr" "${with[@]}" --out "$t/renewed.tar"
    }
    holds "we renew with its stamp and its OCSP responses" renewed delegated.ocsp direct.ocsp
    holds "and verify that" m verify "$t/renewed.tar"
    if python3 -c "import cryptography" 2>/dev/null; then
        holds "and so does the second verifier" python3 "$root/verifier-py/verify.py" "$t/renewed.tar"
    else
        skip "the second verifier: python3 has no cryptography"
    fi
    for wrong in revoked by-a-person of-a-person endless changed; do
        says "we refuse a renewal with its response: $wrong" "$([ $wrong = of-a-person ] && echo file.unexpected || echo renewal.invalid)" renewed delegated.ocsp $wrong.ocsp
    done
}

sm2_links() {
    local o=$work/ours-gm t=$work/theirs-sm2
    make_ours gm "$o" || return
    local one="openssl verify -partial_chain -vfyopt distid:1234567812345678"
    holds "verifies our SM2 root" $one -trusted "$o/ca/root.cer" "$o/ca/root.cer"
    holds "verifies our SM2 CA under its root" $one -trusted "$o/ca/root.cer" "$o/ca/issuing.cer"
    holds "verifies our SM2 certificate under its CA" $one -trusted "$o/ca/issuing.cer" "$o/agency/sign.cer"
    openssl x509 -in "$o/agency/sign.cer" -outform DER -out "$o/leaf.der"
    tamper "$o/leaf.der" "$o/bad.der" 90
    refuses "refuses our SM2 certificate with one bit changed" $one -trusted "$o/ca/issuing.cer" "$o/bad.der"
    mkdir -p "$t"; config >"$t/conf"
    (
        cd "$t" || exit 1
        set -e
        local_id="distid:1234567812345678"
        openssl ecparam -name SM2 -genkey -noout -out root.key
        openssl req -x509 -config conf -extensions root -subj "/CN=Foreign SM2 root" -key root.key -sm3 -sigopt $local_id -out root.pem -days 300
        openssl ecparam -name SM2 -genkey -noout -out person.key
        openssl req -new -config conf -subj "/CN=Foreign SM2 person" -key person.key -sm3 -sigopt $local_id -out person.csr
        openssl x509 -req -in person.csr -vfyopt $local_id -sm3 -sigopt $local_id -CA root.pem -CAkey root.key -set_serial 0x1234 -days 200 -extfile conf -extensions person -out person.pem
    ) >"$work/out" 2>&1 || { bad "preparing: openssl SM2"; return; }
    holds "we take its SM2 certificate" m cert check "$t/person.pem" --trust "$t/root.pem"
    openssl x509 -in "$t/person.pem" -outform DER -out "$t/person.der"; tamper "$t/person.der" "$t/bad.der" 90
    refuses "we refuse its SM2 certificate with one bit changed" m cert check "$t/bad.der" --trust "$t/root.pem"
    skip "CMS, time stamps and CRL checks with SM2: openssl 3.0 knows none of them"
}

ours_intl
theirs P-256 ec -pkeyopt ec_paramgen_curve:P-256
theirs RSA-3072 rsa:3072
renewal
sm2_links
