// The driver API: streams, events, capture, graphs.
#include <algorithm>

#include "stream.h"

using namespace sim;

namespace {

std::set<Graph*>& graphs() {
  static auto& all = *new std::set<Graph*>();
  return all;
}

std::set<Exec*>& execs() {
  static auto& all = *new std::set<Exec*>();
  return all;
}

void checkGraph(Graph* graph) {
  if (graphs().count(graph) == 0) {
    throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such graph, or it has been destroyed", true);
  }
}

void checkExec(Exec* exec) {
  if (execs().count(exec) == 0) {
    throw Failure(CUDA_ERROR_INVALID_HANDLE, "no such executable graph, or it has been destroyed", true);
  }
}

}  // namespace

SIM_API CUresult cuStreamCreate(Stream** stream, unsigned flags) {
  return call("cuStreamCreate", true, [&] {
    require(flags <= 1, CUDA_ERROR_INVALID_VALUE, "unknown flags");
    auto* made = new Stream();
    made->context = current();
    made->flags = flags;
    made->blocking = flags == 0;
    current()->streams.insert(made);
    *stream = made;
  });
}

SIM_API CUresult cuStreamCreateWithPriority(Stream** stream, unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}

SIM_API CUresult cuStreamDestroy_v2(Stream* handle) {
  return call("cuStreamDestroy", true, [&] {
    Stream* stream = resolve(handle);
    require(stream == handle, CUDA_ERROR_INVALID_HANDLE, "the default stream cannot be destroyed");
    if (stream->capture != nullptr) {
      stream->capture->valid = false;
    }
    drain(stream);
    for (Event* event : stream->context->events) {
      if (event->stream == stream) {
        event->stream = nullptr;
      }
    }
    stream->context->streams.erase(stream);
    delete stream;
  });
}

SIM_API CUresult cuStreamSynchronize(Stream* handle) {
  return call("cuStreamSynchronize", true, [&] {
    Stream* stream = resolve(handle);
    forbidOnCapturing(stream, "cuStreamSynchronize");
    if (stream == &stream->context->defaultStream) {
      for (Stream* other : stream->context->streams) {
        if (other->blocking) {
          drain(other);
        }
      }
    }
    drain(stream);
  });
}

SIM_API CUresult cuStreamQuery(Stream* handle) {
  bool ready = true;
  CUresult result = call("cuStreamQuery", true, [&] {
    Stream* stream = resolve(handle);
    forbidOnCapturing(stream, "cuStreamQuery");
    ready = !step(stream);  // so that whoever asks again and again gets an end
  });
  return result == CUDA_SUCCESS && !ready ? CUDA_ERROR_NOT_READY : result;
}

SIM_API CUresult cuStreamGetFlags(Stream* handle, unsigned* flags) {
  return call("cuStreamGetFlags", true, [&] { *flags = resolve(handle)->flags; });
}

SIM_API CUresult cuStreamGetPriority(Stream* handle, int* priority) {
  return call("cuStreamGetPriority", true, [&] {
    resolve(handle);
    *priority = 0;
  });
}

SIM_API CUresult cuStreamGetCtx(Stream* handle, Context** context) {
  return call("cuStreamGetCtx", true, [&] { *context = resolve(handle)->context; });
}

SIM_API CUresult cuStreamGetId(Stream* handle, unsigned long long* id) {
  return call("cuStreamGetId", true, [&] { *id = reinterpret_cast<uintptr_t>(resolve(handle)); });
}

SIM_API CUresult cuLaunchHostFunc(Stream* handle, void (*function)(void*), void* data) {
  return call("cuLaunchHostFunc", true, [&] {
    enqueue(resolve(handle), "cuLaunchHostFunc", [=] { function(data); });
  });
}

// ---- events ----

SIM_API CUresult cuEventCreate(Event** event, unsigned flags) {
  return call("cuEventCreate", true, [&] {
    auto* made = new Event();
    made->context = current();
    made->timing = (flags & 2) == 0;
    current()->events.insert(made);
    *event = made;
  });
}

SIM_API CUresult cuEventDestroy_v2(Event* event) {
  return call("cuEventDestroy", true, [&] {
    checkEvent(event);
    if (event->record != nullptr && event->stream != nullptr) {
      drain(event->stream);
    }
    event->context->events.erase(event);
    delete event;
  });
}

namespace {

// Does all that lies before the event's record in its stream, and the record.
void reach(Event* event) {
  while (event->record != nullptr && event->stream != nullptr && step(event->stream)) {
  }
}

void checkRecorded(Event* event) {
  checkEvent(event);
  if (auto capture = event->capture.lock()) {
    spoil(*capture, CUDA_ERROR_CAPTURED_EVENT, "the event was recorded during a capture");
  }
}

}  // namespace

SIM_API CUresult cuEventRecord(Event* event, Stream* handle) {
  return call("cuEventRecord", true, [&] {
    checkEvent(event);
    Stream* stream = resolve(handle);
    if (stream->capture != nullptr) {
      event->capture = stream->capture;
      event->frontier = stream->frontier;
      return;
    }
    event->capture.reset();
    event->recorded = true;
    event->stream = stream;
    auto finish = std::make_shared<std::function<void()>>();
    enqueue(stream, "cuEventRecord", [finish] { (*finish)(); });
    OperationRef own = stream->queue.back();
    event->record = own;
    Operation* identity = own.get();
    *finish = [event, identity] {
      if (event->record.get() == identity) {  // it may have been recorded again since
        event->time = std::chrono::steady_clock::now();
        event->record.reset();
      }
    };
  });
}

SIM_API CUresult cuEventRecordWithFlags(Event* event, Stream* stream, unsigned) { return cuEventRecord(event, stream); }

SIM_API CUresult cuEventQuery(Event* event) {
  bool ready = true;
  CUresult result = call("cuEventQuery", true, [&] {
    checkRecorded(event);
    ready = event->record == nullptr;
    if (!ready && event->stream != nullptr) {
      step(event->stream);
    }
  });
  return result == CUDA_SUCCESS && !ready ? CUDA_ERROR_NOT_READY : result;
}

SIM_API CUresult cuEventSynchronize(Event* event) {
  return call("cuEventSynchronize", true, [&] {
    checkRecorded(event);
    reach(event);
  });
}

SIM_API CUresult cuEventElapsedTime(float* milliseconds, Event* start, Event* end) {
  bool ready = true;
  CUresult result = call("cuEventElapsedTime", true, [&] {
    checkRecorded(start);
    checkRecorded(end);
    require(start->recorded && end->recorded && start->timing && end->timing, CUDA_ERROR_INVALID_HANDLE,
            "an event has not been recorded, or takes no time");
    ready = start->record == nullptr && end->record == nullptr;
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  });
  return result == CUDA_SUCCESS && !ready ? CUDA_ERROR_NOT_READY : result;
}

SIM_API CUresult cuStreamWaitEvent(Stream* handle, Event* event, unsigned) {
  return call("cuStreamWaitEvent", true, [&] {
    Stream* stream = resolve(handle);
    checkEvent(event);
    std::shared_ptr<Capture> capture = event->capture.lock();
    if (capture == nullptr) {
      if (stream->capture != nullptr && event->recorded) {
        spoil(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
              "a capturing stream is to wait for an event that was recorded outside of the capture");
      }
      if (event->record != nullptr) {
        OperationRef awaited = event->record;
        Stream* source = event->stream;
        enqueue(stream, "cuStreamWaitEvent", [=] {
          while (!awaited->done && step(source)) {
          }
        });
      }
      return;
    }
    if (stream->capture != nullptr && stream->capture != capture) {
      spoil(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_MERGE, "two captures would be merged");
    }
    require(stream != &stream->context->defaultStream, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
            "the default stream cannot take part in a capture");
    stream->capture = capture;
    capture->streams.insert(stream);
    stream->frontier.insert(event->frontier.begin(), event->frontier.end());
  });
}

// ---- capture and graphs ----

SIM_API CUresult cuStreamBeginCapture_v2(Stream* handle, int mode) {
  return call("cuStreamBeginCapture", true, [&] {
    Stream* stream = resolve(handle);
    require(mode >= 0 && mode <= 2, CUDA_ERROR_INVALID_VALUE, "no such mode");
    require(stream != &stream->context->defaultStream, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
            "the default stream cannot be captured");
    require(stream->capture == nullptr, CUDA_ERROR_ILLEGAL_STATE, "the stream is capturing already");
    auto capture = std::make_shared<Capture>();
    capture->origin = stream;
    capture->mode = static_cast<CaptureMode>(mode);
    capture->thread = std::this_thread::get_id();
    capture->streams.insert(stream);
    stream->capture = capture;
    stream->frontier.clear();
  });
}

SIM_API CUresult cuStreamIsCapturing(Stream* handle, int* status) {
  return call("cuStreamIsCapturing", true, [&] {
    Stream* stream = resolve(handle);
    *status = stream->capture == nullptr ? 0 : stream->capture->valid ? 1 : 2;
  });
}

SIM_API CUresult cuThreadExchangeStreamCaptureMode(int* mode) {
  thread_local int own = CAPTURE_GLOBAL;
  std::swap(own, *mode);
  return CUDA_SUCCESS;
}

SIM_API CUresult cuStreamEndCapture(Stream* handle, Graph** graph) {
  return call("cuStreamEndCapture", true, [&] {
    Stream* stream = resolve(handle);
    *graph = nullptr;
    std::shared_ptr<Capture> capture = stream->capture;
    require(capture != nullptr, CUDA_ERROR_ILLEGAL_STATE, "the stream is not capturing");
    if (capture->origin != stream) {
      spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
    }
    if (capture->mode != CAPTURE_RELAXED && capture->thread != std::this_thread::get_id()) {
      throw Failure(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the capture was begun by another thread", true);
    }
    std::vector<bool> joined(capture->graph.nodes.size());
    std::vector<size_t> open(stream->frontier.begin(), stream->frontier.end());
    while (!open.empty()) {
      size_t node = open.back();
      open.pop_back();
      if (!joined[node]) {
        joined[node] = true;
        open.insert(open.end(), capture->graph.dependencies[node].begin(), capture->graph.dependencies[node].end());
      }
    }
    for (Stream* participant : capture->streams) {
      participant->capture.reset();
      participant->frontier.clear();
    }
    if (!capture->valid) {
      throw Failure(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has been spoilt by an earlier call");
    }
    if (std::find(joined.begin(), joined.end(), false) != joined.end()) {
      throw Failure(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "work of another stream was not waited for", true);
    }
    *graph = new Graph(capture->graph);
    graphs().insert(*graph);
  });
}

SIM_API CUresult cuGraphCreate(Graph** graph, unsigned) {
  return call("cuGraphCreate", true, [&] {
    *graph = new Graph();
    graphs().insert(*graph);
  });
}

SIM_API CUresult cuGraphDestroy(Graph* graph) {
  return call("cuGraphDestroy", false, [&] {
    checkGraph(graph);
    graphs().erase(graph);
    delete graph;
  });
}

SIM_API CUresult cuGraphGetNodes(Graph* graph, void** nodes, size_t* count) {
  return call("cuGraphGetNodes", true, [&] {
    checkGraph(graph);
    size_t size = graph->nodes.size();
    if (nodes != nullptr) {
      for (size_t i = 0; i < std::min(size, *count); i++) {
        nodes[i] = graph->nodes[i].get();
      }
    }
    *count = size;
  });
}

SIM_API CUresult cuGraphInstantiateWithFlags(Exec** exec, Graph* graph, unsigned long long) {
  return call("cuGraphInstantiate", true, [&] {
    forbidDuringCapture("cuGraphInstantiate");
    checkGraph(graph);
    *exec = new Exec{graph->nodes, current()};
    execs().insert(*exec);
  });
}

SIM_API CUresult cuGraphUpload(Exec* exec, Stream* stream) {
  return call("cuGraphUpload", true, [&] {
    checkExec(exec);
    resolve(stream);
  });
}

SIM_API CUresult cuGraphLaunch(Exec* exec, Stream* handle) {
  return call("cuGraphLaunch", true, [&] {
    checkExec(exec);
    Stream* stream = resolve(handle);
    require(exec->context == stream->context, CUDA_ERROR_INVALID_HANDLE, "the graph belongs to another context");
    auto nodes = exec->nodes;  // it may be destroyed before it has run
    enqueue(stream, "cuGraphLaunch", [nodes] {
      for (const OperationRef& node : nodes) {
        node->run();
      }
    });
  });
}

SIM_API CUresult cuGraphExecDestroy(Exec* exec) {
  return call("cuGraphExecDestroy", false, [&] {
    checkExec(exec);
    execs().erase(exec);
    delete exec;
  });
}
