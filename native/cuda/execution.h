// Runs kernels: the threads of a block as fibres, one block after the other, all accesses checked.
#pragma once
#include <string>
#include <vector>

#include "../device/abi.h"
#include "fibre.h"
#include "memory.h"
#include "simulator.h"

namespace sim {

struct Dim {
  unsigned x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

// One launch with its arguments copied.
struct Launch {
  std::string kernel;
  HesseModule* module = nullptr;
  const HesseEntry* entry = nullptr;
  uintptr_t image = 0;  // where the module's code and variables lie
  size_t imageSize = 0;
  Dim grid;
  Dim block;
  unsigned dynamicShared = 0;
  int device = 0;
  std::vector<char> bytes;        // the arguments' values
  std::vector<size_t> offsets;    // where each begins
};

// Looks at every access to memory that a kernel makes.
class Checker {
 public:
  static Checker& get() { return *instance; }
  static Checker* const instance;  // never deleted: other threads may go on while the process exits
  void access(uintptr_t address, size_t size, HesseAccess kind);
  // To be called when a region ceases to exist.
  void forgetRegion();

  void beginLaunch(int device);
  unsigned staticBytesUsed() const;
  void beginBlock(uintptr_t staticShared, size_t staticSize, uintptr_t dynamicShared, size_t dynamicSize);
  void barrier() { phase_++; }
  void warpBarrier(unsigned warp) { warpPhases_[warp]++; }
  void resume(unsigned thread) { thread_ = thread; }
  // What earlier blocks did is visible from here on.
  void fence() { fenced_ = true; }

 private:
  Region* find(uintptr_t address);
  std::string describe(uintptr_t address) const;
  void check(Region& region, uintptr_t address, size_t size, HesseAccess kind);
  void order(Region& region, size_t offset, size_t size, HesseAccess kind);
  bool conflict(const Stamp& old, const Stamp& now, uint64_t since) const;
  void noteReader(Stamp& reader, const Stamp& now) const;
  [[noreturn]] void race(const Region& region, size_t offset, const Stamp& old, bool wasWrite, HesseAccess kind);

  struct Page {
    uintptr_t number = 0;
    Region* region = nullptr;
  };
  static constexpr size_t PAGES = 256;
  Page pages_[PAGES];
  Region staticShared_;
  Region dynamicShared_;
  int device_ = 0;
  uint64_t phase_ = 1;
  uint64_t blockPhase_ = 1;
  uint64_t launchPhase_ = 1;
  bool fenced_ = false;
  bool races_ = true;
  unsigned thread_ = 0;
  uint64_t warpPhases_[32] = {};
};

class Executor {
 public:
  static Executor& get() { return *instance; }
  static Executor* const instance;
  // Throws a Failure that names the kernel, block and thread if it does something wrong. Gives the bytes of static
  // shared memory that it used.
  unsigned run(const Launch& launch);
  bool onFibre(uintptr_t address) const { return stacks_.contains(address); }
  // Whether an address is a constant or variable of the running kernel's module.
  bool inModule(uintptr_t address) const;

  // Called by kernels.
  int barrier(int line, int predicate, HesseVote vote);
  unsigned long long warp(unsigned mask, HesseWarp kind, unsigned long long value, unsigned source);
  void* dynamicShared();
  // Ends the launch; the thread that calls it is never resumed.
  [[noreturn]] void fault(CUresult code, const std::string& message);
  // "thread (1,2,3)"
  std::string threadName(unsigned thread) const;

 private:
  enum class State { NEW, READY, BARRIER, WARP, DONE };
  struct Thread {
    State state = State::NEW;
    Stack* stack = nullptr;
    int line = 0;
    unsigned mask = 0;
    HesseWarp kind = HESSE_SYNC;
    unsigned source = 0;
    unsigned long long value = 0;  // given, and then received
  };
  void runBlock(uint64_t block);
  void chooseOrder(size_t threads, uint64_t block);
  void resume(unsigned thread);
  void suspend();
  void completeWarp(unsigned first, unsigned mask);
  [[noreturn]] void deadlock();
  static void threadMain();

  Stacks stacks_;
  const Launch* launch_ = nullptr;
  std::vector<void*> arguments_;
  std::vector<Thread> threads_;
  std::vector<unsigned> order_;
  uint64_t launches_ = 0;
  uint64_t block_ = 0;
  unsigned current_ = 0;
  unsigned arrived_ = 0;
  unsigned done_ = 0;
  int votes_ = 0;
  void* scheduler_ = nullptr;
  char* shared_ = nullptr;
  bool faulted_ = false;
  CUresult faultCode_ = CUDA_SUCCESS;
  std::string faultMessage_;
};

// The functions that modules call.
HesseRuntime* runtime();

}  // namespace sim
