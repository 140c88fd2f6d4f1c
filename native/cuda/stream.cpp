#include "stream.h"

#include <algorithm>

#include "module.h"

namespace sim {

namespace {

std::vector<Context*>& allContexts() {
  static auto& contexts = *new std::vector<Context*>();  // as Memory::get
  return contexts;
}

bool isLegacy(Stream* stream) { return stream == &stream->context->defaultStream; }

}  // namespace

std::vector<Context*>& contextStack() {
  thread_local std::vector<Context*> stack;
  return stack;
}

Context* currentOrNull() {
  auto& stack = contextStack();
  Context* context = stack.empty() ? nullptr : stack.back();
  return context != nullptr && isContext(context) ? context : nullptr;
}

Context* current() {
  Context* context = currentOrNull();
  if (context == nullptr) {
    throw Failure(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
  }
  return context;
}

void setCurrent(Context* context) {
  auto& stack = contextStack();
  if (!stack.empty()) {
    stack.pop_back();
  }
  if (context != nullptr) {
    stack.push_back(context);
  }
}

void registerContext(Context* context, bool live) {
  auto& all = allContexts();
  all.erase(std::remove(all.begin(), all.end(), context), all.end());
  if (live) {
    all.push_back(context);
  }
}

bool isContext(Context* context) {
  auto& all = allContexts();
  return std::find(all.begin(), all.end(), context) != all.end();
}

void clearErrors() {
  for (Context* context : allContexts()) {
    context->error = CUDA_SUCCESS;
    context->defaultStream.queue.clear();
    for (Stream* stream : context->streams) {
      stream->queue.clear();
      stream->capture.reset();
      stream->frontier.clear();
    }
  }
}

void emptyContext(Context* context) {
  for (Stream* stream : context->streams) {
    delete stream;
  }
  for (Event* event : context->events) {
    delete event;
  }
  context->streams.clear();
  context->events.clear();
  context->defaultStream.queue.clear();
  for (Module* module : context->modules) {
    unload(module);
  }
  context->modules.clear();
  context->error = CUDA_SUCCESS;
}

Stream* resolve(Stream* stream) {
  Context* context = current();
  if (reinterpret_cast<uintptr_t>(stream) <= 2) {  // none, CU_STREAM_LEGACY, CU_STREAM_PER_THREAD
    context->defaultStream.context = context;
    return &context->defaultStream;
  }
  for (Context* owner : allContexts()) {
    if (owner->streams.count(stream) > 0) {
      if (owner != context) {
        throw Failure(CUDA_ERROR_INVALID_HANDLE, "the stream belongs to a context that is not current", true);
      }
      return stream;
    }
  }
  throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such stream, or it has been destroyed", true);
}

void checkEvent(Event* event) {
  for (Context* owner : allContexts()) {
    if (owner->events.count(event) > 0) {
      return;
    }
  }
  throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such event, or it has been destroyed", true);
}

void spoil(Capture& capture, CUresult code, const std::string& message) {
  capture.valid = false;
  throw Failure(code, message, true);
}

void forbidDuringCapture(const char* name) {
  for (Context* context : allContexts()) {
    for (Stream* stream : context->streams) {
      Capture* capture = stream->capture.get();
      if (capture == nullptr || capture->mode == CAPTURE_RELAXED) {
        continue;
      }
      if (capture->mode == CAPTURE_GLOBAL || capture->thread == std::this_thread::get_id()) {
        spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, text(name, " during the capture of a stream"));
      }
    }
  }
}

void forbidOnCapturing(Stream* stream, const char* name) {
  if (stream->capture != nullptr) {
    spoil(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, text(name, " on a capturing stream"));
  }
  if (isLegacy(stream)) {
    for (Stream* other : stream->context->streams) {
      if (other->blocking && other->capture != nullptr) {
        spoil(*other->capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
              text(name, " on the default stream while a stream that waits for it is capturing"));
      }
    }
  }
}

void enqueue(Stream* stream, const std::string& name, std::function<void()> run) {
  auto operation = std::make_shared<Operation>(Operation{name, std::move(run)});
  if (stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    if (!capture.valid) {
      throw Failure(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has been spoilt by an earlier call");
    }
    capture.graph.dependencies.emplace_back(stream->frontier.begin(), stream->frontier.end());
    stream->frontier = {capture.graph.nodes.size()};
    capture.graph.nodes.push_back(operation);
    return;
  }
  if (isLegacy(stream)) {
    forbidOnCapturing(stream, name.c_str());
    for (Stream* other : stream->context->streams) {
      if (other->blocking) {
        drain(other);
      }
    }
  } else if (stream->blocking) {
    drain(&stream->context->defaultStream);
  }
  stream->queue.push_back(operation);
  if (stream->queue.size() > 4096) {
    drain(stream);
  }
}

bool step(Stream* stream) {
  if (stream->queue.empty()) {
    return false;
  }
  OperationRef operation = stream->queue.front();
  stream->queue.pop_front();
  try {
    operation->run();
    operation->done = true;
  } catch (const Failure& failure) {
    // As on a device, the context is of no use afterwards.
    Context* context = stream->context;
    context->error = failure.code;
    context->defaultStream.queue.clear();
    for (Stream* other : context->streams) {
      other->queue.clear();
    }
    throw;
  }
  return true;
}

void drain(Stream* stream) {
  while (step(stream)) {
  }
}

void drain(Context* context) {
  drain(&context->defaultStream);
  for (Stream* stream : context->streams) {
    drain(stream);
  }
}

CUresult fail(const char* name, const Failure& failure) {
  report(text(name, ": ", failure.what(), " [", resultName(failure.code), "]"), failure.fault);
  return failure.code;
}

}  // namespace sim
