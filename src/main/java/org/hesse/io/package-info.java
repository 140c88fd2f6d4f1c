/**
 * Files and data sets: safetensors, NumPy's NPY and NPZ, IDX and CSV, and data sets that are
 * generated on the spot.
 *
 * <p>Every reader treats its file as untrusted: whatever a header claims is checked against the
 * file before memory is set aside for it, and everything that is wrong with a file ends in a {@link
 * org.hesse.io.DataException} of one line.
 */
@NullMarked
package org.hesse.io;

import org.jspecify.annotations.NullMarked;
