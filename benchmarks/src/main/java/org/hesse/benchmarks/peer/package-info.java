/** The same computations by Hesse and by libtorch, side by side. */
package org.hesse.benchmarks.peer;
