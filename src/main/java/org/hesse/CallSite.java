package org.hesse;

import java.lang.StackWalker.Option;
import java.lang.StackWalker.StackFrame;
import java.security.CodeSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The place in a user's program that an error comes from. */
final class CallSite {
  /** System property that makes traced tensors remember where they were made. */
  static final String DEBUG_PROPERTY = "hesse.debug";

  /** Whether they do. */
  static final boolean DEBUG = Boolean.getBoolean(DEBUG_PROPERTY);

  private static final StackWalker WALKER = StackWalker.getInstance(Option.RETAIN_CLASS_REFERENCE);

  /** By the code's origin and not by package alone, of which a user's class may be part. */
  private static final ClassValue<Boolean> FOREIGN =
      new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> c) {
          ClassLoader loader = c.getClassLoader();
          boolean java = loader == null || loader.equals(ClassLoader.getPlatformClassLoader());
          boolean ours =
              c.getName().startsWith("org.hesse.")
                  && Objects.equals(source(c), source(Tensor.class));
          return !java && !ours;
        }
      };

  private CallSite() {}

  private static @Nullable CodeSource source(Class<?> c) {
    return c.getProtectionDomain().getCodeSource();
  }

  /**
   * " at File.java:12" for the innermost line that is neither this library's nor Java's own; empty
   * if there is none.
   */
  static String here() {
    return WALKER.walk(frames ->
        frames
            .filter(f -> FOREIGN.get(f.getDeclaringClass()))
            .findFirst()
            .map(CallSite::text)
            .orElse(""));
  }

  private static String text(StackFrame frame) {
    String file = frame.getFileName();
    return " at " + (file == null ? frame.getClassName() : file) + ":" + frame.getLineNumber();
  }
}
