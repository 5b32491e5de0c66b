#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12), glibc 2.36.
#
# A replica whose master is given by name answers no client while the name server is silent: it asks for the name at each
# attempt to reconnect, on the thread that serves all clients, and glibc waits 5 s twice. PING takes ten seconds, then
# there is a second of service, then ten seconds without. The data are all there, and so is every other part of the server.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that replication does
# not block the replica, which serves its old data while it has no master (replica-serve-stale-data yes). Health checks
# with a time-out restart such a replica, although the fault is the cluster's DNS.
#
# Seen (the name server is a socket in a network namespace of its own that never answers):
#   slowest of 6 PINGs: 10056 ms
set -euo pipefail
tmp=$(mktemp -d)
pids=()
cleanup() {
    exec 2>/dev/null
    for pid in "${pids[@]}"; do kill -KILL "$pid" || true; done
    wait || true
    rm -rf "$tmp"
}
trap cleanup EXIT
changed() { echo "CHANGED: $*" >&2 && exit 1; }
wait_for() {
    for _ in $(seq 200); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done
    echo "waited in vain for: $*" >&2 && exit 3
}
# Takes what is missing from Debian into the temporary folder: nothing is installed, no service starts.
debian() {
    mkdir -p "$tmp/debs/partial"
    apt-get -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
        install "$@" >"$tmp/apt" 2>&1 || { cat "$tmp/apt" >&2 && echo "needs Debian 12 with: $*" >&2 && exit 2; }
    for deb in "$tmp"/debs/*.deb; do if [ -f "$deb" ]; then dpkg -x "$deb" "$tmp/root"; fi; done
    PATH=$tmp/root/usr/bin:$tmp/root/usr/sbin:$PATH
    LD_LIBRARY_PATH=$tmp/root/usr/lib/$(uname -m)-linux-gnu
    export PATH LD_LIBRARY_PATH
}
if [ "${1-}" != inside ]; then
    unshare --map-root-user --mount --net true 2>/dev/null || { echo "needs the right to make namespaces" >&2 && exit 2; }
    unshare --map-root-user --mount --net "$0" inside
    exit
fi
debian 'redis-server=5:7.0.15*'
python3 - >"$tmp/ready" <<'END' &
import fcntl, socket, struct, time

loopback = struct.pack("16sh", b"lo", 0x49)  # up, loopback, running
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, loopback)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
print("ready", flush=True)
time.sleep(600)
END
pids+=($!)
wait_for grep -q ready "$tmp/ready"
echo 'nameserver 127.0.0.1' >"$tmp/resolv.conf"
mount --bind "$tmp/resolv.conf" /etc/resolv.conf
redis-server --bind 127.0.0.1 --port 6379 --dir "$tmp" --save '' --replicaof redis-master 6379 >"$tmp/log" &
pids+=($!)
wait_for grep -q 'Ready to accept' "$tmp/log"
slowest=0
for _ in $(seq 6); do
    start=$(date +%s%N)
    redis-cli ping >"$tmp/out"
    took=$((($(date +%s%N) - start) / 1000000))
    if [ "$took" -gt "$slowest" ]; then slowest=$took; fi
    sleep 0.3
done
echo "slowest of 6 PINGs: $slowest ms"
[ "$slowest" -ge 4000 ] || changed "the replica answers while its name server is silent"
