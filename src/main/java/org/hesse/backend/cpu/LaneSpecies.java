package org.hesse.backend.cpu;

/** Stands for VectorSpecies in code derived from vector code for single numbers. */
enum LaneSpecies {
  ONE
}
