// What the stand-ins of cuBLAS and cuSOLVER share: the simulated driver's entries for libraries, checked, and handles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <utility>

#include "matrices.h"
#include "simulated.h"

// Of the driver API: whether a stream is being captured.
extern "C" int cuStreamIsCapturing(void* stream, int* status);

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

// Work that has touched what it must not; the simulated driver has said what.
struct Fault {
  int code;
};

// Enqueues work; whether that went well.
inline bool enqueue(Handle* handle, const char* name, std::function<void()> work) {
  using Work = std::function<void()>;
  auto run = [](void* data) {
    try {
      (*static_cast<Work*>(data))();
      return 0;
    } catch (const Fault& fault) {
      return fault.code;
    }
  };
  auto drop = [](void* data) { delete static_cast<Work*>(data); };
  return hesse_simulated_enqueue(handle->stream, name, run, new Work(std::move(work)), drop) == 0;
}

// Says that work is about to read, or to write, columns of a matrix on the device; there may be others in between.
template <typename T>
void reads(matrices::Matrix<T> a, int64_t rows, int64_t columns, const char* name) {
  size_t column = sizeof(T) * static_cast<size_t>(rows), stride = sizeof(T) * static_cast<size_t>(a.leading);
  int code = hesse_simulated_read(name, a.at, column, stride, static_cast<size_t>(columns));
  if (code != 0) {
    throw Fault{code};
  }
}

template <typename T>
void writes(matrices::Matrix<T> a, int64_t rows, int64_t columns, const char* name) {
  size_t column = sizeof(T) * static_cast<size_t>(rows), stride = sizeof(T) * static_cast<size_t>(a.leading);
  int code = hesse_simulated_write(name, a.at, column, stride, static_cast<size_t>(columns));
  if (code != 0) {
    throw Fault{code};
  }
}

// The same for numbers side by side.
template <typename T>
void reads(const T* at, int64_t count, const char* name) {
  reads(matrices::Matrix<const T>{at, count}, count, 1, name);
}

template <typename T>
void writes(T* at, int64_t count, const char* name) {
  writes(matrices::Matrix<T>{at, count}, count, 1, name);
}
