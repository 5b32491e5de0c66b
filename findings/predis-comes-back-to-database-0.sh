#!/usr/bin/env bash
# Software: Predis 1.1.10 (Debian 12's php-predis) and php-redis 5.3.7 for comparison, with PHP 8.2 and redis-server 7.0.15.
#
# A Predis client that chose database 3 with select() and lost its connection raises one ConnectionException. The next call
# connects again, and works in database 0: a value that was meant for database 3 is stored, and flushdb() empties another one.
#
# Why it surprises: the reconnection is Predis's own doing, and the client did say which database it works with. php-redis comes
# back to the chosen database; with Predis only a "database" among the connection's parameters survives.
#
# Seen (select 3, the server closes the connection, set "key" until it succeeds):
#   Predis:     first call: ConnectionException   second call: OK   database 0: 1 key, database 3: 0 keys
#   php-redis:  first call: OK                                      database 0: 0 keys, database 3: 1 key
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
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
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
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
debian php8.2-cli 'php-redis=5.3.7*' 'php-predis=1.1.10*'
port=$(free_port)
server one "$port"
modules=$(find "$tmp/root/" /usr/lib/ -path "*/php/*/redis.so" 2>/dev/null | head -1 || true)
predis=$(find "$tmp/root/" /usr/share/ -path "*/Predis/autoload.php" 2>/dev/null | head -1 || true)
cat >"$tmp/select.php" <<'END'
<?php
[, $port, $autoload, $which] = $argv;
require $autoload;
$plain = new Redis();
$plain->connect("127.0.0.1", (int) $port);
$plain->flushall();
if ($which == "predis") {
    $client = new Predis\Client(["host" => "127.0.0.1", "port" => (int) $port]);
} else {
    $client = new Redis();
    $client->connect("127.0.0.1", (int) $port);
}
$client->select(3);
$plain->rawCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
for ($call = 1; $call <= 2; $call++) {
    try {
        $client->set("key", "value");
        echo "call $call: OK, ";
        break;
    } catch (Exception $error) {
        echo "call $call: ", (new ReflectionClass($error))->getShortName(), ", ";
    }
}
foreach ([0, 3] as $database) {
    $plain->select($database);
    echo "database $database: ", $plain->dbSize(), " ";
}
END
run() {
    php8.2 -n -d extension_dir="$(dirname "$modules")" -d extension=igbinary -d extension=redis "$tmp/select.php" "$port" "$predis" "$1"
}
seen=$(run predis) other=$(run php-redis)
echo "Predis:     $seen"
echo "php-redis:  $other"
[ "$seen" = "call 1: ConnectionException, call 2: OK, database 0: 1 database 3: 0 " ] || changed "Predis comes back to its database"
[ "$other" = "call 1: OK, database 0: 0 database 3: 1 " ] || changed "php-redis reconnects otherwise"
