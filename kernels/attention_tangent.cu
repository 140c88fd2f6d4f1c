// The tangent of attention, see org.hesse.ir.CompositeKind, a block of queries at a time.
#include "attention.cuh"

HESSE_ATTENTION_ENTRIES(attention_tangent, HESSE_ATTENTION_TANGENT)
