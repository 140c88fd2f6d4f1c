package org.hesse;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Imports point downwards only: the package order of the architecture, enforced. */
class ArchitectureTest {
  private static final String BASE = "org.hesse";
  private static final String ROOT = "(root)";
  private static final String VOCABULARY = "(vocabulary)";

  /** From top to bottom; packages in one row do not import each other. */
  private static final List<Set<String>> ORDER =
      List.of(
          Set.of("cli"),
          Set.of("curvature"),
          Set.of("optim"),
          Set.of("nn"),
          Set.of("linalg"),
          Set.of("io"),
          Set.of(ROOT),
          Set.of("diff"),
          Set.of("fused"),
          Set.of("ops"),
          Set.of("plan"),
          Set.of("backend.cpu", "backend.cuda"),
          Set.of("backend"),
          Set.of("ir"),
          Set.of(VOCABULARY));

  /** Leaf types of the root package that every package speaks in. */
  private static final Set<String> VOCABULARY_CLASSES =
      Set.of(BASE + ".DType", BASE + ".Shape", BASE + ".Device");

  private static JavaClasses production;

  @BeforeAll
  static void importClasses() {
    production =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(BASE);
  }

  @TestFactory
  List<DynamicTest> importsPointDownwardsOnly() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int row = 0; row < ORDER.size(); row++) {
      for (String layer : ORDER.get(row)) {
        int own = row;
        DescribedPredicate<JavaClass> forbidden =
            describe(
                "a layer above or beside " + layer,
                c -> {
                  String other = layerOf(c);
                  return other != null && !other.equals(layer) && rowOf(other) <= own;
                });
        ArchRule rule =
            noClasses()
                .that(describe("are in " + layer, c -> layer.equals(layerOf(c))))
                .should()
                .dependOnClassesThat(forbidden)
                .because("imports point downwards only")
                .allowEmptyShould(true);
        tests.add(DynamicTest.dynamicTest(layer, () -> rule.check(production)));
      }
    }
    return tests;
  }

  @Test
  void everyPackageHasAPlaceInTheOrder() {
    classes()
        .should()
        .resideInAnyPackage(
            ORDER.stream()
                .flatMap(Set::stream)
                .filter(layer -> !layer.startsWith("("))
                .map(layer -> BASE + "." + layer + "..")
                .toArray(String[]::new))
        .orShould()
        .resideInAPackage(BASE)
        .because("a new package must be given a row in " + ArchitectureTest.class.getSimpleName())
        .allowEmptyShould(true)
        .check(production);
  }

  @Test
  void packagesHaveNoCycles() {
    slices()
        .assignedFrom(
            new SliceAssignment() {
              @Override
              public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
                String layer = layerOf(javaClass);
                return layer == null ? SliceIdentifier.ignore() : SliceIdentifier.of(layer);
              }

              @Override
              public String getDescription() {
                return "packages (the vocabulary apart)";
              }
            })
        .should()
        .beFreeOfCycles()
        .allowEmptyShould(true)
        .check(production);
  }

  @Test
  void onlyTheCudaBackendSeesJCuda() {
    noClasses()
        .that()
        .resideOutsideOfPackage(BASE + ".backend.cuda..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("jcuda..")
        .allowEmptyShould(true)
        .check(production);
  }

  @Test
  void onlyTheCommandLineEndsTheProcess() {
    noClasses()
        .that()
        .resideOutsideOfPackage(BASE + ".cli..")
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "halt", int.class)
        .because("a library must not end its user's process")
        .allowEmptyShould(true)
        .check(production);
  }

  @Test
  void onlyTheCommandLineLogs() {
    noClasses()
        .that()
        .resideOutsideOfPackage(BASE + ".cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.util.logging..")
        .allowEmptyShould(true)
        .check(production);
  }

  @Test
  void theLongestPackageNameWins() {
    assertEquals("backend.cpu", layerOfPackage(BASE + ".backend.cpu"));
    assertEquals("backend.cuda", layerOfPackage(BASE + ".backend.cuda.kernels"));
    assertEquals("backend", layerOfPackage(BASE + ".backend"));
    assertEquals("ir", layerOfPackage(BASE + ".ir"));
    assertEquals(ROOT, layerOfPackage(BASE));
    assertEquals(null, layerOfPackage("java.util"));
  }

  /** The layer of a class, or null if it is none of the project's. */
  private static String layerOf(JavaClass type) {
    JavaClass outer = type.getBaseComponentType();
    while (outer.getEnclosingClass().isPresent()) {
      outer = outer.getEnclosingClass().get();
    }
    return VOCABULARY_CLASSES.contains(outer.getName())
        ? VOCABULARY
        : layerOfPackage(outer.getPackageName());
  }

  private static String layerOfPackage(String name) {
    if (name.equals(BASE)) {
      return ROOT;
    }
    if (!name.startsWith(BASE + ".")) {
      return null;
    }
    String below = name.substring(BASE.length() + 1);
    String best = null;
    for (Set<String> row : ORDER) {
      for (String layer : row) {
        if ((below.equals(layer) || below.startsWith(layer + "."))
            && (best == null || layer.length() > best.length())) {
          best = layer;
        }
      }
    }
    return best;
  }

  private static int rowOf(String layer) {
    for (int row = 0; row < ORDER.size(); row++) {
      if (ORDER.get(row).contains(layer)) {
        return row;
      }
    }
    throw new IllegalArgumentException(layer);
  }
}
