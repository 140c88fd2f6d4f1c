/** The interface through which a plan runs on a device. */
@NullMarked
package org.hesse.backend;

import org.jspecify.annotations.NullMarked;
