// What the simulated driver (libcuda.so.1) offers beyond the driver API: to tests, and to the stand-ins for
// libraries on top of it (cuBLAS, cuSOLVER), which link to it.
#pragma once
#include <stddef.h>
#include <stdint.h>

extern "C" {
// The first fault since the last clear, or the last error, in words; valid until the next call.
const char* hesse_simulated_message();
// Forgets messages and the errors that contexts are stuck in.
void hesse_simulated_clear();
// Sets an option, as HESSE_SIMULATED_<NAME> in the environment does: see Options in cuda/simulator.h. 0 if it exists.
int hesse_simulated_option(const char* name, long value);
// How often a function of the driver was called, such as cuGraphLaunch.
long hesse_simulated_calls(const char* name);
// How many bytes copies have moved, those in replayed graphs included: "HtoD", "DtoH" or "DtoD".
long hesse_simulated_bytes(const char* direction);
// Lets a stretch of device memory count as never written.
int hesse_simulated_forget(uintptr_t address, size_t size);

// Adds work to a stream, or to the graph that it is capturing: run(data) is called when the work's turn comes,
// as often as a graph is replayed, and drop(data) when it can never be called again. Gives a CUresult.
int hesse_simulated_enqueue(void* stream, const char* name, int (*run)(void* data), void* data, void (*drop)(void* data));
// For such work, when it runs: checks that `count` stretches of `size` bytes, `stride` bytes apart, are memory of
// the device that may be accessed and, if they are read, have been written; marks them as written if they are
// written. Gives a CUresult, and has said what is wrong if it is not 0; `run` gives this on.
int hesse_simulated_read(const char* name, const void* address, size_t size, size_t stride, size_t count);
int hesse_simulated_write(const char* name, void* address, size_t size, size_t stride, size_t count);
}
