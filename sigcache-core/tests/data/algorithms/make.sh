#!/bin/sh
# Makes the files of this folder with OpenSSL 3; see README.md.
set -eu
printf 'signed by every algorithm\n' > document
openssl ecparam -name prime256v1 -genkey -noout -out p256.private
openssl ecparam -name secp384r1 -genkey -noout -out p384.private
openssl genpkey -algorithm ed25519 -out ed25519.private
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.private
for key in p256 p384 ed25519 rsa; do
    openssl pkey -in $key.private -pubout -out $key.pem
    openssl pkey -in $key.private -pubout -outform DER -out $key.der
    openssl req -new -x509 -key $key.private -subj "/CN=$key" -days 36500 -out $key.crt
    openssl x509 -in $key.crt -outform DER -out $key.crt.der
done
for key in p256 p384; do
    openssl ec -in $key.private -pubout -conv_form compressed -outform DER -out $key.compressed.der
done
openssl rsa -in rsa.private -RSAPublicKey_out -out rsa.pkcs1.pem
openssl rsa -in rsa.private -RSAPublicKey_out -outform DER -out rsa.pkcs1.der
for hash in 256 384 512; do
    for key in p256 p384 rsa; do
        openssl dgst -sha$hash -sign $key.private -out $key.sha$hash.sig document
    done
    openssl dgst -sha$hash -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
        -sign rsa.private -out rsa.pss.sha$hash.sig document
done
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max -sign rsa.private -out rsa.pss.max.sig document
openssl pkeyutl -sign -rawin -inkey ed25519.private -in document -out ed25519.sig
python3 - <<'PY'
import base64, json
b64 = lambda data: base64.urlsafe_b64encode(data).decode().rstrip('=')
def write(name, **jwk): open(name + '.jwk', 'w').write(json.dumps(jwk) + '\n')
for name, crv, width in (('p256', 'P-256', 32), ('p384', 'P-384', 48)):
    point = open(name + '.der', 'rb').read()[-2 * width:]
    write(name, kty='EC', crv=crv, x=b64(point[:width]), y=b64(point[width:]))
write('ed25519', kty='OKP', crv='Ed25519', x=b64(open('ed25519.der', 'rb').read()[-32:]))
der = open('rsa.pkcs1.der', 'rb').read()  # SEQUENCE { INTEGER of 257 bytes, INTEGER of 3 }
write('rsa', kty='RSA', n=b64(der[9:265]), e=b64(der[267:]))
PY
rm ./*.private
