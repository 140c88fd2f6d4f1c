#include "fibre.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace sim {

#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.globl sim_switch
.hidden sim_switch
.type sim_switch, @function
sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sim_switch, .-sim_switch
)");

static void* start(char* top, void (*function)()) {
  // Six registers, the function as the return address of the switch, and an end for whoever walks the stack; a
  // function starts 8 bytes off a multiple of 16.
  auto* stack = reinterpret_cast<uintptr_t*>(top) - 8;
  for (int i = 0; i < 6; i++) {
    stack[i] = 0;
  }
  stack[6] = reinterpret_cast<uintptr_t>(function);
  stack[7] = 0;
  return stack;
}
#elif defined(__aarch64__)
asm(R"(
.text
.p2align 4
.globl sim_switch
.hidden sim_switch
.type sim_switch, %function
sim_switch:
  sub sp, sp, #160
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x2, sp
  str x2, [x0]
  mov sp, x1
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size sim_switch, .-sim_switch
)");

static void* start(char* top, void (*function)()) {
  auto* stack = reinterpret_cast<uintptr_t*>(top) - 20;
  for (int i = 0; i < 20; i++) {
    stack[i] = 0;
  }
  stack[11] = reinterpret_cast<uintptr_t>(function);  // x30
  return stack;
}
#else
#error "the simulated device knows how to switch stacks on x86-64 and AArch64 only"
#endif

void Stacks::reserve() {
  void* space =
      mmap(nullptr, LIMIT * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) {
    throw std::bad_alloc();
  }
  base_ = reinterpret_cast<uintptr_t>(space);
}

Stack* Stacks::take(void (*function)()) {
  Stack* stack;
  if (!unused_.empty()) {
    stack = unused_.back();
    unused_.pop_back();
  } else {
    if (made_ == 0) {
      reserve();
    }
    if (made_ == LIMIT) {
      throw std::bad_alloc();
    }
    size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    char* low = reinterpret_cast<char*>(base_ + made_ * SIZE);
    mprotect(low, guard, PROT_NONE);
    stack = new Stack{low + guard, nullptr};
    made_++;
  }
  stack->pointer = start(reinterpret_cast<char*>(base_) + ((stack->low - reinterpret_cast<char*>(base_)) / SIZE + 1) * SIZE,
                         function);
  return stack;
}

}  // namespace sim
