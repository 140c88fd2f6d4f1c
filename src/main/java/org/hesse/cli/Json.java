package org.hesse.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.hesse.io.Disk;

/** Writes records as JSON; numbers that are NaN or infinite become null. */
final class Json {
  private Json() {}

  private static final class FiniteOrNull extends StdSerializer<Double> {
    private static final long serialVersionUID = 1L;

    FiniteOrNull() {
      super(Double.class);
    }

    @Override
    public void serialize(Double value, JsonGenerator out, SerializerProvider p)
        throws IOException {
      if (Double.isFinite(value)) {
        out.writeNumber(value);
      } else {
        out.writeNull();
      }
    }
  }

  /** A value as JSON text, with a line for each member but arrays of numbers on one line. */
  static String text(Object value) {
    SimpleModule numbers = new SimpleModule();
    numbers.addSerializer(Double.class, new FiniteOrNull());
    numbers.addSerializer(Double.TYPE, new FiniteOrNull());
    ObjectMapper mapper = new ObjectMapper().registerModule(numbers);
    try {
      return mapper.writer(new DefaultPrettyPrinter()).writeValueAsString(value) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write " + value.getClass().getSimpleName(), e);
    }
  }

  /** Writes to a file, or to the standard output for {@code -}. */
  static void write(Object value, Path file, Terminal terminal) {
    String text = text(value);
    if (file.toString().equals("-")) {
      terminal.out().print(text);
    } else {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      Outputs.write(() -> Disk.replace(file, out -> out.write(bytes)));
    }
  }
}
