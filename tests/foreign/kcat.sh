#!/usr/bin/env bash
# kcat against the cluster's broker: metadata, produce with keys and headers, a group that commits and
# goes on where it was. The topic is made by its first Metadata request (auto.create.topics.enable).
set -uo pipefail
work=$1
broker=$ROLLCAGE_KAFKA_BOOTSTRAP
topic=kcat-$$
fail() {
    echo "$*"
    exit 1
}

kcat -b "$broker" -L >"$work/kcat-metadata" || fail "no metadata"
grep -q 'topic "scheduler0" with 1 partitions' "$work/kcat-metadata" || fail "no topic scheduler0 in the metadata"

group() { timeout 30 kcat -q -b "$broker" -G "group-$topic" -e -X auto.offset.reset=earliest "$topic"; }
seq 1 5 | kcat -b "$broker" -P -t "$topic" -H from=kcat -z gzip || fail "produce"
[ "$(group | xargs)" = "1 2 3 4 5" ] || fail "the group did not read 1 to 5"
seq 6 8 | kcat -b "$broker" -P -t "$topic" -k same || fail "produce again"
[ "$(group | xargs)" = "6 7 8" ] || fail "the second member did not go on at what the first committed"
got=$(kcat -q -b "$broker" -C -t "$topic" -o 4 -c 2 -f '%o %k %h %s;')
[ "$got" = "4  from=kcat 5;5 same  6;" ] || fail "read from an offset: $got"
got=$(kcat -q -b "$broker" -Q -t "$topic:0:-1")
[[ $got == *"offset 8"* ]] || fail "the offset of the end: $got"
kcat -q -b "$broker" -C -t scheduler0 -o beginning -c 1 | python3 -c 'import json, sys
m = json.loads(sys.stdin.readline()); assert m["activationId"] and m["action"]["path"]' || fail "scheduler0 has no ActivationMessage"

echo "metadata, produce (gzip, keys, headers), a group that commits and goes on, offsets"
