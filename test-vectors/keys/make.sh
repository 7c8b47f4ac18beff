#!/usr/bin/env bash
# Makes the files of this folder with OpenSSL 3. The keys are test keys and protect nothing.
# Run in an empty folder; new runs give other keys.
set -euo pipefail
pass=pass:密封-mifeng
mkcert() { # name, key options…
    local name=$1
    shift
    openssl genpkey "$@" -out "$name.key.pem"
    openssl req -x509 -new -key "$name.key.pem" -subj "/CN=Test $name" -days 36500 -out "$name.cer.pem" "${req[@]}"
    openssl pkey -in "$name.key.pem" -pubout -out "$name.pub.pem"
}
req=(-sha256)
mkcert p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
mkcert rsa -algorithm RSA -pkeyopt rsa_keygen_bits:3072
req=(-sm3 -sigopt distid:1234567812345678)
mkcert sm2 -algorithm EC -pkeyopt ec_paramgen_curve:SM2

# PKCS#8 under a passphrase
pkcs8() { openssl pkcs8 -topk8 -in "$1.key.pem" -out "$2.p8.pem" -passout "$pass" "${@:3}"; }
pkcs8 p256 p256-aes256-sha256 -v2 aes-256-cbc -v2prf hmacWithSHA256
pkcs8 p256 p256-aes128-sha512 -v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000
pkcs8 p256 p256-des3-sha1 -v2 des3 -v2prf hmacWithSHA1
pkcs8 rsa rsa-aes256-sha256 -v2 aes-256-cbc -v2prf hmacWithSHA256
pkcs8 sm2 sm2-sm4-sha256 -v2 sm4-cbc -v2prf hmacWithSHA256
openssl ec -in p256.key.pem -out p256.sec1.pem 2>/dev/null
openssl ec -in sm2.key.pem -out sm2.sec1.pem 2>/dev/null
openssl rsa -in rsa.key.pem -traditional -out rsa.pkcs1.pem 2>/dev/null

# PKCS#12
p12() { openssl pkcs12 -export -inkey "$1.key.pem" -in "$1.cer.pem" -out "$2.p12" -passout "$pass" "${@:3}"; }
p12 p256 p256-modern -name 签名
p12 rsa rsa-modern -name rsa
p12 sm2 sm2-modern -name sm2
p12 sm2 sm2-sm4 -name sm2 -keypbe SM4-CBC -certpbe SM4-CBC
p12 p256 p256-3des -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
p12 p256 p256-rc2-40 -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -macalg sha1
p12 p256 p256-rc2-128 -legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-128 -macalg sha512
p12 p256 p256-open -keypbe NONE -certpbe NONE
p12 p256 p256-no-mac -nomac
openssl pkcs12 -export -inkey p256.key.pem -in p256.cer.pem -out p256-empty.p12 -passout pass:
