/** Benchmarks run by JMH; CONTRIBUTING.md says how. */
package org.hesse.benchmarks;
