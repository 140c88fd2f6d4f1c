package org.hesse.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A number of random vectors, or as many as an accuracy takes.
 *
 * @param auto whether an accuracy decides
 * @param count the number, or the most
 */
record Probes(boolean auto, int count) {
  /** The most that an accuracy is pursued with. */
  private static final int MOST = 10_000;

  static Probes of(int count) {
    return new Probes(false, count);
  }

  /** Reads a number or {@code auto}. */
  static final class Converter implements ITypeConverter<Probes> {
    @Override
    public Probes convert(String value) {
      if (value.equals("auto")) {
        return new Probes(true, MOST);
      }
      try {
        return of(Values.wholeInt(value));
      } catch (TypeConversionException e) {
        throw new TypeConversionException(e.getMessage() + "; auto is possible, too");
      }
    }
  }
}
