#!/usr/bin/env bash
# Times each step of a workload, and counts its operations and bytes: what bounds it.
# Usage: benchmarks/steps.sh THREADS WORKLOAD, named as compare.sh prints it
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || { sed -n '2,3s/^# //p' "$0" >&2 && exit 2; }

source benchmarks/environment.sh
build_benchmarks
heading
printf '`%s`; medians in microseconds of each step in its place among the others\n\n' "benchmarks/steps.sh $*"
java "${jvm[@]}" -cp "$classes" org.hesse.benchmarks.peer.Steps "$@"
