package org.hesse.cli;

import java.math.BigInteger;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.hesse.io.Disk;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** Reads the values of options, with errors that say what was expected. */
final class Values {
  private Values() {}

  /** Has a command and its subcommands read values so. */
  static void register(CommandLine line) {
    line.registerConverter(Path.class, Values::path);
    line.registerConverter(int.class, Values::wholeInt);
    line.registerConverter(Integer.class, Values::wholeInt);
    line.registerConverter(long.class, Values::wholeLong);
    line.registerConverter(double.class, Values::number);
    line.registerConverter(Double.class, Values::number);
  }

  private static Path path(String value) {
    if (value.isEmpty()) {
      throw new TypeConversionException("'' is empty; expected a name");
    }
    try {
      return Path.of(value);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("'" + value + "' " + Disk.describe(e));
    }
  }

  static int wholeInt(String value) {
    return (int) whole(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  private static long wholeLong(String value) {
    return whole(value, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  private static long whole(String value, long low, long high) {
    BigInteger n;
    try {
      n = new BigInteger(value);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + value + "' is not a whole number");
    }
    if (n.compareTo(BigInteger.valueOf(low)) < 0 || n.compareTo(BigInteger.valueOf(high)) > 0) {
      throw new TypeConversionException(
          "'"
              + value
              + "' is out of range; "
              + Numbers.whole(low)
              + " to "
              + Numbers.whole(high)
              + " are possible");
    }
    return n.longValueExact();
  }

  private static double number(String value) {
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + value + "' is not a number");
    }
  }
}
