// What a compiled kernel module and the simulated driver know of each other. Both sides include it, and
// so does every kernel, so it must stay small and free of headers.
#pragma once

// The arguments of an entry point, one after the other; sizes end with 0.
struct HesseEntry {
  void (*call)(void** arguments);
  const unsigned* sizes;
  unsigned maxThreads;  // __launch_bounds__, or 0
};

struct HesseIndex {
  unsigned x, y, z;
};

enum HesseAccess { HESSE_READ, HESSE_WRITE, HESSE_ATOMIC };
enum HesseVote { HESSE_COUNT, HESSE_AND, HESSE_OR };
enum HesseWarp { HESSE_SYNC, HESSE_SHUFFLE, HESSE_BALLOT };

// What the driver does for running kernels.
struct HesseRuntime {
  void (*access)(const void* address, unsigned long size, HesseAccess kind);
  // Waits for the whole block. The line tells one barrier from another.
  int (*barrier)(int line, int predicate, HesseVote vote);
  // Waits for the lanes of the mask; gives the value of the source lane, or the mask of those lanes whose value
  // is not 0.
  unsigned long long (*warp)(unsigned mask, HesseWarp kind, unsigned long long value, unsigned source);
  void (*fence)();
  void* (*dynamicShared)();
  void (*trap)(const char* message);
};

// What a module tells the driver.
struct HesseModule {
  HesseRuntime* runtime;  // set by the driver
  HesseIndex* threadIdx;  // set by the driver before it resumes a thread
  HesseIndex* blockIdx;
  HesseIndex* blockDim;
  HesseIndex* gridDim;
  char* sharedStart;  // the static shared memory
  char* sharedEnd;
};
