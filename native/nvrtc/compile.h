// Device code to a shared object of the host.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace sim {

struct Source {
  std::string text;
  std::string name;
  std::map<std::string, std::string> headers;
};

enum class Outcome { DONE, FAILED, BAD_OPTION };

// The options are NVRTC's. The log gets what the compiler says.
Outcome compile(const Source& source, const std::vector<std::string>& options, std::string& log, std::string& object);

}  // namespace sim
