#!/bin/sh
# Builds the simulated CUDA device into a folder: native/build.sh OUT
# Needs a C++17 compiler (CXX, g++, clang++ or c++), nothing else; exits with 3 where there is none. What is up to
# date is left alone.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: $0 OUT" >&2
  exit 2
fi

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

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/cache" "$1/stamps"
out=$(cd "$1" && pwd)

version=$($compiler --version)
flags="-std=c++17 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Wno-unused-parameter"
# Kernels: each access announced (-fsanitize=thread), nothing of the host's language library.
device="-O1 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-math-errno -ffp-contract=off -w -fsanitize=thread"
case $version in
  *clang*) ;;
  *) device="$device -fno-gnu-unique" ;;
esac
device="$device -fdata-sections"

# changed NAME FILES: whether the files or the compiler differ from when NAME was built.
changed() {
  stamp=$out/stamps/$1
  shift
  now=$( (echo "$version $flags $device"; cat "$here/build.sh" "$@") | cksum)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
    return 1
  fi
  rm -f "$stamp"
}

# built: notes that what was asked for last is done.
built() {
  echo "$now" >"$stamp"
}

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

if changed cuda "$here"/cuda/* "$here"/device/abi.h "$here"/simulated.h; then
  library libcuda.so.1 "$here"/cuda/*.cpp -ldl -lpthread
  built
fi
if changed nvrtc "$here"/nvrtc/* "$here"/cuda/image.h; then
  library libnvrtc.so.12 $(versioned libnvrtc.so.12) "$here"/nvrtc/*.cpp -ldl
  built
fi
if [ -f "$here/blas.cpp" ] && changed blas "$here"/*.cpp "$here"/*.h; then
  library libcublas.so.12 $(versioned libcublas.so.12) "$here"/blas*.cpp "$out/libcuda.so.1" -ldl
  built
fi
if [ -f "$here/solver.cpp" ] && changed solver "$here"/*.cpp "$here"/*.h; then
  library libcusolver.so.11 $(versioned libcusolver.so.11) "$here"/solver*.cpp "$out/libcuda.so.1" -ldl
  library libcusolverMg.so.11 $(versioned libcusolverMg.so.11) "$here"/solver*.cpp "$out/libcuda.so.1" -ldl
  built
fi
if changed device "$here"/device/*; then
  rm -rf "$out/cache"
  mkdir "$out/cache"
  run $compiler -std=c++17 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti \
    -c "$here/device/runtime.cpp" -o "$out/device.o"
  cp "$here/device/abi.h" "$here/device/simulated.cuh" "$here/device/math.cuh" "$here/device/shared.ld" "$out/"
  echo "$compiler $device" >"$out/compiler"
  # The header that all kernels begin with, parsed. Where a kernel's flags are others it is read as it is.
  rm -f "$out/simulated.cuh.gch"
  case $version in
    *clang*) ;;
    *) run $compiler $device -std=c++17 -x c++-header "$out/simulated.cuh" -o "$out/simulated.cuh.gch" ;;
  esac
  # Kernels are linked by the linker itself where that works: a third of the time that the compiler takes for it.
  libm=$($compiler -print-file-name=libm.so.6)
  fast="$($compiler -print-prog-name=ld) -shared -Bsymbolic"
  if $fast -T "$out/shared.ld" "$out/device.o" "$libm" -o "$out/trial.so" 2>/dev/null; then
    printf '%s\n' "$fast" "$libm" >"$out/linker"
  else
    printf '%s\n' "$compiler -shared -nostdlib -Wl,-Bsymbolic" "-lm -lc" >"$out/linker"
  fi
  rm -f "$out/trial.so"
  built
fi
echo "native/build.sh: up to date in $out"
