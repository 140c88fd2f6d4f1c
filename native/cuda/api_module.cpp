// The driver API: modules, functions, launches, occupancy.
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstring>

#include "module.h"

using namespace sim;

SIM_API CUresult cuModuleLoadData(Module** module, const void* image) {
  return call("cuModuleLoadData", true, [&] {
    forbidDuringCapture("cuModuleLoadData");
    require(module != nullptr && image != nullptr, CUDA_ERROR_INVALID_VALUE, "null pointer");
    *module = load(image);
  });
}

SIM_API CUresult cuModuleLoadDataEx(Module** module, const void* image, unsigned, int*, void**) {
  return cuModuleLoadData(module, image);
}

SIM_API CUresult cuModuleUnload(Module* module) {
  return call("cuModuleUnload", true, [&] {
    forbidDuringCapture("cuModuleUnload");
    checkModule(module);
    drain(module->context);
    module->context->modules.erase(module);
    unload(module);
  });
}

SIM_API CUresult cuModuleGetFunction(Function** result, Module* module, const char* name) {
  return call("cuModuleGetFunction", true, [&] { *result = function(module, name); });
}

SIM_API CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* size, Module* module, const char* name) {
  return call("cuModuleGetGlobal", true, [&] {
    checkModule(module);
    void* symbol = dlsym(module->library, name);
    if (symbol == nullptr) {
      throw Failure(CUDA_ERROR_NOT_FOUND, text("the module has no variable ", name));
    }
    Dl_info info;
    ElfW(Sym)* entry = nullptr;
    dladdr1(symbol, &info, reinterpret_cast<void**>(&entry), RTLD_DL_SYMENT);
    size_t length = entry == nullptr ? 0 : entry->st_size;
    auto start = reinterpret_cast<uintptr_t>(symbol);
    if (module->variables.insert(start).second) {
      Memory::get().addHost(start, length);
    }
    if (address != nullptr) {
      *address = start;
    }
    if (size != nullptr) {
      *size = length;
    }
  });
}

SIM_API CUresult cuModuleGetLoadingMode(int* mode) {
  *mode = 1;
  return CUDA_SUCCESS;
}

SIM_API CUresult cuFuncGetModule(Module** module, Function* function) {
  return call("cuFuncGetModule", true, [&] {
    checkFunction(function);
    *module = function->module;
  });
}

SIM_API CUresult cuFuncGetAttribute(int* value, int attribute, Function* function) {
  return call("cuFuncGetAttribute", true, [&] {
    checkFunction(function);
    unsigned bound = function->entry->maxThreads;
    switch (attribute) {
      case 0:
        *value = static_cast<int>(bound > 0 ? bound : Limits::THREADS);
        break;
      case 1:
        *value = static_cast<int>(function->staticShared);
        break;
      case 2:
      case 3:
      case 7:
        *value = 0;
        break;
      case 4:
        *value = 32;
        break;
      case 5:
      case 6:
        *value = static_cast<int>(Options::get().capability);
        break;
      case 8:
        *value = function->maxDynamicShared;
        break;
      case 9:
        *value = -1;
        break;
      default:
        throw Failure(CUDA_ERROR_INVALID_VALUE, text("attribute ", attribute, " is not simulated"));
    }
  });
}

SIM_API CUresult cuFuncSetAttribute(Function* function, int attribute, int value) {
  return call("cuFuncSetAttribute", true, [&] {
    checkFunction(function);
    if (attribute == 8) {
      if (value < 0 || value + function->staticShared > Limits::SHARED_OPT_IN) {
        throw Failure(CUDA_ERROR_INVALID_VALUE, text(value, " bytes of dynamic shared memory"));
      }
      function->maxDynamicShared = value;
    } else {
      require(attribute == 9, CUDA_ERROR_INVALID_VALUE, "this attribute cannot be set");
    }
  });
}

SIM_API CUresult cuFuncSetCacheConfig(Function* function, int) {
  return call("cuFuncSetCacheConfig", true, [&] { checkFunction(function); });
}

SIM_API CUresult cuFuncSetSharedMemConfig(Function* function, int) {
  return call("cuFuncSetSharedMemConfig", true, [&] { checkFunction(function); });
}

namespace {

void checkShape(const Function& function, const Dim& grid, const Dim& block, unsigned shared) {
  auto shape = [](const Dim& d) { return text(d.x, "x", d.y, "x", d.z); };
  if (grid.count() == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("kernel ", function.name, ": a grid of ", shape(grid), " blocks"), true);
  }
  if (block.count() == 0 || block.count() > Limits::THREADS || block.x > 1024 || block.y > 1024 || block.z > 64) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("kernel ", function.name, ": a block of ", shape(block), " threads"),
                  true);
  }
  if (function.entry->maxThreads > 0 && block.count() > function.entry->maxThreads) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("kernel ", function.name, ": a block of ", shape(block),
                                                 " threads, with launch bounds of ", function.entry->maxThreads),
                  true);
  }
  if (shared > static_cast<unsigned>(function.maxDynamicShared)) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("kernel ", function.name, ": ", shared,
                                                 " bytes of dynamic shared memory, of at most ", function.maxDynamicShared),
                  true);
  }
}

// Static shared memory counts, too, but how much a kernel has is known only when it has run.
void checkShared(Function& function, unsigned staticShared, unsigned dynamicShared) {
  function.staticShared = std::max(function.staticShared, staticShared);
  unsigned most = std::max(+Limits::SHARED, static_cast<unsigned>(function.maxDynamicShared));
  if (staticShared > Limits::SHARED || staticShared + dynamicShared > most) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("kernel ", function.name, ": ", staticShared, " bytes of static and ",
                                                 dynamicShared, " of dynamic shared memory, of at most ", most),
                  true);
  }
}

}  // namespace

SIM_API CUresult cuLaunchKernel(Function* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                                unsigned blockY, unsigned blockZ, unsigned shared, Stream* handle, void** parameters,
                                void** extra) {
  return call("cuLaunchKernel", true, [&] {
    checkFunction(function);
    Stream* stream = resolve(handle);
    require(function->module->context == stream->context, CUDA_ERROR_INVALID_HANDLE,
            "the kernel was loaded in another context than the stream's");
    require(extra == nullptr, CUDA_ERROR_NOT_SUPPORTED, "arguments in one buffer are not simulated");
    auto launch = std::make_shared<Launch>();
    launch->kernel = function->name;
    launch->module = function->module->abi;
    launch->entry = function->entry;
    launch->image = function->module->image;
    launch->imageSize = function->module->imageSize;
    launch->grid = {gridX, gridY, gridZ};
    launch->block = {blockX, blockY, blockZ};
    launch->dynamicShared = shared;
    launch->device = stream->context->device;
    checkShape(*function, launch->grid, launch->block, shared);
    size_t end = 0;
    const unsigned* sizes = function->entry->sizes;
    for (size_t i = 0; sizes[i] > 0; i++) {
      require(parameters != nullptr && parameters[i] != nullptr, CUDA_ERROR_INVALID_VALUE, "an argument is missing");
      size_t offset = (end + 15) / 16 * 16;
      end = offset + sizes[i];
      launch->bytes.resize(end);
      memcpy(launch->bytes.data() + offset, parameters[i], sizes[i]);
      launch->offsets.push_back(offset);
    }
    enqueue(stream, function->name, [launch, function] {
      checkFunction(function);
      checkShared(*function, Executor::get().run(*launch), launch->dynamicShared);
    });
  });
}

namespace {

int blocksPerMultiprocessor(const Function& function, int threads, size_t shared) {
  if (threads < 1 || threads > static_cast<int>(Limits::THREADS)) {
    return 0;
  }
  unsigned blocks = std::min(Limits::THREADS_PER_MULTIPROCESSOR / static_cast<unsigned>(threads),
                             +Limits::BLOCKS_PER_MULTIPROCESSOR);
  size_t bytes = shared + function.staticShared + 1024;
  return static_cast<int>(std::min<size_t>(blocks, Limits::SHARED_PER_MULTIPROCESSOR / bytes));
}

}  // namespace

SIM_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* function, int threads,
                                                            size_t shared) {
  return call("cuOccupancyMaxActiveBlocksPerMultiprocessor", true, [&] {
    checkFunction(function);
    *blocks = blocksPerMultiprocessor(*function, threads, shared);
  });
}

SIM_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, Function* function, int threads,
                                                                     size_t shared, unsigned) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared);
}

SIM_API CUresult cuOccupancyMaxPotentialBlockSize(int* grid, int* block, Function* function, size_t (*)(int), size_t,
                                                  int limit) {
  return call("cuOccupancyMaxPotentialBlockSize", true, [&] {
    checkFunction(function);
    int bound = static_cast<int>(function->entry->maxThreads > 0 ? function->entry->maxThreads : Limits::THREADS);
    *block = limit > 0 ? std::min(limit, bound) : bound;
    *grid = static_cast<int>(Options::get().multiprocessors) * blocksPerMultiprocessor(*function, *block, 0);
  });
}

SIM_API CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block, Function* function,
                                                           size_t (*shared)(int), size_t bytes, int limit, unsigned) {
  return cuOccupancyMaxPotentialBlockSize(grid, block, function, shared, bytes, limit);
}
