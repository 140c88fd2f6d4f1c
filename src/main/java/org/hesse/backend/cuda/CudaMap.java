package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * A register program over a domain, as a kernel made for it. Each thread evaluates one element, or
 * four neighbours where these can be read and written as one.
 */
final class CudaMap implements Prepared {
  private final Launch launch;

  CudaMap(CudaContext context, Step.Map step) {
    this.launch = new Generator(step, null).launch(context);
  }

  /** The kernel's text. */
  static String source(Step.Map step) {
    return new Generator(step, null).source();
  }

  /**
   * Lines that define {@code to(at, product)}, which evaluates the map at an element of a product,
   * and stores the product, too, if the map does not write there.
   */
  static KernelText tail(Step.Map step, Step.Dot dot) {
    return new Generator(step, dot).tail(dot);
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
  }

  /** Writes the kernel of one step. */
  private static final class Generator {
    private final Step.Map step;
    private final List<Instruction> code;
    private final List<Step.Store> stores;
    private final Axes axes;
    private final Step.@Nullable Dot product;
    private final boolean four;

    /** Whether the last thread may have less than four elements. */
    private final boolean ragged;

    private final KernelText text;
    private final Map<View, String> positions = new HashMap<>();
    private List<String> indices = List.of();

    Generator(Step.Map step, Step.@Nullable Dot product) {
      this.step = step;
      this.product = product;
      this.code = step.code();
      this.stores = step.stores();
      this.axes = new Axes(step.domain());
      long span = axes.size();
      boolean aligned = axes.rank() == 1 || axes.last() % Axes.FOUR == 0;
      boolean together = false;
      for (View view : views()) {
        long[] strides = axes.strides(view.strides());
        span = Math.max(span, axes.span(strides));
        aligned &= Axes.isRepeated(strides) || Axes.isAligned(view, strides);
        together |= Axes.isAligned(view, strides);
      }
      for (Step.Store s : stores) {
        aligned &= Axes.isAligned(s.view(), axes.strides(s.view().strides()));
      }
      for (Instruction in : code) {
        if (in instanceof Instruction.Index index) {
          span = Math.max(span, axes.span(axes.strides(index.strides())));
        }
      }
      this.four = product == null && aligned && together && axes.rank() > 0;
      this.ragged = four && axes.rank() == 1;
      this.text = new KernelText(span > Integer.MAX_VALUE - Axes.FOUR);
    }

    private List<View> views() {
      List<View> views = new ArrayList<>();
      for (Instruction in : code) {
        if (in instanceof Instruction.Load load) {
          views.add(load.view());
        }
      }
      stores.forEach(s -> views.add(s.view()));
      return views;
    }

    Launch launch(CudaContext context) {
      long groups = groups();
      String source = source();
      return new Launch(
          context.generated(source, "map"),
          Launch.Grid.of(Math.ceilDiv(groups, (long) KernelText.THREADS), KernelText.THREADS),
          text.arguments());
    }

    private long groups() {
      return four ? Math.ceilDiv(axes.size(), (long) Axes.FOUR) : axes.size();
    }

    String source() {
      text.count("groups", groups());
      if (ragged) {
        text.count("size", axes.size());
      }
      text.line("Count g = (Count)blockIdx.x * blockDim.x + threadIdx.x;");
      text.line("if (g >= groups) return;");
      if (ragged) {
        text.line("int left = size - 4 * g < 4 ? (int)(size - 4 * g) : 4;");
      }
      evaluate();
      return text.header("elementwise.cuh") + text.text("map");
    }

    private void evaluate() {
      index();
      List<String> names = loads();
      apply(names);
      store(names);
    }

    KernelText tail(Step.Dot dot) {
      String type = KernelText.type(dot.out().slot().dtype());
      text.line("auto to = [&](hesse_long at, " + type + " product) {");
      text.line("Count g = (Count)at;");
      if (stores.stream().noneMatch(s -> dot.isResult(step, s.view()))) {
        text.line(text.pointer(dot.out(), true) + "[g] = product;");
      }
      evaluate();
      text.line("};");
      return text;
    }

    private void index() {
      int[] dims = new int[axes.rank()];
      for (int a = 0; a < dims.length; a++) {
        dims[a] =
            a == dims.length - 1 && four ? Math.ceilDiv(axes.extent(a), Axes.FOUR) : axes.extent(a);
      }
      boolean needed = code.stream().anyMatch(in -> in instanceof Instruction.Index);
      for (View view : views()) {
        needed |= !axes.isDense(axes.strides(view.strides()));
      }
      if (needed) {
        List<String> names = new ArrayList<>(text.indices("g", "i", dims));
        if (four) {
          String last = names.removeLast();
          text.line(last + " *= 4;");
          names.add(last);
        }
        indices = names;
      }
    }

    /** Where the first of a thread's elements is. */
    private String position(View view) {
      return positions.computeIfAbsent(
          view,
          v -> {
            long[] strides = axes.strides(v.strides());
            if (axes.isDense(strides)) {
              return four ? "(At)(4 * g)" : "(At)g";
            }
            String name = "a" + positions.size();
            text.line("At " + name + " = " + text.position(indices, strides) + ";");
            return name;
          });
    }

    /** Reads memory, and names all values that are not computed. */
    private List<String> loads() {
      List<String> names = new ArrayList<>();
      for (int v = 0; v < code.size(); v++) {
        names.add(
            switch (code.get(v)) {
              case Instruction.Load load -> load(load, "v" + v);
              case Instruction.Constant(var dtype, double value) -> text.constant(dtype, value);
              case Instruction.Index(long[] all) -> number(axes.strides(all), "v" + v);
              case Instruction.Apply apply -> "v" + v;
            });
      }
      return names;
    }

    private String number(long[] strides, String name) {
      text.line("int " + name + "s = (int)(" + text.position(indices, strides) + ");");
      if (!four || Axes.isRepeated(strides)) {
        return name + "s";
      }
      return "(int)(" + name + "s + " + text.times("u", strides[strides.length - 1]) + ")";
    }

    private String load(Instruction.Load load, String name) {
      if (product != null && product.isResult(step, load.view())) {
        return "product";
      }
      String type = KernelText.type(load.dtype());
      String from = text.pointer(load.view(), false) + " + " + position(load.view());
      if (!four || Axes.isRepeated(axes.strides(load.view().strides()))) {
        text.line(type + " " + name + " = hesse_load<" + type + ">(" + from + ");");
        return name;
      }
      text.line(type + " " + name + "l[4];");
      text.line(
          "hesse_load4<" + type + ">(" + from + ", " + name + "l" + (ragged ? ", left);" : ");"));
      return name + "l[u]";
    }

    private void apply(List<String> names) {
      if (four) {
        stores.forEach(s -> {
          String type = KernelText.type(code.get(s.value()).dtype());
          text.line(type + " " + result(s) + "[4];");
        });
        text.line("#pragma unroll");
        text.line("for (int u = 0; u < 4; u++) {");
      }
      for (int v = 0; v < code.size(); v++) {
        if (code.get(v) instanceof Instruction.Apply apply) {
          String type = KernelText.type(apply.dtype());
          text.line(type + " v" + v + " = " + ValueText.of(code, apply, names) + ";");
        }
      }
      if (four) {
        stores.forEach(s -> text.line(result(s) + "[u] = " + names.get(s.value()) + ";"));
        text.line("}");
      }
    }

    private String result(Step.Store store) {
      return "r" + stores.indexOf(store);
    }

    private void store(List<String> names) {
      for (Step.Store s : stores) {
        String to = text.pointer(s.view(), true);
        String at = position(s.view());
        String type = KernelText.type(code.get(s.value()).dtype());
        if (four) {
          String rest = ragged ? ", left);" : ");";
          text.line("hesse_store4<" + type + ">(" + to + " + " + at + ", " + result(s) + rest);
        } else {
          text.line(to + "[" + at + "] = " + names.get(s.value()) + ";");
        }
      }
    }
  }
}
