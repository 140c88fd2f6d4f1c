#!/usr/bin/env bash
# Packs everything that a Linux machine with an NVIDIA driver needs to test and time the CUDA backend, and
# neither Java nor a network: a Java runtime, the library with its natives and kernels, tests, benchmarks.
# Usage: benchmarks/gpu/kit.sh      makes benchmarks/gpu/kit, which git ignores
# Then, on that machine: benchmarks/gpu/kit/run.sh [OUTPUT-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
kit=benchmarks/gpu/kit
most=60 # MiB
rm -rf "$kit"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
java_home=${HESSE_JAVA_HOME:-${JAVA_HOME:-}}
[ -x "$java_home/bin/jlink" ] || { echo "kit: set JAVA_HOME to a JDK 25" >&2 && exit 2; }

echo "kit: building" >&2
mvn -q -B test-compile >&2
mvn -q -B package -Dhesse.quick >&2
mvn -q -B -f benchmarks/pom.xml package >&2
mvn -q -B dependency:copy-dependencies -DincludeScope=test -DoutputDirectory="$stage/test-lib" >&2
junit=$(sed -n 's:.*<junit.version>\(.*\)</junit.version>.*:\1:p' pom.xml)
mvn -q -B dependency:copy -Dartifact="org.junit.platform:junit-platform-console-standalone:$junit" \
  -DoutputDirectory="$stage/test-lib" >&2

mkdir -p "$stage/kit/lib" "$stage/kit/test-lib"
cp target/hesse.jar "$stage/kit/lib/"
cp "$stage"/test-lib/{junit-platform-console-standalone,archunit,slf4j}*.jar "$stage/kit/test-lib/" 2>/dev/null
rm -f "$stage"/test-lib/{junit,archunit,slf4j,opentest4j,apiguardian}*.jar
# The natives are compressed once, in the kit.
for jar in "$stage"/test-lib/*.jar; do
  (mkdir "$stage/jar" && cd "$stage/jar" && "$java_home/bin/jar" xf "$jar" &&
    rm -f lib/libJNvPTXCompiler* lib/libJCudaRuntime* && find . -name '*.exe' -delete &&
    "$java_home/bin/jar" -c -f "$stage/kit/lib/$(basename "$jar")" --no-compress -M .)
  rm -rf "$stage/jar"
done
cp -r target/test-classes kernels "$stage/kit/"
mkdir -p "$stage/kit/benchmarks"
cp -r benchmarks/target/classes/org "$stage/kit/benchmarks/"
cp benchmarks/gpu/{workloads.txt,small.txt,table.py} benchmarks/peers/*.py "$stage/kit/"
git describe --always --dirty >"$stage/kit/commit.txt"

echo "kit: a Java runtime" >&2
"$java_home/bin/jlink" --add-modules java.base,java.logging,jdk.jfr,java.management,java.xml,jdk.incubator.vector,jdk.management,jdk.unsupported,jdk.zipfs \
  --strip-java-debug-attributes --no-header-files --no-man-pages --output "$stage/kit/java" 2>/dev/null
rm -f "$stage"/kit/java/lib/server/*.jsa

mkdir -p "$kit"
tar -C "$stage" -cf - kit | xz -T0 -6 >"$kit/kit.tar.xz"
cp benchmarks/gpu/run.sh "$kit/"
size=$(($(du -sk "$kit" | cut -f1) / 1024))
[ "$size" -lt "$most" ] || { echo "kit: $size MiB; at most $most" >&2 && exit 1; }
echo "kit: $kit, $size MiB" >&2
