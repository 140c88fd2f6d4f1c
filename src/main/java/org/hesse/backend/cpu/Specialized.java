package org.hesse.backend.cpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;

/**
 * Copies of a class, each with another value of a static final field. A loop whose operator depends
 * on that field is written once; the JIT compiler sees a constant in each copy, drops every other
 * operator and keeps separate profiles. Copies are hidden classes made from the template's own
 * bytes, so there is no generated code to maintain.
 */
final class Specialized {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private Specialized() {}

  /**
   * An instance of a copy of {@code template}, which has a constructor without parameters and reads
   * its constant by {@link #constant}. The template must have no lambdas and no nested classes.
   */
  static <T> T copy(Class<? extends T> template, Class<T> type, Object constant) {
    String file = template.getSimpleName() + ".class";
    try (InputStream in = template.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException(file + " cannot be read from the class path");
      }
      Class<?> copy =
          LOOKUP.defineHiddenClassWithClassData(in.readAllBytes(), constant, true).lookupClass();
      return type.cast(copy.getDeclaredConstructor().newInstance());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InvocationTargetException e) {
      throw new IllegalStateException(file, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(file, e);
    }
  }

  /** For the static initialiser of a template: the constant of this copy. */
  static <C> C constant(MethodHandles.Lookup lookup, Class<C> type) {
    try {
      return MethodHandles.classData(lookup, ConstantDescs.DEFAULT_NAME, type);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
