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
      throw failed(e);
    }
  }

  Object make(Object[] components) {
    try {
      return constructor.newInstance(components);
    } catch (ReflectiveOperationException e) {
      throw failed(e);
    }
  }

  /** What the record's own code threw, or that it cannot be rebuilt. */
  private RuntimeException failed(ReflectiveOperationException e) {
    String type = constructor.getDeclaringClass().getName();
    Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
    return new IllegalStateException(
        "record " + type + " cannot be taken apart and rebuilt: " + cause, cause);
  }
}
