// Linked into every compiled kernel module: what the compiler's instrumentation calls (-fsanitize=thread announces
// each access to memory that others may see), and the atomics. Everything is handed to the driver.
#include "abi.h"

extern "C" {
extern char hesse_shared_start[], hesse_shared_end[];
HesseIndex threadIdx, blockIdx, blockDim, gridDim;
}

extern "C" {
extern HesseModule hesse_module __attribute__((visibility("default")));
}
HesseModule hesse_module = {
    nullptr, &threadIdx, &blockIdx, &blockDim, &gridDim, hesse_shared_start, hesse_shared_end};

static void touch(const volatile void* p, unsigned long size, HesseAccess kind) {
  hesse_module.runtime->access(const_cast<const void*>(p), size, kind);
}

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* p, unsigned long size) { touch(p, size, HESSE_READ); }
void __tsan_write_range(void* p, unsigned long size) { touch(p, size, HESSE_WRITE); }
void __tsan_atomic_thread_fence(int) { hesse_module.runtime->fence(); }
void __tsan_atomic_signal_fence(int) {}

#define ACCESSES(size)                                                         \
  void __tsan_read##size(void* p) { touch(p, size, HESSE_READ); }              \
  void __tsan_write##size(void* p) { touch(p, size, HESSE_WRITE); }            \
  void __tsan_volatile_read##size(void* p) { touch(p, size, HESSE_READ); }     \
  void __tsan_volatile_write##size(void* p) { touch(p, size, HESSE_WRITE); }   \
  void __tsan_unaligned_read##size(void* p) { touch(p, size, HESSE_READ); }    \
  void __tsan_unaligned_write##size(void* p) { touch(p, size, HESSE_WRITE); }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

// One operating system thread runs all device threads, so that an atomic is announced and then done plainly.
#define FETCH(bits, type, name, expression)                                       \
  type __tsan_atomic##bits##_##name(volatile type* p, type v, int) {              \
    touch(p, sizeof(type), HESSE_ATOMIC);                                         \
    type old = *p;                                                                \
    *p = (expression);                                                            \
    return old;                                                                   \
  }
#define ATOMICS(bits, type)                                                                       \
  type __tsan_atomic##bits##_load(const volatile type* p, int) {                                  \
    touch(p, sizeof(type), HESSE_ATOMIC);                                                         \
    return *p;                                                                                    \
  }                                                                                               \
  void __tsan_atomic##bits##_store(volatile type* p, type v, int) {                               \
    touch(p, sizeof(type), HESSE_ATOMIC);                                                         \
    *p = v;                                                                                       \
  }                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* p, type* expected, type v, int, int) { \
    touch(p, sizeof(type), HESSE_ATOMIC);                                                         \
    type old = *p;                                                                                \
    bool equal = old == *expected;                                                                \
    if (equal) {                                                                                  \
      *p = v;                                                                                     \
    }                                                                                             \
    *expected = old;                                                                              \
    return equal;                                                                                 \
  }                                                                                               \
  FETCH(bits, type, exchange, v)                                                                  \
  FETCH(bits, type, fetch_add, old + v)                                                           \
  FETCH(bits, type, fetch_sub, old - v)                                                           \
  FETCH(bits, type, fetch_and, old& v)                                                            \
  FETCH(bits, type, fetch_or, old | v)                                                            \
  FETCH(bits, type, fetch_xor, old ^ v)
ATOMICS(32, unsigned)
ATOMICS(64, unsigned long)

float hesse_atomic_add_float(float* p, float v) {
  touch(p, sizeof *p, HESSE_ATOMIC);
  float old = *p;
  *p = old + v;
  return old;
}
double hesse_atomic_add_double(double* p, double v) {
  touch(p, sizeof *p, HESSE_ATOMIC);
  double old = *p;
  *p = old + v;
  return old;
}
#define EXTREME(suffix, type)                              \
  type hesse_atomic_min_##suffix(type* p, type v) {        \
    touch(p, sizeof *p, HESSE_ATOMIC);                     \
    type old = *p;                                         \
    *p = v < old ? v : old;                                \
    return old;                                            \
  }                                                        \
  type hesse_atomic_max_##suffix(type* p, type v) {        \
    touch(p, sizeof *p, HESSE_ATOMIC);                     \
    type old = *p;                                         \
    *p = v > old ? v : old;                                \
    return old;                                            \
  }
EXTREME(int, int)
EXTREME(unsigned, unsigned)
EXTREME(long, long long)
EXTREME(ulong, unsigned long long)

int hesse_barrier(int line, int predicate, HesseVote vote) {
  return hesse_module.runtime->barrier(line, predicate, vote);
}
unsigned long long hesse_warp(unsigned mask, HesseWarp kind, unsigned long long value, unsigned source) {
  return hesse_module.runtime->warp(mask, kind, value, source);
}
void hesse_fence() { hesse_module.runtime->fence(); }
void* hesse_simulated_shared() { return hesse_module.runtime->dynamicShared(); }
void hesse_trap(const char* message) { hesse_module.runtime->trap(message); }
void hesse_touch(const void* p, unsigned long size, HesseAccess kind) { touch(p, size, kind); }
}
