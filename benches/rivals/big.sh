#!/bin/bash
# One large object in one pass: the bytes go to the disk and to the verification side by side.
# usage: big.sh BASE KEY FOLDER NAME
set -euo pipefail
base=$1 key=$2 folder=$3 name=$4
curl -fsS -o "$folder/.$name.sig" "$base/$name.sig"
curl -fsS "$base/$name" | tee "$folder/.$name" | openssl dgst -sha256 -verify "$key" -signature "$folder/.$name.sig" >/dev/null
sync -f "$folder"
mv "$folder/.$name.sig" "$folder/$name.sig"
mv "$folder/.$name" "$folder/$name"
