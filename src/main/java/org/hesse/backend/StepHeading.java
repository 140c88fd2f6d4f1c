package org.hesse.backend;

import java.util.Arrays;
import java.util.Locale;

/** What steps are called: kind and extents. */
final class StepHeading {
  private StepHeading() {}

  static String of(Step step) {
    return switch (step) {
      case Step.Map m -> "map " + Arrays.toString(m.domain());
      case Step.Reduce r -> reduce(r);
      case Step.Dot d -> "dot batch=" + d.batch() + " m=" + d.m() + " n=" + d.n() + " k=" + d.k();
      case Step.Contract c ->
          "contract " + Arrays.toString(c.domain()) + " as " + Arrays.toString(c.groups());
      case Step.ArgMax a -> "argmax " + Arrays.toString(a.domain());
      case Step.Cumsum c -> "cumsum " + Arrays.toString(c.domain());
      case Step.Fold f -> {
        String steps = " stride=" + f.stride() + " dilation=" + f.dilation();
        yield "fold " + Arrays.toString(f.domain()) + " to " + f.extent() + steps;
      }
      case Step.Gather g -> "gather " + Arrays.toString(g.domain());
      case Step.ScatterAdd s -> "scatter_add " + Arrays.toString(s.domain());
      case Step.RandomBits r -> "random_bits keys=" + r.keys() + " count=" + r.count();
      case Step.Factor f -> f.kind().mnemonic() + " batch=" + f.batch();
      case Step.Check c -> "check count=" + c.count();
      case Step.Loop l ->
          l.rounds() instanceof Step.Count(int length, boolean reverse)
              ? "loop " + length + (reverse ? " reversed" : "")
              : "loop";
      case Step.Composite c -> c.kind().mnemonic() + " " + Arrays.toString(c.batch());
    };
  }

  private static String reduce(Step.Reduce r) {
    int[] domain = r.domain();
    int end = r.outer() + r.reduced();
    String kept = Arrays.toString(Arrays.copyOf(domain, r.outer()));
    String reduced = Arrays.toString(Arrays.copyOfRange(domain, r.outer(), end));
    String rest =
        end == domain.length
            ? ""
            : " by " + Arrays.toString(Arrays.copyOfRange(domain, end, domain.length));
    return "reduce_"
        + r.kind().name().toLowerCase(Locale.ROOT)
        + " "
        + kept
        + " over "
        + reduced
        + rest;
  }
}
