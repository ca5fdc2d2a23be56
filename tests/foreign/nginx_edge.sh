#!/usr/bin/env bash
# Run by `rollcage exec --edge http://127.0.0.1:PORT`: starts nginx there in front of the controllers, then
# restarts each of them behind it, out of its list meanwhile (ansible/roles/controller/tasks/deploy.yml:377-515).
# The nginx it leaves running (the load still under way needs it) ends whoever reads DIR/nginx.pid.
#   nginx_edge.sh PORT DIR
set -euo pipefail
port=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)
conf=$dir/nginx.conf
mkdir -p "$dir"

address() { # INDEX: host:port of a controller
    local url=ROLLCAGE_CONTROLLER$1_URL
    echo "${!url#http://}"
}

servers=
for i in $(seq 0 $((ROLLCAGE_CONTROLLER_COUNT - 1))); do
    servers+="        server $(address "$i") max_fails=1 fail_timeout=60s;\n"
done
user=
[ "$(id -u)" -ne 0 ] || user="user $(id -un);" # else its workers may not write below its prefix
sed -e "s|@PORT@|$port|" -e "s|@USER@|$user|" -e "s|@SERVERS@|$servers|" "$here/nginx.conf.in" >"$conf"
edge() { nginx -p "$dir" -c "$conf" -e "$dir/error.log" "$@"; }
edge
for _ in $(seq 50); do
    curl -sf -m 2 "http://127.0.0.1:$port/ping" >/dev/null && break
    sleep 0.1
done
sleep "${BEFORE_S:-5}" # the load begins meanwhile

count() { curl -sS -m 10 -u "$ROLLCAGE_CONTROLLER_USER:$ROLLCAGE_CONTROLLER_PASSWORD" "http://$1/activation/count"; }
drained() { # ADDRESS
    for _ in $(seq 120); do
        [ "$(count "$1")" != 0 ] || return 0
        sleep 0.5
    done
    echo "$1 does not come to 0" >&2
    return 1
}
answers() { # URL
    for _ in $(seq 60); do
        curl -sf -m 2 "$1" >/dev/null && return 0
        sleep 0.5
    done
    echo "$1 does not answer" >&2
    return 1
}

for i in $(seq 0 $((ROLLCAGE_CONTROLLER_COUNT - 1))); do
    at=$(address "$i")
    sed -i "s/ server $at/ #server $at/g" "$conf" && edge -s reload
    sleep 2 # old workers still pass on what they have
    drained "$at"
    sleep 2
    drained "$at"
    rollcage ctl "controller$i" restart
    answers "http://$at/ping"
    answers "http://$at/invokers/ready"
    sleep "${SESSION_S:-30}" # its completions are read when the former consumer's session has ended
    sed -i "s/ #server $at/ server $at/g" "$conf" && edge -s reload
    sleep 2
done
