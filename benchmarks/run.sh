#!/usr/bin/env bash
# Runs JMH benchmarks and prints a section for RESULTS.md: what ran on what, and a table.
# Usage: benchmarks/run.sh [JMH arguments], for example: benchmarks/run.sh MlpBenchmark -f 1
set -euo pipefail
cd "$(dirname "$0")/.."
args=("$@")
[ ${#args[@]} -gt 0 ] || args=('.*benchmarks\.[A-Z].*' -f 1 -wi 5 -i 5 -w 2 -r 2)

source benchmarks/environment.sh
build_benchmarks
out=$(mktemp)
trap 'rm -f "$out"' EXIT
java "${jvm[@]}" -cp "$classes" org.openjdk.jmh.Main "${args[@]}" -rf csv -rff "$out" >&2

heading
printf '`benchmarks/run.sh %s`\n\n' "${args[*]}"
tr -d "\r" <"$out" | awk -F, '
  function bare(s) { gsub(/"/, "", s); return s }
  NR == 1 { for (i = 1; i <= NF; i++) column[bare($i)] = i
            print "| benchmark | workload | time | ± (99.9%) | unit |"
            print "|---|---|---:|---:|---|"; next }
  { name = bare($column["Benchmark"]); sub(/.*\.benchmarks\./, "", name)
    work = ("Param: workload" in column) ? bare($column["Param: workload"]) : ""
    printf "| %s | %s | %.4g | %.2g | %s |\n", name, work, bare($column["Score"]),
      bare($column["Score Error (99.9%)"]), bare($column["Unit"]) }'
