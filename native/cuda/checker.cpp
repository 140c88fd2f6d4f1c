// Checks each access of a kernel: bounds, life time, alignment, whether what is read has been written, and
// whether a barrier lies between conflicting accesses of two threads.
#include <algorithm>
#include <cstring>

#include "execution.h"

namespace sim {

namespace {

const char* verb(HesseAccess kind) {
  return kind == HESSE_READ ? "reads" : kind == HESSE_WRITE ? "writes" : "updates";
}

// Whether all of the bytes are marked as written; by the usual sizes, without a call.
bool allWritten(const uint8_t* flags, size_t size) {
  if (size == 4) {
    uint32_t four;
    memcpy(&four, flags, 4);
    return four == 0x01010101u;
  }
  if (size == 8) {
    uint64_t eight;
    memcpy(&eight, flags, 8);
    return eight == 0x0101010101010101ull;
  }
  return memchr(flags, 0, size) == nullptr;
}

void markAll(uint8_t* flags, size_t size) {
  if (size == 4) {
    memset(flags, 1, 4);
  } else if (size == 8) {
    memset(flags, 1, 8);
  } else {
    memset(flags, 1, size);
  }
}

bool isAligned(uintptr_t address, size_t size) { return size > 16 || (size & (size - 1)) != 0 || address % size == 0; }

}  // namespace

Checker* const Checker::instance = new Checker();

void Checker::forgetRegion() {
  for (Page& page : pages_) {
    page = Page();
  }
}

void Checker::beginLaunch(int device) {
  device_ = device;
  races_ = Options::get().races != 0;
  phase_++;
  launchPhase_ = phase_;
  fenced_ = false;
  forgetRegion();
}

namespace {

void prepareShared(Region& region, uintptr_t base, size_t size) {
  if (region.written == nullptr || region.size < size || region.base != base) {
    free(region.written);
    free(region.words);
    region.kind = Region::SHARED;
    region.base = base;
    region.written = static_cast<uint8_t*>(malloc(size + 16));
    region.words = nullptr;
    region.size = size;
    region.ensureWords();
  }
  memset(region.written, 0, size);
}

}  // namespace

void Checker::beginBlock(uintptr_t staticShared, size_t staticSize, uintptr_t dynamicShared, size_t dynamicSize) {
  phase_++;
  blockPhase_ = phase_;
  memset(warpPhases_, 0, sizeof warpPhases_);
  prepareShared(staticShared_, staticShared, staticSize);
  prepareShared(dynamicShared_, dynamicShared, dynamicSize);
  staticShared_.size = staticSize;
  staticShared_.label = "the block's static shared memory";
  dynamicShared_.size = dynamicSize;
  dynamicShared_.label = text("the block's dynamic shared memory of ", dynamicSize, " bytes");
}

unsigned Checker::staticBytesUsed() const {
  return static_cast<unsigned>(std::count(staticShared_.written, staticShared_.written + staticShared_.size, 1));
}

Region* Checker::find(uintptr_t address) {
  if (staticShared_.contains(address)) {
    return &staticShared_;
  }
  if (dynamicShared_.contains(address)) {
    return &dynamicShared_;
  }
  Page& page = pages_[(address >> 12) % PAGES];
  if (page.region != nullptr && page.number == address >> 12 && page.region->contains(address)) {
    return page.region;
  }
  Region* region = Memory::get().find(address);
  if (region != nullptr) {
    page = {address >> 12, region};
  }
  return region;
}

std::string Checker::describe(uintptr_t address) const {
  constexpr uintptr_t NEAR = 65536;
  for (const Region* region : {&dynamicShared_, &staticShared_}) {
    uintptr_t end = region->base + region->size;
    if (region->base - address <= NEAR) {
      return text(region->base - address, " bytes before the start of ", region->name());
    }
    if (address - end <= NEAR) {
      return text(address - end, " bytes after the end of ", region->name());
    }
  }
  return Memory::get().describe(address);
}

// Whether two accesses to a word, of which one writes, may happen in either order.
inline bool Checker::conflict(const Stamp& old, const Stamp& now, uint64_t since) const {
  if (old.phase < since || (old.bytes & now.bytes) == 0 || (old.atomic && now.atomic)) {
    return false;
  }
  if (old.phase < blockPhase_) {
    return true;  // of another block
  }
  if (old.phase < phase_ || (old.thread == now.thread && !old.many)) {
    return false;
  }
  bool oneWarp = !old.apart && old.thread / 32 == now.thread / 32;
  return !oneWarp || old.warpPhase == now.warpPhase;
}

inline void Checker::noteReader(Stamp& reader, const Stamp& now) const {
  bool current = reader.phase == phase_ && reader.bytes != 0;
  if (!current) {
    reader = now;
    return;
  }
  bool oneWarp = !reader.apart && reader.thread / 32 == now.thread / 32;
  if (oneWarp && reader.warpPhase != now.warpPhase) {
    reader = now;
    return;
  }
  reader.bytes |= now.bytes;
  if (reader.thread != now.thread || reader.many) {
    reader.many = 1;
    reader.apart = reader.apart || !oneWarp;
  }
}

inline void Checker::order(Region& region, size_t offset, size_t size, HesseAccess kind) {
  Word* words = region.words != nullptr ? region.words : region.ensureWords();
  Stamp now = {};
  now.phase = phase_;
  now.thread = thread_;
  now.warpPhase = warpPhases_[thread_ / 32];
  now.atomic = kind == HESSE_ATOMIC;
  if (fenced_ && kind == HESSE_ATOMIC) {
    // A fence and then an atomic: whoever counts blocks this way may read what the earlier ones wrote.
    launchPhase_ = blockPhase_;
  }
  // Each block has a shared memory of its own.
  uint64_t since = region.kind == Region::SHARED ? blockPhase_ : launchPhase_;
  size_t end = offset + size;
  bool whole = (offset | size) % 4 == 0;
  now.bytes = 15;
  for (size_t w = offset / 4; w * 4 < end; w++) {
    if (!whole) {
      size_t from = std::max(offset, w * 4) - w * 4;
      size_t to = std::min(end, w * 4 + 4) - w * 4;
      now.bytes = ((1u << to) - 1) & ~((1u << from) - 1);
    }
    Word& word = words[w];
    if (conflict(word.writer, now, since)) {
      race(region, offset, word.writer, true, kind);
    }
    if (kind == HESSE_READ) {
      noteReader(word.reader, now);
    } else {
      if (conflict(word.reader, now, since)) {
        race(region, offset, word.reader, false, kind);
      }
      word.writer = now;
    }
  }
}

inline void Checker::check(Region& region, uintptr_t address, size_t size, HesseAccess kind) {
  size_t offset = address - region.base;
  Executor& executor = Executor::get();
  if (size > region.size - offset) {
    executor.fault(CUDA_ERROR_ILLEGAL_ADDRESS,
                   text(verb(kind), " ", size, " bytes from byte ", offset, " of ", region.name(), ": out of bounds"));
  }
  if (region.device >= 0 && region.device != device_) {
    executor.fault(CUDA_ERROR_ILLEGAL_ADDRESS, text(verb(kind), " ", region.name(), " while it runs on device ", device_));
  }
  if (!isAligned(address, size)) {
    executor.fault(CUDA_ERROR_MISALIGNED_ADDRESS,
                   text(verb(kind), " ", size, " bytes at byte ", offset, " of ", region.name(), ": misaligned"));
  }
  if (region.written != nullptr) {
    uint8_t* flags = region.written + offset;
    if (kind != HESSE_WRITE && !allWritten(flags, size)) {
      executor.fault(CUDA_ERROR_LAUNCH_FAILED, text("reads unwritten memory: ", size, " bytes at byte ", offset, " of ",
                                                    region.name(), ", which has never been written"));
    }
    if (kind == HESSE_WRITE) {
      markAll(flags, size);
    }
    if (races_) {
      order(region, offset, size, kind);
    }
  }
}

void Checker::access(uintptr_t address, size_t size, HesseAccess kind) {
  Executor& executor = Executor::get();
  if (executor.onFibre(address) || size == 0) {
    return;
  }
  Region* region = find(address);
  if (region == nullptr) {
    if (executor.inModule(address)) {
      return;
    }
    executor.fault(CUDA_ERROR_ILLEGAL_ADDRESS,
                   text(verb(kind), " ", size, " bytes at ", hex(address), ", which is ",
                        describe(address)));
  }
  check(*region, address, size, kind);
}

void Checker::race(const Region& region, size_t offset, const Stamp& old, bool wasWrite, HesseAccess kind) {
  Executor& executor = Executor::get();
  std::string other = old.phase < blockPhase_ ? "a thread of another block" : executor.threadName(old.thread);
  const char* did = wasWrite ? "written" : "read";
  executor.fault(CUDA_ERROR_LAUNCH_FAILED,
                 text("missing barrier: ", verb(kind), " byte ", offset, " of ", region.name(), ", which ", other, " has ",
                      did, old.phase < blockPhase_ ? " in the same launch" : " with no barrier in between"));
}

}  // namespace sim
