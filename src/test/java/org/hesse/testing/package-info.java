/** Plain and slow implementations that the others are compared with. */
package org.hesse.testing;
