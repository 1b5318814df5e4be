#!/usr/bin/env python3
"""Where the CPU time of a relay run goes: a flame graph, and a summary.  See README.md.  Standard library only.

    flame.py TOOLS SVG [TARGET]     TOOLS: where inferno-collapse-perf and inferno-flamegraph are
"""
import argparse, collections, os, re, signal, subprocess, sys, time

sys.dont_write_bytecode = True
import bench

MESSAGES, SESSIONS, RATE = 30000, 20, 499
# Narrower frames (in % of all) are left out of the drawing, so that the file stays small.
NARROWEST = "0.15"
OURS = re.compile(r"<?(dns|farm|ipc|proto|router|scheduler|smtpserver|spool|sys|transports|utils)::")


def record(cfg, target, data):
    """Samples all processes of the target while it relays.  Returns the figures of the run."""
    with bench.Target(cfg, target, maxconn=200) as x:
        if not x.cg.path:
            sys.exit("flame.py: no writable cgroup v2")
        bench.run_relay(x, 2000, SESSIONS, bench.BODY, 30)
        # Hardware counters are not there on every machine; the clock is.  Stacks by DWARF: the C library keeps no frame pointers.
        perf = subprocess.Popen(["perf", "record", "-q", "-F", str(RATE), "-e", "cpu-clock", "--call-graph", "dwarf,8192", "-a", "-G", x.cg.name, "-o", data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        run = bench.run_relay(x, MESSAGES, SESSIONS, bench.BODY, 60)
        perf.send_signal(signal.SIGINT)
        perf.wait(120)
        return run


def collapse(tools, data):
    """One line per stack: PROGRAM;OUTER;...;INNER COUNT.  Nothing in it names a path of this machine."""
    script = subprocess.Popen(["perf", "script", "--no-inline", "-i", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    r = subprocess.run([os.path.join(tools, "inferno-collapse-perf")], stdin=script.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    script.wait(120)
    lines = (re.sub(r"\[?/[^;\]]*/([^/;\]]+)\]?", r"[\1]", l) for l in r.stdout.splitlines())
    lines = (re.sub(r"::h[0-9a-f]{16}\b", "", l).rsplit(" ", 1) for l in lines)
    # perf weighs each sample with the time it stands for, in ns
    return [f"{stack} {round(int(n) * RATE / 1e9)}" for stack, n in lines]


def summary(stacks, run):
    total, program, inner = 0, collections.Counter(), collections.Counter()
    kernel, under = collections.Counter(), collections.Counter()
    for l in stacks:
        stack, n = l.rsplit(" ", 1)
        frames, n = stack.split(";"), int(n)
        total += n
        program[frames[0]] += n
        inner[frames[-1]] += n
        under.update({f: n for f in set(frames) if OURS.match(f)})
        call = next((f for f in frames if re.match(r"(__x64_|__arm64_)?sys_\w+$", f)), None)
        kernel[call or ("user space" if "entry_SYSCALL_64_after_hwframe" not in frames else "kernel, other")] += n
    print(f"{run['got']} messages relayed, {run['per_s']:.0f}/s while sampled; {run['cpu_ms']:.3f} ms CPU per message; {total} samples\n")
    for name, counter, most in (("program", program, 8), ("system call", kernel, 16), ("in or under a function of Grange", under, 32), ("innermost function", inner, 24)):
        print(f"share  {name}")
        for k, n in counter.most_common(most):
            print(f"{100 * n / total:5.1f}  {k}")
        print()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("tools")
    ap.add_argument("svg")
    ap.add_argument("target", nargs="?", default="grange")
    a = ap.parse_args()
    cfg = bench.Cfg(argparse.Namespace(quick=True, reps=1, out=None))
    data = os.path.join(cfg.work, "perf.data")
    run = record(cfg, a.target, data)
    stacks = collapse(a.tools, data)
    if not stacks:
        sys.exit("flame.py: perf sampled nothing")
    summary(stacks, run)
    title = f"{a.target}: {MESSAGES} messages of 4 KiB relayed, {SESSIONS} sessions, a connection each"
    r = subprocess.run([os.path.join(a.tools, "inferno-flamegraph"), "--title", title, "--subtitle", "CPU time, all processes of the farm; click to zoom", "--countname", "samples", "--minwidth", NARROWEST, "--deterministic"],
                       input="\n".join(stacks) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    with open(a.svg, "w") as f:
        f.write(r.stdout)
    print(f"{a.svg}: {len(r.stdout) // 1000} kB")


if __name__ == "__main__":
    main()
