#!/usr/bin/env bash
# Tests and times the CUDA backend on the machine at hand, from the kit that it lies in (see kit.sh).
# Usage: run.sh [--only tests|sanitize|times] [OUTPUT-FOLDER]
#   TESTS=REGEX       classes to test, by their full names; HESSE_JAVA_OPTS: more options for the JVM, such as
#   WORKLOADS=FILE    what to time, instead of workloads.txt      -Dhesse.cuda=FOLDER, also of the simulated device
# Full logs go to the output folder (or $OUT, or ./gpu-results); a short table comes last. Each part has its
# limit, so that the whole ends within ten minutes.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
only=
if [ "${1:-}" = --only ]; then only=$2 && shift 2; fi
out=${1:-${OUT:-$PWD/gpu-results}}
mkdir -p "$out"
out=$(cd "$out" && pwd)
tested=${TESTS:-org\.hesse\.backend\.cuda\..*Test|.*OnDeviceTest}
names=${WORKLOADS:+$(readlink -f "$WORKLOADS")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$here/kit.tar.xz" "$work" <<'PY' || exit 1
import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])
PY
kit=$work/kit
cd "$kit"
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseParallelGC -Xmx8g
  -Dhesse.cache="$work/cache" ${HESSE_JAVA_OPTS:-})
main="$kit/lib/*"
tests="$kit/test-classes:$main:$kit/test-lib/*"
summary=$out/summary.txt
: >"$summary"
say() { printf '%s\n' "$*" | tee -a "$summary"; }
part() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# A part's limit in seconds, its log, and what is run.
limited() {
  local seconds=$1 log=$2 status=0 start=$SECONDS
  shift 2
  timeout -k 10 "$seconds" "$@" >"$out/$log" 2>&1 || status=$?
  say "$log: exit $status, $((SECONDS - start)) s"
  return $status
}

say "commit $(cat "$kit/commit.txt"), $(date -u +%FT%TZ)"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | tee -a "$summary"
limited 60 doctor.txt "$kit/java/bin/java" "${flags[@]}" -cp "$main" org.hesse.cli.Main doctor --require cuda

junit() { # seconds, log, wrapper command or nothing, then arguments of the console launcher after --
  local seconds=$1 log=$2 wrapper=()
  shift 2
  while [ "$1" != -- ]; do wrapper+=("$1") && shift; done
  shift
  # Where there is a driver its GPU is tested, or the simulated device where hesse.cuda names that.
  limited "$seconds" "$log" "${wrapper[@]}" "$kit/java/bin/java" "${flags[@]}" -Dhesse.test.device=cuda \
    -cp "$tests" org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors \
    --details=testfeed --include-classname "$tested" --select-package org.hesse "$@"
  grep -E "tests (successful|failed|aborted)" "$out/$log" | tail -3 | tee -a "$summary"
}

if part tests; then
  junit 240 tests.txt --
fi
if part sanitize && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    junit 90 "$tool.txt" compute-sanitizer --tool "$tool" --error-exitcode 99 -- --include-tag kernels
    grep -E "ERROR SUMMARY|RACECHECK SUMMARY" "$out/$tool.txt" | tee -a "$summary"
  done
fi
if part times; then
  names=${names:-$kit/workloads.txt}
  limited 120 hesse.tsv "$kit/java/bin/java" "${flags[@]}" -cp "$kit/benchmarks:$main" \
    org.hesse.benchmarks.peer.DeviceTimes "$names"
  export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
  for variant in eager graph compile; do
    limited 90 "torch-$variant.tsv" python3 torch_times.py "$variant" <"$names"
  done
  limited 120 jax.tsv python3 jax_times.py <"$names"
  python3 table.py "$out"/*.tsv | tee "$out/table.md"
fi
