#!/usr/bin/env bash
# Tests and times the CUDA backend on the machine at hand, from the kit that it lies in (see kit.sh).
# Usage: run.sh [--only tests|sanitize|times] [OUTPUT-FOLDER]
#   TESTS=REGEX       classes to test, by their full names; HESSE_JAVA_OPTS: more options for the JVM, such as
#   WORKLOADS=FILE    what to time, instead of workloads.txt      -Dhesse.cuda=FOLDER, also of the simulated device
#   SMALL=1           what to time is small.txt: a dry run, for the simulated device and peers without a GPU
# Full logs go to the output folder (or $OUT, or ./gpu-results); a short table comes last. Everything has its
# limit, so that each of tests, sanitize and times ends within ten minutes. The table is of what there is so far,
# and is made again whenever times are added.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
only=
if [ "${1:-}" = --only ]; then only=$2 && shift 2; fi
out=${1:-${OUT:-$PWD/gpu-results}}
mkdir -p "$out"
out=$(cd "$out" && pwd)
tested=${TESTS:-org\.hesse\.backend\.cuda\..*Test|.*OnDeviceTest}
names=${WORKLOADS:+$(readlink -f "$WORKLOADS")}
[ -z "${SMALL:-}" ] || names=small.txt
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

# Times each workload of a file. A process that ends early, by an error of the device say, is followed by one for what
# comes behind the workload that it ended with; one that answers nothing at all has failed for the first.
timed() { # seconds, log, command that reads names
  local seconds=$1 log=$2 todo=$work/todo left status=0 before start=$SECONDS
  shift 2
  grep -v '^ *\(#\|$\)' "$names" >"$todo"
  : >"$out/$log"
  while [ -s "$todo" ]; do
    left=$((seconds - (SECONDS - start)))
    if [ "$left" -lt 5 ]; then
      say "$log: no time was left for $(wc -l <"$todo") workloads, from $(head -n 1 "$todo") on"
      break
    fi
    status=0
    timeout -k 10 "$left" "$@" <"$todo" >>"$out/$log" 2>>"$out/$log.err" || status=$?
    before=$(wc -l <"$todo")
    awk 'FILENAME == ARGV[1] { name = $1 == "#" ? $3 : $2; if ($1 == "#") sub(/:$/, "", name); done[name] = 1; next }
      !($0 in done)' "$out/$log" "$todo" >"$todo.next"
    mv "$todo.next" "$todo"
    if [ "$(wc -l <"$todo")" = "$before" ]; then
      echo "# - $(head -n 1 "$todo"): the process ended with $status, see $log.err" >>"$out/$log"
      sed -i 1d "$todo"
    fi
  done
  say "$log: exit $status, $(grep -vc '^#' "$out/$log") times, $((SECONDS - start)) s"
  grep '^#' "$out/$log" | grep -v ': not timed$' | cut -c1-160 | tee -a "$summary"
}

if part tests; then
  junit 400 tests.txt --
fi
if part sanitize && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    junit 240 "$tool.txt" compute-sanitizer --tool "$tool" --error-exitcode 99 -- --include-tag kernels
    grep -E "ERROR SUMMARY|RACECHECK SUMMARY" "$out/$tool.txt" | tee -a "$summary"
  done
fi
if part times; then
  names=${names:-$kit/workloads.txt}
  timed 180 hesse.tsv "$kit/java/bin/java" "${flags[@]}" -cp "$kit/benchmarks:$main" \
    org.hesse.benchmarks.peer.DeviceTimes /dev/stdin
  python3 table.py "$out"/*.tsv >"$out/table.md"
  export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
  timed 100 jax.tsv python3 jax_times.py
  for variant in eager graph compile; do
    timed 100 "torch-$variant.tsv" python3 torch_times.py "$variant"
    python3 table.py "$out"/*.tsv >"$out/table.md"
  done
  cat "$out/table.md"
fi
