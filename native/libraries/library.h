// What the stand-ins of cuBLAS and cuSOLVER share: the simulated driver's entries for libraries, and handles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <utility>

#include "matrices.h"

// In libcuda. Work is done in the stream's order, or recorded by its capture; `drop` is called when it is not needed
// any more. Returns a CUresult.
extern "C" int hesse_simulated_enqueue(void* stream, const char* name, void (*run)(void*), void* data,
                                       void (*drop)(void*));
// 1 while the stream is being captured, which this call then spoils, saying so; else 0.
extern "C" int hesse_simulated_forbid_capture(void* stream, const char* name);
// For work on the device: fails unless the stretch is memory of the device, and has been written.
extern "C" void hesse_simulated_read(const void* at, size_t bytes, const char* name);
// Fails unless the stretch is memory of the device; it counts as written from then on.
extern "C" void hesse_simulated_write(void* at, size_t bytes, const char* name);

#define LIBRARY_API extern "C" __attribute__((visibility("default")))

struct Handle {
  static constexpr uint32_t ALIVE = 0x48455353;
  uint32_t alive = ALIVE;
  void* stream = nullptr;
  int pointer_mode = 0;
  int math_mode = 0;
  int atomics_mode = 0;
};

inline bool is_handle(const Handle* handle) { return handle != nullptr && handle->alive == Handle::ALIVE; }

// Says on the standard error stream why a call is refused; a real library would keep that to itself.
inline int refuse(const char* call, int status, const char* why) {
  std::fprintf(stderr, "%s (simulated): %s\n", call, why);
  return status;
}

// Enqueues work; whether that went well.
inline bool enqueue(Handle* handle, const char* name, std::function<void()> work) {
  using Work = std::function<void()>;
  return hesse_simulated_enqueue(
             handle->stream, name, [](void* data) { (*static_cast<Work*>(data))(); },
             new Work(std::move(work)), [](void* data) { delete static_cast<Work*>(data); }) == 0;
}

// Columns of matrices on the device, checked one by one, as there may be others in between.
template <typename T>
void reads(matrices::Matrix<const T> a, int64_t rows, int64_t columns, const char* name) {
  for (int64_t j = 0; j < columns && rows > 0; j++) {
    hesse_simulated_read(&a(0, j), sizeof(T) * static_cast<size_t>(rows), name);
  }
}

template <typename T>
void reads(matrices::Matrix<T> a, int64_t rows, int64_t columns, const char* name) {
  reads(matrices::Matrix<const T>{a.at, a.leading}, rows, columns, name);
}

template <typename T>
void writes(matrices::Matrix<T> a, int64_t rows, int64_t columns, const char* name) {
  for (int64_t j = 0; j < columns && rows > 0; j++) {
    hesse_simulated_write(&a(0, j), sizeof(T) * static_cast<size_t>(rows), name);
  }
}

template <typename T>
void writes(T* at, int64_t count, const char* name) {
  if (count > 0) {
    hesse_simulated_write(at, sizeof(T) * static_cast<size_t>(count), name);
  }
}
