package org.hesse.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import jcuda.Pointer;
import org.hesse.backend.View;

/**
 * Native memory in which the arguments of a launch are handed over. The driver copies them during
 * the call, so one such block does for a device, whose lock the caller holds.
 */
final class ArgumentBlock {
  /** What every device since 5.0 accepts. */
  static final int MOST_BYTES = 4096;

  private static final int MOST_ARGUMENTS = 512;

  private final MemorySegment values = Arena.global().allocate(2L * MOST_BYTES, 16);
  private final MemorySegment pointers = Arena.global().allocate(8L * MOST_ARGUMENTS, 16);
  private final Pointer packed = Pointers.of(pointers.address());
  private long at;

  /** A pointer to pointers to the values of the arguments. */
  Pointer pack(Run run, List<Argument> arguments) {
    at = 0;
    for (int i = 0; i < arguments.size(); i++) {
      pointers.set(ValueLayout.JAVA_LONG, 8L * i, values.address() + at);
      put(run, arguments.get(i));
    }
    return packed;
  }

  private void put(Run run, Argument argument) {
    switch (argument) {
      case Argument.Address(View view) -> put(run.address(view));
      case Argument.Addresses(List<View> views) -> {
        for (View view : views) {
          put(run.address(view));
        }
      }
      case Argument.Scratch(long offset) -> put(run.scratch() + offset);
      case Argument.Local(long offset) -> put(run.local(offset));
      case Argument.Status s -> put(run.status());
      case Argument.I32(int value) -> put(value & 0xffffffffL);
      case Argument.I64(long value) -> put(value);
      case Argument.F32(float value) -> put(Float.floatToRawIntBits(value) & 0xffffffffL);
      case Argument.F64(double value) -> put(Double.doubleToRawLongBits(value));
      case Argument.I64s(long[] words) -> {
        for (long word : words) {
          put(word);
        }
      }
      case Argument.I32s(int[] words) -> {
        MemorySegment.copy(words, 0, values, ValueLayout.JAVA_INT, at, words.length);
        at += Math.ceilDiv(words.length, 2) * 8L;
      }
      case Argument.F64s(double[] numbers) -> {
        for (double number : numbers) {
          put(Double.doubleToRawLongBits(number));
        }
      }
    }
  }

  /** Numbers of four bytes are in the first ones of eight, as every device and its host has it. */
  private void put(long value) {
    values.set(ValueLayout.JAVA_LONG, at, value);
    at += 8;
  }
}
