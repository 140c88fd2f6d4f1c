// Contexts, streams, events, and graphs. Work is done when somebody waits for it, not before, so that a program
// that forgets to wait sees that.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "simulator.h"

namespace sim {

struct Context;
struct Stream;
struct Event;
struct Graph;

struct Operation {
  std::string name;
  std::function<void()> run;
  bool done = false;
};
using OperationRef = std::shared_ptr<Operation>;

// What was captured, in an order that respects the dependencies.
struct Graph {
  std::vector<OperationRef> nodes;
  std::vector<std::vector<size_t>> dependencies;
};

struct Exec {
  std::vector<OperationRef> nodes;
  Context* context;
};

struct Capture {
  Stream* origin = nullptr;
  CaptureMode mode = CAPTURE_GLOBAL;
  std::thread::id thread;
  bool valid = true;
  Graph graph;
  std::set<Stream*> streams;
};

struct Stream {
  Context* context = nullptr;
  bool blocking = true;  // waits for and is waited for by the default stream
  unsigned flags = 0;
  std::deque<OperationRef> queue;
  std::shared_ptr<Capture> capture;
  std::set<size_t> frontier;  // the captured nodes that the next one depends on
};

struct Event {
  Context* context = nullptr;
  bool timing = true;
  Stream* stream = nullptr;   // where it was recorded last
  OperationRef record;        // not done yet
  bool recorded = false;
  std::chrono::steady_clock::time_point time;
  std::weak_ptr<Capture> capture;  // if it was recorded during a capture
  std::set<size_t> frontier;
};

struct Module;

struct Context {
  int device = 0;
  bool primary = false;
  int references = 0;
  unsigned flags = 0;
  CUresult error = CUDA_SUCCESS;  // stays until the context is reset
  Stream defaultStream;
  std::set<Stream*> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
};

// Where the calling thread's calls go; throws if there is none.
Context* current();
Context* currentOrNull();
void setCurrent(Context* context);
std::vector<Context*>& contextStack();
// Deletes what belongs to a context.
void emptyContext(Context* context);
void registerContext(Context* context, bool live);
bool isContext(Context* context);
void clearErrors();

Stream* resolve(Stream* stream);  // null and the special handles are the default stream; checks the handle
void checkEvent(Event* event);
// Adds work to the stream, or to the graph that it captures.
void enqueue(Stream* stream, const std::string& name, std::function<void()> run);
// Does what is waiting in a stream, or in all streams of a context.
void drain(Stream* stream);
void drain(Context* context);
bool step(Stream* stream);  // does one thing; whether there was one
// Fails, and spoils the capture, if a call that waits or allocates is made during a capture.
void forbidDuringCapture(const char* name);
void forbidOnCapturing(Stream* stream, const char* name);
[[noreturn]] void spoil(Capture& capture, CUresult code, const std::string& message);

CUresult fail(const char* name, const Failure& failure);
CUresult precheck(bool needsContext);
// Counts a call of the driver's function of this name.
void count(const char* name);

// Wraps each call: the lock, an earlier error of the context, failures to codes and messages.
template <class F>
CUresult call(const char* name, bool needsContext, F&& body) {
  std::lock_guard<std::recursive_mutex> hold(lock());
  count(name);
  try {
    CUresult before = precheck(needsContext);
    if (before != CUDA_SUCCESS) {
      return before;
    }
    body();
    return CUDA_SUCCESS;
  } catch (const Failure& failure) {
    return fail(name, failure);
  } catch (const std::exception& exception) {
    return fail(name, Failure(CUDA_ERROR_OUT_OF_MEMORY, exception.what()));
  }
}

inline void require(bool condition, CUresult code, const char* message) {
  if (!condition) {
    throw Failure(code, message);
  }
}

}  // namespace sim
