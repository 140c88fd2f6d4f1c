package org.hesse.testing;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Runs schedules element by element and checks them: each access lies inside its slot, each element
 * read was written before under the same slot, no step writes where it reads, and every output is
 * written in full. Outputs and arena hold NaN before.
 */
public final class ReferenceBackend implements Backend {
  /** Counts calls of {@link #prepare}. */
  public final AtomicInteger prepared = new AtomicInteger();

  /** Elements of any dtype, as doubles. */
  private record Heap(DType dtype, double[] data, Slot[] writer) implements Buffer {
    Heap(DType dtype, int size) {
      this(dtype, new double[size], new Slot[size]);
      Arrays.fill(data, Double.NaN);
    }

    @Override
    public Device device() {
      return Device.CPU;
    }

    @Override
    public long size() {
      return data.length;
    }

    @Override
    public @Nullable Buffer take(String why) {
      return null;
    }

    @Override
    public void close(String why) {}

    @Override
    public @Nullable String given() {
      return null;
    }

    @Override
    public Object toArray() {
      Class<?> type =
          switch (dtype) {
            case F32 -> float.class;
            case F64 -> double.class;
            case I32 -> int.class;
            case BOOL -> boolean.class;
          };
      Object array = Array.newInstance(type, data.length);
      for (int i = 0; i < data.length; i++) {
        switch (dtype) {
          case F32 -> Array.setFloat(array, i, (float) data[i]);
          case F64 -> Array.setDouble(array, i, data[i]);
          case I32 -> Array.setInt(array, i, (int) data[i]);
          case BOOL -> Array.setBoolean(array, i, data[i] != 0);
        }
      }
      return array;
    }
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public Live live() {
    return new Live(0, 0);
  }

  @Override
  public Buffer upload(Object array) {
    DType dtype =
        switch (array) {
          case float[] f -> DType.F32;
          case double[] d -> DType.F64;
          case int[] i -> DType.I32;
          case boolean[] b -> DType.BOOL;
          default -> throw new IllegalArgumentException("array: " + array.getClass());
        };
    double[] data = ReferenceInterpreter.toDoubles(array);
    return new Heap(dtype, data, new Slot[data.length]);
  }

  @Override
  public Buffer allocate(DType dtype, long size) {
    return new Heap(dtype, Math.toIntExact(size));
  }

  @Override
  public Executable prepare(Schedule schedule) {
    prepared.incrementAndGet();
    return (inputs, outputs) -> new Run(schedule, inputs, outputs).run();
  }

  /** One run, with an arena of its own. */
  private static final class Run {
    private final Schedule schedule;
    private final Buffer[] inputs;
    private final Buffer[] outputs;
    private final Map<DType, Heap> arena = new EnumMap<>(DType.class);

    Run(Schedule schedule, Buffer[] inputs, Buffer[] outputs) {
      this.schedule = schedule;
      this.inputs = inputs;
      this.outputs = outputs;
      schedule
          .arena()
          .forEach((dtype, size) -> arena.put(dtype, new Heap(dtype, Math.toIntExact(size))));
    }

    void run() {
      run(schedule.steps());
      for (int i = 0; i < outputs.length; i++) {
        Slot slot = schedule.outputs().get(i);
        for (Slot writer : ((Heap) outputs[i]).writer) {
          require(slot.equals(writer), "output " + i + " is not written in full");
        }
      }
    }

    private void run(List<Step> steps) {
      for (Step step : steps) {
        checkOverlap(step);
        switch (step) {
          case Step.Map m -> map(m);
          case Step.Reduce r -> reduce(r);
          case Step.Dot d -> dot(d);
          case Step.Contract c -> contract(c);
          case Step.ArgMax a -> argMax(a);
          case Step.Cumsum c -> cumsum(c);
          case Step.Fold f -> fold(f);
          case Step.Gather g -> gather(g);
          case Step.ScatterAdd s -> scatterAdd(s);
          case Step.RandomBits r -> randomBits(r);
          case Step.Factor f -> factor(f);
          case Step.Check c -> check(c);
          case Step.Loop l -> loop(l);
          case Step.Composite c -> throw new IllegalStateException("this backend has no kernels");
        }
      }
    }

    /** What a round computes is gone in the next one, but for the states. */
    private void loop(Step.Loop l) {
      List<Slot> gone = new ArrayList<>(writes(l));
      gone.removeAll(states(l));
      switch (l.rounds()) {
        case Step.Count(int length, boolean reverse) -> {
          for (int i = 0; i < length; i++) {
            gone.forEach(this::poison);
            round(l, reverse ? length - 1 - i : i);
          }
        }
        case Step.Test(var steps, var flag) -> {
          run(steps);
          while (read(flag, new int[flag.strides().length]) != 0) {
            gone.forEach(this::poison);
            round(l, 0);
            run(steps);
          }
        }
      }
    }

    /** What a round reads before it writes it; in the first one that must be there already. */
    private static Set<Slot> states(Step.Loop l) {
      Set<Slot> states = new HashSet<>();
      Set<Slot> written = new HashSet<>();
      l.before()
          .forEach(m -> {
            if (!written.contains(m.from().slot())) {
              states.add(m.from().slot());
            }
            written.add(m.to().slot());
          });
      steps(l)
          .forEach(step -> {
            reads(step).stream().filter(s -> !written.contains(s)).forEach(states::add);
            written.addAll(writes(step));
          });
      return states;
    }

    private void round(Step.Loop l, int t) {
      l.before().forEach(m -> move(m, t));
      run(l.body());
      l.after().forEach(m -> move(m, t));
    }

    private void poison(Slot slot) {
      Heap heap = heap(slot);
      int from = Math.toIntExact(slot.offset());
      Arrays.fill(heap.data, from, from + (int) slot.size(), Double.NaN);
      Arrays.fill(heap.writer, from, from + (int) slot.size(), null);
    }

    private void move(Step.Move m, int t) {
      require(m.count() > 0, "a move of nothing");
      for (int i = 0; i < m.count(); i++) {
        write(element(m.to(), t, i), read(element(m.from(), t, i)));
      }
    }

    private static View element(View view, int t, int i) {
      return new View(view.slot(), view.offset() + t * view.strides()[0] + i, new long[0]);
    }

    private static void require(boolean ok, String what) {
      if (!ok) {
        throw new IllegalStateException(what);
      }
    }

    private static List<Slot> loads(List<Instruction> code) {
      return code.stream()
          .filter(i -> i instanceof Instruction.Load)
          .map(i -> ((Instruction.Load) i).view().slot())
          .toList();
    }

    private static List<Slot> reads(Step step) {
      return switch (step) {
        case Step.Map m -> loads(m.code());
        case Step.Reduce r -> loads(r.code());
        case Step.Dot d -> List.of(d.lhs().slot(), d.rhs().slot());
        case Step.Contract c -> List.of(c.lhs().slot(), c.rhs().slot());
        case Step.Check c -> List.of(c.flags().slot());
        case Step.ArgMax a -> List.of(a.in().slot());
        case Step.Cumsum c -> List.of(c.in().slot());
        case Step.Fold f -> List.of(f.in().slot());
        case Step.Gather g -> List.of(g.in().slot(), g.at().slot());
        case Step.ScatterAdd s -> List.of(s.in().slot(), s.at().slot());
        case Step.RandomBits r -> List.of(r.key().slot());
        case Step.Factor f -> f.operands().stream().map(m -> m.view().slot()).toList();
        case Step.Composite c -> c.operands().stream().map(m -> m.view().slot()).toList();
        case Step.Loop l -> List.of();
      };
    }

    private static List<Slot> writes(Step step) {
      return switch (step) {
        case Step.Map m -> m.stores().stream().map(s -> s.view().slot()).toList();
        case Step.Reduce r -> List.of(r.out().slot());
        case Step.Dot d -> List.of(d.out().slot());
        case Step.Contract c -> List.of(c.out().slot());
        case Step.Check c -> List.of();
        case Step.ArgMax a -> List.of(a.out().slot());
        case Step.Cumsum c -> List.of(c.out().slot());
        case Step.Fold f -> List.of(f.out().slot());
        case Step.Gather g -> List.of(g.out().slot());
        case Step.ScatterAdd s -> List.of(s.out().slot());
        case Step.RandomBits r -> List.of(r.out().slot());
        case Step.Factor f -> List.of(f.out().view().slot());
        case Step.Composite c -> List.of(c.out().view().slot());
        case Step.Loop l ->
            Stream.concat(
                    steps(l).flatMap(s -> writes(s).stream()),
                    l.before().stream()
                        .map(m -> m.to())
                        .filter(v -> v.strides()[0] == 0)
                        .map(View::slot))
                .toList();
      };
    }

    private static Stream<Step> steps(Step.Loop l) {
      List<Step> test = l.rounds() instanceof Step.Test t ? t.steps() : List.of();
      return Stream.concat(test.stream(), l.body().stream());
    }

    private static void checkOverlap(Step step) {
      List<Slot> in = reads(step);
      List<Slot> out = step instanceof Step.Loop ? List.of() : writes(step);
      for (Slot a : in) {
        for (Slot b : out) {
          boolean apart =
              a.space() != b.space()
                  || a.index() != b.index()
                  || a.dtype() != b.dtype()
                  || a.offset() + a.size() <= b.offset()
                  || b.offset() + b.size() <= a.offset();
          boolean same = step instanceof Step.Map m && a.equals(b) && elementwise(m, a);
          require(apart || same, "a step writes " + b + " while it reads " + a);
        }
      }
    }

    /** Whether a map writes each element of a slot where it has read it, and nowhere else. */
    private static boolean elementwise(Step.Map map, Slot slot) {
      return map.stores().stream()
          .map(Step.Store::view)
          .filter(v -> v.slot().equals(slot))
          .allMatch(to ->
              to.isDense(map.domain())
                  && map.code().stream()
                      .filter(i -> i instanceof Instruction.Load)
                      .map(i -> ((Instruction.Load) i).view())
                      .allMatch(from -> !from.slot().equals(slot) || from.equals(to)));
    }

    private Heap heap(Slot slot) {
      return switch (slot.space()) {
        case INPUT -> (Heap) inputs[slot.index()];
        case OUTPUT -> (Heap) outputs[slot.index()];
        case ARENA -> arena.get(slot.dtype());
      };
    }

    private static int address(View view, int[] index) {
      require(view.strides().length == index.length, "a view has as many strides as axes: " + view);
      long at = view.offset();
      for (int a = 0; a < index.length; a++) {
        at += view.strides()[a] * index[a];
      }
      require(at >= 0 && at < view.slot().size(), "element " + at + " is outside of " + view);
      return Math.toIntExact(view.slot().offset() + at);
    }

    private double read(View view, int... index) {
      Heap heap = heap(view.slot());
      int at = address(view, index);
      boolean written =
          view.slot().space() == Slot.Space.INPUT || view.slot().equals(heap.writer[at]);
      require(written, "element " + at + " of " + view + " is read before it is written");
      return heap.data[at];
    }

    private void write(View view, double value, int... index) {
      require(view.slot().space() != Slot.Space.INPUT, "an input is written: " + view);
      Heap heap = heap(view.slot());
      int at = address(view, index);
      heap.data[at] = Elementary.round(value, view.slot().dtype());
      heap.writer[at] = view.slot();
    }

    /** Steps an index forward; false after the last one. */
    private static boolean next(int[] index, int[] domain) {
      for (int a = domain.length - 1; a >= 0; a--) {
        if (++index[a] < domain[a]) {
          return true;
        }
        index[a] = 0;
      }
      return false;
    }

    private double[] evaluate(List<Instruction> code, int[] index) {
      double[] v = new double[code.size()];
      for (int i = 0; i < v.length; i++) {
        v[i] =
            switch (code.get(i)) {
              case Instruction.Load(View view) -> read(view, index);
              case Instruction.Constant(DType dtype, double value) ->
                  Elementary.round(value, dtype);
              case Instruction.Index(long[] strides) -> {
                long sum = 0;
                for (int a = 0; a < index.length; a++) {
                  sum += strides[a] * index[a];
                }
                yield sum;
              }
              case Instruction.Apply(var op, var dtype, var arguments) ->
                  Elementary.apply(op, dtype, arguments.stream().mapToDouble(a -> v[a]).toArray());
            };
      }
      return v;
    }

    private void map(Step.Map m) {
      int[] index = new int[m.domain().length];
      do {
        double[] v = evaluate(m.code(), index);
        m.stores().forEach(s -> write(s.view(), v[s.value()], index));
      } while (next(index, m.domain()));
    }

    private void reduce(Step.Reduce r) {
      int end = r.outer() + r.reduced();
      int[] kept = new int[r.domain().length - r.reduced()];
      System.arraycopy(r.domain(), 0, kept, 0, r.outer());
      System.arraycopy(r.domain(), end, kept, r.outer(), kept.length - r.outer());
      int[] over = Arrays.copyOfRange(r.domain(), r.outer(), end);
      int[] to = new int[kept.length];
      do {
        boolean whole = r.dtype() == DType.I32;
        double lowest = whole ? Integer.MIN_VALUE : Double.NEGATIVE_INFINITY;
        double acc = r.kind() == ReduceKind.SUM ? 0 : lowest;
        int[] k = new int[over.length];
        do {
          int[] index = new int[r.domain().length];
          System.arraycopy(to, 0, index, 0, r.outer());
          System.arraycopy(k, 0, index, r.outer(), k.length);
          System.arraycopy(to, r.outer(), index, end, to.length - r.outer());
          double x = evaluate(r.code(), index)[r.code().size() - 1];
          acc =
              r.kind() == ReduceKind.MAX ? Math.max(acc, x) : whole ? (int) acc + (int) x : acc + x;
        } while (next(k, over));
        write(r.out(), acc, to);
      } while (next(to, kept));
    }

    private void dot(Step.Dot d) {
      for (int b = 0; b < d.batch(); b++) {
        for (int i = 0; i < d.m(); i++) {
          for (int j = 0; j < d.n(); j++) {
            double sum = 0;
            for (int k = 0; k < d.k(); k++) {
              sum += read(d.lhs(), b, i, k) * read(d.rhs(), b, j, k);
            }
            write(d.out(), sum, b, i, j);
          }
        }
      }
    }

    private void contract(Step.Contract c) {
      int kept = c.domain().length - c.groups()[3];
      int[] over = Arrays.copyOfRange(c.domain(), kept, c.domain().length);
      int[] to = new int[kept];
      do {
        double sum = 0;
        int[] k = new int[over.length];
        int[] index = Arrays.copyOf(to, c.domain().length);
        do {
          System.arraycopy(k, 0, index, kept, k.length);
          sum += read(c.lhs(), index) * read(c.rhs(), index);
        } while (next(k, over));
        write(c.out(), sum, Arrays.copyOf(to, c.domain().length));
      } while (next(to, Arrays.copyOf(c.domain(), kept)));
    }

    private void check(Step.Check c) {
      for (int i = 0; i < c.count(); i++) {
        View one = new View(c.flags().slot(), c.flags().offset() + i, new long[0]);
        if (read(one, new int[0]) == 0) {
          throw new ArithmeticException(c.message());
        }
      }
    }

    private void argMax(Step.ArgMax a) {
      int last = a.domain().length - 1;
      int[] kept = Arrays.copyOf(a.domain(), last);
      int[] to = new int[last];
      do {
        int best = 0;
        double most = 0;
        for (int j = 0; j < a.domain()[last]; j++) {
          int[] index = Arrays.copyOf(to, last + 1);
          index[last] = j;
          double v = read(a.in(), index);
          if (j == 0 || v > most || (Double.isNaN(v) && !Double.isNaN(most))) {
            best = j;
            most = v;
          }
        }
        write(a.out(), best, to);
      } while (next(to, kept));
    }

    private void factor(Step.Factor f) {
      int[] to = {f.batch(), f.out().rows(), f.out().columns()};
      require(f.out().view().isDense(to), "the result is not dense: " + f);
      for (int b = 0; b < f.batch(); b++) {
        double[][][] in = new double[f.operands().size()][][];
        for (int o = 0; o < in.length; o++) {
          Step.Matrices m = f.operands().get(o);
          in[o] = new double[m.rows()][m.columns()];
          for (int i = 0; i < m.rows(); i++) {
            for (int j = 0; j < m.columns(); j++) {
              in[o][i][j] = read(m.view(), b, i, j);
            }
          }
        }
        double[][] out = ReferenceFactors.compute(f.kind(), in, to[1], to[2]);
        for (int i = 0; i < to[1]; i++) {
          for (int j = 0; j < to[2]; j++) {
            write(f.out().view(), out[i][j], b, i, j);
          }
        }
      }
    }

    private void cumsum(Step.Cumsum c) {
      int last = c.domain().length - 1;
      int[] index = new int[last + 1];
      double sum = 0;
      do {
        double x = read(c.in(), index);
        sum = index[last] == 0 ? x : add(sum, x, c.out());
        write(c.out(), sum, index);
      } while (next(index, c.domain()));
    }

    private void fold(Step.Fold f) {
      int[] outer = Arrays.copyOf(f.domain(), f.outer());
      int[] inner = Arrays.copyOfRange(f.domain(), f.outer() + 2, f.domain().length);
      int[] o = new int[outer.length];
      do {
        int[] i = new int[inner.length];
        do {
          double[] sums = new double[f.extent()];
          for (int p = 0; p < f.domain()[f.outer()]; p++) {
            for (int w = 0; w < f.domain()[f.outer() + 1]; w++) {
              int k = p * f.stride() + w * f.dilation();
              sums[k] = add(sums[k], read(f.in(), join(o, new int[] {p, w}, i)), f.out());
            }
          }
          for (int k = 0; k < sums.length; k++) {
            write(f.out(), sums[k], join(o, new int[] {k}, i));
          }
        } while (next(i, inner));
      } while (next(o, outer));
    }

    private void gather(Step.Gather g) {
      int[] index = new int[g.domain().length];
      do {
        int k = checked((int) read(g.at(), index), g.extent());
        View shifted = new View(g.in().slot(), g.in().offset() + k * g.stride(), g.in().strides());
        write(g.out(), read(shifted, index), index);
      } while (next(index, g.domain()));
    }

    /** Sums in double, by position; then every element is written, also the zeros. */
    private void scatterAdd(Step.ScatterAdd s) {
      int[] batch = Arrays.copyOf(s.domain(), s.batch());
      int last = s.batch() + s.indices();
      int[] lanes = Arrays.copyOfRange(s.domain(), last, s.domain().length);
      int[] over = Arrays.copyOfRange(s.domain(), s.batch(), last);
      int[] b = new int[batch.length];
      do {
        int[] l = new int[lanes.length];
        do {
          double[] sums = new double[s.extent()];
          int[] i = new int[over.length];
          do {
            int k = checked((int) read(s.at(), join(b, i)), s.extent());
            sums[k] = add(sums[k], read(s.in(), join(b, i, l)), s.out());
          } while (next(i, over));
          for (int k = 0; k < sums.length; k++) {
            write(s.out(), sums[k], join(b, new int[] {k}, l));
          }
        } while (next(l, lanes));
      } while (next(b, batch));
    }

    private static int[] join(int[]... parts) {
      return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    private static int checked(int k, int extent) {
      return Objects.checkIndex(k, extent);
    }

    private static double add(double a, double b, View of) {
      return of.slot().dtype() == DType.I32 ? (int) a + (int) b : a + b;
    }

    private void randomBits(Step.RandomBits r) {
      require(r.key().isDense(new int[] {r.keys(), 2}), "the keys are not dense: " + r.key());
      for (int k = 0; k < r.keys(); k++) {
        int key0 = (int) read(r.key(), k, 0);
        int key1 = (int) read(r.key(), k, 1);
        for (int i = 0; i < r.count(); i++) {
          write(r.out(), Elementary.randomWord(key0, key1, i), k, i);
        }
      }
    }
  }
}
