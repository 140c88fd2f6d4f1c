// Attention, see org.hesse.ir.CompositeKind, a block of queries at a time.
#include "attention.cuh"

HESSE_ATTENTION_ENTRIES(attention, HESSE_ATTENTION)
