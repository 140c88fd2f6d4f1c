package org.hesse.backend.cuda;

import java.nio.file.Path;
import org.hesse.backend.NativeFiles;
import org.jspecify.annotations.Nullable;

/** The machine as the search for libraries sees it. */
interface Host {
  /** The one that this process runs on. */
  Host HERE =
      new Host() {
        @Override
        public @Nullable String variable(String name) {
          return System.getenv(name);
        }

        @Override
        public @Nullable String property(String name) {
          return System.getProperty(name);
        }

        @Override
        public Path root() {
          return Path.of("/");
        }

        @Override
        public boolean hasResource(String path) {
          return NativeFiles.has(path);
        }
      };

  /** An environment variable. */
  @Nullable String variable(String name);

  /** A system property. */
  @Nullable String property(String name);

  /** The folder that all absolute paths of the search are in. */
  Path root();

  /** Whether the class path has a resource. */
  boolean hasResource(String path);
}
