package org.hesse.backend.cuda;

import jcuda.driver.CUstream;
import org.hesse.backend.View;

/** Where one run of a plan finds its memory. */
interface Run {
  /** The stream that everything is enqueued on. */
  CUstream stream();

  /** The device address of a view's element of index 0. */
  long address(View view);

  /** The device address of the scratch memory that steps share, aligned to 256 bytes. */
  long scratch();

  /** The device address of the run's {@code HesseStatus}, where kernels report errors. */
  long status();
}
