// Stacks to run device threads on, and the switch from one to another.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

struct Stack {
  char* low = nullptr;  // above the guard page
  void* pointer = nullptr;
};

class Stacks {
 public:
  static constexpr size_t SIZE = 128 * 1024;
  // A stack that starts in the function when it is first switched to. The function must not return.
  Stack* take(void (*function)());
  void give(Stack* stack) { unused_.push_back(stack); }
  // Whether an address lies in any of the stacks.
  bool contains(uintptr_t address) const { return address - base_ < LIMIT * SIZE; }

 private:
  static constexpr size_t LIMIT = 1088;
  void reserve();
  uintptr_t base_ = 1;  // nothing lies in here before there are stacks
  size_t made_ = 0;
  std::vector<Stack*> unused_;
};

// Saves where we are and goes on where `to` was saved.
extern "C" void sim_switch(void** from, void* to);

}  // namespace sim
