# Grange, from a build tree: GRANGE_BIN names the directory of its programs.
P=$BENCH_DIR
GRANGE_BIN=${GRANGE_BIN:-$(cd "$BENCH_TARGETS/../../target/release" && pwd)}
t_check() { [ -x $GRANGE_BIN/grange ]; }
t_version() { $GRANGE_BIN/grange --version | sed 's/grange //'; }
t_start() {
  mkdir -p $P/etc
  local target="smtp!127.0.0.1:$BENCH_RELAY_PORT"
  [ "$BENCH_MODE" = hold ] && target='hold!bench'
  cat >$P/etc/grange.toml <<C
hostname = "mta.test"
local-domains = []
user = "root"
journal = "$P/journal"
[smtpserver]
listen = ["127.0.0.1:$BENCH_PORT"]
message-size = "100M"
sessions-per-client = 20000
sessions = 20000
[router]
routes = { "dead.test" = "smtp!127.0.0.1:$BENCH_DEAD_PORT", "." = "$target" }
C
  ulimit -n ${BENCH_NOFILE:-20000}
  setsid $GRANGE_BIN/grange --root $P start --foreground >$P/ready 2>$P/stderr </dev/null &
  echo $! >$P/pids
}
t_stop() { $GRANGE_BIN/grange --root $P stop >/dev/null 2>&1; }
t_queue() { $GRANGE_BIN/grange --root $P --json status | python3 -c 'import json,sys; s=json.loads(sys.stdin.readline()); print(int([f for f in s["farm"] if f["role"]=="scheduler"][0]["gauges"]["messages"]))'; }
