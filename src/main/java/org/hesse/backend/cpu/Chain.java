package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.jspecify.annotations.Nullable;

/**
 * Operations each of which alone reads the result of the one before. They become one loop: what is
 * in between stays in a register instead of going to memory and back.
 *
 * @param arguments the first one's operand, and for each operation the other one
 */
record Chain(List<Link> links, List<Integer> arguments) {
  /** More would be too much for the JIT compiler to inline, and more kernels to compile. */
  private static final int LONGEST = 4;

  /** The chains of a program, by their last values. */
  static final class Finder {
    private final List<Instruction> code;
    private final long size;
    private final int[] uses;

    /** Values in the middle of a chain, which are nowhere in memory. */
    final boolean[] inside;

    /** For each value the chain that it is the end of. */
    final @Nullable Chain[] chains;

    /** Values that are read element by element, and not as one number only. */
    final boolean[] spread;

    /**
     * @param size of the domain
     * @param kept number of a value that is read from elsewhere, or −1
     */
    Finder(List<Instruction> code, long size, List<Step.Store> stores, int kept) {
      int count = code.size();
      this.code = code;
      this.size = size;
      this.uses = new int[count];
      this.inside = new boolean[count];
      this.chains = new @Nullable Chain[count];
      this.spread = new boolean[count];
      for (Instruction in : code) {
        if (in instanceof Instruction.Apply apply) {
          apply.arguments().forEach(a -> uses[a]++);
        }
      }
      stores.forEach(s -> read(s.value()));
      if (kept >= 0) {
        read(kept);
      }
      for (int v = count - 1; v >= 0; v--) {
        if (!inside[v] && code.get(v) instanceof Instruction.Apply apply) {
          chains[v] = isLink(v) ? endingIn(v) : null;
          if (chains[v] == null) {
            apply.arguments().forEach(a -> spread[a] = true);
          }
        }
      }
    }

    private void read(int value) {
      uses[value]++;
      spread[value] = true;
    }

    /** What the loop for a value reads. */
    List<Integer> arguments(int value) {
      Chain chain = chains[value];
      return chain != null
          ? chain.arguments
          : !inside[value] && code.get(value) instanceof Instruction.Apply apply
              ? apply.arguments()
              : List.of();
    }

    private boolean isLink(int v) {
      return code.get(v) instanceof Instruction.Apply apply
          && apply.dtype().isReal()
          && Link.kind(apply.op()) != null
          && Kernels.onVectors(apply.op(), size);
    }

    private Chain endingIn(int end) {
      List<Link> links = new ArrayList<>();
      List<Integer> arguments = new ArrayList<>();
      for (int v = end; v >= 0; ) {
        Instruction.Apply apply = (Instruction.Apply) code.get(v);
        int first = apply.arguments().getFirst();
        int last = apply.arguments().getLast();
        // A chain goes on with what it can, and rather begins with elements than with a number.
        boolean turned =
            first != last && !onlyRead(v, first) && (onlyRead(v, last) || isNumber(first));
        int start = turned ? last : first;
        int other = turned ? first : last;
        Link.Other from =
            start == other
                ? Link.Other.SELF
                : isNumber(other) ? Link.Other.NUMBER : Link.Other.EACH;
        Link.Kind kind = Objects.requireNonNull(Link.kind(apply.op()));
        links.addFirst(new Link(turned ? Link.turned(kind) : kind, from));
        // A value in the middle is nowhere: what stands for it is not read.
        arguments.addFirst(from == Link.Other.SELF ? end : other);
        spread[other] |= from == Link.Other.EACH;
        boolean more = links.size() < LONGEST && onlyRead(v, start);
        inside[start] |= more;
        if (!more) {
          arguments.addFirst(start);
          spread[start] = true;
        }
        v = more ? start : -1;
      }
      Collections.replaceAll(arguments, end, arguments.getFirst());
      return new Chain(List.copyOf(links), List.copyOf(arguments));
    }

    /** Whether an operand is computed for this one operation, and can be part of its chain. */
    private boolean onlyRead(int reader, int operand) {
      int reads =
          Collections.frequency(((Instruction.Apply) code.get(reader)).arguments(), operand);
      return isLink(operand)
          && reads == uses[operand]
          && code.get(operand).dtype() == code.get(reader).dtype();
    }

    private boolean isNumber(int v) {
      return switch (code.get(v)) {
        case Instruction.Constant c -> true;
        case Instruction.Load load -> {
          boolean number = true;
          for (long stride : load.view().strides()) {
            number &= stride == 0;
          }
          yield number;
        }
        default -> false;
      };
    }
  }
}
