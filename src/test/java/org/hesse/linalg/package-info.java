@NullMarked
package org.hesse.linalg;

import org.jspecify.annotations.NullMarked;
