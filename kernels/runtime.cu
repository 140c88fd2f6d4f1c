// What the runtime itself launches.
#include "hesse.cuh"

// What the host reads of failed runs, in its own memory; Ledger.java has the same layout.
struct HesseLedger {
  hesse_long settled;
  hesse_long failures;
  struct Record {
    hesse_long ticket;
    hesse_long code;
    hesse_long value;
    int rounds[4];
  } records[64];
};

// The end of a run that can fail.
extern "C" __global__ void hesse_settle(HesseStatus* status, hesse_long* count, HesseLedger* ledger) {
  if (threadIdx.x != 0) {
    return;
  }
  hesse_long ticket = ++*count;
  if (status->code != 0) {
    hesse_long n = ledger->failures;
    HesseLedger::Record* record = ledger->records + n % 64;
    record->ticket = ticket;
    record->code = status->code;
    record->value = status->value;
    for (int i = 0; i < 4; i++) {
      record->rounds[i] = status->rounds[i];
    }
    __threadfence_system();
    ledger->failures = n + 1;
    status->code = 0;
    status->noted = 0;
  }
  __threadfence_system();
  *(volatile hesse_long*)&ledger->settled = ticket;
}

// Fails unless all flags hold.
extern "C" __global__ void hesse_check(const unsigned char* flags, hesse_long n, HesseStatus* status, int code) {
  hesse_long step = (hesse_long)gridDim.x * blockDim.x;
  for (hesse_long i = (hesse_long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
    if (flags[i] == 0) {
      hesse_fail(status, code, i);
    }
  }
}

// Which round of a loop, at the given level of loops, an error was found in that is one of the loop's.
extern "C" __global__ void hesse_note_round(
    HesseStatus* status, int first, int end, int level, const int* counter, int round, int last) {
  if (threadIdx.x == 0 && first <= status->code && status->code < end && (status->noted & 1 << level) == 0) {
    int t = round + (counter == 0 ? 0 : *counter);
    status->noted |= 1 << level;
    status->rounds[level] = last < 0 ? t : last - t;
  }
}

// Sets a counter, or adds to it.
extern "C" __global__ void hesse_count(int* counter, int value, int add) {
  if (threadIdx.x == 0) {
    *counter = add ? *counter + value : value;
  }
}

struct HesseMoves {
  const char* from[8];
  char* to[8];
};

struct HesseStrides8 {
  hesse_long from[8];
  hesse_long to[8];
  hesse_long bytes[8];
};

// Moves of a loop's round, one for each row of blocks. Numbers of bytes and strides are multiples of the unit.
template <class T>
__device__ void hesse_move(const HesseMoves& moves, const HesseStrides8& strides, hesse_long t) {
  const T* from = (const T*)(moves.from[blockIdx.y] + t * strides.from[blockIdx.y]);
  T* to = (T*)(moves.to[blockIdx.y] + t * strides.to[blockIdx.y]);
  hesse_long n = strides.bytes[blockIdx.y] / (hesse_long)sizeof(T);
  hesse_long step = (hesse_long)gridDim.x * blockDim.x;
  for (hesse_long i = (hesse_long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
    to[i] = from[i];
  }
}

#define HESSE_MOVES(name, type)                                                                            \
  extern "C" __global__ void name(HesseMoves moves, HesseStrides8 strides, const int* counter, int round, int last) { \
    int t = round + (counter == 0 ? 0 : *counter);                                                         \
    hesse_move<type>(moves, strides, last < 0 ? t : last - t);                                             \
  }

HESSE_MOVES(hesse_moves_1, unsigned char)
HESSE_MOVES(hesse_moves_4, unsigned int)
HESSE_MOVES(hesse_moves_16, uint4)
