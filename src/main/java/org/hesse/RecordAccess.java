package org.hesse;

import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads a record's components and calls its canonical constructor. */
final class RecordAccess {
  private static final ClassValue<RecordAccess> CACHE =
      new ClassValue<>() {
        @Override
        protected RecordAccess computeValue(Class<?> type) {
          return new RecordAccess(type);
        }
      };

  private final String[] names;
  private final Method[] accessors;
  private final Constructor<?> constructor;

  private RecordAccess(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    names = Arrays.stream(components).map(RecordComponent::getName).toArray(String[]::new);
    accessors = Arrays.stream(components).map(RecordComponent::getAccessor).toArray(Method[]::new);
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      for (Method m : accessors) {
        m.setAccessible(true);
      }
    } catch (NoSuchMethodException | InaccessibleObjectException e) {
      throw new IllegalArgumentException(
          "record "
              + type.getName()
              + " cannot be taken apart: "
              + e.getMessage()
              + "; open its package to org.hesse",
          e);
    }
  }

  static RecordAccess of(Class<?> type) {
    return CACHE.get(type);
  }

  /** The record's class, which there is one of these for. */
  Class<?> type() {
    return constructor.getDeclaringClass();
  }

  int size() {
    return names.length;
  }

  String name(int i) {
    return names[i];
  }

  @Nullable Object get(Object record, int i) {
    try {
      return accessors[i].invoke(record);
    } catch (ReflectiveOperationException e) {
      throw failed("taken apart: its accessor '" + names[i] + "'", "", e);
    }
  }

  /**
   * Calls the constructor.
   *
   * @param path of the record in the whole, for messages
   */
  Object make(Object[] components, String path) {
    try {
      return constructor.newInstance(components);
    } catch (ReflectiveOperationException e) {
      StringBuilder given = new StringBuilder();
      for (int i = 0; i < names.length; i++) {
        given.append(i == 0 ? "" : ", ").append(names[i]).append(": ");
        given.append(components[i] instanceof Tensor t ? t.type() : components[i]);
      }
      throw failed("rebuilt: its constructor, given (" + given + "),", path, e);
    }
  }

  /** What the record's own code threw, or why it cannot be called. */
  private RuntimeException failed(String what, String path, ReflectiveOperationException e) {
    Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
    return new IllegalStateException(
        "record "
            + constructor.getDeclaringClass().getName()
            + (path.isEmpty() ? "" : " at '" + path + "'")
            + " cannot be "
            + what
            + " threw "
            + cause
            + "; a record that is a tree must accept other tensors in its components: traced ones,"
            + " gradients, batches",
        cause);
  }
}
