package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Expect.illegalState;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Errors name the line of the user's code, which here is this test's. */
class CallSiteTest {
  private static final Tensor X = Tensor.of(new double[] {1, 2, 3});

  /** The place of the line after the caller's. */
  private static String next() {
    return " at CallSiteTest.java:" + (new Throwable().getStackTrace()[1].getLineNumber() + 1);
  }

  @Test
  void whereAValueIsRead() {
    String item = next();
    Function<Tensor, Tensor> f = x -> x.mul(x.sum().item());
    illegalState(() -> compile(f).apply(X), "item()" + item + " inside compile", "F64[]");
    String array = next();
    Function<Tensor, Tensor> g = x -> Tensor.of(x.square().toFloatArray()).sum();
    illegalState(() -> grad(g).apply(X), "toFloatArray()" + array + " inside grad", "F64[3]");
    String many = next();
    illegalState(() -> X.item(), "item()" + many, "F64[3]", "single element", "reduce");
  }

  @Test
  void whereALeakedTensorIsUsed() {
    List<Tensor> leaked = new ArrayList<>();
    Function<Tensor, Tensor> f =
        x -> {
          leaked.add(x.square());
          return x.sum();
        };
    assertEquals(3, grad(f).apply(X).size());
    String use = next();
    illegalState(() -> leaked.getFirst().add(1), "F64[3] made inside grad is used" + use);
    illegalState(() -> leaked.getFirst().add(1), "return it", "-Dhesse.debug=true");
  }

  /** Java's own frames, such as those of a stream, are not the user's. */
  @Test
  void javaItselfIsPassedOver() {
    String read = next();
    Function<Tensor, Tensor> f = x -> x.add(List.of(x).stream().mapToDouble(Tensor::item).sum());
    illegalState(() -> compile(f).apply(X.sum()), "item()" + read);
  }

  @Test
  void whereTheTensorWasMadeIfAsked() throws IOException, InterruptedException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> command =
        List.of(java, "-Dhesse.debug=true", "-cp", classes, CallSiteTest.class.getName());
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, p.waitFor(), out);
    assertTrue(out.contains("messages are complete"), out);
  }

  /** The process. */
  public static void main(String[] args) {
    List<Tensor> leaked = new ArrayList<>();
    String made = next();
    Function<Tensor, Tensor> f = x -> keep(x.square(), leaked);
    Tensor unused = compile(f).apply(X);
    String use = next();
    String m = assertThrows(IllegalStateException.class, () -> leaked.get(0).exp()).getMessage();
    assertTrue(m.contains("compile" + made + " is used" + use), m);
    assertTrue(!m.contains("hesse.debug"), m);
    String here = next();
    Function<Tensor, Tensor> g = x -> x.mul(2);
    Function<Tensor, Tensor> h = x -> x.mul(g.apply(x).sum().item());
    String read = assertThrows(IllegalStateException.class, () -> grad(h).apply(X)).getMessage();
    assertTrue(read.contains("F64[] made at CallSiteTest.java"), read);
    Function<Tensor, Tensor> k = x -> x.mul(g.apply(X).toDoubleArray()[0]);
    String twice = assertThrows(IllegalStateException.class, () -> grad(k).apply(X)).getMessage();
    assertTrue(twice.contains("F64[3] made" + here), twice);
    System.out.println("messages are complete: " + unused.size());
  }

  private static Tensor keep(Tensor t, List<Tensor> to) {
    to.add(t);
    return t.sum();
  }
}
