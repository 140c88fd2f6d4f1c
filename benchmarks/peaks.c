// What one core of an x86-64 processor with AVX-512 can do, for the bounds in RESULTS.md: products and sums in
// registers, and passes over 4M floats that lie in huge pages, on vectors of 512 and of 256 bits, where arrays begin
// with a cache line and where they begin as Java's may, somewhere in it. Medians of 200.
// cc -O2 -march=native benchmarks/peaks.c -o peaks && ./peaks
#define _GNU_SOURCE
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { N = 4096 * 1024, ROW = 1024, RUNS = 200 };
static const size_t PAGE = 2 << 20;

static double microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

// Floats that begin so many behind the beginning of a page.
static float *floats(int offset) {
  size_t bytes = N * sizeof(float) + 2 * PAGE;
  char *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  madvise(p, bytes, MADV_HUGEPAGE);
  p += PAGE - (size_t)p % PAGE;
  memset(p, 0, N * sizeof(float) + PAGE / 2);
  return (float *)p + offset;
}

static float *x, *y, *s, *b;

static void copy(void) { memcpy(y, x, N * sizeof(float)); }

static void affine512(void) {
  for (int r = 0; r < N; r += ROW) {
    for (int i = 0; i < ROW; i += 16) {
      __m512 v = _mm512_fmadd_ps(_mm512_loadu_ps(x + r + i), _mm512_loadu_ps(s + i), _mm512_loadu_ps(b + i));
      _mm512_storeu_ps(y + r + i, v);
    }
  }
}

static void affine256(void) {
  for (int r = 0; r < N; r += ROW) {
    for (int i = 0; i < ROW; i += 8) {
      __m256 v = _mm256_fmadd_ps(_mm256_loadu_ps(x + r + i), _mm256_loadu_ps(s + i), _mm256_loadu_ps(b + i));
      _mm256_storeu_ps(y + r + i, v);
    }
  }
}

// 16 chains that do not depend on each other.
enum { ROUNDS = 100000, CHAINS = 16 };
static volatile float sink;
static void registers(void) {
  __m512 f = _mm512_set1_ps(0.999f), c[CHAINS];
  for (int j = 0; j < CHAINS; j++) c[j] = _mm512_set1_ps(j);
  for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 16
    for (int j = 0; j < CHAINS; j++) c[j] = _mm512_fmadd_ps(c[j], f, f);
  }
  for (int j = 0; j < CHAINS; j++) sink += c[j][0];
}

static double median(void (*run)(void)) {
  double times[RUNS];
  for (int i = 0; i < RUNS; i++) {
    double begin = microseconds();
    run();
    times[i] = microseconds() - begin;
  }
  qsort(times, RUNS, sizeof *times, ascending);
  return times[RUNS / 2];
}

int main(void) {
  printf("products and sums of floats: %.0f GFLOP/s\n", ROUNDS * CHAINS * 32e-3 / median(registers));
  printf("| arrays begin | copy, us | x s + b on 512 bits | on 256 bits |\n|---|---:|---:|---:|\n");
  for (int shifted = 0; shifted < 2; shifted++) {
    x = floats(shifted * 2), y = floats(shifted * 6), s = floats(shifted * 10), b = floats(shifted * 14);
    printf("| %s | %.0f ", shifted ? "anywhere" : "with a line", median(copy));
    printf("| %.0f ", median(affine512));
    printf("| %.0f |\n", median(affine256));
  }
}
