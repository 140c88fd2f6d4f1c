// What stand-ins for CUDA's libraries use: work on streams, and checks of the memory that they touch.
#include "../simulated.h"

#include "memory.h"
#include "stream.h"

using namespace sim;

SIM_API int hesse_simulated_enqueue(void* handle, const char* name, int (*run)(void*), void* data,
                                    void (*drop)(void*)) {
  return call(name, true, [&] {
    std::shared_ptr<void> owned(data, [drop](void* d) {
      if (drop != nullptr) {
        drop(d);
      }
    });
    std::string kept = name;
    enqueue(resolve(static_cast<Stream*>(handle)), kept, [run, owned, kept] {
      int result = run(owned.get());
      if (result != 0) {
        throw Failure(static_cast<CUresult>(result), kept + " failed");
      }
    });
  });
}

namespace {

template <class F>
int each(const char* name, const void* address, size_t size, size_t stride, size_t count, F&& check) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  try {
    for (size_t i = 0; i < count && size > 0; i++) {
      check(reinterpret_cast<uintptr_t>(address) + i * stride);
    }
    return 0;
  } catch (const Failure& failure) {
    return fail(name, failure);
  }
}

}  // namespace

SIM_API int hesse_simulated_read(const char* name, const void* address, size_t size, size_t stride, size_t count) {
  return each(name, address, size, stride, count, [&](uintptr_t start) {
    Region* region = Memory::get().check(start, size, current()->device, text(name, " reads"));
    Memory::get().requireWritten(*region, start, size, text(name, " reads"));
  });
}

SIM_API int hesse_simulated_write(const char* name, void* address, size_t size, size_t stride, size_t count) {
  return each(name, address, size, stride, count, [&](uintptr_t start) {
    Region* region = Memory::get().check(start, size, current()->device, text(name, " writes"));
    Memory::get().markWritten(*region, start, size);
  });
}
