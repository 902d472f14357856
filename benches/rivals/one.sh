#!/bin/sh
# One resource, as one writes it by hand: fetch both files, verify, and only then move them into place.
# usage: one.sh BASE KEY FOLDER NAME
set -eu
base=$1 key=$2 folder=$3 name=$4
curl -fsS -o "$folder/.$name" -o "$folder/.$name.sig" "$base/$name" "$base/$name.sig"
openssl dgst -sha256 -verify "$key" -signature "$folder/.$name.sig" "$folder/.$name" >/dev/null
mv "$folder/.$name.sig" "$folder/$name.sig"
mv "$folder/.$name" "$folder/$name"
