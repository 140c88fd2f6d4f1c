// What stands for a CUBIN: this header and then a shared object of the host.
#pragma once
#include <cstdint>

struct SimImage {
  char magic[16];
  uint64_t size;  // of the shared object
};
constexpr char SIM_IMAGE_MAGIC[16] = "HESSE SIMULATED";
// And what stands for PTX: this line and then the image above in hexadecimal digits.
constexpr char SIM_PTX_MAGIC[] = "// HESSE SIMULATED PTX\n";
