package org.hesse.ir;

/**
 * What {@link Op.Factor} computes. Operands are real, of one dtype, and have equal batch axes in
 * front of those named here.
 *
 * <p>Each has one result: a factorisation packs what it finds into one tensor. Its {@link Part}s
 * take this apart and are what derivatives are taken of; the packed tensor has none. For this a
 * part, like everything else computed from a packed tensor, also has the factorised matrix as an
 * input, of which it depends but which it does not read.
 */
public sealed interface FactorKind {
  /** The name used by {@link Printer}. */
  default String mnemonic() {
    return getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
  }

  /** How many of the inputs, the first ones, are read. */
  default int reads() {
    return 1;
  }

  /**
   * Inputs (A): [n, n] → [n, n], the lower triangular L with positive diagonal of A = L Lᵀ. Of A,
   * which must be symmetric, only the lower triangle is read.
   */
  record Cholesky() implements FactorKind {}

  /**
   * Inputs (A, B): [n, n] and [n, k] → [n, k], the X of A X = B, or of Aᵀ X = B if {@code
   * transposed}. Of A only one triangle is read; {@code unit} takes its diagonal as 1, unread.
   */
  record TriangularSolve(boolean lower, boolean transposed, boolean unit) implements FactorKind {
    @Override
    public String mnemonic() {
      return "triangular_solve";
    }

    @Override
    public int reads() {
      return 2;
    }
  }

  /**
   * Inputs (A): [n, n] → [n+1, n], partial pivoting. Row i of L U is row p[i] of A; packed are L
   * below the diagonal (its own diagonal is 1), U on and above it, and in the last row p.
   */
  record Lu() implements FactorKind {}

  /**
   * Inputs (packed {@link Lu} of A, B, A): [n+1, n], [n, k] and [n, n] → [n, k], the X of A X = B,
   * or of Aᵀ X = B if {@code transposed}.
   */
  record LuSolve(boolean transposed) implements FactorKind {
    @Override
    public String mnemonic() {
      return "lu_solve";
    }

    @Override
    public int reads() {
      return 2;
    }
  }

  /**
   * Inputs (packed {@link Lu} of A, A): [n+1, n] and [n, n] → [3]: sign of det A (0 if it is 0),
   * log |det A|, det A.
   */
  record Determinant() implements FactorKind {}

  /**
   * Inputs (A): [n, n] → [n+1, n]: eigenvalues in ascending order, then the matrix whose columns
   * are orthonormal eigenvectors. Of A, which must be symmetric, only the lower triangle is read.
   */
  record Eigh() implements FactorKind {}

  /**
   * Inputs (A): [m, n] with m ≥ n → [m+n, n]: Q with orthonormal columns, then the upper triangular
   * R with non-negative diagonal, A = Q R.
   */
  record Qr() implements FactorKind {}

  /**
   * Inputs (A): [m, n] → [m+n+1, k] with k = min(m, n): U, then V, then the singular values in
   * descending order; A = U diag(s) Vᵀ.
   */
  record Svd() implements FactorKind {}

  /** Inputs (packed factorisation, factorised matrix) → one of the factors. */
  record Part(Factor factor) implements FactorKind {
    @Override
    public String mnemonic() {
      return factor.name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** What a factorisation consists of. */
  enum Factor {
    /** L and U of {@link Lu} in one matrix, [n, n]. */
    LU_FACTORS,
    /** p of {@link Lu}, [n]. */
    LU_ROWS,
    /** Eigenvalues, [n]. */
    EIGH_VALUES,
    /** Eigenvectors, [n, n]. */
    EIGH_VECTORS,
    /** Q, [m, n]. */
    QR_Q,
    /** R, [n, n]. */
    QR_R,
    /** U, [m, k]. */
    SVD_U,
    /** V, [n, k]. */
    SVD_V,
    /** Singular values, [k]. */
    SVD_S;

    /** Whether it is a single row of the packed tensor, and a vector. */
    public boolean isVector() {
      return this == LU_ROWS || this == EIGH_VALUES || this == SVD_S;
    }

    /** The first of its rows in the packed tensor of an m×n matrix. */
    public int firstRow(int m, int n) {
      return switch (this) {
        case LU_FACTORS, EIGH_VALUES, QR_Q, SVD_U -> 0;
        case EIGH_VECTORS -> 1;
        case LU_ROWS -> n;
        case QR_R, SVD_V -> m;
        case SVD_S -> m + n;
      };
    }

    /** How many rows it has there. */
    public int rows(int m, int n) {
      return switch (this) {
        case LU_ROWS, EIGH_VALUES, SVD_S -> 1;
        case QR_Q, SVD_U -> m;
        case LU_FACTORS, EIGH_VECTORS, QR_R, SVD_V -> n;
      };
    }
  }

  /**
   * Inputs (x): [n] → [n, n], element (i, j) is 1 / (x[j] − x[i]) and 0 on the diagonal: how fast
   * the vectors that belong to x[i] and x[j] turn into each other. An error where two are equal to
   * working precision, since these vectors then are not determined.
   *
   * @param of which values, for the message
   */
  record Gaps(Values of) implements FactorKind {}

  /** Values that {@link Gaps} tells apart. */
  enum Values {
    /** Eigenvalues. */
    EIGENVALUES,
    /** Singular values. */
    SINGULAR_VALUES,
    /** Singular values, then a 0 for the space that the matrix does not reach. */
    SINGULAR_VALUES_AND_ZERO
  }
}
