#!/bin/sh
# A server of S3 that ignores conditional creates (s3rver), on loopback, for as long as a command runs that finds it in its
# environment. Needs npm and curl. Installs itself into the target folder once. Garage, whose build takes a quarter of an
# hour, ignores them as well; where a `garage` is on the path it is taken instead.
#
#     xtask/servers/hostile.sh cargo test -p sigcache-core --all-features --test stores ignores
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
tools=${CARGO_TARGET_DIR:-$here/target}/tools
version=3.7.1
program=$tools/s3rver/node_modules/.bin/s3rver
stamp=$tools/s3rver.version

work=$(mktemp -d)
pids=""
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listen=$(port)
export SIGCACHE_S3="http://127.0.0.1:$listen" SIGCACHE_S3_HOSTILE=1 AWS_REGION=us-east-1

if command -v garage >/dev/null; then
    export AWS_ACCESS_KEY_ID=GK000000000000000000000001
    AWS_SECRET_ACCESS_KEY=$(printf '%064d' 1)
    export AWS_SECRET_ACCESS_KEY SIGCACHE_S3_NAME=garage
    cat > "$work/garage.toml" <<CONF
metadata_dir = "$work/meta"
data_dir = "$work/data"
db_engine = "sqlite"
replication_factor = 1
rpc_secret = "$(printf '%064d' 2)"
rpc_bind_addr = "127.0.0.1:$(port)"
[s3_api]
s3_region = "us-east-1"
api_bind_addr = "127.0.0.1:$listen"
CONF
    GARAGE_DEFAULT_ACCESS_KEY=$AWS_ACCESS_KEY_ID GARAGE_DEFAULT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
        GARAGE_DEFAULT_BUCKET=bucket garage -c "$work/garage.toml" server --single-node --default-bucket \
        >"$work/said.log" 2>&1 &
else
    if [ "$(cat "$stamp" 2>/dev/null)" != "$version" ]; then
        rm -rf "$tools/s3rver"
        npm install --silent --no-audit --no-fund --prefix "$tools/s3rver" "s3rver@$version"
        echo "$version" > "$stamp"
    fi
    export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER SIGCACHE_S3_NAME=s3rver
    mkdir "$work/data"
    "$program" --directory "$work/data" --address 127.0.0.1 --port "$listen" --configure-bucket bucket \
        >"$work/said.log" 2>&1 &
fi
pids="$! $pids"

tries=0
# Whatever it answers, it listens.
until curl -s -S --max-time 10 -o "$work/answer" "$SIGCACHE_S3/bucket" 2>"$work/error"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        echo "the server does not listen:" >&2
        tail -n 20 "$work/error" "$work/said.log" >&2
        exit 1
    fi
    sleep 0.5
done
# Beside this shell, so that a signal ends it too: a shell that waits for a command in front hears of none before its end.
"$@" &
command=$!
pids="$command $pids"
wait "$command"
