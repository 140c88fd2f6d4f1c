// Loaded modules and their functions.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "execution.h"
#include "stream.h"

namespace sim {

struct Function {
  Module* module;
  std::string name;
  const HesseEntry* entry;
  int maxDynamicShared = 48 * 1024;
  // As seen in launches: what a kernel declares is not known, only what all of its module's kernels do.
  unsigned staticShared = 0;
};

struct Module {
  Context* context = nullptr;
  void* library = nullptr;
  HesseModule* abi = nullptr;
  uintptr_t image = 0;
  size_t imageSize = 0;
  std::map<std::string, std::unique_ptr<Function>> functions;
  std::set<uintptr_t> variables;  // whose addresses have been asked for
};

Module* load(const void* image);
void unload(Module* module);
void checkModule(Module* module);
// Throws if it is none or its module has been unloaded.
void checkFunction(Function* function);
Function* function(Module* module, const char* name);

struct Limits {
  static constexpr unsigned THREADS = 1024;
  static constexpr unsigned SHARED = 48 * 1024;
  static constexpr unsigned SHARED_OPT_IN = 99 * 1024;
  static constexpr unsigned SHARED_PER_MULTIPROCESSOR = 100 * 1024;
  static constexpr unsigned THREADS_PER_MULTIPROCESSOR = 1536;
  static constexpr unsigned BLOCKS_PER_MULTIPROCESSOR = 16;
};

}  // namespace sim
