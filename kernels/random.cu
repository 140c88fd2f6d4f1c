// Random words, see org.hesse.ir.Op.RandomBits: Threefry-2x32 with 20 rounds (Salmon et al., 2011).
#include "hesse.cuh"

__device__ inline unsigned hesse_rotate(unsigned v, int by) { return v << by | v >> (32 - by); }

__device__ inline void hesse_rounds(unsigned* x, int r0, int r1, int r2, int r3) {
  int by[4] = {r0, r1, r2, r3};
  for (int i = 0; i < 4; i++) {
    x[0] += x[1];
    x[1] = hesse_rotate(x[1], by[i]) ^ x[0];
  }
}

// The two words of a counter, in place of it.
__device__ inline void hesse_threefry(unsigned k0, unsigned k1, unsigned* x) {
  unsigned key[3] = {k0, k1, 0x1BD11BDAu ^ k0 ^ k1};
  x[0] += k0;
  x[1] += k1;
  for (unsigned i = 1; i <= 5; i++) {
    if (i % 2 == 1) {
      hesse_rounds(x, 13, 15, 26, 6);
    } else {
      hesse_rounds(x, 17, 29, 16, 24);
    }
    x[0] += key[i % 3];
    x[1] += key[(i + 1) % 3] + i;
  }
}

// Two words for each thread.
extern "C" __global__ void random_bits(const unsigned* keys, unsigned* out, hesse_long count, hesse_long pairs) {
  hesse_long thread = (hesse_long)blockIdx.x * blockDim.x + threadIdx.x;
  if (thread >= pairs) {
    return;
  }
  hesse_long each = (count + 1) / 2;
  hesse_long key = thread / each;
  hesse_long counter = thread - key * each;
  unsigned x[2] = {(unsigned)counter, (unsigned)(counter >> 32)};
  hesse_threefry(keys[2 * key], keys[2 * key + 1], x);
  hesse_long at = key * count + 2 * counter;
  out[at] = x[0];
  if (2 * counter + 1 < count) {
    out[at + 1] = x[1];
  }
}
