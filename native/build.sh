#!/bin/sh
# Builds the simulated CUDA device into a folder: native/build.sh OUT
# Needs a C++17 compiler (CXX, g++, clang++ or c++), nothing else. What is up to date is left alone.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: $0 OUT" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/cache"
out=$(cd "$1" && pwd)

compiler=
for c in "${CXX:-}" g++ clang++ c++; do
  if [ -n "$c" ] && command -v "$c" >/dev/null 2>&1; then
    compiler=$c
    break
  fi
done
if [ -z "$compiler" ]; then
  echo "native/build.sh: no C++ compiler (CXX, g++, clang++, c++)" >&2
  exit 3
fi

flags="-std=c++17 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter"
# Kernels: each access announced (-fsanitize=thread), nothing of the host's language library.
device="-O1 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-math-errno -ffp-contract=off -w -fsanitize=thread"
case $($compiler --version 2>/dev/null) in
  *clang*) ;;
  *) device="$device -fno-gnu-unique -fdata-sections" ;;
esac

# Anything that the results depend on.
stamp=$( ($compiler --version; echo "$flags $device"; cd "$here" && find . -type f ! -name '*.md' | LC_ALL=C sort | xargs cat) | cksum)
if [ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ]; then
  echo "native/build.sh: up to date in $out"
  exit 0
fi
rm -f "$out/stamp" "$out"/cache/*

run() {
  echo "$*"
  "$@"
}

# library SONAME [flags and sources]: a shared library that has this name for the loader.
library() {
  soname=$1
  shift
  run $compiler $flags -shared -Wl,-soname,"$soname" -Wl,-rpath,"\$ORIGIN" -o "$out/$soname.new" "$@"
  mv "$out/$soname.new" "$out/$soname"
}

# versioned SONAME: a linker script that gives all symbols the name of their library as version, as NVIDIA does.
versioned() {
  echo "$1 { global: *; };" >"$out/$1.map"
  echo "-Wl,--version-script=$out/$1.map"
}

library libcuda.so.1 "$here"/cuda/*.cpp -ldl -lpthread
library libnvrtc.so.12 $(versioned libnvrtc.so.12) "$here"/nvrtc/*.cpp -ldl
if [ -f "$here/blas.cpp" ]; then
  library libcublas.so.12 $(versioned libcublas.so.12) "$here"/blas*.cpp "$out/libcuda.so.1" -ldl
fi
if [ -f "$here/solver.cpp" ]; then
  library libcusolver.so.11 $(versioned libcusolver.so.11) "$here"/solver*.cpp "$out/libcuda.so.1" -ldl
  library libcusolverMg.so.11 $(versioned libcusolverMg.so.11) "$here"/solver*.cpp "$out/libcuda.so.1" -ldl
fi
run $compiler -std=c++17 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -c "$here/device/runtime.cpp" -o "$out/device.o"
cp "$here/device/abi.h" "$here/device/simulated.cuh" "$here/device/math.cuh" "$here/device/shared.ld" "$out/"
echo "$compiler $device" >"$out/compiler"
echo "$stamp" >"$out/stamp"
