# Sourced by the scripts of this folder: how benchmarks are built and run.

# These settings halve the speed of any OpenBLAS in the comparison.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
# libtorch's two pools of threads (OpenMP's and OpenBLAS's) else spin against each other.
export GOMP_SPINCOUNT=3000 OPENBLAS_THREAD_TIMEOUT=16
# Else libtorch's large results are mapped anew for each operation. 32 MiB is the most that glibc
# takes; it passes over larger numbers, and stays at 128 KiB then.
export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_ARENA_MAX=1
# Where Maven's own JDK is the one selected, the benchmarks start the first java on the path.
[ -z "${JAVA_HOME:-}" ] || export PATH="$JAVA_HOME/bin:$PATH"
java=$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p')
[ "${java%%.*}" -ge 25 ] 2>/dev/null || {
  echo "benchmarks: java on the PATH is ${java:-missing}; JDK 25 or newer is needed: set JAVA_HOME to it" >&2
  exit 2
}

# Like the launcher's; the second line's keep the heap in memory, as the settings above do for
# libtorch: new parts of it cost a page fault every 4 KiB, which made times jump between 0.6 and
# 3.5 ms. The last three let JavaCPP neither count memory nor run out of stack.
jvm=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseParallelGC
  -Xms3g -Xmx3g -Xmn2g -XX:+AlwaysPreTouch -Xss16m
  -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 -Djmh.ignoreLock=true)
classes="benchmarks/target/classes:target/hesse.jar:benchmarks/target/lib/*"

# Builds this checkout's library and the benchmarks on it; installs nothing.
build_benchmarks() {
  mvn -q -B package -Dhesse.quick >&2
  mvn -q -B -f benchmarks/pom.xml package >&2
}

# The heading of a section of RESULTS.md, and the commit.
heading() {
  local cpu changed=
  cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -1)
  git diff --quiet HEAD -- src pom.xml 2>/dev/null || changed=' with changes'
  printf '\n## %s, %s, %s cores\n\n' "$(date -u +%F)" "${cpu:-$(uname -m)}" "$(getconf _NPROCESSORS_ONLN)"
  printf 'Commit %s%s: ' "$(git rev-parse --short HEAD)" "$changed"
}
