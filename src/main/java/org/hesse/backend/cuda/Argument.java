package org.hesse.backend.cuda;

import java.util.List;
import org.hesse.backend.View;

/** A kernel's argument. Addresses are those of the run, all else is fixed when a plan is made. */
sealed interface Argument {
  /** A pointer to a view's element of index 0. */
  record Address(View view) implements Argument {}

  /** A struct, passed by value, of as many pointers. */
  record Addresses(List<View> views) implements Argument {}

  /** A pointer into the scratch memory, so many bytes from its start. */
  record Scratch(long offset) implements Argument {}

  /** A pointer into the plan's own memory that outlasts its steps, see {@link Locals}. */
  record Local(long offset) implements Argument {}

  /** A pointer to the run's {@code HesseStatus}. */
  record Status() implements Argument {}

  /** An {@code int}. */
  record I32(int value) implements Argument {}

  /** A {@code long long}. */
  record I64(long value) implements Argument {}

  /** A {@code float}. */
  record F32(float value) implements Argument {}

  /** A {@code double}. */
  record F64(double value) implements Argument {}

  /** A struct, passed by value, of so many {@code long long}. */
  record I64s(long... values) implements Argument {}

  /** A struct, passed by value, of so many {@code int}. */
  record I32s(int... values) implements Argument {}

  /** A struct, passed by value, of so many {@code double}. */
  record F64s(double... values) implements Argument {}
}
