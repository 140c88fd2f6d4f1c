/** The command line: commands, progress and the HTML report. */
@NullMarked
package org.hesse.cli;

import org.jspecify.annotations.NullMarked;
