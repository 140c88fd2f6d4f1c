/** Benchmarks run by JMH; see the readme beside the build file. */
package org.hesse.benchmarks;
