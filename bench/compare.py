#!/usr/bin/env python3
"""What the micro benches say, beside the stored baseline.  See README.md.  Standard library only.

    compare.py DIR            table of DIR (what criterion wrote) against baseline.json
    compare.py DIR --save     and make it the baseline
"""
import argparse, json, os, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.json")
CALIBRATION = "calibration"
# A change is told from noise if it is larger than this and than both confidence intervals.
LEAST = 0.07


def measured(directory):
    """{bench: {ns, low, high, per}}: the median of one iteration with its confidence interval, and what it does."""
    found = {}
    for place, _, files in os.walk(directory):
        if os.path.basename(place) != "new" or "estimates.json" not in files:
            continue
        with open(os.path.join(place, "benchmark.json")) as f:
            about = json.load(f)
        with open(os.path.join(place, "estimates.json")) as f:
            median = json.load(f)["median"]
        interval = median["confidence_interval"]
        found[about["full_id"]] = {"ns": median["point_estimate"], "low": interval["lower_bound"], "high": interval["upper_bound"], "per": about.get("throughput") or {}}
    return found


def calibration(found, program):
    """How long the fixed work took beside the benches of a program, in ns; of all programs if this one has none."""
    of = [v["ns"] for k, v in found.items() if k.startswith(f"{CALIBRATION}/{program}/")]
    return statistics.median(of or [v["ns"] for k, v in found.items() if k.startswith(CALIBRATION + "/")] or [1.0])


def relative(found, programs):
    """The same, in units of the calibration that ran beside it."""
    out = {}
    for k, v in found.items():
        if not k.startswith(CALIBRATION + "/"):
            unit = calibration(found, programs.get(k.split("/")[0], ""))
            out[k] = {**v, "unit": unit, "rel": v["ns"] / unit, "spread": (v["high"] - v["low"]) / v["ns"] / 2}
    return out


# The bench program that a group belongs to.
PROGRAMS = {"command": "command", "reply": "command", "framing": "framing", "header": "header", "session": "session", "route": "routes", "queue": "queue", "record": "records", "log": "records"}


def span(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.2f} {unit}"
    return f"{ns:.1f} ns"


def speed(v):
    """GB/s for what has a size, the time of one for what is counted."""
    for kind, n in v["per"].items():
        if kind.startswith("Bytes"):
            return f"{n / v['ns']:.2f} GB/s"
        if kind.startswith("Elements"):
            return f"{1e9 * n / v['ns']:,.0f}/s"
    return ""


def table(now, base):
    rows, marked = [], 0
    for k in sorted(now):
        v, b = now[k], base.get(k)
        mark, change, before = "", "new", ""
        if b:
            before = span(b["rel"] * v["unit"])       # what the baseline would be on this machine now
            d = v["rel"] / b["rel"] - 1
            noise = max(LEAST, 2 * (v["spread"] + b["spread"]))
            mark = "" if abs(d) <= noise else ("SLOWER" if d > 0 else "faster")
            marked += mark == "SLOWER"
            change = f"{100 * d:+.1f} %"
        rows.append((k, before, span(v["ns"]), change, speed(v), mark))
    rows += [(k, span(base[k]["rel"] * base[k]["unit"]), "", "gone", "", "") for k in sorted(base) if k not in now]
    head = ("bench", "baseline", "now", "change", "now is", "")
    wide = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for r in [head, *rows]:
        print("  ".join(c.ljust(wide[0]) if i == 0 else c.rjust(wide[i]) for i, c in enumerate(r)).rstrip())
    return marked


def commit():
    r = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return r.stdout.strip() or "unknown"


def load(path):
    try:
        with open(path) as f:
            return json.load(f)
    except FileNotFoundError:
        return {"benches": {}}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("directory", help="where criterion wrote")
    ap.add_argument("--save", action="store_true", help="make this the baseline")
    ap.add_argument("--baseline", default=BASELINE)
    a = ap.parse_args()
    found = measured(a.directory)
    if not found:
        sys.exit(f"compare.py: nothing measured in {a.directory}; run make bench-micro")
    now, stored = relative(found, PROGRAMS), load(a.baseline)
    base = stored["benches"]
    marked = table(now, base)
    if base:
        print(f"\nBaseline: {stored['date']}, commit {stored['commit']}, brought to the speed of this machine by the calibration that ran beside each bench "
              f"(then {span(stored['calibration_ns'])}, now {span(calibration(found, ''))}).\n{marked} slower beyond noise ({100 * LEAST:.0f} % and twice the confidence intervals).")
    if a.save:
        keep = ("ns", "rel", "spread", "unit", "per")
        short = {k: {f: float(f"{v[f]:.5g}") if isinstance(v[f], float) else v[f] for f in keep} for k, v in sorted(now.items())}
        head = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "commit": commit(), "calibration_ns": round(calibration(found, ""), 1)}
        with open(a.baseline, "w") as f:        # a line per bench, so that a change shows in a diff
            f.write("{\n" + "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items()) + ' "benches": {\n')
            f.write(",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in short.items()) + "\n }\n}\n")
        print(f"saved as the baseline: {len(now)} benches")


if __name__ == "__main__":
    main()
