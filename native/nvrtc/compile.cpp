#include "compile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

extern char** environ;

namespace sim {

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
}

bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

// Where build.sh has put this library, the device headers and device.o.
std::string home() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&home), &info);
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// A folder that goes away with what is in it.
class Folder {
 public:
  Folder() {
    const char* parent = getenv("TMPDIR");
    path = std::string(parent != nullptr && *parent != 0 ? parent : "/tmp") + "/hesse-nvrtc-XXXXXX";
    ok = mkdtemp(path.data()) != nullptr;
  }
  ~Folder() {
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      remove(file->c_str());
    }
    rmdir(path.c_str());
  }
  // A file's path, with the folders above it made.
  std::string file(const std::string& name) {
    for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      std::string folder = path + "/" + name.substr(0, slash);
      if (mkdir(folder.c_str(), 0700) == 0) {
        files.push_back(folder);
      }
    }
    files.push_back(path + "/" + name);
    return files.back();
  }
  std::string path;
  bool ok;

 private:
  std::vector<std::string> files;
};

// Runs a program; its messages go to a file.
bool execute(const std::vector<std::string>& command, const std::string& messages) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, messages.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child;
  int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    write(messages, "cannot run " + command[0] + ": " + strerror(error) + "\n");
    return false;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool startsWith(const std::string& text, const std::string& start) { return text.compare(0, start.size(), start) == 0; }

// NVRTC's options as the host compiler's, those that have no meaning for it left out.
bool translate(const std::vector<std::string>& options, std::vector<std::string>& flags, std::string& log) {
  std::string standard = "-std=c++17";
  for (size_t i = 0; i < options.size(); i++) {
    const std::string& option = options[i];
    std::string value = option.substr(option.find('=') == std::string::npos ? option.size() : option.find('=') + 1);
    auto next = [&] { return i + 1 < options.size() ? options[++i] : std::string(); };
    if (startsWith(option, "-I") || startsWith(option, "-D") || startsWith(option, "-U")) {
      flags.push_back(option.size() > 2 ? option : option + next());
    } else if (startsWith(option, "--include-path")) {
      flags.push_back("-I" + (value.empty() ? next() : value));
    } else if (startsWith(option, "--define-macro")) {
      flags.push_back("-D" + (value.empty() ? next() : value));
    } else if (startsWith(option, "--std") || startsWith(option, "-std")) {
      standard = "-std=" + value;
    } else if (startsWith(option, "-arch") || startsWith(option, "--gpu-architecture")) {
      value = value.empty() ? next() : value;
      size_t digits = value.find('_');
      if (digits == std::string::npos) {
        log = "nvrtc: error: invalid value for --gpu-architecture: " + value + "\n";
        return false;
      }
      flags.push_back("-D__CUDA_ARCH__=" + std::to_string(atoi(value.c_str() + digits + 1) * 10));
    } else if (startsWith(option, "--use_fast_math") || startsWith(option, "-use_fast_math")) {
      flags.push_back("-D__CUDA_FAST_MATH__=1");
    } else if (!startsWith(option, "-")) {
      log = "nvrtc: error: unrecognized option " + option + "\n";
      return false;
    }
  }
  flags.push_back(standard);
  return true;
}

struct Kernel {
  std::string name;
  std::string bounds;
};

// Whether a source shows its kernels as it stands, so that no preprocessor is needed to find them: there are neither
// macros nor conditions nor comments in it, and no kernels in its headers.
bool isPlain(const Source& source) {
  for (const auto& [name, text] : source.headers) {
    if (text.find("__global__") != std::string::npos) {
      return false;
    }
  }
  if (source.text.find("//") != std::string::npos || source.text.find("/*") != std::string::npos) {
    return false;
  }
  std::istringstream lines(source.text);
  for (std::string line; std::getline(lines, line);) {
    size_t first = line.find_first_not_of(" \t");
    if (first != std::string::npos && line[first] == '#' && line.find("include") == std::string::npos) {
      return false;
    }
  }
  return true;
}

// The kernels of a source without macros, but for __global__ and __launch_bounds__.
std::vector<Kernel> kernels(const std::string& text) {
  static const std::string mark = "__global__";
  static const std::string boundsMark = "__launch_bounds__(";
  std::vector<Kernel> found;
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    size_t start = at + mark.size();
    Kernel kernel;
    size_t bounds = text.find(boundsMark, start);
    size_t open = text.find('(', start);
    // The bounds stand between the return type and the name.
    if (bounds < open) {
      size_t from = bounds + boundsMark.size();
      int depth = 1;
      size_t close = from;
      for (; depth > 0 && close < text.size(); close++) {
        depth += text[close] == '(' ? 1 : text[close] == ')' ? -1 : 0;
      }
      kernel.bounds = text.substr(from, close - 1 - from);
      open = text.find('(', close);
    }
    if (open == std::string::npos) {
      break;
    }
    size_t end = text.find_last_not_of(" \t\n", open - 1) + 1;
    size_t begin = end;
    while (begin > 0 && (isalnum(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '_')) {
      begin--;
    }
    kernel.name = text.substr(begin, end - begin);
    // Only those with names that are not mangled can be asked for; templates are called by others.
    size_t before = text.find_last_of(";}", at);
    size_t external = text.rfind("extern \"C\"", at);
    if (external != std::string::npos && (before == std::string::npos || external > before)) {
      found.push_back(kernel);
    }
  }
  return found;
}

std::string replaceAll(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// Two numbers that tell texts apart.
std::string digest(const std::string& text) {
  uint64_t a = 14695981039346656037ull;
  uint64_t b = 0x9e3779b97f4a7c15ull;
  for (unsigned char c : text) {
    a = (a ^ c) * 1099511628211ull;
    b = ((b << 7 | b >> 57) + c) * 0xbf58476d1ce4e5b9ull;
  }
  char name[40];
  snprintf(name, sizeof name, "%016llx%016llx", static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
  return name;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) {
    all.push_back(word);
  }
  return all;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Compiler {
  std::string home = sim::home();
  std::vector<std::string> command = words(read(home + "/compiler"));  // as build.sh has found and tested it
  std::vector<std::string> linker;
  std::vector<std::string> libraries;
  std::string identity = read(home + "/stamps/device");  // changes when the compiler or the device headers do
  Compiler() {
    std::istringstream lines(read(home + "/linker"));
    std::string line;
    std::getline(lines, line);
    linker = words(line);
    std::getline(lines, line);
    libraries = words(line);
  }
};

// What the driver finds kernels by.
std::string entry(const Kernel& kernel) {
  return "\nextern \"C\" __attribute__((visibility(\"default\"))) const HesseEntry hesse_entry_" + kernel.name +
         " = {[](void** a) { hesse_call(&" + kernel.name + ", a); }, hesse_sizes(&" + kernel.name + "), hesse_bounds(" +
         kernel.bounds + ")};";
}

// Compiles a source whose kernels get entries; gives the shared object, or nothing if it fails.
std::string build(const Compiler& compiler, const Source& source, const std::vector<std::string>& flags, Folder& folder,
                  const std::string& messages) {
  std::string file = folder.file(source.name);
  std::string object = folder.file("object.o");
  std::string library = folder.file("library.so");
  for (const auto& [name, text] : source.headers) {
    write(folder.file(name), text);
  }
  std::vector<std::string> command = compiler.command + flags +
      std::vector<std::string>{"-x", "c++", "-I" + folder.path, "-I" + compiler.home, "-include",
                               compiler.home + "/simulated.cuh", file, "-o"};
  std::string shown = source.text;
  if (!isPlain(source)) {
    write(file, source.text);
    shown = folder.file("preprocessed.ii");
    if (!execute(command + std::vector<std::string>{shown, "-E", "-DHESSE_SCAN"}, messages)) {
      return "";
    }
    shown = read(shown);
  }
  std::string text = source.text + "\n";
  for (const Kernel& kernel : kernels(shown)) {
    text += entry(kernel);
  }
  write(file, text + "\n");
  std::vector<std::string> link = compiler.linker +
      std::vector<std::string>{"-T", compiler.home + "/shared.ld", object, compiler.home + "/device.o", "-o", library} +
      compiler.libraries;
  bool done = execute(command + std::vector<std::string>{object, "-c"}, messages) && execute(link, messages);
  return done ? read(library) : "";
}

}  // namespace

Outcome compile(const Source& source, const std::vector<std::string>& options, std::string& log, std::string& object) {
  static const Compiler compiler;
  log.clear();
  std::vector<std::string> flags;
  if (!translate(options, flags, log)) {
    return Outcome::BAD_OPTION;
  }
  std::string key = compiler.identity + '\0' + source.name + '\0' + source.text;
  for (const auto& [name, text] : source.headers) {
    key += '\0' + name + '\0' + text;
  }
  bool includes = false;  // of files that may change
  for (const std::string& flag : flags) {
    key += '\0' + flag;
    includes = includes || startsWith(flag, "-I");
  }
  std::string cached = compiler.home + "/cache/" + digest(key);
  if (!includes && exists(cached)) {
    object = read(cached);
    return Outcome::DONE;
  }

  Folder folder;
  if (!folder.ok) {
    log = "cannot make a temporary folder " + folder.path + "\n";
    return Outcome::FAILED;
  }
  std::string messages = folder.file("messages");
  object = build(compiler, source, flags, folder, messages);
  log = replaceAll(read(messages), folder.path + "/", "");
  if (object.empty()) {
    return Outcome::FAILED;
  }
  if (!includes) {
    static std::atomic<int> serial{0};
    std::string own = cached + "." + std::to_string(getpid()) + "." + std::to_string(serial++);
    write(own, object);
    if (rename(own.c_str(), cached.c_str()) != 0) {
      unlink(own.c_str());
    }
  }
  return Outcome::DONE;
}

}  // namespace sim
