#!/usr/bin/env python3
"""Prints the goals that Grange set itself, beside what a run of bench.py measured: goals.py DIR.  Standard library only.

DIR is the output directory of a run with the targets postfix and grange (and as many more as wanted).  Medians.  A rate
may be met by its ratio to Postfix or by its share of the ceiling (generator straight to sink), whichever is less."""
import json, os, statistics, sys


class Run:
    def __init__(self, path):
        with open(os.path.join(path, "raw.jsonl")) as f:
            self.rows = [json.loads(line) for line in f]
        self.targets = []
        for r in self.rows:
            if r["section"] == "version" and r["target"] not in self.targets:
                self.targets.append(r["target"])

    def median(self, section, target, key, **where):
        found = [r[key] for r in self.rows if r["section"] == section and r["target"] == target and r.get(key) is not None
                 and all(r.get(k) == v for k, v in where.items())]
        return statistics.median(found) if found else None

    def ceiling(self, reuse):
        return self.median("phys", "bload>bsink" + (" reuse" if reuse else ""), "per_s", writers=20)


# name, section, key, filter, how many digits, rule: ("x", ratio to Postfix, share of the ceiling or None, reuse) for rates,
# ("<", most) for absolute figures, ("<x", most as a ratio to Postfix)
GOALS = [
    ("relay end to end, 20 sessions, a connection each, per s", "relay", "per_s", {"case": "4KiB s=20"}, 0, ("x", 8, .45, False)),
    ("relay, 50 sessions, per s", "relay", "per_s", {"case": "4KiB s=50"}, 0, ("x", 8, .45, False)),
    ("accept, 100 sessions, a connection each, per s", "accept", "per_s", {"case": "s=100 1/conn"}, 0, ("x", 5, .60, False)),
    ("accept, 10 sessions kept open, per s", "accept", "per_s", {"case": "s=10 reuse"}, 0, ("x", 6, None, True)),
    ("accept, 1 session kept open, per s", "accept", "per_s", {"case": "s=1 reuse"}, 0, ("x", 2, None, True)),
    ("relay of 1 MiB messages, 10 sessions, MB/s", "relay", "mb_s", {"case": "1MiB s=10"}, 0, ("x", 2, None, True)),
    ("CPU per relayed message, ms", "relay", "cpu_ms", {"case": "4KiB s=20"}, 2, ("<x", .1)),
    ("system calls per relayed message", "cost", "syscalls_per_msg", {"case": "relay"}, 0, ("<", 60)),
    ("context switches per relayed message", "cost", "context-switches_per_msg", {"case": "relay"}, 1, ("<", 6)),
    ("flushes per relayed message, 20 sessions", "cost", "flushes", {"case": "relay"}, 2, ("<", .2)),
    ("memory (PSS) at the peak of the relay run, MiB", "cost", "peak_pss", {"case": "relay"}, 1, ("<", 30)),
    ("end of data to delivered at 20 messages/s, p50 ms", "latency", "e2e_p50_ms", {}, 2, ("<x", 1)),
    ("memory per idle session (1,000), KiB", "idle", "kib_per_conn", {"case": "1000"}, 1, ("<", 8)),
    ("memory per idle session (5,000), KiB", "idle", "kib_per_conn", {"case": "5000"}, 1, ("<", 8)),
    ("a backlog for a dead host: restart to banner, s", "queue", "ready_s", {}, 2, ("<", .5)),
    ("new mail relayed meanwhile, per s", "queue", "new_relay_per_s", {}, 0, ("x", 8, None, False)),
    ("100 recipients, 1 domain: to the sink, ms", "fanout", "ms", {"case": "100 rcpt, 1 domain"}, 1, ("<exim",)),
    ("100 recipients, 100 domains: to the sink, ms", "fanout", "ms", {"case": "100 rcpt, 100 domains"}, 1, ("<exim",)),
]


def value(run, target, section, key, where):
    if key != "flushes":
        return run.median(section, target, key, **where)
    parts = [run.median(section, target, k + "_per_msg", **where) for k in ("fsync", "fdatasync")]
    return sum(p or 0 for p in parts) if any(p is not None for p in parts) else None


def judge(run, rule, grange, postfix, exim):
    """What was wanted, and whether it is so."""
    if rule[0] == "<":
        return f"at most {rule[1]}", grange <= rule[1]
    if rule[0] == "<exim":
        return "at most Exim's", exim is not None and grange <= exim
    if postfix is None:
        return "-", False
    if rule[0] == "<x":
        return ("at most Postfix's" if rule[1] == 1 else f"at most x{rule[1]}"), grange <= postfix * rule[1]
    _, ratio, share, reuse = rule
    ceiling = run.ceiling(reuse) if share else None
    wanted = f"x{ratio}" + (f" or {share:.0%} of {ceiling:.0f}" if ceiling else "")
    return wanted, grange >= min(postfix * ratio, ceiling * share if ceiling else float("inf"))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    run = Run(sys.argv[1])
    others = [t for t in run.targets if t != "grange"]
    print("| figure | " + " | ".join(others) + " | Grange | ratio to Postfix | wanted | met |")
    print("|---" * (len(others) + 5) + "|")
    unmet = 0
    for name, section, key, where, digits, rule in GOALS:
        show = lambda v: "-" if v is None else f"{v:,.{digits}f}"
        by = {t: value(run, t, section, key, where) for t in run.targets}
        grange, postfix, exim = by.get("grange"), by.get("postfix"), by.get("exim")
        if grange is None:
            continue
        wanted, met = judge(run, rule, grange, postfix, exim)
        unmet += not met
        ratio = f"x{grange / postfix:.2f}" if postfix else "-"
        print(f"| {name} | " + " | ".join(show(by[t]) for t in others) + f" | {show(grange)} | {ratio} | {wanted} | {'yes' if met else '**no**'} |")
    print(f"\n{'All are met.' if not unmet else f'{unmet} not met.'}")


if __name__ == "__main__":
    main()
