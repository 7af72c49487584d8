#!/usr/bin/env bash
# Verify each program against its spec on all backends: PROGRAMS, BACKENDS, STATE and SAME_SPEC are the inputs of
# action.yml. All programs are checked before it fails; what failed is shown at its spec, and all results in the job's
# summary.
set -euo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Print the reason in what a command printed: the first difference, an option that was not satisfied, or an error.
reason() {
    local first
    first=$(grep -m 1 -E '^(where  |--|snnprog: )' "$log" | sed -E 's/^(where|snnprog:) +//; s/ +$//' || true)
    printf '%s' "${first//'%'/%25}"
}

options=()
for backend in $BACKENDS; do
    options+=(--backend "$backend")
    case $backend in
    kernel | reference) ;;
    *)
        code=0
        snnprog backends install "$backend" </dev/null 2>&1 | tee "$log" || code=$?
        if [ "$code" != 0 ]; then
            echo "::error::backend $backend cannot be installed: $(reason)"
            printf '| backend | result |\n|---|---|\n| %s | failed (exit code %s) |\n' "$backend" "$code" >>"$GITHUB_STEP_SUMMARY"
            exit "$code"
        fi
        ;;
    esac
done
case $STATE in
true) options+=(--state) ;;
false) ;;
*) echo "::error::state must be true or false, got $STATE" && exit 2 ;;
esac
case $SAME_SPEC in
true) options+=(--same-spec) ;;
false) ;;
*) echo "::error::same_spec must be true or false, got $SAME_SPEC" && exit 2 ;;
esac

printf '| program | spec | held-out patterns | result |\n|---|---|---|---|\n' >>"$GITHUB_STEP_SUMMARY"
count=0 failed=0
while read -r program spec heldout rest; do
    [ -n "$program" ] || continue
    if [ -z "$spec" ] || [ -n "$rest" ]; then
        line=("$program" ${spec:+"$spec"} ${heldout:+"$heldout"} ${rest:+"$rest"})
        echo "::error::programs must have a program and a spec on each line, and at most one file more, got '${line[*]}'"
        exit 2
    fi
    count=$((count + 1))
    echo "::group::$program $spec"
    code=0
    snnprog verify "$program" "$spec" "${options[@]}" ${heldout:+--test "$heldout" --require-test} </dev/null 2>&1 |
        tee "$log" || code=$?
    echo "::endgroup::"
    if [ "$code" = 0 ]; then
        result=exact
    else
        failed=$((failed + 1)) result="failed (exit code $code): $(reason)"
        echo "::error file=$spec::$program on $BACKENDS: $(reason) (snnprog verify ended with code $code)"
    fi
    echo "| $program | $spec | $heldout | ${result//|/\\|} |" >>"$GITHUB_STEP_SUMMARY"
done <<<"$PROGRAMS"
[ "$count" -gt 0 ] || { echo "::error::programs is empty: name a program and its spec" && exit 2; }
[ "$failed" = 0 ] || exit 1
