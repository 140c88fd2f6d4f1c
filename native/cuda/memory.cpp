#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "execution.h"
#include "simulator.h"

namespace sim {

namespace {

constexpr size_t PAGE = 4096;
// Address space is opened for use in steps of this size. Protecting each allocation by itself would take two of the
// host's mappings for each, of which a process has 65,530 at most.
constexpr size_t STEP = size_t(1) << 26;
// Freed allocations that messages can still name; their addresses are never used again in any case.
constexpr size_t REMEMBERED = 100000;

size_t roundUp(size_t size) { return (size + PAGE - 1) / PAGE * PAGE; }

}  // namespace

Word* Region::ensureWords() {
  if (words == nullptr) {
    words = static_cast<Word*>(calloc(size / 4 + 2, sizeof(Word)));
  }
  return words;
}

std::string Region::name() const {
  if (kind == SHARED) {
    return label;
  }
  return text(kind == HOST ? "pinned host memory" : "an allocation", " of ", size, " bytes at ", hex(base),
              kind == DEVICE ? text(" on device ", device) : "", freed ? ", which has been freed" : "");
}

Memory& Memory::get() {
  static auto& memory = *new Memory();  // other threads may go on while the process exits
  return memory;
}

Memory::Memory() {
  // Address space only: pages become real when they are allocated.
  for (size_t size = size_t(1) << 42; size >= size_t(1) << 34; size /= 4) {
    void* space = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space != MAP_FAILED) {
      next_ = reinterpret_cast<uintptr_t>(space);
      open_ = next_;
      end_ = next_ + size;
      return;
    }
  }
}

Region* Memory::insert(Region region) {
  auto owned = std::make_unique<Region>(region);
  Region* result = owned.get();
  regions_[region.base] = std::move(owned);
  return result;
}

void Memory::open(uintptr_t to, size_t size) {
  if (to <= open_) {
    return;
  }
  size_t more = std::min((to - open_ + STEP - 1) / STEP * STEP, end_ - open_);
  if (mprotect(reinterpret_cast<void*>(open_), more, PROT_READ | PROT_WRITE) != 0) {
    throw Failure(CUDA_ERROR_OUT_OF_MEMORY, text("the host has no ", size, " bytes"));
  }
  open_ += more;
}

uintptr_t Memory::allocate(int device, size_t size) {
  size_t room = roundUp(size) + PAGE;  // and one page that belongs to nobody
  if (next_ + room > end_) {
    throw Failure(CUDA_ERROR_OUT_OF_MEMORY, "the simulated device's address space is used up");
  }
  open(next_ + room, size);
  void* start = reinterpret_cast<void*>(next_);
  Region region;
  region.base = next_;
  region.size = size;
  region.device = device;
  region.written = static_cast<uint8_t*>(calloc(size + 16, 1));
  if (region.written == nullptr) {
    throw Failure(CUDA_ERROR_OUT_OF_MEMORY, text("the host has no ", size, " bytes"));
  }
  // Not a number, should anybody look at it in spite of all checks.
  if (size <= size_t(1) << 24) {
    memset(start, 0xff, size);
  }
  next_ += room;
  used_[device] += size;
  return insert(region)->base;
}

void Memory::free(uintptr_t address) {
  auto found = regions_.find(address);
  if (found == regions_.end() || found->second->kind != Region::DEVICE) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("free of ", hex(address), ", which is ", describe(address)));
  }
  Region& region = *found->second;
  if (region.freed) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text("double free of ", region.name()), true);
  }
  Checker::get().forgetRegion();
  region.freed = true;
  ::free(region.written);
  ::free(region.words);
  region.written = nullptr;
  region.words = nullptr;
  void* start = reinterpret_cast<void*>(region.base);
  madvise(start, roundUp(region.size), MADV_DONTNEED);
  used_[region.device] -= region.size;
  freed_.push_back(address);
  if (freed_.size() > REMEMBERED) {
    regions_.erase(freed_.front());
    freed_.pop_front();
  }
}

void Memory::reset(int device) {
  std::vector<uintptr_t> live;
  for (auto& [base, region] : regions_) {
    if (region->kind == Region::DEVICE && region->device == device && !region->freed) {
      live.push_back(base);
    }
  }
  for (uintptr_t base : live) {
    free(base);
  }
}

void Memory::addHost(uintptr_t address, size_t size) {
  Region region;
  region.kind = Region::HOST;
  region.base = address;
  region.size = size;
  insert(region);
}

void Memory::removeHost(uintptr_t address) {
  auto found = regions_.find(address);
  if (found == regions_.end() || found->second->kind != Region::HOST) {
    throw Failure(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, text(hex(address), " is ", describe(address)));
  }
  Checker::get().forgetRegion();
  ::free(found->second->words);
  regions_.erase(found);
}

Region* Memory::find(uintptr_t address) {
  auto after = regions_.upper_bound(address);
  if (after == regions_.begin()) {
    return nullptr;
  }
  Region* region = std::prev(after)->second.get();
  return region->contains(address) && !region->freed ? region : nullptr;
}

std::string Memory::describe(uintptr_t address) const {
  auto after = regions_.upper_bound(address);
  const Region* below = after == regions_.begin() ? nullptr : std::prev(after)->second.get();
  const Region* above = after == regions_.end() ? nullptr : after->second.get();
  if (address < PAGE) {
    return "near the null pointer";
  }
  if (below != nullptr && below->contains(address)) {
    return text(address - below->base, " bytes into ", below->name());
  }
  uintptr_t past = below == nullptr ? UINTPTR_MAX : address - (below->base + below->size);
  uintptr_t before = above == nullptr ? UINTPTR_MAX : above->base - address;
  if (past > size_t(1) << 30 && before > size_t(1) << 30) {
    return "no device memory";
  }
  return past <= before ? text(past, " bytes after the end of ", below->name())
                        : text(before, " bytes before the start of ", above->name());
}

Region* Memory::check(uintptr_t address, size_t size, int device, const std::string& what) {
  Region* region = find(address);
  if (region == nullptr) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text(what, " ", hex(address), ", which is ", describe(address)), true);
  }
  if (size > region->base + region->size - address) {
    throw Failure(CUDA_ERROR_INVALID_VALUE,
                  text(what, " ", size, " bytes from byte ", address - region->base, " of ", region->name(),
                       ": out of bounds"),
                  true);
  }
  if (region->device >= 0 && device >= 0 && region->device != device) {
    throw Failure(CUDA_ERROR_INVALID_VALUE, text(what, " ", region->name(), " from device ", device), true);
  }
  return region;
}

void Memory::requireWritten(const Region& region, uintptr_t address, size_t size, const std::string& what) const {
  if (region.written == nullptr || size == 0 || !Options::get().strict) {
    return;
  }
  const uint8_t* start = region.written + (address - region.base);
  const void* unwritten = memchr(start, 0, size);
  if (unwritten != nullptr) {
    size_t at = static_cast<const uint8_t*>(unwritten) - region.written;
    throw Failure(CUDA_ERROR_LAUNCH_FAILED,
                  text(what, " unwritten memory: byte ", at, " of ", region.name(), " has never been written"), true);
  }
}

void Memory::markWritten(Region& region, uintptr_t address, size_t size) {
  if (region.written != nullptr) {
    memset(region.written + (address - region.base), 1, size);
  }
}

void Memory::forget(uintptr_t address, size_t size) {
  Region* region = check(address, size, -1, "forget");
  if (region->written != nullptr) {
    memset(region->written + (address - region->base), 0, size);
    memset(reinterpret_cast<void*>(address), 0xff, size);
  }
}

void Memory::copy(uintptr_t to, uintptr_t from, size_t size, int device, const std::string& what) {
  if (size == 0) {
    return;
  }
  Region* source = check(from, size, device, text(what, " reads"));
  Region* target = check(to, size, device, text(what, " writes"));
  memmove(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), size);
  moved("DtoD", size);
  if (target->written != nullptr) {
    uint8_t* flags = target->written + (to - target->base);
    if (source->written == nullptr) {
      memset(flags, 1, size);
    } else {
      // What was never written stays so in the copy.
      memmove(flags, source->written + (from - source->base), size);
    }
  }
}

}  // namespace sim
