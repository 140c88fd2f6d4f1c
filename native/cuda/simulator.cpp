#include "simulator.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "../simulated.h"
#include "memory.h"
#include "stream.h"

namespace sim {

namespace {

std::string& lastMessage() {
  static auto& message = *new std::string();
  return message;
}

std::map<std::string, long>& calls() {
  static auto& calls = *new std::map<std::string, long>();
  return calls;
}

std::map<std::string, long>& bytes() {
  static auto& bytes = *new std::map<std::string, long>();
  return bytes;
}

struct Setting {
  const char* name;
  long Options::*field;
};

constexpr Setting SETTINGS[] = {
    {"devices", &Options::devices},       {"memory", &Options::memory},
    {"order", &Options::order},           {"strict", &Options::strict},
    {"races", &Options::races},           {"capability", &Options::capability},
    {"multiprocessors", &Options::multiprocessors},
};

}  // namespace

void count(const char* name) { calls()[name]++; }

void moved(const char* direction, size_t size) { bytes()[direction] += static_cast<long>(size); }

std::string hex(uintptr_t value) {
  char digits[32];
  snprintf(digits, sizeof digits, "0x%lx", static_cast<unsigned long>(value));
  return digits;
}

Options::Options() {
  for (const Setting& setting : SETTINGS) {
    std::string variable = "HESSE_SIMULATED_";
    for (const char* c = setting.name; *c != 0; c++) {
      variable += static_cast<char>(toupper(*c));
    }
    const char* value = getenv(variable.c_str());
    if (value != nullptr && *value != 0) {
      this->*setting.field = strtol(value, nullptr, 10);
    }
  }
}

Options& Options::get() {
  static Options options;
  return options;
}

bool Options::set(const std::string& name, long value) {
  for (const Setting& setting : SETTINGS) {
    if (name == setting.name) {
      this->*setting.field = value;
      return true;
    }
  }
  return false;
}

std::recursive_mutex& lock() {
  static auto& mutex = *new std::recursive_mutex();
  return mutex;
}

void report(const std::string& message, bool fault) {
  fprintf(stderr, "simulated device: %s\n", message.c_str());
  fflush(stderr);
  // A fault stays until it is cleared, even if other calls fail because of it.
  static bool kept = false;
  kept = kept && !lastMessage().empty();
  if (fault || !kept) {
    lastMessage() = message;
    kept = fault;
  }
}

const char* resultName(int code) {
  switch (code) {
#define X(name, value, text) \
  case value:                \
    return "CUDA_" #name;
    SIM_RESULTS(X)
#undef X
    default:
      return nullptr;
  }
}

const char* resultText(int code) {
  switch (code) {
#define X(name, value, text) \
  case value:                \
    return text;
    SIM_RESULTS(X)
#undef X
    default:
      return nullptr;
  }
}

}  // namespace sim

using namespace sim;

SIM_API long hesse_simulated_calls(const char* name) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  return calls()[name];
}

SIM_API long hesse_simulated_bytes(const char* direction) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  return bytes()[direction];
}

SIM_API const char* hesse_simulated_message() {
  static std::string copy;
  std::lock_guard<std::recursive_mutex> hold(lock());
  copy = lastMessage();
  return copy.c_str();
}

SIM_API void hesse_simulated_clear() {
  std::lock_guard<std::recursive_mutex> hold(lock());
  lastMessage().clear();
  clearErrors();
}

SIM_API int hesse_simulated_option(const char* name, long value) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  return Options::get().set(name, value) ? 0 : 1;
}

SIM_API int hesse_simulated_forget(uintptr_t address, size_t size) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  try {
    Memory::get().forget(address, size);
    return 0;
  } catch (const Failure& failure) {
    report(failure.what(), failure.fault);
    return failure.code;
  }
}
