package org.hesse.backend.cuda;

import java.util.List;

/** A kernel with its grid and arguments. */
final class Launch implements Prepared {
  private final Kernel kernel;
  private final Grid grid;
  private final List<Argument> arguments;

  /** Numbers of blocks in three directions, threads in a block, and its dynamic shared memory. */
  record Grid(int x, int y, int z, int threads, int sharedBytes) {
    static Grid of(long blocks, int threads) {
      return new Grid(Math.toIntExact(blocks), 1, 1, threads, 0);
    }
  }

  Launch(Kernel kernel, Grid grid, Argument... arguments) {
    this.kernel = kernel;
    this.grid = grid;
    this.arguments = List.of(arguments);
  }

  @Override
  public void enqueue(Run run) {
    kernel.launch(run, grid, arguments);
  }
}
