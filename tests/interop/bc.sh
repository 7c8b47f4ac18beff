# Bouncy Castle: SM2 certificates, revocation lists, CMS with RFC 5652 identifiers, RFC 3161 with
# SM2; the same of P-256. It knows no GB/T 35275 content types.
jars=
for jar in bcprov bcpkix bcutil; do
    [ -e "/usr/share/java/$jar.jar" ] || want "/usr/share/java/$jar.jar" libbcpkix-java || true
    [ -e "/usr/share/java/$jar.jar" ] && jars=$jars:/usr/share/java/$jar.jar
done
if [ "${jars#*bcprov}" = "$jars" ] || [ "${jars#*bcpkix}" = "$jars" ]; then
    skip "Bouncy Castle is not there (libbcprov-java, libbcpkix-java)"
    return 0
fi
if ! want javac default-jdk-headless; then
    skip "javac is not there"
    return 0
fi
classes=$work/classes
if ! javac -nowarn -cp "$jars" -d "$classes" "$here"/java/*.java >"$work/out" 2>&1; then
    bad "compiling tests/interop/java"
    return 0
fi
bc() { java -cp "$jars:$classes" "$@"; }

bc_suite() { # SUITE NAME
    local suite=$1 name=$2 o=$work/ours-$1 t=$work/bc-$1
    [ -e "$o/data.p7s" ] || make_ours "$suite" "$o" || return
    local chain="$o/ca/root.cer $o/ca/issuing.cer"
    holds "verifies our $name chain" bc Check chain $chain "$o/agency/sign.cer"
    m cert show "$o/agency/sign.cer" >/dev/null
    sed 1d "$o/agency/sign.cer" | sed '$d' | base64 -d >"$o/leaf.der"; tamper "$o/leaf.der" "$o/bad.der" 90
    refuses "refuses our $name certificate with one bit changed" bc Check chain $chain "$o/bad.der"
    holds "our $name revocation list: not on it" bc Check crl "$o/ca/issuing.cer" "$o/ca/ca.crl" "$o/agency/sign.cer" good
    holds "our $name revocation list: on it" bc Check crl "$o/ca/issuing.cer" "$o/ca/ca.crl" "$o/revoked/sign.cer" revoked
    tamper "$o/ca/ca.crl" "$o/bad.crl" 60
    refuses "refuses our $name revocation list with one bit changed" bc Check crl "$o/ca/issuing.cer" "$o/bad.crl" "$o/agency/sign.cer" good
    holds "verifies our detached $name CMS" bc Check cms "$o/data.p7s" "$o/data"
    holds "verifies our attached $name CMS" bc Check cms "$o/data.p7m"
    tamper "$o/data" "$o/data.bad"
    refuses "refuses our $name CMS over changed content" bc Check cms "$o/data.p7s" "$o/data.bad"
    need bc Make query "$suite" "$o/data" "$o/bc.tsq" || return
    need m tsa stamp --id "$o/tsa" --request "$o/bc.tsq" --out "$o/bc.tsr" || return
    holds "verifies our $name time stamp" bc Check stamp "$o/bc.tsq" "$o/bc.tsr"
    need bc Make query "$suite" "$o/data.bad" "$o/bad.tsq" || return
    refuses "refuses our $name time stamp over changed data" bc Check stamp "$o/bad.tsq" "$o/bc.tsr"

    mkdir -p "$t"; cp "$o/data" "$t/data"; tamper "$t/data" "$t/data.bad"
    need bc Make world "$suite" "$t" || return
    holds "we take its $name certificate" m cert check "$t/person.cer" --trust "$t/root.cer" --crl "$t/ca.crl" --require-revocation
    says "we see its $name revocation" "pki.revoked" m cert check "$t/revoked.cer" --trust "$t/root.cer" --crl "$t/ca.crl"
    tamper "$t/person.cer" "$t/bad.cer" 90
    refuses "we refuse its $name certificate with one bit changed" m cert check "$t/bad.cer" --trust "$t/root.cer"
    tamper "$t/ca.crl" "$t/bad.crl" 90
    refuses "we refuse its $name revocation list with one bit changed" m cert check "$t/person.cer" --trust "$t/root.cer" --crl "$t/bad.crl" --require-revocation
    holds "we verify its detached $name CMS" m check "$t/data" --trust "$t/root.cer"
    holds "we verify its attached $name CMS" m check "$t/data.p7m" --trust "$t/root.cer"
    refuses "we refuse its $name CMS over changed content" m check "$t/data.bad" --sig "$t/data.p7s" --trust "$t/root.cer"
    holds "we verify its $name time stamp" m tsa check "$t/data.tsr" --data "$t/data" --trust "$t/root.cer"
    refuses "we refuse its $name time stamp over changed data" m tsa check "$t/data.tsr" --data "$t/data.bad" --trust "$t/root.cer"
}

bc_suite gm SM2
bc_suite intl P-256
skip "GB/T 35275 forms: Bouncy Castle knows none of their content types"
