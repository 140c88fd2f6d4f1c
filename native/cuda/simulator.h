// What all parts of the simulator share: failures, messages and settings.
#pragma once
#include <cstdint>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>

#include "types.h"

namespace sim {

template <class... T>
std::string text(const T&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

std::string hex(uintptr_t value);

// What an API call fails with. A fault is an error that a real device might have let pass or reported without a
// reason, found by the simulator's checks.
class Failure : public std::runtime_error {
 public:
  Failure(CUresult code, const std::string& message, bool fault = false)
      : std::runtime_error(message), code(code), fault(fault) {}
  CUresult code;
  bool fault;
};

// Set by HESSE_SIMULATED_<NAME> in the environment or by hesse_simulated_option.
struct Options {
  long devices = 1;
  long memory = 4096;       // MiB of each device
  long order = 3;           // of a block's threads: 0 forward, 1 reverse, 2 shuffled, 3 all of them by turns
  long strict = 1;          // whether copying unwritten memory to the host is an error
  long races = 1;           // whether conflicting accesses without a barrier in between are errors
  long capability = 86;
  long multiprocessors = 4;
  static Options& get();
  bool set(const std::string& name, long value);

 private:
  Options();
};

// One lock for everything: the simulated driver does one thing at a time.
std::recursive_mutex& lock();

// Counts bytes that a copy moves: "HtoD", "DtoH" or "DtoD".
void moved(const char* direction, size_t bytes);

// Prints a message and keeps it for hesse_simulated_message.
void report(const std::string& message, bool fault);

// Code, name and text of a result; null where there is none of that code.
const char* resultName(int code);
const char* resultText(int code);

}  // namespace sim
