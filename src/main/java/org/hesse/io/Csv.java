package org.hesse.io;

import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * Tables of numbers as text: one sample per line, its target in the last column.
 *
 * <p>Columns are separated by tabs, semicolons or commas, whichever of these (in this order) the
 * first line contains. A first line of names is skipped. Blank lines and lines that begin with
 * {@code #} are skipped too. Numbers are written with a decimal point; the text is UTF-8.
 */
public final class Csv {
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?");
  private static final Pattern NOT_FINITE =
      Pattern.compile("[+-]?(nan|inf|infinity)|#?n/?a|null|none");
  private static final int LONGEST_LINE = 1 << 26;

  private Csv() {}

  /**
   * Reads a data set.
   *
   * @param dtype F32 or F64, the dtype of x and of real targets
   * @param task what the last column holds: whole numbers from 0, or real numbers
   * @return x [N, columns − 1]; y I32 [N] with as many classes as the largest label asks for, or
   *     real [N, 1]
   * @throws DataException naming the file, the line and the column if the file is missing or empty,
   *     has one column only, a line is longer or shorter than the first, a field is empty, no
   *     number, NaN, infinite or too large for the dtype, or a label is no whole number, negative
   *     or 100,000 or more
   */
  public static Dataset read(Path file, DType dtype, Task task) throws DataException {
    Checks.real(dtype);
    Disk.length(file);
    Table table = new Table(file, dtype, task);
    try (CsvReader<CsvRecord> reader =
        CsvReader.builder()
            .fieldSeparator(separator(file))
            .commentStrategy(CommentStrategy.SKIP)
            .detectBomHeader(true)
            .skipEmptyLines(true)
            .trimWhitespacesAroundQuotes(true)
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .maxBufferSize(LONGEST_LINE)
            .ofCsvRecord(file)) {
      for (CsvRecord line : reader) {
        table.add(line);
      }
    } catch (UncheckedIOException e) {
      throw failed(file, Objects.requireNonNull(e.getCause()));
    } catch (IOException e) {
      throw failed(file, e);
    } catch (CsvParseException e) {
      Throwable cause = e.getCause();
      throw cause instanceof IOException io
          ? failed(file, io)
          : new DataException(file + ": cannot be read as a table: " + e.getMessage(), e);
    }
    return table.dataset();
  }

  private static DataException failed(Path file, IOException e) {
    return e instanceof CharacterCodingException
        ? new DataException(file + ": not a text file in UTF-8", e)
        : Disk.unreadable(file, e);
  }

  /** The separator that the first line with content uses. */
  private static char separator(Path file) throws DataException {
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      StringBuilder line = new StringBuilder();
      while (true) {
        int c = in.read();
        if (c < 0 || c == '\n' || c == '\r' || line.length() == LONGEST_LINE) {
          String text = line.toString().strip();
          if (c < 0 || !text.isEmpty() && !text.startsWith("#")) {
            return text.indexOf('\t') >= 0 ? '\t' : text.indexOf(';') >= 0 ? ';' : ',';
          }
          line.setLength(0);
        } else {
          line.append((char) c);
        }
      }
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  /** Rows as they come in, checked one by one. */
  private static final class Table {
    private final Path file;
    private final DType dtype;
    private final Task task;
    private final List<float[]> floats = new ArrayList<>();
    private final List<double[]> doubles = new ArrayList<>();
    private int[] labels = new int[1024];
    private int rows;
    private int classes;
    private int columns;

    Table(Path file, DType dtype, Task task) {
      this.file = file;
      this.dtype = dtype;
      this.task = task;
    }

    void add(CsvRecord line) throws DataException {
      int n = line.getFieldCount();
      long number = line.getStartingLineNumber();
      if (n == 1 && line.getField(0).isBlank()) {
        return;
      }
      if (columns == 0) {
        if (n < 2) {
          throw DataException.in(
              file,
              "line "
                  + number
                  + ": one column only; inputs and a target are needed,"
                  + " separated by commas, semicolons or tabs");
        }
        columns = n;
        if (isHeader(line)) {
          return;
        }
      }
      if (n != columns) {
        throw DataException.in(file, "line " + number + ": " + n + " columns, expected " + columns);
      }
      if (dtype == DType.F32) {
        float[] row = new float[inputs()];
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) value(line, i);
        }
        floats.add(row);
      } else {
        double[] row = new double[inputs()];
        for (int i = 0; i < row.length; i++) {
          row[i] = value(line, i);
        }
        doubles.add(row);
      }
      if (task == Task.CLASSIFICATION) {
        int label = Checks.label(value(line, n - 1), at(line, n - 1));
        if (rows == labels.length) {
          labels = Arrays.copyOf(labels, 2 * rows);
        }
        labels[rows] = label;
        classes = Math.max(classes, label + 1);
      }
      rows++;
    }

    /** Columns that are kept in {@link #floats} or {@link #doubles}. */
    private int inputs() {
      return task == Task.CLASSIFICATION ? columns - 1 : columns;
    }

    private String at(CsvRecord line, int column) {
      return file + ": line " + line.getStartingLineNumber() + ", column " + (column + 1);
    }

    /**
     * Whether a first line holds names: none of its fields is a number, or those that are only
     * count the columns, as in 0,1,2,label.
     */
    private static boolean isHeader(CsvRecord line) {
      boolean named = false;
      for (int i = 0; i < line.getFieldCount(); i++) {
        String field = line.getField(i).strip();
        boolean counts = field.equals(Integer.toString(i)) || field.equals(Integer.toString(i + 1));
        if (isNumber(field) && !counts) {
          return false;
        }
        named |= !isNumber(field) && !field.isEmpty();
      }
      return named;
    }

    private static boolean isNumber(String field) {
      return NUMBER.matcher(field).matches()
          || NOT_FINITE.matcher(field.toLowerCase(Locale.ROOT)).matches();
    }

    private double value(CsvRecord line, int column) throws DataException {
      String field = line.getField(column).strip();
      if (NUMBER.matcher(field).matches()) {
        double value = Double.parseDouble(field);
        boolean finite =
            dtype == DType.F32 ? Float.isFinite((float) value) : Double.isFinite(value);
        if (finite) {
          return value;
        }
        throw new DataException(
            at(line, column) + ": " + DataException.quote(field) + " is too large for " + dtype);
      }
      String problem =
          field.isEmpty()
              ? "the field is empty"
              : DataException.quote(field)
                  + (isNumber(field) ? " is not a finite number" : " is not a number");
      if (task == Task.CLASSIFICATION && column == columns - 1 && !isNumber(field)) {
        problem += "; class labels are whole numbers from 0";
      }
      throw new DataException(at(line, column) + ": " + problem);
    }

    Dataset dataset() throws DataException {
      if (rows == 0) {
        throw DataException.in(file, "holds no samples");
      }
      int d = columns - 1;
      if ((long) rows * columns > Element.LONGEST) {
        throw DataException.in(file, rows + " × " + columns + " values are too many");
      }
      Tensor x;
      Tensor y;
      if (dtype == DType.F32) {
        float[] all = new float[rows * d];
        float[] last = new float[rows];
        for (int r = 0; r < rows; r++) {
          float[] row = floats.get(r);
          System.arraycopy(row, 0, all, r * d, d);
          last[r] = row[row.length - 1];
        }
        x = Tensor.of(all, rows, d);
        y = Tensor.of(last, rows, 1);
      } else {
        double[] all = new double[rows * d];
        double[] last = new double[rows];
        for (int r = 0; r < rows; r++) {
          double[] row = doubles.get(r);
          System.arraycopy(row, 0, all, r * d, d);
          last[r] = row[row.length - 1];
        }
        x = Tensor.of(all, rows, d);
        y = Tensor.of(last, rows, 1);
      }
      String name = Checks.name(file);
      return task == Task.REGRESSION
          ? Dataset.regression(name, x, y)
          : Dataset.classification(name, x, Tensor.of(Arrays.copyOf(labels, rows), rows), classes);
    }
  }
}
