package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Task.CLASSIFICATION;
import static org.hesse.io.Task.REGRESSION;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.hesse.DType;
import org.hesse.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvTest {
  @TempDir Path folder;

  private Path file(String text) {
    return Bad.write(folder, "data.csv", text);
  }

  private void bad(String text, String... parts) {
    Path file = file(text);
    assertBad(file, () -> Csv.read(file, DType.F32, CLASSIFICATION), parts);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1,2.5,0\n-3e-1,.5,2\n",
        "1;2.5;0\r\n-3e-1;.5;2\r\n",
        "1\t2.5\t0\n-3e-1\t.5\t2",
        "a,b,label\n1,2.5,0\n-3e-1,.5,2\n",
        "0,1,label\n1,2.5,0\n-3e-1,.5,2\n",
        "\ufeffa;b;label\n1;2.5;0\n-3e-1;.5;2\n",
        "# made by hand, 2 rows; no tabs\n\n 1 , 2.5,0\n\n-3e-1,\"+0.5\",2.0\n   \n",
      })
  void readsSeparatorsHeadersAndBlanks(String text) throws Exception {
    Dataset d = Csv.read(file(text), DType.F64, CLASSIFICATION);
    assertEquals("data.csv", d.name());
    assertEquals(Shape.of(2, 2), d.x().shape());
    assertArrayEquals(new double[] {1, 2.5, -0.3, 0.5}, d.x().toDoubleArray());
    assertEquals(DType.I32, d.y().dtype());
    assertArrayEquals(new int[] {0, 2}, d.y().toIntArray());
    assertEquals(3, d.classes());
  }

  @Test
  void readsRealTargets() throws Exception {
    Path file = file("1,2,0.5\n3,4,-7\n");
    Dataset d = Csv.read(file, DType.F32, REGRESSION);
    assertEquals(0, d.classes());
    assertEquals(DType.F32, d.x().dtype());
    assertEquals(Shape.of(2, 2), d.x().shape());
    assertEquals(Shape.of(2, 1), d.y().shape());
    assertArrayEquals(new float[] {0.5f, -7}, d.y().toFloatArray());
    assertArrayEquals(
        new double[] {1, 2, 3, 4}, Csv.read(file, DType.F64, REGRESSION).x().toDoubleArray());
  }

  @Test
  void readsMoreRowsThanItFirstMakesRoomFor() throws Exception {
    Dataset d = Csv.read(file("0.25,1\n".repeat(5000)), DType.F32, CLASSIFICATION);
    assertEquals(5000, d.size());
    assertEquals(1, d.y().toIntArray()[4999]);
  }

  @Test
  void namesMissingAndEmptyFiles() {
    Path none = folder.resolve("none.csv");
    assertBad(none, () -> Csv.read(none, DType.F32, CLASSIFICATION), "no such file");
    assertBad(folder, () -> Csv.read(folder, DType.F32, CLASSIFICATION), "is a folder");
    bad("", "the file is empty");
    bad("\n\n", "no samples");
    bad("a,b,label\n", "no samples");
  }

  @Test
  void namesLineAndColumn() {
    bad("1,2,0\n\n1,2,3,0\n", "line 3: 4 columns, expected 3");
    bad("1,2,0\n1,0\n", "line 2: 2 columns, expected 3");
    bad("1,2,0\n1,abc,0\n", "line 2, column 2: \"abc\" is not a number");
    bad("1,oops,0\n1,2,0\n", "line 1, column 2: \"oops\" is not a number");
    bad("1,,0\n", "line 1, column 2: the field is empty");
    bad("1,0x10,0\n", "line 1, column 2: \"0x10\" is not a number");
    bad("1,2f,0\n", "line 1, column 2: \"2f\" is not a number");
    bad("1;2,5;0\n", "line 1, column 2: \"2,5\" is not a number");
    bad("1,NaN,0\n", "line 1, column 2: \"NaN\" is not a finite number");
    bad("a,b,y\n1,2,1\n1,-inf,0\n", "line 3, column 2: \"-inf\" is not a finite number");
    bad("1,1e39,0\n", "line 1, column 2: \"1e39\" is too large for F32");
    bad("1,\"x\ny\",0\n", "column 2: \"x\\u000ay\" is not a number");
    bad("5.1,3.5,setosa\n", "line 1, column 3", "class labels are whole numbers");
    bad("1\n2\n", "line 1: one column only");
  }

  @Test
  void namesBadLabels() {
    bad("1,2,0\n1,2,0.5\n", "line 2, column 3: label 0.5 is not a whole number");
    bad("1,2,0\n1,2,-1\n", "line 2, column 3: label -1 is out of range");
    bad("1,2,100000\n", "line 1, column 3: label 100000 is out of range");
    bad("1,2,1e30\n", "line 1, column 3: label 1", "is out of range");
  }

  @Test
  void saysWhenAFileIsNoText() {
    byte[] bytes = new byte[5000];
    new java.util.Random(1).nextBytes(bytes);
    Path file = Bad.write(folder, "binary.csv", bytes);
    assertBad(file, () -> Csv.read(file, DType.F32, CLASSIFICATION));
    bad("1,\"2,0\n1,2,0\n");
  }

  @Test
  void wantsARealDtype() {
    assertThrows(
        IllegalArgumentException.class, () -> Csv.read(file("1,0"), DType.I32, CLASSIFICATION));
  }
}
