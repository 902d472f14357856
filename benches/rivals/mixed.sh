#!/bin/sh
# One resource, verified by the tool of its format: fetch it with what lies beside it, verify, and only then move it into
# place. The first part of its name is the format.
# usage: mixed.sh BASE KEYS FOLDER NAME
set -eu
base=$1 keys=$2 folder=$3 name=$4
format=${name%/*} document=$folder/.$format.${name#*/}
signature=
beside() {
  signature=$1
  curl -fsS -o "$document" -o "$document$signature" "$base/$name" "$base/$name$signature"
}
case $format in
p256)
  beside .sig
  openssl dgst -sha256 -verify "$keys/p256.pub.pem" -signature "$document.sig" "$document" >/dev/null ;;
ed25519)
  beside .sig
  openssl pkeyutl -verify -pubin -inkey "$keys/ed25519.pub.pem" -rawin -in "$document" -sigfile "$document.sig" >/dev/null ;;
minisign)
  beside .minisig
  minisign -Vqm "$document" -p "$keys/minisign.pub" -x "$document.minisig" ;;
signify)
  beside .sig
  signify-openbsd -Vqm "$document" -p "$keys/signify.pub" -x "$document.sig" ;;
ssh)
  beside .sig
  ssh-keygen -Y verify -f "$keys/allowed_signers" -I bench -n file -s "$document.sig" <"$document" >/dev/null ;;
jws)
  curl -fsS -o "$document" "$base/$name"
  token=$(cat "$document")
  printf %s "${token%.*}" >"$document.signed"
  printf %s "${token##*.}==" | tr _- /+ | base64 -d >"$document.raw"
  openssl pkeyutl -verify -pubin -inkey "$keys/ed25519.pub.pem" -rawin -in "$document.signed" -sigfile "$document.raw" >/dev/null
  rm "$document.signed" "$document.raw" ;;
saml)
  curl -fsS -o "$document" "$base/$name"
  xmlsec1 --verify --enabled-key-data x509,rsa --pubkey-cert-pem "$keys/saml.pem" \
    --id-attr:ID urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor "$document" >/dev/null 2>&1 ;;
checksums)
  list=$document.list
  curl -fsS -o "$document" -o "$list" -o "$list.minisig" \
    "$base/$name" "$base/$format/SHA256SUMS" "$base/$format/SHA256SUMS.minisig"
  minisign -Vqm "$list" -p "$keys/minisign.pub" -x "$list.minisig"
  digest=$(sha256sum <"$document")
  grep -qxF "${digest%-}${name#*/}" "$list"
  rm "$list" "$list.minisig" ;;
*)
  echo "unknown format: $format" >&2
  exit 1 ;;
esac
mkdir -p "$folder/$format"
if [ -n "$signature" ]; then mv "$document$signature" "$folder/$name$signature"; fi
mv "$document" "$folder/$name"
