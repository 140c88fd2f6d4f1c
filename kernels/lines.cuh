// Lines, which are the last axis of a domain with any stride, and how a block's threads share some of them. So neighbouring
// threads read neighbouring elements whether these are of one line or of as many lines.
#pragma once
#include "index.cuh"

struct HesseLineShape {
  hesse_long lines;
  hesse_long length;
  // How many lines a block has side by side, and how many threads there are to each; powers of two.
  hesse_long side;
  hesse_long parts;
  // Whether neighbouring threads are in neighbouring lines, and not in the same one.
  hesse_long across;
  // How many chunks a line is cut into, each a block's, and how long they are.
  hesse_long chunks;
  hesse_long chunk;
};

// A thread's place: its line and which part of it, of what chunk, from `begin` to `end`.
struct HesseLine {
  hesse_long line;
  int part;
  int parts;
  bool inside;
  // From this thread to that of the next part.
  int next;
  hesse_long chunk;
  hesse_long begin;
  hesse_long end;

  __device__ explicit HesseLine(const HesseLineShape& shape) {
    int side = (int)shape.side;
    parts = (int)shape.parts;
    next = shape.across ? side : 1;
    part = (int)threadIdx.x / next % parts;
    int lane = shape.across ? (int)threadIdx.x % side : (int)threadIdx.x / parts;
    line = blockIdx.x / shape.chunks * side + lane;
    inside = line < shape.lines;
    chunk = blockIdx.x % shape.chunks;
    begin = chunk * shape.chunk;
    end = begin + shape.chunk < shape.length ? begin + shape.chunk : shape.length;
  }
};

#define HESSE_LINE_THREADS 256
