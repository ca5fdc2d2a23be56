#!/usr/bin/env bash
# curl against a served cluster: the client's routes through the edge, the admin routes of each tier,
# etcd's JSON interface. Wants cluster.env in the environment, a folder to work in as $1.
set -uo pipefail
work=$1
problems=0
api=$ROLLCAGE_EDGE_URL/api/v1/namespaces
auth=$ROLLCAGE_AUTH_guest

wrong() {
    echo "$*: $(head -c 300 "$work/body")"
    problems=$((problems + 1))
}

# ask CODE NAME ARGUMENT...: the answer's status; its body is left in $work/body
ask() {
    local code=$1 name=$2 got
    shift 2
    got=$(curl -sS -m 75 -o "$work/body" -w '%{http_code}' -H 'Content-Type: application/json' "$@") || got="$got curl $?"
    [ "$got" = "$code" ] || wrong "$name: $got, wanted $code"
}
has() { # has NAME EXPRESSION: of the JSON body b, in Python
    python3 -c 'import json, sys; b = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$work/body" "$2" ||
        wrong "$1: not $2"
}
value() { python3 -c 'import json, sys; b = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/body" "$1"; }
key() { printf %s "$1" | base64 -w0; }

# ---- actions and activations ----

code='{"exec":{"kind":"nodejs:20","code":"function main(p) { return p }"}}'
ask 200 "PUT of an action" -u "$auth" -X PUT -d "$code" "$api/_/actions/curl"
has "PUT of an action" 'b["name"] == "curl" and b["version"] == "0.0.1"'
ask 409 "PUT of what is there" -u "$auth" -X PUT -d "$code" "$api/_/actions/curl"
ask 200 "PUT over it" -u "$auth" -X PUT -d "$code" "$api/_/actions/curl?overwrite=true"
has "PUT over it" 'b["version"] == "0.0.2"'
ask 200 "GET of an action" -u "$auth" "$api/guest/actions/curl"
has "GET of an action" '"main(p)" in b["exec"]["code"]'
ask 200 "list of actions" -u "$auth" "$api/_/actions?limit=200"
has "list of actions" '"curl" in [a["name"] for a in b]'

ask 200 "blocking" -u "$auth" -d '{"a":1}' "$api/_/actions/curl?blocking=true"
has "blocking" 'b["response"] == {"result": {"a": 1}, "status": "success", "success": True}'
ask 200 "blocking, its result alone" -u "$auth" -d '{"a":2}' "$api/_/actions/curl?blocking=true&result=true"
has "blocking, its result alone" 'b == {"a": 2}'
ask 202 "not blocking" -u "$auth" -d '{"a":3}' "$api/_/actions/curl"
id=$(value 'b["activationId"]')
for _ in $(seq 50); do # its record is there a moment later
    [ "$(curl -s -o "$work/body" -w '%{http_code}' -u "$auth" "$api/_/activations/$id")" = 200 ] && break
    sleep 0.2
done
has "activation" "b['activationId'] == '$id' and b['response']['success'] and b['name'] == 'curl'"
ask 200 "result" -u "$auth" "$api/_/activations/$id/result"
has "result" 'b["success"] and b["status"] == "success"'
ask 200 "logs" -u "$auth" "$api/_/activations/$id/logs"
has "logs" 'b == {"logs": []}'
ask 200 "list of activations" -u "$auth" "$api/_/activations?name=curl&limit=10"
has "list of activations" "len(b) == 3 and b[0]['activationId'] == '$id'"

ask 401 "no credentials" "$api/_/actions"
ask 401 "wrong credentials" -u "${auth%:*}:wrong" "$api/_/actions"
ask 403 "the namespace of somebody else" -u "$auth" "$api/whisk.system/actions"
ask 404 "an action that is not there" -u "$auth" -d '{}' "$api/_/actions/nothing"
ask 404 "an activation that is not there" -u "$auth" "$api/_/activations/0123456789abcdef0123456789abcdef"
ask 400 "parameters that are not JSON" -u "$auth" -d '{"a":' "$api/_/actions/curl"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$work/large"
ask 413 "a body over 1 MiB" -u "$auth" --data-binary "@$work/large" "$api/_/actions/curl"
ask 200 "DELETE" -u "$auth" -X DELETE "$api/_/actions/curl"
ask 404 "GET of what was deleted" -u "$auth" "$api/_/actions/curl"

# ---- what a deploy tool asks ----

controller=$ROLLCAGE_CONTROLLER_USER:$ROLLCAGE_CONTROLLER_PASSWORD
scheduler=$ROLLCAGE_SCHEDULER_USER:$ROLLCAGE_SCHEDULER_PASSWORD
invoker=$ROLLCAGE_INVOKER_USER:$ROLLCAGE_INVOKER_PASSWORD
ask 200 "a controller's /ping" "$ROLLCAGE_CONTROLLER0_URL/ping"
ask 200 "a controller's /invokers" "$ROLLCAGE_CONTROLLER0_URL/invokers"
has "a controller's /invokers" 'b["invoker0/0"] == "up"'
ask 200 "a controller's /activation/count" -u "$controller" "$ROLLCAGE_CONTROLLER1_URL/activation/count"
ask 401 "a controller's /disable" -u "x:y" -X POST "$ROLLCAGE_CONTROLLER1_URL/disable"
ask 200 "a scheduler's /activation/count" -u "$scheduler" "$ROLLCAGE_SCHEDULER0_URL/activation/count"
ask 401 "a scheduler's, by nobody" "$ROLLCAGE_SCHEDULER0_URL/activation/count"
ask 200 "a scheduler's /state" -u "$scheduler" "$ROLLCAGE_SCHEDULER0_URL/state"
ask 200 "an invoker's /disable" -u "$invoker" -X POST "$ROLLCAGE_INVOKER0_URL/disable"
ask 200 "an invoker's /isEnabled" -u "$invoker" "$ROLLCAGE_INVOKER0_URL/isEnabled"
has "an invoker's /isEnabled" 'b == {"enabled": False}'
ask 200 "an invoker's /enable" -u "$invoker" -X POST "$ROLLCAGE_INVOKER0_URL/enable"
ask 401 "an invoker's /pool/count, by a scheduler" -u "$scheduler" "$ROLLCAGE_INVOKER0_URL/pool/count"
ask 200 "ctl's address" -H "Authorization: Bearer $(python3 -c 'import json, os
print(json.load(open(os.environ["ROLLCAGE_CLUSTER"]))["control"]["token"])')" "$(python3 -c 'import json, os
print(json.load(open(os.environ["ROLLCAGE_CLUSTER"]))["control"]["url"])')/nodes"
has "ctl's address" 'b["controller0"] == "up"'

# ---- etcd ----

etcd=$ROLLCAGE_ETCD_URL
name=$(key foreign/curl)
ask 200 "etcd /version" "$etcd/version"
has "etcd /version" 'b["etcdserver"].startswith("3.")'
ask 200 "etcd /health" "$etcd/health"
has "etcd /health" 'b["health"] in ("true", True)'
curl -sN -m 30 -o "$work/watch" -d "{\"create_request\":{\"key\":\"$name\"}}" "$etcd/v3/watch" &
watch=$!
for _ in $(seq 50); do grep -q '"created":true' "$work/watch" 2>/dev/null && break; sleep 0.1; done
ask 200 "lease grant" -d '{"TTL":10}' "$etcd/v3/lease/grant"
lease=$(value 'b["ID"]')
ask 200 "lease keepalive" -d "{\"ID\":\"$lease\"}" "$etcd/v3/lease/keepalive"
has "lease keepalive" 'b["result"]["TTL"] == "10"'
ask 200 "put" -d "{\"key\":\"$name\",\"value\":\"$(key one)\",\"lease\":\"$lease\"}" "$etcd/v3/kv/put"
ask 200 "range" -d "{\"key\":\"$name\"}" "$etcd/v3/kv/range"
has "range" "b['count'] == '1' and b['kvs'][0]['value'] == '$(key one)' and b['kvs'][0]['lease'] == '$lease'"
txn() { # txn VERSION: puts `two` if the key has that version
    echo "{\"compare\":[{\"target\":\"VERSION\",\"key\":\"$name\",\"version\":\"$1\"}],
        \"success\":[{\"requestPut\":{\"key\":\"$name\",\"value\":\"$(key two)\"}}],
        \"failure\":[{\"requestRange\":{\"key\":\"$name\"}}]}"
}
ask 200 "txn that fails" -d "$(txn 7)" "$etcd/v3/kv/txn"
has "txn that fails" "not b.get('succeeded') and b['responses'][0]['response_range']['count'] == '1'"
ask 200 "txn that succeeds" -d "$(txn 1)" "$etcd/v3/kv/txn"
has "txn that succeeds" 'b["succeeded"]'
ask 200 "deleterange" -d "{\"key\":\"$name\"}" "$etcd/v3/kv/deleterange"
has "deleterange" 'b["deleted"] == "1"'
ask 200 "lease revoke" -d "{\"ID\":\"$lease\"}" "$etcd/v3/lease/revoke"
for _ in $(seq 50); do grep -q DELETE "$work/watch" && break; sleep 0.1; done
kill "$watch" 2>/dev/null
cp "$work/watch" "$work/body"
grep -q "$(key one)" "$work/watch" && grep -q "$(key two)" "$work/watch" && grep -q DELETE "$work/watch" ||
    wrong "the watch saw not all of put, txn and delete"

[ "$problems" -eq 0 ] && echo "invokes, activations, actions, refusals, admin routes, ctl's address; etcd: leases, txn, a watch"
[ "$problems" -eq 0 ]
