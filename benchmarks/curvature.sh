#!/usr/bin/env bash
# Curvature of digits-mlp beside PyHessian, and Kronecker factors beside the dense Fisher matrix, as a
# section for RESULTS.md.
# Usage: benchmarks/curvature.sh [FOLDER of models and data, ../shared]
#   PYTHON      a Python with PyTorch and NumPy; python3 unless set
#   PYHESSIAN   folder of a checkout of https://github.com/amirgholami/PyHessian, unless it is
#               installed (pip install pyhessian)
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-../shared}
python=${PYTHON:-python3}
for file in models/digits-mlp.safetensors models/digits-mlp.spectrum.npz data/digits.csv; do
  [ -f "$folder/$file" ] || {
    echo "curvature.sh: $folder/$file is missing; name a folder with a state dict of" >&2
    echo "Sequential(Linear(64, 32), Tanh(), Linear(32, 10)), all eigenvalues of its Hessian" >&2
    echo "('hessian' in the .npz) and rows of 64 features and a label" >&2
    exit 2
  }
done

source benchmarks/environment.sh
build_benchmarks
export OMP_NUM_THREADS=2

warm_jvm=("${jvm[@]}" -Xms2g -Xmx2g -Xmn1400m -Dhesse.threads=2)

# The JVM says on stderr that it uses an incubator module; all else that it says is passed on.
ours() {
  java "$@" -cp benchmarks/target/classes:target/hesse.jar org.hesse.benchmarks.CurvatureTable "$folder" "$what" \
    2> >(grep -v '^WARNING: Using incubator modules' >&2)
}
theirs() { "$python" benchmarks/pyhessian.py "$folder" "$what"; }

# Milliseconds of one whole process.
cold() {
  local start=${EPOCHREALTIME/./}
  "$@" >/dev/null
  echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

declare -A title=(
  [eigenvalues]='5 leading eigenvalues'
  [trace]='trace, 100 probes'
  [accurate-trace]='trace, to 1%'
  [density]='density, 10 probes of 100 steps'
)

# A side's lines of measurements, each with the time of a process of its own.
rows() { # name, command…
  local side=$1 name error stated products ms lines
  shift
  lines=$(what=warm "$@") # all of it first: nothing else runs meanwhile
  while IFS=$'\t' read -r name error stated products ms; do
    printf '%s\t| %s | %s | %s | %s | %s | %s | %s |\n' "$name" "${title[$name]}" "$side" "$error" \
      "$stated" "$products" "$ms" "$(what=$name cold "${coldly[@]}")"
  done <<<"$lines"
}

coldly=(theirs)
their_rows=$(rows PyHessian theirs)
# A process of its own starts as the launcher starts one: without a heap that is there beforehand.
coldly=(ours --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseParallelGC -Dhesse.threads=2)
our_rows=$(rows Hesse ours "${warm_jvm[@]}")

heading
printf '`%s`; two threads, PyTorch %s\n\n' "benchmarks/curvature.sh${*:+ $*}" \
  "$("$python" -c 'import torch; print(torch.__version__)')"
cat <<'TEXT'
Hessian of 2,410 parameters over 1,797 samples, float32, on the CPU:

| measurement | by | error | error stated | products | warm ms | cold ms |
|---|---|---:|---:|---:|---:|---:|
TEXT
for name in eigenvalues trace accurate-trace density; do
  printf '%s\n%s\n' "$our_rows" "$their_rows" | sed -n "s/^$name\t//p"
done
printf '\nFisher matrix of the same network, float32, warm:\n\n'
what=factors ours "${warm_jvm[@]}"
