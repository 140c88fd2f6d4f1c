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
 * four neighbours where these can be read and written as one. Operands that lie the other way round
 * than the result are read by tiles, along their own rows, into shared memory.
 */
final class CudaMap implements Prepared {
  /** Rows and columns of a tile, and the least extents that are worth one. */
  private static final int TILE = 32;

  private static final int LEAST_TILED = 16;

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

    /** The axis that operands are contiguous along which lie the other way round; −1 if none do. */
    private final int turned;

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
      this.turned = product == null && !four ? turned() : -1;
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

    private int turned() {
      boolean along = axes.rank() > 1 && axes.last() >= LEAST_TILED;
      for (Step.Store s : stores) {
        long[] strides = axes.strides(s.view().strides());
        along &= !Axes.isRepeated(strides) && Math.abs(strides[strides.length - 1]) == 1;
      }
      for (int a = 0; along && a < axes.rank() - 1; a++) {
        for (View view : views()) {
          if (axes.extent(a) >= LEAST_TILED && isTurned(view, a)) {
            return a;
          }
        }
      }
      return -1;
    }

    /**
     * Whether neighbours along an axis are neighbours in memory, and those along the last are not.
     */
    private boolean isTurned(View view, int axis) {
      long[] strides = axes.strides(view.strides());
      return axis >= 0 && Math.abs(strides[axis]) == 1 && Math.abs(strides[strides.length - 1]) > 1;
    }

    Launch launch(CudaContext context) {
      if (turned >= 0) {
        return tiled(context);
      }
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

    private Launch tiled(CudaContext context) {
      long tiles = (long) tiles(turned) * tiles(axes.rank() - 1);
      long blocks = axes.size() / axes.extent(turned) / axes.last() * tiles;
      String source = source();
      return new Launch(
          context.generated(source, "map"),
          Launch.Grid.of(blocks, KernelText.THREADS),
          text.arguments());
    }

    private int tiles(int axis) {
      return Math.ceilDiv(axes.extent(axis), TILE);
    }

    /**
     * A block has a tile of the two axes; a warp reads it along the one and writes along the other.
     */
    private String tiledSource() {
      int last = axes.rank() - 1;
      text.count("across", tiles(last));
      text.count("down", tiles(turned));
      text.parameter("int columns", new Argument.I32(axes.last()));
      text.parameter("int rows", new Argument.I32(axes.extent(turned)));
      text.line("Count block = (Count)blockIdx.x;");
      text.line("int column0 = (int)(block % across) * 32;");
      text.line("int row0 = (int)(block / across % down) * 32;");
      text.line("Count rest = block / across / down;");
      text.line("int x = (int)threadIdx.x % 32;");
      text.line("int y = (int)threadIdx.x / 32;");
      List<String> names = new ArrayList<>(text.indices("rest", "o", others()));
      names.add(turned, "(At)row");
      names.add("(At)column");
      indices = names;
      for (int v = 0; v < code.size(); v++) {
        if (code.get(v) instanceof Instruction.Load load && isTurned(load.view(), turned)) {
          text.line("__shared__ " + KernelText.type(load.dtype()) + " t" + v + "[32][33];");
        }
      }
      text.line("for (int j = y; j < 32; j += 8) {");
      text.line("int row = row0 + x, column = column0 + j;");
      text.line("if (row < rows && column < columns) {");
      for (int v = 0; v < code.size(); v++) {
        if (code.get(v) instanceof Instruction.Load load && isTurned(load.view(), turned)) {
          String type = KernelText.type(load.dtype());
          String from = text.pointer(load.view(), false) + " + " + position(load.view());
          text.line("t" + v + "[j][x] = hesse_load<" + type + ">(" + from + ");");
        }
      }
      text.line("}");
      text.line("}");
      text.line("__syncthreads();");
      positions.clear();
      text.line("for (int j = y; j < 32; j += 8) {");
      text.line("int row = row0 + j, column = column0 + x;");
      text.line("if (row < rows && column < columns) {");
      List<String> values = loads();
      apply(values);
      store(values);
      text.line("}");
      text.line("}");
      return text.header("elementwise.cuh") + text.text("map");
    }

    /** The extents of the axes that no tile has. */
    private int[] others() {
      int[] dims = new int[axes.rank() - 2];
      for (int a = 0; a < axes.rank() - 1; a++) {
        if (a != turned) {
          dims[a < turned ? a : a - 1] = axes.extent(a);
        }
      }
      return dims;
    }

    String source() {
      if (turned >= 0) {
        return tiledSource();
      }
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
            if (turned < 0 && axes.isDense(strides)) {
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
      if (isTurned(load.view(), turned)) {
        return name.replace('v', 't') + "[x][j]";
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
