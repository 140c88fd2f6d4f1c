#!/usr/bin/env bash
# Runs JMH benchmarks and prints a section for RESULTS.md: what ran on what, and a table.
# Usage: benchmarks/run.sh [JMH arguments], for example: benchmarks/run.sh MlpBenchmark -f 1
set -euo pipefail
cd "$(dirname "$0")/.."
# These settings halve the speed of any OpenBLAS in the comparison.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
# Where Maven's own JDK is the one selected, the benchmark starts the first java on the path.
[ -z "${JAVA_HOME:-}" ] || export PATH="$JAVA_HOME/bin:$PATH"

args=("$@")
[ ${#args[@]} -gt 0 ] || args=(".*" -f 1 -wi 5 -i 5 -w 2 -r 2)
mvn -q -B install -Dhesse.quick >&2

out=$(mktemp)
trap 'rm -f "$out"' EXIT
mvn -q -B -f benchmarks/pom.xml package exec:exec -Dexec.appArgs="${args[*]} -rf csv -rff $out" >&2

cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -1)
printf '\n## %s, %s, %s cores\n\n' "$(date -u +%F)" "${cpu:-$(uname -m)}" "$(getconf _NPROCESSORS_ONLN)"
printf 'Commit %s: `benchmarks/run.sh %s`\n\n' "$(git rev-parse --short HEAD)" "${args[*]}"
tr -d "\r" <"$out" | awk -F, '
  function bare(s) { gsub(/"/, "", s); return s }
  NR == 1 { for (i = 1; i <= NF; i++) column[bare($i)] = i
            print "| benchmark | workload | time | ± (99.9%) | unit |"
            print "|---|---|---:|---:|---|"; next }
  { name = bare($column["Benchmark"]); sub(/.*\.benchmarks\./, "", name)
    work = ("Param: workload" in column) ? bare($column["Param: workload"]) : ""
    printf "| %s | %s | %.4g | %.2g | %s |\n", name, work, bare($column["Score"]),
      bare($column["Score Error (99.9%)"]), bare($column["Unit"]) }'
