#!/bin/sh
# LocalStack's S3, for as long as a command runs that finds it in its environment. It listens on every address, whatever it
# is told, so it and the command run in a network of their own that has nothing but loopback; cargo finds no registry there.
# Needs Python 3.13 (on the path or by pyenv), unshare and ip, curl, and root or user namespaces. Installs itself into
# the target folder once for each version of its list of packages.
#
#     xtask/servers/localstack.sh cargo test -p sigcache-core --all-features --test stores another
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
tools=${CARGO_TARGET_DIR:-$here/target}/tools
list=$here/xtask/servers/localstack.txt
venv=$tools/localstack
stamp=$tools/localstack.version

python() {
    for python in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13; do
        if "$python" -c 'import venv' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "LocalStack 4.14 needs Python 3.13: pyenv install 3.13" >&2
    return 1
}

# Before the network is left.
if [ "${1:-}" != --inside ]; then
    if ! cmp -s "$list" "$stamp"; then
        found=$(python)
        rm -rf "$venv"
        mkdir -p "$tools"
        "$found" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$list"
        cp "$list" "$stamp"
    fi
    if [ "$(id -u)" = 0 ]; then own=""; else own="--map-root-user"; fi
    # shellcheck disable=SC2086
    exec unshare $own --net -- "$0" --inside "$@"
fi
shift
ip link set lo up

work=$(mktemp -d)
pids=""
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    sleep 1
    # It has threads that may outlive its main one.
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

export SIGCACHE_S3=http://127.0.0.1:4566 SIGCACHE_S3_NAME=localstack
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=testtest AWS_REGION=us-east-1 CARGO_NET_OFFLINE=true
(
    cd "$work"
    export GATEWAY_LISTEN=127.0.0.1:4566 SERVICES=s3 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 \
        FILESYSTEM_ROOT="$work/root" TMPDIR="$work"
    exec "$venv/bin/python" -m localstack.runtime.main
) >"$work/said.log" 2>&1 &
pids="$! $pids"

tries=0
until curl -s -S -f --max-time 10 -o "$work/answer" -X PUT -H "Authorization: AWS test:none" "$SIGCACHE_S3/bucket" \
    2>"$work/error"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        echo "LocalStack does not take a bucket:" >&2
        tail -n 20 "$work/error" "$work/answer" "$work/said.log" >&2
        exit 1
    fi
    sleep 0.5
done
# Beside this shell, so that a signal ends it too: a shell that waits for a command in front hears of none before its end.
"$@" &
command=$!
pids="$command $pids"
wait "$command"
