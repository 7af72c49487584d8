#!/usr/bin/env bash
# Verify each program against its spec on all backends: PROGRAMS, BACKENDS and STATE are the inputs of action.yml.
# All programs are checked before it fails; what failed is shown at its spec, and all results in the job's summary.
set -euo pipefail

options=()
for backend in $BACKENDS; do
    options+=(--backend "$backend")
    case $backend in
    kernel | reference) ;;
    *) snnprog backends install "$backend" ;;
    esac
done
case $STATE in
true) options+=(--state) ;;
false) ;;
*) echo "::error::state must be true or false, got $STATE" && exit 2 ;;
esac

printf '| program | spec | result |\n|---|---|---|\n' >>"$GITHUB_STEP_SUMMARY"
count=0 failed=0
while read -r program spec rest; do
    [ -n "$program" ] || continue
    if [ -z "$spec" ] || [ -n "$rest" ]; then
        line=("$program" ${spec:+"$spec"} ${rest:+"$rest"})
        echo "::error::programs must have a program and a spec on each line, got '${line[*]}'"
        exit 2
    fi
    count=$((count + 1))
    echo "::group::$program"
    code=0
    snnprog verify "$program" "$spec" "${options[@]}" </dev/null || code=$?
    echo "::endgroup::"
    if [ "$code" = 0 ]; then
        result=exact
    else
        failed=$((failed + 1)) result="failed (exit code $code)"
        echo "::error file=$spec::$program: snnprog verify ended with code $code on $BACKENDS; its output is above"
    fi
    echo "| $program | $spec | $result |" >>"$GITHUB_STEP_SUMMARY"
done <<<"$PROGRAMS"
[ "$count" -gt 0 ] || { echo "::error::programs is empty: name a program and its spec" && exit 2; }
[ "$failed" = 0 ] || exit 1
