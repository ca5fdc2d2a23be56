# Sourced by scripts/check-*: PROGRAM in $1, a fresh folder to work in, problems counted.
set -uo pipefail
program=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 5
problems=0
smoke=$root/scenarios/smoke/one_activation_cold_and_warm.yaml

wrong() {
    echo "$(basename "$0"): $*"
    problems=$((problems + 1))
}

# expect CODE NAME COMMAND...: the exit code, whatever is printed
expect() {
    local code=$1 name=$2 got=0
    shift 2
    "$@" >"$work/stdout" 2>"$work/stderr" || got=$?
    [ "$got" -eq "$code" ] || { wrong "$name: exit $got, wanted $code"; head -3 "$work/stderr"; }
}

# says NAME PATTERN [FILE]: what the last command printed, on stderr when no file is given
says() {
    grep -q -- "$2" "$work/${3:-stderr}" || wrong "$1: no '$2' in ${3:-stderr}: $(head -2 "$work/${3:-stderr}")"
}

one_line() {
    [ "$(wc -l <"$work/stderr")" -eq 1 ] || { wrong "$1: $(wc -l <"$work/stderr") lines on stderr"; head -3 "$work/stderr"; }
}

finish() {
    [ "$problems" -eq 0 ] && echo "$(basename "$0"): all as said"
    [ "$problems" -eq 0 ]
}
