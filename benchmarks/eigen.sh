#!/usr/bin/env bash
# Leading Hessian eigenvalues by each eigensolver, as a section for RESULTS.md: products, time, error.
# Usage: benchmarks/eigen.sh [FOLDER of models and data, ../shared] [how many, 10]
set -euo pipefail
cd "$(dirname "$0")/.."

source benchmarks/environment.sh
build_benchmarks
heading
printf '`%s`; medians of 5 runs\n\n' "benchmarks/eigen.sh${*:+ $*}"
java "${jvm[@]}" -cp "$classes" org.hesse.benchmarks.EigenSolvers "$@" 2>/dev/null
