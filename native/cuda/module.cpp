#include "module.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "image.h"

namespace sim {

namespace {

std::set<Module*>& modules() {
  static auto& all = *new std::set<Module*>();
  return all;
}

std::set<Function*>& functions() {
  static auto& all = *new std::set<Function*>();
  return all;
}

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

std::string fromPtx(const char* ptx) {
  std::string bytes;
  for (const char* c = ptx + strlen(SIM_PTX_MAGIC); digit(c[0]) >= 0 && digit(c[1]) >= 0; c += 2) {
    bytes += static_cast<char>(digit(c[0]) * 16 + digit(c[1]));
  }
  return bytes;
}

// Every module needs a name of its own, or the loader would take it for one that it has.
void* open(const char* bytes, size_t size) {
  const char* folder = getenv("TMPDIR");
  std::string path = text(folder != nullptr && *folder != 0 ? folder : "/tmp", "/hesse-module-XXXXXX");
  int file = mkstemp(path.data());
  if (file < 0) {
    throw Failure(CUDA_ERROR_INVALID_IMAGE, text("cannot write ", path));
  }
  size_t done = 0;
  while (done < size) {
    ssize_t n = write(file, bytes + done, size - done);
    if (n <= 0) {
      close(file);
      unlink(path.c_str());
      throw Failure(CUDA_ERROR_INVALID_IMAGE, text("cannot write ", path));
    }
    done += static_cast<size_t>(n);
  }
  close(file);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  unlink(path.c_str());
  if (library == nullptr) {
    throw Failure(CUDA_ERROR_INVALID_IMAGE, dlerror());
  }
  return library;
}

struct Extent {
  uintptr_t address;
  uintptr_t start = 0;
  uintptr_t end = 0;
};

// Finds where the shared object that an address belongs to begins and ends.
int measure(dl_phdr_info* info, size_t, void* data) {
  auto* extent = static_cast<Extent*>(data);
  uintptr_t start = UINTPTR_MAX;
  uintptr_t end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD) {
      start = std::min<uintptr_t>(start, info->dlpi_addr + header.p_vaddr);
      end = std::max<uintptr_t>(end, info->dlpi_addr + header.p_vaddr + header.p_memsz);
    }
  }
  if (extent->address < start || extent->address >= end) {
    return 0;
  }
  extent->start = start;
  extent->end = end;
  return 1;
}

}  // namespace

Module* load(const void* image) {
  std::string fromText;
  const char* bytes = static_cast<const char*>(image);
  if (strncmp(bytes, SIM_PTX_MAGIC, strlen(SIM_PTX_MAGIC)) == 0) {
    fromText = fromPtx(bytes);
    bytes = fromText.data();
  }
  SimImage header;
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.magic, SIM_IMAGE_MAGIC, sizeof header.magic) != 0) {
    throw Failure(CUDA_ERROR_NO_BINARY_FOR_GPU,
                  "the image is not of the simulated NVRTC: real CUBIN and PTX do not run on the simulated device");
  }
  auto module = std::make_unique<Module>();
  module->context = current();
  module->library = open(bytes + sizeof header, header.size);
  module->abi = static_cast<HesseModule*>(dlsym(module->library, "hesse_module"));
  if (module->abi == nullptr) {
    throw Failure(CUDA_ERROR_INVALID_IMAGE, "the image lacks hesse_module");
  }
  Extent extent{reinterpret_cast<uintptr_t>(module->abi)};
  dl_iterate_phdr(measure, &extent);
  module->image = extent.start;
  module->imageSize = extent.end - extent.start;
  Module* result = module.release();
  result->context->modules.insert(result);
  modules().insert(result);
  return result;
}

void unload(Module* module) {
  for (auto& [name, function] : module->functions) {
    functions().erase(function.get());
  }
  for (uintptr_t variable : module->variables) {
    Memory::get().removeHost(variable);
  }
  modules().erase(module);
  dlclose(module->library);
  delete module;
}

void checkModule(Module* module) {
  if (modules().count(module) == 0) {
    throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such module, or it has been unloaded", true);
  }
}

void checkFunction(Function* function) {
  if (functions().count(function) == 0) {
    throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such function, or its module has been unloaded", true);
  }
}

Function* function(Module* module, const char* name) {
  checkModule(module);
  auto found = module->functions.find(name);
  if (found != module->functions.end()) {
    return found->second.get();
  }
  auto* entry = static_cast<const HesseEntry*>(dlsym(module->library, text("hesse_entry_", name).c_str()));
  if (entry == nullptr) {
    throw Failure(CUDA_ERROR_NOT_FOUND, text("the module has no kernel ", name));
  }
  auto made = std::make_unique<Function>(Function{module, name, entry});
  functions().insert(made.get());
  return (module->functions[name] = std::move(made)).get();
}

}  // namespace sim
