# Seals and seal signatures: openssl verifies the bare SM2 values of ours with the default identity,
# part by part, and refuses them over anything else.
if ! want openssl openssl; then
    skip "openssl is not there"
    return 0
fi
vectors=$root/test-vectors/stamp
st=$work/stamp
mkdir -p "$st"

# One part of a DER SEQUENCE: part FILE NUMBER(1…) OUT; as it stands, or with -v its value.
part() {
    local line offset header length
    line=$(openssl asn1parse -inform DER -in "$1" | awk -F: '$2 ~ /d=1 /' | sed -n "$2p")
    offset=$(echo "$line" | cut -d: -f1 | tr -d ' ')
    header=$(echo "$line" | sed 's/.*hl= *\([0-9]*\).*/\1/')
    length=$(echo "$line" | sed 's/.* l= *\([0-9]*\).*/\1/')
    if [ "${4:-}" = -v ]; then
        tail -c +$((offset + header + 1)) "$1" | head -c "$length" >"$3"
    else
        tail -c +$((offset + 1)) "$1" | head -c $((header + length)) >"$3"
    fi
}
# The signed part, the certificate and the signature value of a seal or seal signature.
parts() {
    part "$1" 1 "$st/tbs" && part "$1" 2 "$st/cer" -v && part "$1" 4 "$st/bits" -v &&
        tail -c +2 "$st/bits" >"$st/sig" &&
        openssl x509 -inform DER -in "$st/cer" -noout -pubkey >"$st/pub" 2>/dev/null
}
sm2() {
    openssl pkeyutl -verify -pubin -inkey "$st/pub" -rawin -digest sm3 \
        -pkeyopt distid:1234567812345678 -in "$1" -sigfile "$st/sig"
}

for name in v4.esl v5.esl v4-digests.esl v4.dat v5.dat v4-stamped.dat; do
    need parts "$vectors/$name" || continue
    holds "openssl verifies the SM2 value of $name" sm2 "$st/tbs"
    tamper "$st/tbs" "$st/bent"
    refuses "openssl refuses $name with a bit changed" sm2 "$st/bent"
done

# Bouncy Castle reads every field by its type, writes the same DER, and verifies the SM2 values.
bc_jars=
for jar in bcprov bcpkix bcutil; do
    [ -e "/usr/share/java/$jar.jar" ] || want "/usr/share/java/$jar.jar" libbcpkix-java || true
    [ -e "/usr/share/java/$jar.jar" ] && bc_jars=$bc_jars:/usr/share/java/$jar.jar
done
if [ "${bc_jars#*bcprov}" = "$bc_jars" ] || [ "${bc_jars#*bcpkix}" = "$bc_jars" ] || ! want javac default-jdk-headless; then
    skip "Bouncy Castle or javac is not there (libbcpkix-java, default-jdk-headless)"
elif ! javac -nowarn -cp "$bc_jars" -d "$st/classes" "$here/java/Seal.java" >"$work/out" 2>&1; then
    bad "compiling tests/interop/java/Seal.java"
else
    bc_seal() { java -cp "$bc_jars:$st/classes" Seal "$@"; }
    for name in v4 v5 v4-digests v4-extension v5-stamped; do
        [ -e "$vectors/$name.esl" ] || continue
        holds "Bouncy Castle verifies the seal $name.esl" bc_seal seal "$vectors/$name.esl"
        tamper "$vectors/$name.esl" "$st/bent" 30
        refuses "Bouncy Castle refuses $name.esl with a bit changed" bc_seal seal "$st/bent"
    done
    for name in v4 v5 v4-stamped; do
        holds "Bouncy Castle verifies the seal signature $name.dat" bc_seal signature "$vectors/$name.dat" "$vectors/data.bin"
        refuses "Bouncy Castle refuses $name.dat over other data" bc_seal signature "$vectors/$name.dat" "$vectors/manifest.json"
    done
fi

# Signatures in PDF.
if want pdfsig poppler-utils; then
    # Ours, where nothing but lists about revocation may be missing.
    m_reads() {
        local file=$1; shift
        m --json stamp verify "$file" "$@" >"$work/json" 2>"$work/err" && return 0
        ! grep -q '"outcome": *"fail"' "$work/json" && grep -q '"verdict": *"undetermined"' "$work/json"
    }
    . "$here/pdf.sh"
else
    skip "pdfsig is not there"
fi

# Papers of a tender: pdftotext reads the Chinese of the PDF, and easyofd that of the OFD.
papers=$st/papers
if ! m doc render "$root/test-vectors/dossier/gm-1.tar" --out "$papers" >"$work/out" 2>&1; then
    if grep -q 'doc.no-font' "$work/out"; then skip "no font for Chinese (Debian: fonts-noto-cjk)"; else bad "papers of a dossier"; fi
    return 0
fi
m doc render "$root/test-vectors/dossier/gm-1.tar" --out "$papers-again" >"$work/out" 2>&1
holds "papers are the same bytes when made again" diff -r "$papers" "$papers-again"
if want pdftotext poppler-utils; then
    says "pdftotext reads the title" 开标记录表 pdftotext "$papers/开标记录表.pdf" -
    says "pdftotext reads the place of the date" 代理机构 pdftotext "$papers/开标记录表.pdf" -
    says "pdffonts finds every font embedded" "yes yes yes" pdffonts "$papers/开标记录表.pdf"
else
    skip "pdftotext is not there"
fi
# easyofd (PyPI) in PYTHON's packages: EASYOFD names a python that has it.
if "${EASYOFD:-python3}" -c 'import easyofd' >/dev/null 2>&1; then
    says "easyofd reads the OFD" 开标记录表 "${EASYOFD:-python3}" "$here/ofd_text.py" "$papers/开标记录表.ofd"
else
    skip "easyofd is not there (EASYOFD names a python that has it)"
fi
