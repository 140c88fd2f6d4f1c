package org.hesse.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.backend.cuda.CudaDevices;
import org.hesse.backend.cuda.CudaLibraries;
import org.hesse.backend.cuda.CudaLibrary;

/**
 * What there is of CUDA, and whether it works.
 *
 * @param available whether a GPU can be used
 * @param reason why not; empty if it can
 * @param libraries the driver's and all others
 * @param devices what the driver shows
 * @param checks of each device
 * @param remedies what to do, a line each
 */
record CudaDiagnosis(
    boolean available,
    String reason,
    List<Library> libraries,
    List<Gpu> devices,
    List<DoctorCommand.SelfCheck> checks,
    List<String> remedies) {

  /** A library and its file, which is empty if there is none. */
  record Library(String name, String file, String path, String version, String remedy) {
    static Library of(CudaLibrary l) {
      String path = l.path() == null ? l.where() : l.path().toString();
      return new Library(l.name(), l.file(), path, l.version(), l.remedy());
    }

    @Override
    public String toString() {
      String text = String.format("%-12s %s", name, path.isEmpty() ? file + " is missing" : path);
      boolean told = version.isEmpty() || path.endsWith(version);
      return told || path.isEmpty() ? text : text + " (" + version + ")";
    }
  }

  /** A device of the driver. */
  record Gpu(
      String device,
      String name,
      String computeCapability,
      long memoryBytes,
      String driverVersion,
      boolean simulated) {
    static Gpu of(Device.Info i) {
      return new Gpu(
          i.device().toString(),
          i.name(),
          i.computeCapability(),
          i.memoryBytes(),
          i.driverVersion(),
          i.simulated());
    }
  }

  /** Looks at files first: where there is no driver, nothing is loaded. */
  static CudaDiagnosis make(Supplier<List<DoctorCommand.SelfCheck>> checks) {
    CudaLibraries found = CudaLibraries.find();
    List<Library> libraries =
        Stream.concat(Stream.of(found.driver()), found.libraries().stream())
            .map(Library::of)
            .toList();
    List<Device.Info> devices = new ArrayList<>();
    List<DoctorCommand.SelfCheck> done = new ArrayList<>();
    String reason = found.problem();
    try {
      if (found.driver().found()) {
        devices.addAll(CudaDevices.list());
      }
      for (Device.Info i : reason.isEmpty() ? devices : List.<Device.Info>of()) {
        done.addAll(Hesse.on(i.device(), checks::get));
      }
      if (reason.isEmpty() && devices.isEmpty()) {
        reason = "the driver shows no GPU";
      }
    } catch (DeviceUnavailableException e) {
      reason = Objects.requireNonNullElse(e.getMessage(), "").lines().findFirst().orElse("");
    }
    return new CudaDiagnosis(
        reason.isEmpty(),
        reason,
        libraries,
        devices.stream().map(Gpu::of).toList(),
        done,
        found.remedies());
  }

  /** Whether what was computed was right. */
  boolean healthy() {
    return checks.stream().allMatch(DoctorCommand.SelfCheck::passed);
  }

  /** Devices with their checks, then libraries and remedies. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    int each = devices.isEmpty() ? 0 : checks.size() / devices.size();
    for (int i = 0; i < devices.size(); i++) {
      Gpu g = devices.get(i);
      lines.add(
          g.device
              + ": "
              + g.name
              + ", compute capability "
              + g.computeCapability
              + ", "
              + Numbers.bytes(g.memoryBytes)
              + ", driver for CUDA "
              + g.driverVersion
              + (g.simulated ? " (simulated)" : ""));
      checks.subList(i * each, (i + 1) * each).forEach(c -> lines.add(DoctorCommand.verdict(c)));
    }
    libraries.forEach(l -> lines.add(l.toString()));
    lines.addAll(remedies);
    return lines;
  }
}
