// The driver API: memory of the device, pinned memory of the host, copies, fills.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "memory.h"
#include "stream.h"

using namespace sim;

namespace {

// What cuMemHostAlloc has made and cuMemHostRegister has been told of.
std::map<uintptr_t, size_t>& pinned() {
  static auto& ranges = *new std::map<uintptr_t, size_t>();
  return ranges;
}

bool isPinned(const void* pointer, size_t size) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  auto after = pinned().upper_bound(address);
  if (after == pinned().begin()) {
    return false;
  }
  auto& [base, length] = *std::prev(after);
  return address + size <= base + length;
}

uintptr_t value(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

// Waits for everything, as the calls do that free memory.
void synchronizeAll() { drain(current()); }

void beginSync(const char* name) {
  forbidDuringCapture(name);
  for (Stream* stream : current()->streams) {
    if (stream->capture != nullptr) {
      forbidOnCapturing(stream, name);
    }
  }
  drain(&current()->defaultStream);
  for (Stream* stream : current()->streams) {
    if (stream->blocking) {
      drain(stream);
    }
  }
}

void toDevice(uintptr_t to, const void* from, size_t size, int device, const char* name) {
  if (size > 0) {
    Region* region = Memory::get().check(to, size, device, text(name, " writes"));
    memcpy(reinterpret_cast<void*>(to), from, size);
    Memory::get().markWritten(*region, to, size);
    moved("HtoD", size);
  }
}

void toHost(void* to, uintptr_t from, size_t size, int device, const char* name) {
  if (size > 0) {
    Region* region = Memory::get().check(from, size, device, text(name, " reads"));
    Memory::get().requireWritten(*region, from, size, text(name, " reads"));
    memcpy(to, reinterpret_cast<void*>(from), size);
    moved("DtoH", size);
  }
}

void fill(uintptr_t to, size_t count, unsigned bits, size_t width, int device, const char* name) {
  require(to % width == 0, CUDA_ERROR_INVALID_VALUE, "the address is not aligned");
  if (count == 0) {
    return;
  }
  Region* region = Memory::get().check(to, count * width, device, text(name, " writes"));
  auto* bytes = reinterpret_cast<unsigned char*>(to);
  for (size_t i = 0; i < count; i++) {
    memcpy(bytes + i * width, &bits, width);  // the host is little-endian, too
  }
  Memory::get().markWritten(*region, to, count * width);
}

CUresult fillLater(const char* name, uintptr_t to, unsigned bits, size_t width, size_t count, Stream* handle, bool wait) {
  return call(name, true, [&] {
    if (wait) {
      beginSync(name);
    }
    Stream* stream = resolve(handle);
    int device = stream->context->device;
    if (count > 0) {
      Memory::get().check(to, count * width, device, text(name, " writes"));
    }
    enqueue(stream, name, [=] { fill(to, count, bits, width, device, name); });
  });
}

}  // namespace

SIM_API CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  return call("cuMemGetInfo", true, [&] {
    *total = static_cast<size_t>(Options::get().memory) << 20;
    *free = *total - std::min(*total, Memory::get().used(current()->device));
  });
}

SIM_API CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t size) {
  return call("cuMemAlloc", true, [&] {
    forbidDuringCapture("cuMemAlloc");
    require(size > 0, CUDA_ERROR_INVALID_VALUE, "0 bytes");
    int device = current()->device;
    size_t total = static_cast<size_t>(Options::get().memory) << 20;
    size_t used = Memory::get().used(device);
    if (size > total || used > total - size) {
      throw Failure(CUDA_ERROR_OUT_OF_MEMORY, text(size, " bytes, of ", total, " with ", used, " in use"));
    }
    *address = Memory::get().allocate(device, size);
  });
}

SIM_API CUresult cuMemFree_v2(CUdeviceptr address) {
  return call("cuMemFree", true, [&] {
    forbidDuringCapture("cuMemFree");
    if (address != 0) {
      synchronizeAll();
      Memory::get().free(address);
    }
  });
}

SIM_API CUresult cuMemAllocAsync(CUdeviceptr* address, size_t size, Stream* stream) {
  return call("cuMemAllocAsync", true, [&] {
    forbidOnCapturing(resolve(stream), "cuMemAllocAsync");  // a real driver would make it a node of the graph
    require(cuMemAlloc_v2(address, size) == CUDA_SUCCESS, CUDA_ERROR_OUT_OF_MEMORY, "out of memory");
  });
}

SIM_API CUresult cuMemFreeAsync(CUdeviceptr address, Stream* stream) {
  return call("cuMemFreeAsync", true, [&] {
    enqueue(resolve(stream), "cuMemFreeAsync", [=] { Memory::get().free(address); });
  });
}

SIM_API CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* size, CUdeviceptr address) {
  return call("cuMemGetAddressRange", true, [&] {
    Region* region = Memory::get().find(address);
    require(region != nullptr, CUDA_ERROR_NOT_FOUND, "the address lies in no allocation");
    if (base != nullptr) {
      *base = region->base;
    }
    if (size != nullptr) {
      *size = region->size;
    }
  });
}

SIM_API CUresult cuMemHostAlloc(void** pointer, size_t size, unsigned) {
  return call("cuMemHostAlloc", true, [&] {
    forbidDuringCapture("cuMemHostAlloc");
    require(size > 0, CUDA_ERROR_INVALID_VALUE, "0 bytes");
    *pointer = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    require(*pointer != nullptr, CUDA_ERROR_OUT_OF_MEMORY, "the host has no memory left");
    memset(*pointer, 0xff, size);
    pinned()[value(*pointer)] = size;
    Memory::get().addHost(value(*pointer), size);
  });
}

SIM_API CUresult cuMemAllocHost_v2(void** pointer, size_t size) { return cuMemHostAlloc(pointer, size, 0); }

SIM_API CUresult cuMemFreeHost(void* pointer) {
  return call("cuMemFreeHost", true, [&] {
    forbidDuringCapture("cuMemFreeHost");
    synchronizeAll();
    if (pinned().erase(value(pointer)) == 0) {
      throw Failure(CUDA_ERROR_INVALID_VALUE, text(hex(value(pointer)), " is no pinned memory, or has been freed"), true);
    }
    Memory::get().removeHost(value(pointer));
    free(pointer);
  });
}

SIM_API CUresult cuMemHostRegister_v2(void* pointer, size_t size, unsigned) {
  return call("cuMemHostRegister", true, [&] {
    forbidDuringCapture("cuMemHostRegister");
    require(size > 0, CUDA_ERROR_INVALID_VALUE, "0 bytes");
    require(pinned().count(value(pointer)) == 0, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "registered before");
    pinned()[value(pointer)] = size;
    Memory::get().addHost(value(pointer), size);
  });
}

SIM_API CUresult cuMemHostUnregister(void* pointer) {
  return call("cuMemHostUnregister", true, [&] {
    forbidDuringCapture("cuMemHostUnregister");
    synchronizeAll();
    require(pinned().erase(value(pointer)) > 0, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "not registered");
    Memory::get().removeHost(value(pointer));
  });
}

SIM_API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* pointer, unsigned) {
  return call("cuMemHostGetDevicePointer", true, [&] {
    require(isPinned(pointer, 1), CUDA_ERROR_INVALID_VALUE, "not pinned memory");
    *address = value(pointer);
  });
}

SIM_API CUresult cuMemHostGetFlags(unsigned* flags, void* pointer) {
  return call("cuMemHostGetFlags", true, [&] {
    require(isPinned(pointer, 1), CUDA_ERROR_INVALID_VALUE, "not pinned memory");
    *flags = 2;  // mapped
  });
}

// ---- copies; those that wait do so for the default stream and all that wait for it ----

SIM_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t size) {
  return call("cuMemcpyHtoD", true, [&] {
    beginSync("cuMemcpyHtoD");
    toDevice(to, from, size, current()->device, "cuMemcpyHtoD");
  });
}

SIM_API CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t size) {
  return call("cuMemcpyDtoH", true, [&] {
    beginSync("cuMemcpyDtoH");
    toHost(to, from, size, current()->device, "cuMemcpyDtoH");
  });
}

SIM_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size) {
  return call("cuMemcpyDtoD", true, [&] {
    beginSync("cuMemcpyDtoD");
    Memory::get().copy(to, from, size, current()->device, "cuMemcpyDtoD");
  });
}

SIM_API CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t size) { return cuMemcpyDtoD_v2(to, from, size); }

SIM_API CUresult cuMemcpyPeer(CUdeviceptr to, Context*, CUdeviceptr from, Context*, size_t size) {
  return call("cuMemcpyPeer", true, [&] {
    beginSync("cuMemcpyPeer");
    Memory::get().copy(to, from, size, -1, "cuMemcpyPeer");
  });
}

SIM_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t size, Stream* handle) {
  return call("cuMemcpyHtoDAsync", true, [&] {
    Stream* stream = resolve(handle);
    int device = stream->context->device;
    if (isPinned(from, size)) {
      enqueue(stream, "cuMemcpyHtoDAsync", [=] { toDevice(to, from, size, device, "cuMemcpyHtoDAsync"); });
      return;
    }
    if (stream->capture != nullptr) {
      spoil(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
            "cuMemcpyHtoDAsync from memory that is not pinned, on a capturing stream");
    }
    // Copied aside before the call returns, as drivers do.
    auto aside = std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + size);
    enqueue(stream, "cuMemcpyHtoDAsync", [=] { toDevice(to, aside->data(), size, device, "cuMemcpyHtoDAsync"); });
  });
}

SIM_API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t size, Stream* handle) {
  return call("cuMemcpyDtoHAsync", true, [&] {
    Stream* stream = resolve(handle);
    int device = stream->context->device;
    bool later = isPinned(to, size);
    if (!later && stream->capture != nullptr) {
      spoil(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
            "cuMemcpyDtoHAsync to memory that is not pinned, on a capturing stream");
    }
    enqueue(stream, "cuMemcpyDtoHAsync", [=] { toHost(to, from, size, device, "cuMemcpyDtoHAsync"); });
    if (!later) {
      drain(stream);
    }
  });
}

SIM_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, Stream* handle) {
  return call("cuMemcpyDtoDAsync", true, [&] {
    Stream* stream = resolve(handle);
    int device = stream->context->device;
    enqueue(stream, "cuMemcpyDtoDAsync", [=] { Memory::get().copy(to, from, size, device, "cuMemcpyDtoDAsync"); });
  });
}

SIM_API CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, Stream* stream) {
  return cuMemcpyDtoDAsync_v2(to, from, size, stream);
}

SIM_API CUresult cuMemcpyPeerAsync(CUdeviceptr to, Context*, CUdeviceptr from, Context*, size_t size, Stream* handle) {
  return call("cuMemcpyPeerAsync", true, [&] {
    enqueue(resolve(handle), "cuMemcpyPeerAsync",
            [=] { Memory::get().copy(to, from, size, -1, "cuMemcpyPeerAsync"); });
  });
}

// ---- fills ----

SIM_API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char bits, size_t count) {
  return fillLater("cuMemsetD8", to, bits, 1, count, nullptr, true);
}

SIM_API CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short bits, size_t count) {
  return fillLater("cuMemsetD16", to, bits, 2, count, nullptr, true);
}

SIM_API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned bits, size_t count) {
  return fillLater("cuMemsetD32", to, bits, 4, count, nullptr, true);
}

SIM_API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char bits, size_t count, Stream* stream) {
  return fillLater("cuMemsetD8Async", to, bits, 1, count, stream, false);
}

SIM_API CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short bits, size_t count, Stream* stream) {
  return fillLater("cuMemsetD16Async", to, bits, 2, count, stream, false);
}

SIM_API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned bits, size_t count, Stream* stream) {
  return fillLater("cuMemsetD32Async", to, bits, 4, count, stream, false);
}
