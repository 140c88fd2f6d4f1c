// Device memory: address space that is never used twice, so that stale pointers are known for what they are, and
// for each byte whether it has been written.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace sim {

// Who touched a word last. Phases are numbered over the whole process: each stretch between two barriers of each
// block has its own, so that one comparison tells whether a barrier lies between two accesses.
struct Stamp {
  uint64_t phase : 34;
  uint64_t warpPhase : 13;  // counts the warp's own barriers within the phase
  uint64_t bytes : 4;       // which of the word's bytes
  uint64_t atomic : 1;
  uint64_t many : 1;    // several threads, of one warp unless apart
  uint64_t apart : 1;   // threads of different warps
  uint64_t thread : 10;
};

struct Word {
  Stamp writer;
  Stamp reader;
};

// A stretch of memory that kernels may use.
struct Region {
  enum Kind { DEVICE, HOST, SHARED };
  Kind kind = DEVICE;
  uintptr_t base = 0;
  size_t size = 0;
  int device = -1;
  bool freed = false;
  uint8_t* written = nullptr;  // 1 for each byte that has been; null where the host writes as it likes
  Word* words = nullptr;       // made when a kernel first touches the region
  std::string label;           // of shared memory
  Word* ensureWords();
  bool contains(uintptr_t address) const { return address - base < size; }
  std::string name() const;
};

class Memory {
 public:
  static Memory& get();
  uintptr_t allocate(int device, size_t size);
  void free(uintptr_t address);
  // Lets kernels and copies use a stretch of the host's memory, and no longer.
  void addHost(uintptr_t address, size_t size);
  void removeHost(uintptr_t address);
  // The live region that an address lies in, or null.
  Region* find(uintptr_t address);
  // Throws unless the whole stretch lies in one live region of the device or of the host.
  Region* check(uintptr_t address, size_t size, int device, const std::string& what);
  // In words, what an address is: "16 bytes after the end of allocation 7 (...)".
  std::string describe(uintptr_t address) const;
  size_t used(int device) { return used_[device]; }
  // Frees all allocations of a device.
  void reset(int device);

  // Throws if any of the bytes has never been written.
  void requireWritten(const Region& region, uintptr_t address, size_t size, const std::string& what) const;
  void markWritten(Region& region, uintptr_t address, size_t size);
  void forget(uintptr_t address, size_t size);
  void copy(uintptr_t to, uintptr_t from, size_t size, int device, const std::string& what);

 private:
  Memory();
  Region* insert(Region region);
  std::map<uintptr_t, std::unique_ptr<Region>> regions_;
  std::map<int, size_t> used_;      // bytes by device
  std::deque<uintptr_t> freed_;     // remembered, the oldest first
  // Makes address space usable up to an address, for an allocation of some size.
  void open(uintptr_t to, size_t size);

  uintptr_t next_ = 0;
  uintptr_t open_ = 0;
  uintptr_t end_ = 0;
};

}  // namespace sim
