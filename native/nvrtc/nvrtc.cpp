// A stand-in for NVRTC: compiles device code with the host's C++ compiler.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "../cuda/image.h"
#include "compile.h"

#define SIM_API extern "C" __attribute__((visibility("default")))

enum nvrtcResult : int {
  NVRTC_SUCCESS = 0,
  NVRTC_ERROR_OUT_OF_MEMORY = 1,
  NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
  NVRTC_ERROR_INVALID_INPUT = 3,
  NVRTC_ERROR_INVALID_PROGRAM = 4,
  NVRTC_ERROR_INVALID_OPTION = 5,
  NVRTC_ERROR_COMPILATION = 6,
  NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
  NVRTC_ERROR_INTERNAL_ERROR = 11,
};

struct Program {
  sim::Source source;
  std::string log;
  std::string image;  // what stands for the CUBIN
  std::string ptx;
};

namespace {

std::string hexadecimal(const std::string& bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string text = SIM_PTX_MAGIC;
  text.reserve(text.size() + bytes.size() * 2);
  for (unsigned char c : bytes) {
    text += digits[c >> 4];
    text += digits[c & 15];
  }
  return text;
}

nvrtcResult copy(const std::string& text, char* to) {
  memcpy(to, text.data(), text.size());
  return NVRTC_SUCCESS;
}

}  // namespace

SIM_API const char* nvrtcGetErrorString(int result) {
  switch (result) {
    case NVRTC_SUCCESS:
      return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT:
      return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_PROGRAM:
      return "NVRTC_ERROR_INVALID_PROGRAM";
    case NVRTC_ERROR_INVALID_OPTION:
      return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION:
      return "NVRTC_ERROR_COMPILATION";
    case NVRTC_ERROR_BUILTIN_OPERATION_FAILURE:
      return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE (not simulated)";
    default:
      return "NVRTC_ERROR unknown";
  }
}

SIM_API nvrtcResult nvrtcVersion(int* major, int* minor) {
  *major = 12;
  *minor = 6;
  return NVRTC_SUCCESS;
}

namespace {
constexpr int ARCHITECTURES[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90};
}

SIM_API nvrtcResult nvrtcGetNumSupportedArchs(int* count) {
  *count = static_cast<int>(sizeof ARCHITECTURES / sizeof *ARCHITECTURES);
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcGetSupportedArchs(int* architectures) {
  memcpy(architectures, ARCHITECTURES, sizeof ARCHITECTURES);
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcCreateProgram(Program** program, const char* source, const char* name, int headers,
                                       const char* const* texts, const char* const* names) {
  if (program == nullptr || source == nullptr || headers < 0) {
    return NVRTC_ERROR_INVALID_INPUT;
  }
  *program = new Program();
  sim::Source& made = (*program)->source;
  made.text = source;
  made.name = name == nullptr || *name == 0 ? "default_program" : name;
  for (int i = 0; i < headers; i++) {
    made.headers[names[i]] = texts[i];
  }
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcDestroyProgram(Program** program) {
  if (program == nullptr || *program == nullptr) {
    return NVRTC_ERROR_INVALID_PROGRAM;
  }
  delete *program;
  *program = nullptr;
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  if (program == nullptr) {
    return NVRTC_ERROR_INVALID_PROGRAM;
  }
  std::vector<std::string> given(options, options + count);
  std::string object;
  switch (sim::compile(program->source, given, program->log, object)) {
    case sim::Outcome::BAD_OPTION:
      return NVRTC_ERROR_INVALID_OPTION;
    case sim::Outcome::FAILED:
      return NVRTC_ERROR_COMPILATION;
    default:
      break;
  }
  SimImage header;
  memcpy(header.magic, SIM_IMAGE_MAGIC, sizeof header.magic);
  header.size = object.size();
  program->image.assign(reinterpret_cast<const char*>(&header), sizeof header);
  program->image += object;
  program->ptx.clear();
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcGetCUBINSize(Program* program, size_t* size) {
  *size = program->image.size();
  return program->image.empty() ? NVRTC_ERROR_INVALID_PROGRAM : NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcGetCUBIN(Program* program, char* cubin) { return copy(program->image, cubin); }

SIM_API nvrtcResult nvrtcGetPTXSize(Program* program, size_t* size) {
  if (program->image.empty()) {
    return NVRTC_ERROR_INVALID_PROGRAM;
  }
  if (program->ptx.empty()) {
    program->ptx = hexadecimal(program->image);
  }
  *size = program->ptx.size() + 1;
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcGetPTX(Program* program, char* ptx) {
  size_t size;
  nvrtcResult result = nvrtcGetPTXSize(program, &size);
  if (result == NVRTC_SUCCESS) {
    memcpy(ptx, program->ptx.c_str(), size);
  }
  return result;
}

SIM_API nvrtcResult nvrtcGetProgramLogSize(Program* program, size_t* size) {
  *size = program->log.size() + 1;
  return NVRTC_SUCCESS;
}

SIM_API nvrtcResult nvrtcGetProgramLog(Program* program, char* log) {
  memcpy(log, program->log.c_str(), program->log.size() + 1);
  return NVRTC_SUCCESS;
}

#define MISSING(name) \
  SIM_API nvrtcResult name() { return NVRTC_ERROR_BUILTIN_OPERATION_FAILURE; }
MISSING(nvrtcGetNVVMSize)
MISSING(nvrtcGetNVVM)
MISSING(nvrtcGetLTOIRSize)
MISSING(nvrtcGetLTOIR)
MISSING(nvrtcGetOptiXIRSize)
MISSING(nvrtcGetOptiXIR)
MISSING(nvrtcAddNameExpression)
MISSING(nvrtcGetLoweredName)
