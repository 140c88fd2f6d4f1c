#!/usr/bin/env bash
# Times workloads by Hesse and by libtorch in turn, in short forks A B A B, and prints a section for
# RESULTS.md.
# Usage: benchmarks/compare.sh [--quick] [--threads 2,1] [--rounds 1] [--no-check] [PATTERN...]
# Numbers of threads begin with the largest.
#   --quick     a shorter warm-up, for the impatient
#   PATTERN     part of a workload's name, a regular expression: step, 'hvp:.*@32', sgemm:512
set -euo pipefail
cd "$(dirname "$0")/.."
command="benchmarks/compare.sh $*"

threads=2,1 rounds=1 warmup=8000 check=1
while [ $# -gt 0 ]; do
  case $1 in
    --quick) warmup=4000 ;;
    --threads) threads=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --no-check) check= ;;
    -*) sed -n '2,8s/^# //p' "$0" >&2 && exit 2 ;;
    *) break ;;
  esac
  shift
done

source benchmarks/environment.sh
build_benchmarks

compare() {
  # OpenBLAS, which libtorch multiplies matrices with, has as many threads at most.
  OPENBLAS_NUM_THREADS=${threads%%,*} java "${jvm[@]}" -cp "$classes" org.hesse.benchmarks.peer.Compare "$@"
}

[ -z "$check" ] || compare check "$@" >&2
heading
printf '`%s`; medians in microseconds, libtorch 2.10 (org.bytedeco:pytorch)\n\n' "${command% }"
printf '| workload | threads | Hesse | libtorch | ratio | aim |\n|---|---:|---:|---:|---:|---:|\n'
compare "$threads" "$rounds" "$warmup" "$@"
