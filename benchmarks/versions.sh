#!/usr/bin/env bash
# Times workloads by this checkout's library and by another commit's, or by libtorch, in turn in one
# process, on one thread and on two: the difference, even where others disturb the machine.
# Usage: benchmarks/versions.sh COMMIT|libtorch WORKLOAD...    named as compare.sh prints them
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0" >&2 && exit 2; }
command="benchmarks/versions.sh $*"
other=$1
[ "$other" = libtorch ] || other=$(git rev-parse --short "$1")
shift

source benchmarks/environment.sh
build_benchmarks
folder=$(mktemp -d)
trap 'git worktree remove --force "$folder/tree" >/dev/null 2>&1; rm -rf "$folder"' EXIT
peer=libtorch
if [ "$other" != libtorch ]; then
  peer=$folder/$other.jar
  git worktree add -q --detach "$folder/tree" "$other"
  (cd "$folder/tree" && mvn -q -B package -Dhesse.quick >&2)
  cp "$folder/tree/target/hesse.jar" "$peer"
fi
cp target/hesse.jar "$folder/this.jar"
heading
printf '`%s`; microseconds over windows of 10 ms, beside %s\n\n' "$command" "$other"
printf '| workload | threads | by | least | 10%% | median |\n|---|---:|---|---:|---:|---:|\n'
for workload; do
  for threads in 2 1; do
    OPENBLAS_NUM_THREADS=$threads java "${jvm[@]}" -cp "$classes" org.hesse.benchmarks.peer.Versions \
      $threads 6 "$workload" "$peer" "$folder/this.jar"
  done
done
