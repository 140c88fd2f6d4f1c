// The beginnings of entries, of which a compilation may want one, since making code for all of a file takes seconds:
// with -DHESSE_ONLY and -DHESSE_ONLY_NAME=~,1 the others are templates that nothing instantiates.
#pragma once

#define HESSE_KIND_1 extern "C" __global__ void
#define HESSE_KIND_0 template <int> __global__ void
#define HESSE_SECOND(a, b, ...) b
#define HESSE_CHOSEN(mark) HESSE_SECOND(mark, 0, 0)
#define HESSE_JOINED(a, b) a##b
#define HESSE_JOIN(a, b) HESSE_JOINED(a, b)
#ifdef HESSE_ONLY
#define HESSE_KIND(name) HESSE_JOIN(HESSE_KIND_, HESSE_CHOSEN(HESSE_ONLY_##name))
#else
#define HESSE_KIND(name) HESSE_KIND_1
#endif

// To be followed by parameters and a body; the other numbers are those of __launch_bounds__.
#define HESSE_ENTRY(name) HESSE_KIND(name) name
#define HESSE_BOUND_ENTRY(name, ...) HESSE_KIND(name) __launch_bounds__(__VA_ARGS__) name
