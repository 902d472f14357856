#!/bin/sh
# One stored file, verified again.
# usage: check.sh KEY FOLDER NAME
set -eu
key=$1 folder=$2 name=$3
openssl dgst -sha256 -verify "$key" -signature "$folder/$name.sig" "$folder/$name" >/dev/null
