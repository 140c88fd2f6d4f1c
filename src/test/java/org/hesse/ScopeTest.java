package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.backend.Backend;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.testing.FakeDevice;
import org.junit.jupiter.api.Test;

class ScopeTest {
  private static final Device GPU = Device.cuda(8003);

  private static Tensor numbers() {
    return Tensor.of(new float[] {1, 2, 3});
  }

  private static void assertClosed(Tensor t, String why) {
    String message = assertThrows(IllegalStateException.class, t::toFloatArray).getMessage();
    assertTrue(message.contains(why), message);
    assertThrows(IllegalStateException.class, () -> t.add(1));
  }

  @Test
  void closesWhatIsMadeInIt() {
    Tensor before = numbers();
    Tensor kept;
    Tensor lost;
    Tensor product;
    try (Scope scope = Scope.open()) {
      lost = numbers();
      product = before.mul(lost);
      kept = scope.keep(product.add(1));
    }
    assertArrayEquals(new float[] {2, 5, 10}, kept.toFloatArray());
    assertArrayEquals(new float[] {1, 2, 3}, before.toFloatArray());
    assertClosed(lost, "but its scope was closed at ScopeTest.java:");
    assertClosed(product, "keep it with scope.keep(...)");
    assertEquals("F32[3]", lost.toString());
  }

  @Test
  void keepsTreesAndReturnsThem() {
    Pair<Tensor, List<Tensor>> kept;
    try (Scope scope = Scope.open()) {
      kept = scope.keep(new Pair<>(numbers(), List.of(numbers().mul(2), numbers().reshape(1, 3))));
    }
    assertEquals(6, kept.first().sum().item());
    assertEquals(12, kept.second().get(0).sum().item());
    assertEquals(6, kept.second().get(1).sum().item());
  }

  @Test
  void whatIsKeptBelongsToTheOuterScope() {
    Tensor outermost;
    Tensor middle;
    try (Scope outer = Scope.open()) {
      Tensor inside;
      try (Scope inner = Scope.open()) {
        middle = inner.keep(numbers());
        inside = numbers();
        outermost = inner.keep(numbers().mul(2));
      }
      assertClosed(inside, "its scope was closed");
      assertEquals(6, middle.sum().item());
      outermost = outer.keep(outermost);
    }
    assertClosed(middle, "its scope was closed");
    assertEquals(12, outermost.sum().item());
  }

  @Test
  void closesOneTensor() {
    Tensor x = numbers();
    x.close();
    assertClosed(x, "it was closed at ScopeTest.java:");
    x.close();
    String traced =
        assertThrows(
                IllegalStateException.class,
                () ->
                    Autodiff.grad(
                            (Tensor t) -> {
                              t.close();
                              return t.sum();
                            })
                        .apply(numbers()))
            .getMessage();
    assertTrue(traced.startsWith("close() at ScopeTest.java"), traced);
  }

  @Test
  void isHarmlessToClosePartsFirst() {
    try (Scope scope = Scope.open()) {
      Tensor x = numbers();
      x.close();
      assertClosed(x, "it was closed at");
      assertNotNull(scope);
    }
  }

  /** What the first call makes while it traces is the function's, not the caller's. */
  @Test
  void compiledFunctionsOutliveScopes() {
    Function<Tensor, Tensor> f = compile((Tensor t) -> t.add(numbers()));
    Tensor x = numbers();
    Tensor first;
    try (Scope scope = Scope.open()) {
      first = f.apply(x);
      assertEquals(12, first.sum().item());
      assertNotNull(scope);
    }
    assertClosed(first, "its scope was closed");
    assertEquals(12, f.apply(x).sum().item());
  }

  @Test
  void donationGoesOnInScopes() {
    Function<Tensor, Tensor> f = compile((Tensor t) -> t.mul(2), Donate.all());
    Tensor state = numbers();
    for (int i = 0; i < 5; i++) {
      try (Scope scope = Scope.open()) {
        state = scope.keep(f.apply(state));
      }
    }
    assertEquals(6 * 32, state.sum().item());
  }

  @Test
  void namesMisuse() throws InterruptedException {
    Scope outer = Scope.open();
    Scope inner = Scope.open();
    assertTrue(
        assertThrows(IllegalStateException.class, outer::close)
            .getMessage()
            .contains("a scope opened in this one is still open"));
    AtomicReference<String> elsewhere = new AtomicReference<>();
    Thread thread =
        new Thread(() -> {
          try {
            inner.close();
          } catch (IllegalStateException e) {
            elsewhere.set(e.getMessage());
          }
        });
    thread.start();
    thread.join();
    assertTrue(elsewhere.get().contains("belongs to thread"), elsewhere.get());
    inner.close();
    outer.close();
    outer.close();
    assertThrows(IllegalStateException.class, () -> inner.keep(numbers()));
    assertEquals(6, numbers().sum().item());
  }

  @Test
  void otherThreadsAreNotInIt() throws InterruptedException {
    AtomicReference<Tensor> made = new AtomicReference<>();
    try (Scope scope = Scope.open()) {
      Thread thread = new Thread(() -> made.set(numbers()));
      thread.start();
      thread.join();
      assertNotNull(scope);
    }
    assertEquals(6, made.get().sum().item());
  }

  /** Immediate operations, compiled ones and moves leave nothing behind but what was kept. */
  @Test
  void leavesNothingBehind() {
    Backends.register(new FakeDevice(GPU));
    Function<Tensor, Tensor> f = compile((Tensor t) -> t.square().sum());
    CpuBackend.trackLive(true);
    try {
      List<Tensor> kept = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        try (Scope scope = Scope.open()) {
          Tensor x = Hesse.on(GPU, () -> numbers().mul(3));
          Tensor y = f.apply(x).add(x.max()).to(Device.CPU);
          kept.add(scope.keep(y.mul(2)));
        }
      }
      // Each a scalar in F32; what the collector has not found yet is closed, and does not count.
      assertEquals(new Backend.Live(200, 800), CpuBackend.instance().live());
      kept.forEach(Tensor::close);
      assertEquals(new Backend.Live(0, 0), CpuBackend.instance().live());
    } finally {
      CpuBackend.trackLive(false);
    }
  }

  @Test
  void doesNotKeepMemoryFromTheCollector() {
    CpuBackend.trackLive(true);
    try (Scope scope = Scope.open()) {
      for (int i = 0; i < 5000; i++) {
        assertEquals(6, numbers().sum().item());
      }
      System.gc();
      assertTrue(CpuBackend.instance().live().buffers() < 100);
      assertNotNull(scope);
    } finally {
      CpuBackend.trackLive(false);
    }
  }
}
