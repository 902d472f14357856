#!/bin/sh
# A Ceph of one monitor, one OSD in memory and one gateway, on loopback, for as long as a command runs that finds it in its
# environment. Needs Debian's ceph-mon, ceph-osd and radosgw, openssl and curl.
#
#     xtask/servers/ceph.sh cargo test -p sigcache-core --all-features --test stores another
set -eu

work=$(mktemp -d)
pids=""
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    sleep 1
    # A gateway without its cluster does not end by itself.
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
mon=$(port)
gateway=$(port)
fsid=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)

mkdir "$work/mon" "$work/osd" "$work/rgw"
cat > "$work/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$mon]
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr2 = false
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
run dir = $work
log file = $work/\$name.log
admin socket = $work/\$name.asok
mon data = $work/mon
osd data = $work/osd
rgw data = $work/rgw
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway
rgw multipart min part size = 5242880
CONF
export CEPH_CONF="$work/ceph.conf"
exec 3>"$work/said.log"

monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$mon]" "$work/monmap" >&3 2>&3
ceph-mon --mkfs -i a --monmap "$work/monmap" >&3 2>&3
ceph-mon -f -i a >&3 2>&3 &
pids="$! $pids"
ceph osd new "$osd" >&3 2>&3
ceph-osd --mkfs -i 0 --osd-uuid "$osd" >&3 2>&3
ceph-osd -f -i 0 >&3 2>&3 &
pids="$! $pids"
ceph osd crush add osd.0 1.0 root=default host=localhost >&3 2>&3
# It waits for as long as there is no OSD, and one that has ended does not come back.
if ! timeout 120 radosgw-admin user create --uid=test --display-name=test --access-key=test --secret-key=testtest >&3 2>&3
then
    echo "Ceph does not take a user:" >&2
    tail -n 20 "$work/said.log" "$work/osd.0.log" >&2
    exit 1
fi
radosgw -n client.rgw -f >&3 2>&3 &
pids="$! $pids"

export SIGCACHE_S3="http://127.0.0.1:$gateway" SIGCACHE_S3_NAME=ceph AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=testtest AWS_REGION=us-east-1
# Signed as of old (version 2), which openssl can do by itself.
make_bucket() {
    date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
    signature=$(printf 'PUT\n\n\n%s\n/bucket' "$date" | openssl dgst -sha1 -hmac testtest -binary | base64)
    curl -s -S -f --max-time 10 -o "$work/answer" -X PUT -H "Date: $date" -H "Authorization: AWS test:$signature" \
        "$SIGCACHE_S3/bucket" 2>&3
}
tries=0
until make_bucket; do
    tries=$((tries + 1))
    if [ "$tries" -gt 60 ]; then
        echo "the gateway does not take a bucket:" >&2
        tail -n 20 "$work/said.log" "$work/client.rgw.log" >&2
        exit 1
    fi
    sleep 0.5
done
# Beside this shell, so that a signal ends it too: a shell that waits for a command in front hears of none before its end.
"$@" 3>&- &
command=$!
pids="$command $pids"
wait "$command"
