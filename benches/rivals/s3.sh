#!/bin/sh
# One resource into a bucket: fetch both files, verify, and only then upload them. The environment has S3CMD, the program,
# and S3_HOST, the server.
# usage: s3.sh BASE KEY FOLDER NAME
set -eu
base=$1 key=$2 folder=$3 name=$4
curl -fsS -o "$folder/$name" -o "$folder/$name.sig" "$base/$name" "$base/$name.sig"
openssl dgst -sha256 -verify "$key" -signature "$folder/$name.sig" "$folder/$name" >/dev/null
"$S3CMD" -c /dev/null --quiet --no-ssl --host="$S3_HOST" --host-bucket="$S3_HOST" --access_key=test --secret_key=test \
  put "$folder/$name.sig" "$folder/$name" s3://bucket/latest/
rm "$folder/$name.sig" "$folder/$name"
