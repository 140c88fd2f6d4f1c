"""Puts lines of variant, workload and microseconds into one table, in Hesse's order of workloads.

Usage: python3 table.py FILE...
"""
import sys

VARIANTS = ["hesse", "torch-eager", "torch-graph", "torch-compile", "jax-jit"]
times = {}
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 3 and parts[0] in VARIANTS:
                times.setdefault(parts[1], {})[parts[0]] = float(parts[2])

print("| workload | " + " | ".join(VARIANTS) + " | best peer / Hesse |")
print("|---|" + "---:|" * (len(VARIANTS) + 1))
for name, row in times.items():
    cells = [f"{row[v]:.1f}" if v in row else "" for v in VARIANTS]
    peers = [t for v, t in row.items() if v != "hesse"]
    ratio = f"{min(peers) / row['hesse']:.2f}" if peers and "hesse" in row else ""
    print(f"| {name} | " + " | ".join(cells) + f" | {ratio} |")
