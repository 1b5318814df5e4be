# Grange, from a build tree: GRANGE_BIN names the directory of its programs.
# Variants: memory (the spool in memory, no flush), null (accepted mail is thrown away: only accepting can be measured).
P=$BENCH_DIR
GRANGE_BIN=${GRANGE_BIN:-$(cd "$BENCH_TARGETS/../../target/release" && pwd)}
t_check() { [ -x $GRANGE_BIN/grange ]; }
t_version() { $GRANGE_BIN/grange --version | sed 's/grange //'; }
t_start() {
  mkdir -p $P/etc
  local channel="${BENCH_WORKERS:+agents = $BENCH_WORKERS}"
  [ "$BENCH_MODE" = hold ] && channel='sessions = 0'
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
recipients = 100000
${BENCH_WORKERS:+workers = $BENCH_WORKERS}
[router]
${BENCH_WORKERS:+workers = $BENCH_WORKERS}
routes = { "dead.test" = "smtp!127.0.0.1:$BENCH_DEAD_PORT", "." = "smtp!127.0.0.1:$BENCH_RELAY_PORT" }
[channel.smtp]
$channel
C
  if [ -n "${BENCH_TLS_CHAIN:-}" ]; then
    printf '[tls]\ncertificates = ["%s %s"]\n' "$BENCH_TLS_CHAIN" "$BENCH_TLS_KEY" >>$P/etc/grange.toml
  fi
  case "${BENCH_VARIANT:-}" in
  '') ;;
  memory | null) printf '[spool]\nbackend = "%s"\n' "$BENCH_VARIANT" >>$P/etc/grange.toml ;;
  *) echo "grange has no variant $BENCH_VARIANT" >&2; return 1 ;;
  esac
  ulimit -n ${BENCH_NOFILE:-20000}
  setsid $GRANGE_BIN/grange --root $P start --foreground >$P/ready 2>$P/stderr </dev/null &
  echo $! >$P/pids
}
t_stop() { $GRANGE_BIN/grange --root $P stop >/dev/null 2>&1; }
t_queue() { $GRANGE_BIN/grange --root $P --json status | python3 -c 'import json,sys; s=json.loads(sys.stdin.readline()); print(int([f for f in s["farm"] if f["role"]=="scheduler"][0]["gauges"]["messages"]))'; }
