#include "execution.h"

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <numeric>

namespace sim {

namespace {

constexpr size_t SHARED_LIMIT = 256 * 1024;

HesseIndex index(uint64_t i, const Dim& dim) {
  return {static_cast<unsigned>(i % dim.x), static_cast<unsigned>(i / dim.x % dim.y),
          static_cast<unsigned>(i / dim.x / dim.y)};
}

std::string name(const HesseIndex& i) { return text("(", i.x, ",", i.y, ",", i.z, ")"); }

}  // namespace

Executor* const Executor::instance = new Executor();

unsigned Executor::run(const Launch& launch) {
  launch_ = &launch;
  arguments_.clear();
  for (size_t offset : launch.offsets) {
    arguments_.push_back(const_cast<char*>(launch.bytes.data()) + offset);
  }
  if (shared_ == nullptr) {
    void* space = mmap(nullptr, SHARED_LIMIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) {
      throw std::bad_alloc();
    }
    shared_ = static_cast<char*>(space);
  }
  HesseModule& module = *launch.module;
  module.runtime = runtime();
  *module.blockDim = {launch.block.x, launch.block.y, launch.block.z};
  *module.gridDim = {launch.grid.x, launch.grid.y, launch.grid.z};
  faulted_ = false;
  launches_++;
  Checker::get().beginLaunch(launch.device);
  uint64_t blocks = launch.grid.count();
  bool backwards = Options::get().order == 1 || (Options::get().order == 3 && launches_ % 2 == 0);
  for (uint64_t b = 0; b < blocks; b++) {
    runBlock(backwards ? blocks - 1 - b : b);
  }
  return Checker::get().staticBytesUsed();
}

bool Executor::inModule(uintptr_t address) const {
  // Static shared memory has guard zones, which are part of the image but not of what may be used.
  constexpr uintptr_t GUARD = 65536;
  auto start = reinterpret_cast<uintptr_t>(launch_->module->sharedStart) - GUARD;
  auto end = reinterpret_cast<uintptr_t>(launch_->module->sharedEnd) + GUARD;
  return address - launch_->image < launch_->imageSize && (address < start || address >= end);
}

// Blocks run their threads in different orders, so that what depends on the order shows.
void Executor::chooseOrder(size_t threads, uint64_t block) {
  order_.resize(threads);
  std::iota(order_.begin(), order_.end(), 0u);
  long kind = Options::get().order;
  if (kind == 3) {
    kind = static_cast<long>((launches_ + block) % 3);
  }
  if (kind == 1) {
    for (size_t i = 0; i < threads; i++) {
      order_[i] = static_cast<unsigned>(threads - 1 - i);
    }
  } else if (kind == 2) {
    uint64_t random = (launches_ * 1000003 + block) * 0x9e3779b97f4a7c15ull | 1;
    for (size_t i = threads; i > 1; i--) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      std::swap(order_[i - 1], order_[random % i]);
    }
  }
}

void Executor::runBlock(uint64_t block) {
  HesseModule& module = *launch_->module;
  size_t threads = launch_->block.count();
  block_ = block;
  *module.blockIdx = index(block, launch_->grid);
  size_t staticSize = static_cast<size_t>(module.sharedEnd - module.sharedStart);
  Checker::get().beginBlock(reinterpret_cast<uintptr_t>(module.sharedStart), staticSize,
                            reinterpret_cast<uintptr_t>(shared_), launch_->dynamicShared);
  threads_.assign(threads, Thread());
  chooseOrder(threads, block);
  arrived_ = 0;
  done_ = 0;
  while (done_ < threads && !faulted_) {
    bool progress = false;
    for (size_t i = 0; i < threads && !faulted_; i++) {
      State state = threads_[order_[i]].state;
      if (state == State::NEW || state == State::READY) {
        resume(order_[i]);
        progress = true;
      }
    }
    if (!progress) {
      deadlock();
    }
  }
  if (faulted_) {
    for (Thread& thread : threads_) {
      if (thread.stack != nullptr) {
        stacks_.give(thread.stack);
        thread.stack = nullptr;
      }
    }
    throw Failure(faultCode_, faultMessage_, true);
  }
}

void Executor::resume(unsigned t) {
  Thread& thread = threads_[t];
  if (thread.stack == nullptr) {
    thread.stack = stacks_.take(&Executor::threadMain);
  }
  current_ = t;
  thread.state = State::READY;
  *launch_->module->threadIdx = index(t, launch_->block);
  Checker::get().resume(t);
  sim_switch(&scheduler_, thread.stack->pointer);
  if (thread.state == State::DONE) {
    stacks_.give(thread.stack);
    thread.stack = nullptr;
  }
}

void Executor::suspend() { sim_switch(&threads_[current_].stack->pointer, scheduler_); }

void Executor::threadMain() {
  Executor& executor = get();
  executor.launch_->entry->call(executor.arguments_.data());
  executor.threads_[executor.current_].state = State::DONE;
  executor.done_++;
  executor.suspend();
  __builtin_unreachable();
}

int Executor::barrier(int line, int predicate, HesseVote vote) {
  Thread& thread = threads_[current_];
  thread.line = line;
  if (arrived_ == 0) {
    votes_ = 0;
  }
  votes_ += predicate;
  arrived_++;
  if (arrived_ < threads_.size()) {
    thread.state = State::BARRIER;
    suspend();
  } else {
    int count = votes_;
    for (Thread& other : threads_) {
      if (other.line != line) {
        fault(CUDA_ERROR_LAUNCH_FAILED,
              text("divergent __syncthreads: ", threadName(static_cast<unsigned>(&other - threads_.data())),
                   " waits in line ", other.line, ", ", threadName(current_), " in line ", line));
      }
      other.value = static_cast<unsigned long long>(count);
      other.state = State::READY;
    }
    arrived_ = 0;
    Checker::get().barrier();
  }
  int count = static_cast<int>(threads_[current_].value);
  switch (vote) {
    case HESSE_AND:
      return count == static_cast<int>(threads_.size());
    case HESSE_OR:
      return count > 0;
    default:
      return count;
  }
}

unsigned long long Executor::warp(unsigned mask, HesseWarp kind, unsigned long long value, unsigned source) {
  Thread& thread = threads_[current_];
  unsigned first = current_ / 32 * 32;
  unsigned lane = current_ - first;
  unsigned lanes = static_cast<unsigned>(threads_.size()) - first;
  unsigned present = lanes >= 32 ? 0xffffffffu : (1u << lanes) - 1;
  if ((mask & ~present) != 0 || (mask >> lane & 1) == 0) {
    fault(CUDA_ERROR_LAUNCH_FAILED, text("warp operation with mask ", hex(mask), ", of lanes that are present ",
                                         hex(present), " and calling lane ", lane));
  }
  if (kind == HESSE_SHUFFLE && (source > 31 || (mask >> source & 1) == 0)) {
    fault(CUDA_ERROR_LAUNCH_FAILED, text("shuffle from lane ", source, ", which mask ", hex(mask), " leaves out"));
  }
  thread.mask = mask;
  thread.kind = kind;
  thread.value = value;
  thread.source = source;
  thread.state = State::WARP;
  bool all = true;
  for (unsigned l = 0; l < 32; l++) {
    if (mask >> l & 1) {
      const Thread& other = threads_[first + l];
      all = all && other.state == State::WARP;
      if (other.state == State::WARP && (other.mask != mask || other.kind != kind)) {
        fault(CUDA_ERROR_LAUNCH_FAILED, text("divergent warp operations: ", threadName(first + l),
                                             " waits in another one, with mask ", hex(other.mask)));
      }
    }
  }
  if (all) {
    completeWarp(first, mask);
  } else {
    suspend();
  }
  return threads_[current_].value;
}

void Executor::completeWarp(unsigned first, unsigned mask) {
  unsigned long long values[32];
  unsigned long long ballot = 0;
  for (unsigned l = 0; l < 32; l++) {
    if (mask >> l & 1) {
      values[l] = threads_[first + l].value;
      ballot |= static_cast<unsigned long long>(values[l] != 0) << l;
    }
  }
  for (unsigned l = 0; l < 32; l++) {
    if (mask >> l & 1) {
      Thread& thread = threads_[first + l];
      thread.value = thread.kind == HESSE_SHUFFLE ? values[thread.source] : ballot;
      thread.state = State::READY;
    }
  }
  Checker::get().warpBarrier(first / 32);
}

void Executor::deadlock() {
  unsigned waiting = 0;
  unsigned other = 0;
  for (unsigned t = 0; t < threads_.size(); t++) {
    if (threads_[t].state == State::BARRIER || threads_[t].state == State::WARP) {
      waiting = t;
    }
  }
  for (unsigned t = 0; t < threads_.size(); t++) {
    bool peer = threads_[waiting].state == State::BARRIER || t / 32 == waiting / 32;
    if (peer && threads_[t].state != threads_[waiting].state) {
      other = t;
    }
  }
  auto state = [&](unsigned t) {
    const Thread& thread = threads_[t];
    return thread.state == State::BARRIER ? text("waits at the barrier in line ", thread.line)
           : thread.state == State::WARP  ? text("waits for its warp, mask ", hex(thread.mask))
                                          : std::string("has exited");
  };
  faulted_ = true;
  faultCode_ = CUDA_ERROR_LAUNCH_FAILED;
  faultMessage_ = text("kernel ", launch_->kernel, ", block ", name(index(block_, launch_->grid)),
                       ": divergent barrier: ", threadName(waiting), " ", state(waiting), ", ", threadName(other), " ",
                       state(other));
  for (Thread& thread : threads_) {
    if (thread.stack != nullptr) {
      stacks_.give(thread.stack);
      thread.stack = nullptr;
    }
  }
  throw Failure(faultCode_, faultMessage_, true);
}

void* Executor::dynamicShared() { return shared_; }

void Executor::fault(CUresult code, const std::string& message) {
  faulted_ = true;
  faultCode_ = code;
  faultMessage_ = text("kernel ", launch_->kernel, ", block ", name(index(block_, launch_->grid)), ", ",
                       threadName(current_), ": ", message);
  suspend();
  __builtin_unreachable();
}

std::string Executor::threadName(unsigned thread) const {
  return text("thread ", name(index(thread, launch_->block)));
}

HesseRuntime* runtime() {
  static HesseRuntime table = {
      [](const void* p, unsigned long size, HesseAccess kind) {
        Checker::get().access(reinterpret_cast<uintptr_t>(p), size, kind);
      },
      [](int line, int predicate, HesseVote vote) { return Executor::get().barrier(line, predicate, vote); },
      [](unsigned mask, HesseWarp kind, unsigned long long value, unsigned source) {
        return Executor::get().warp(mask, kind, value, source);
      },
      [] { Checker::get().fence(); },
      [] { return Executor::get().dynamicShared(); },
      [](const char* message) { Executor::get().fault(CUDA_ERROR_ASSERT, message); },
  };
  return &table;
}

}  // namespace sim
