// The driver API: initialisation, devices, contexts, error texts.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "memory.h"
#include "module.h"

namespace sim {

namespace {

bool initialized = false;

Context& primary(int device) {
  static auto& all = *new std::map<int, Context*>();
  Context*& context = all[device];
  if (context == nullptr) {
    context = new Context();
    context->device = device;
    context->primary = true;
    context->defaultStream.context = context;
  }
  return *context;
}

void checkDevice(int device) {
  if (device < 0 || device >= Options::get().devices) {
    throw Failure(CUDA_ERROR_INVALID_DEVICE, text("device ", device, " of ", Options::get().devices));
  }
}

const std::map<int, int>& attributes() {
  static const std::map<int, int> values = {
      {1, Limits::THREADS}, {2, 1024}, {3, 1024}, {4, 64}, {5, 0x7fffffff}, {6, 65535}, {7, 65535},
      {8, Limits::SHARED}, {9, 65536}, {10, 32}, {11, 0x7fffffff}, {12, 65536}, {13, 1000000}, {14, 512}, {15, 1},
      {17, 0}, {18, 0}, {19, 1}, {20, 0}, {31, 1}, {32, 0}, {34, 0}, {35, 0}, {36, 1000000}, {37, 256},
      {38, 4 << 20}, {39, Limits::THREADS_PER_MULTIPROCESSOR}, {40, 2}, {41, 1}, {50, 0}, {78, 1}, {79, 1}, {80, 1},
      {81, Limits::SHARED_PER_MULTIPROCESSOR}, {82, 65536}, {83, 1}, {84, 0}, {87, 32}, {88, 0}, {89, 0}, {90, 1},
      {91, 1}, {95, 0}, {97, Limits::SHARED_OPT_IN}, {106, Limits::BLOCKS_PER_MULTIPROCESSOR}, {111, 1024}, {115, 0},
  };
  return values;
}

}  // namespace

CUresult precheck(bool needsContext) {
  if (!initialized) {
    return CUDA_ERROR_NOT_INITIALIZED;
  }
  if (!needsContext) {
    return CUDA_SUCCESS;
  }
  Context* context = currentOrNull();
  if (context == nullptr) {
    throw Failure(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
  }
  return context->error;
}

}  // namespace sim

using namespace sim;

SIM_API CUresult cuInit(unsigned flags) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  if (flags != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (Options::get().devices < 1) {
    return CUDA_ERROR_NO_DEVICE;
  }
  initialized = true;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuDriverGetVersion(int* version) {
  *version = 12060;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuGetErrorName(int code, const char** name) {
  *name = resultName(code);
  return *name == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

SIM_API CUresult cuGetErrorString(int code, const char** string) {
  *string = resultText(code);
  return *string == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

SIM_API CUresult cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", false, [&] { *count = static_cast<int>(Options::get().devices); });
}

SIM_API CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return call("cuDeviceGet", false, [&] {
    checkDevice(ordinal);
    *device = ordinal;
  });
}

SIM_API CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  return call("cuDeviceGetName", false, [&] {
    checkDevice(device);
    snprintf(name, static_cast<size_t>(length), "Simulated device");
  });
}

SIM_API CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  return call("cuDeviceGetUuid", false, [&] {
    checkDevice(device);
    memcpy(uuid->bytes, "HESSE SIMULATED", 15);
    uuid->bytes[15] = static_cast<unsigned char>(device);
  });
}

SIM_API CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  return call("cuDeviceTotalMem", false, [&] {
    checkDevice(device);
    *bytes = static_cast<size_t>(Options::get().memory) << 20;
  });
}

SIM_API CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  return call("cuDeviceGetAttribute", false, [&] {
    checkDevice(device);
    auto known = attributes().find(attribute);
    if (attribute == 75) {
      *value = static_cast<int>(Options::get().capability / 10);
    } else if (attribute == 76) {
      *value = static_cast<int>(Options::get().capability % 10);
    } else if (attribute == 16) {
      *value = static_cast<int>(Options::get().multiprocessors);
    } else if (attribute == 33) {
      *value = device + 1;  // PCI bus
    } else if (known != attributes().end()) {
      *value = known->second;
    } else if (attribute >= 1 && attribute <= 140) {
      *value = 0;
    } else {
      throw Failure(CUDA_ERROR_INVALID_VALUE, text("no attribute ", attribute));
    }
  });
}

SIM_API CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  return call("cuDeviceComputeCapability", false, [&] {
    checkDevice(device);
    *major = static_cast<int>(Options::get().capability / 10);
    *minor = static_cast<int>(Options::get().capability % 10);
  });
}

SIM_API CUresult cuDeviceGetProperties(CUdevprop* properties, CUdevice device) {
  return call("cuDeviceGetProperties", false, [&] {
    checkDevice(device);
    *properties = {1024, {1024, 1024, 64}, {0x7fffffff, 65535, 65535}, static_cast<int>(Limits::SHARED), 65536, 32,
                   0x7fffffff, 65536, 1000000, 512};
  });
}

SIM_API CUresult cuDeviceGetPCIBusId(char* id, int length, CUdevice device) {
  return call("cuDeviceGetPCIBusId", false, [&] {
    checkDevice(device);
    snprintf(id, static_cast<size_t>(length), "0000:%02x:00.0", device + 1);
  });
}

SIM_API CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* id) {
  return call("cuDeviceGetByPCIBusId", false, [&] {
    unsigned bus = 0;
    require(sscanf(id, "0000:%2x:", &bus) == 1, CUDA_ERROR_INVALID_VALUE, "not a PCI bus id");
    checkDevice(static_cast<int>(bus) - 1);
    *device = static_cast<int>(bus) - 1;
  });
}

SIM_API CUresult cuDeviceCanAccessPeer(int* can, CUdevice, CUdevice) {
  *can = 0;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuDevicePrimaryCtxRetain(Context** context, CUdevice device) {
  return call("cuDevicePrimaryCtxRetain", false, [&] {
    checkDevice(device);
    Context& found = primary(device);
    found.references++;
    registerContext(&found, true);
    *context = &found;
  });
}

SIM_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return call("cuDevicePrimaryCtxReset", false, [&] {
    checkDevice(device);
    Context& context = primary(device);
    emptyContext(&context);
    Memory::get().reset(device);
    registerContext(&context, context.references > 0);
  });
}

SIM_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return call("cuDevicePrimaryCtxRelease", false, [&] {
    checkDevice(device);
    Context& context = primary(device);
    require(context.references > 0, CUDA_ERROR_INVALID_CONTEXT, "the primary context has been released before");
    if (--context.references == 0) {
      drain(&context);
      emptyContext(&context);
      Memory::get().reset(device);
      registerContext(&context, false);
    }
  });
}

SIM_API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  return call("cuDevicePrimaryCtxSetFlags", false, [&] {
    checkDevice(device);
    primary(device).flags = flags;
  });
}

SIM_API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  return call("cuDevicePrimaryCtxGetState", false, [&] {
    checkDevice(device);
    *flags = primary(device).flags;
    *active = primary(device).references > 0;
  });
}

SIM_API CUresult cuCtxCreate_v2(Context** context, unsigned flags, CUdevice device) {
  return call("cuCtxCreate", false, [&] {
    checkDevice(device);
    auto* made = new Context();
    made->device = device;
    made->flags = flags;
    made->defaultStream.context = made;
    registerContext(made, true);
    contextStack().push_back(made);
    *context = made;
  });
}

SIM_API CUresult cuCtxDestroy_v2(Context* context) {
  return call("cuCtxDestroy", false, [&] {
    require(isContext(context) && !context->primary, CUDA_ERROR_INVALID_CONTEXT, "not a context made by cuCtxCreate");
    emptyContext(context);
    registerContext(context, false);
    auto& stack = contextStack();
    stack.erase(std::remove(stack.begin(), stack.end(), context), stack.end());
    delete context;
  });
}

SIM_API CUresult cuCtxSetCurrent(Context* context) {
  return call("cuCtxSetCurrent", false, [&] {
    require(context == nullptr || isContext(context), CUDA_ERROR_INVALID_CONTEXT, "no such context");
    setCurrent(context);
  });
}

SIM_API CUresult cuCtxPushCurrent_v2(Context* context) {
  return call("cuCtxPushCurrent", false, [&] {
    require(isContext(context), CUDA_ERROR_INVALID_CONTEXT, "no such context");
    contextStack().push_back(context);
  });
}

SIM_API CUresult cuCtxPopCurrent_v2(Context** context) {
  return call("cuCtxPopCurrent", false, [&] {
    require(!contextStack().empty(), CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
    if (context != nullptr) {
      *context = contextStack().back();
    }
    contextStack().pop_back();
  });
}

SIM_API CUresult cuCtxGetCurrent(Context** context) {
  return call("cuCtxGetCurrent", false, [&] { *context = currentOrNull(); });
}

SIM_API CUresult cuCtxGetDevice(CUdevice* device) {
  return call("cuCtxGetDevice", false, [&] { *device = current()->device; });
}

SIM_API CUresult cuCtxGetFlags(unsigned* flags) {
  return call("cuCtxGetFlags", false, [&] { *flags = current()->flags; });
}

SIM_API CUresult cuCtxGetApiVersion(Context*, unsigned* version) {
  *version = 3020;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuCtxGetLimit(size_t* value, int) {
  *value = 1024;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuCtxSetLimit(int, size_t) { return CUDA_SUCCESS; }

SIM_API CUresult cuCtxSynchronize() {
  return call("cuCtxSynchronize", true, [&] {
    for (Stream* stream : current()->streams) {
      forbidOnCapturing(stream, "cuCtxSynchronize");
    }
    drain(current());
  });
}
