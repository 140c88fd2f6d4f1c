package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The build runs this package's tests on narrower vectors too; that they are so is shown here. */
class VectorWidthTest {
  @Test
  @EnabledIfSystemProperty(named = "hesse.test.vector.bits", matches = "\\d+")
  void vectorsAreAsWideAsTheBuildSays() {
    int bits = Integer.getInteger("hesse.test.vector.bits");
    if (bits == 0) {
      assertFalse(Simd.PRESENT);
    } else {
      assertEquals(bits, Lanes.bits());
    }
  }

  /** Apart, since it can be loaded only where the module is there. */
  private static final class Lanes {
    static int bits() {
      return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
  }
}
