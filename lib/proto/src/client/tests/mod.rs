//! Conversations with a scripted server. The log holds one line per action: `C:` what is sent, then what is asked.

mod extensions;

use super::*;
use crate::address::ReversePath;
use crate::client::{Action, Dialect, Protection, Timeouts};
use crate::envelope::Shape;
use proptest::prelude::*;

const OFFER: &str = "250-mx hello\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n";
const MAIL: &str = "C: MAIL FROM:<ann@example.org> SIZE=100";

struct Talk {
    session: Session,
    now: u64,
    log: Vec<String>,
}

impl Talk {
    fn new(dialect: Dialect) -> Self {
        Self::protected(dialect, Protection::Never)
    }

    fn protected(dialect: Dialect, protection: Protection) -> Self {
        let (our_name, peer, timeouts) = ("us".into(), "mx[192.0.2.1]".into(), Timeouts::default());
        let settings = Settings { dialect, our_name, peer, timeouts, protection };
        Self { session: Session::new(settings, 0), now: 0, log: Vec::new() }
    }

    /// A session that is idle, on a server that said `offer` to EHLO.
    fn idle(dialect: Dialect, offer: &str) -> Self {
        let mut talk = Self::new(dialect);
        talk.hear("220 mx\r\n");
        talk.hear(offer);
        assert_eq!(talk.take().last().map(String::as_str), Some("idle"));
        talk
    }

    /// Feeds `text` and writes down what the session asks for until it waits.
    fn hear(&mut self, text: &str) {
        let mut input = text.as_bytes();
        loop {
            let step = self.session.advance(input, self.now);
            input = &input[step.consumed..];
            let line = match step.action {
                Action::NeedInput => return assert!(input.is_empty()),
                Action::Send(octets) => {
                    let text = String::from_utf8(octets).unwrap();
                    self.log.extend(text.split_terminator("\r\n").map(|line| format!("C: {line}")));
                    continue;
                }
                Action::Settled(index, fate) => {
                    format!("{index} {:?} {} {}", fate.outcome, fate.status, fate.reply)
                }
                Action::Unusable(fate) => {
                    format!("unusable {:?} {} {}", fate.outcome, fate.status, fate.reply)
                }
                Action::Returned(transaction) => format!("returned {}", transaction.recipients.len()),
                Action::WantBody => "want body".into(),
                Action::Followed => "followed".into(),
                Action::StartTls => "start tls".into(),
                Action::Idle => "idle".into(),
                Action::Close => "close".into(),
            };
            let waits = matches!(line.as_str(), "want body" | "idle" | "start tls" | "close");
            if !waits || self.log.last() != Some(&line) {
                self.log.push(line);
            }
            if waits {
                return assert!(input.is_empty());
            }
        }
    }

    fn begin(&mut self, recipients: usize, shape: Shape) {
        let recipients = (0..recipients).map(|i| format!("r{i}@example.net").parse().unwrap()).collect();
        let from = ReversePath::Mailbox("ann@example.org".parse().unwrap());
        self.begin_with(Transaction::plain(from, recipients, shape));
    }

    fn begin_with(&mut self, transaction: Transaction) {
        self.session.begin(transaction, self.now).unwrap();
        self.hear("");
    }

    fn body_sent(&mut self) {
        self.session.body_sent(self.now);
        self.hear("");
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

fn shape() -> Shape {
    Shape { size: 100, ..Shape::default() }
}

#[test]
fn a_message_is_delivered_in_one_burst_and_the_session_is_used_again() {
    let mut talk = Talk::new(Dialect::Smtp);
    talk.hear("220-mx\r\n220 welcome\r\n");
    talk.hear(OFFER);
    talk.begin(1, shape());
    talk.hear("250 ok\r\n250 ok\r\n354 go\r\n");
    talk.body_sent();
    talk.hear("250 2.0.0 queued as X\r\n");
    assert_eq!(
        talk.take(),
        [
            "C: EHLO us",
            "idle",
            MAIL,
            "C: RCPT TO:<r0@example.net>",
            "C: DATA",
            "want body",
            "0 Delivered 2.0.0 250 2.0.0 queued as X",
            "idle",
        ]
    );
    talk.begin(1, shape());
    talk.hear("250 ok\r\n250 ok\r\n354 go\r\n");
    talk.body_sent();
    talk.hear("250 ok\r\n");
    talk.session.quit(0);
    talk.hear("");
    talk.hear("221 bye\r\n");
    assert_eq!(talk.take()[4..], ["0 Delivered 2.0.0 250 ok", "idle", "C: QUIT", "close"]);
}

#[test]
fn without_pipelining_commands_go_one_by_one() {
    let mut talk = Talk::idle(Dialect::Smtp, "250 mx\r\n");
    talk.begin(2, shape());
    assert_eq!(talk.take(), ["C: MAIL FROM:<ann@example.org>"]);
    talk.hear("250 ok\r\n");
    talk.hear("250 ok\r\n");
    talk.hear("550 5.1.1 no\r\n");
    talk.hear("354 go\r\n");
    assert_eq!(
        talk.take(),
        [
            "C: RCPT TO:<r0@example.net>",
            "C: RCPT TO:<r1@example.net>",
            "1 Failed 5.1.1 550 5.1.1 no",
            "C: DATA",
            "want body"
        ]
    );
}

#[test]
fn a_refused_sender_settles_everybody() {
    let mut talk = Talk::idle(Dialect::Smtp, "250 mx\r\n");
    talk.begin(2, shape());
    talk.hear("553 5.1.8 who?\r\n");
    assert_eq!(talk.take()[1..], ["0 Failed 5.1.8 553 5.1.8 who?", "1 Failed 5.1.8 553 5.1.8 who?", "idle"]);
}

#[test]
fn without_recipients_there_is_no_data() {
    let mut talk = Talk::idle(Dialect::Smtp, "250 mx\r\n");
    talk.begin(1, shape());
    talk.hear("250 ok\r\n");
    talk.hear("451 4.7.1 greylisted\r\n");
    talk.hear("250 reset\r\n");
    assert_eq!(talk.take()[2..], ["0 Deferred 4.7.1 451 4.7.1 greylisted", "C: RSET", "idle"]);
}

#[test]
fn a_data_that_nobody_wanted_ends_with_a_lone_dot() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, shape());
    talk.hear("250 ok\r\n550 no\r\n354 go\r\n");
    talk.hear("554 no recipients\r\n");
    talk.hear("250 ok\r\n");
    assert_eq!(talk.take()[3..], ["0 Failed 5.0.0 550 no", "C: .", "C: RSET", "idle"]);
}

#[test]
fn no_dot_follows_a_recipient_taken_without_a_sender() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, shape());
    talk.hear("550 no\r\n250 ok\r\n354 go\r\n");
    assert_eq!(talk.take()[3..], ["0 Failed 5.0.0 550 no", "close"]);
}

#[test]
fn a_refused_data_settles_the_accepted() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(2, shape());
    talk.hear("250 ok\r\n250 ok\r\n550 no\r\n452 4.3.1 full\r\n250 ok\r\n");
    assert_eq!(
        talk.take()[4..],
        ["1 Failed 5.0.0 550 no", "0 Deferred 4.3.1 452 4.3.1 full", "C: RSET", "idle"]
    );
}

#[test]
fn the_reply_to_the_end_of_data_settles_the_accepted() {
    for (reply, fate) in [("552 5.3.4 big", "Failed 5.3.4"), ("451 wait", "Deferred 4.0.0")] {
        let mut talk = Talk::idle(Dialect::Smtp, OFFER);
        talk.begin(2, shape());
        talk.hear("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
        talk.body_sent();
        talk.hear(&format!("{reply}\r\n"));
        assert_eq!(talk.take()[6..], [format!("1 {fate} {reply}"), "C: RSET".into()]);
    }
}

#[test]
fn lmtp_answers_for_each_accepted_recipient() {
    let mut talk = Talk::new(Dialect::Lmtp);
    talk.hear("220 mx\r\n");
    talk.hear(OFFER);
    talk.begin(3, shape());
    talk.hear("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
    talk.body_sent();
    talk.hear("250 ok\r\n452 4.2.2 full\r\n");
    let log = talk.take();
    assert_eq!(log[0], "C: LHLO us");
    assert_eq!(
        log[7..],
        [
            "1 Failed 5.0.0 550 no",
            "want body",
            "0 Delivered 2.0.0 250 ok",
            "2 Deferred 4.2.2 452 4.2.2 full",
            "idle"
        ]
    );
}

#[test]
fn lmtp_cut_between_its_replies_keeps_what_was_said() {
    let mut talk = Talk::idle(Dialect::Lmtp, OFFER);
    talk.begin(2, shape());
    talk.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    talk.body_sent();
    talk.hear("250 ok\r\n");
    talk.session.lost("connection closed", 0);
    talk.hear("");
    let log = talk.take();
    assert_eq!(log[5], "0 Delivered 2.0.0 250 ok");
    assert!(log[6].starts_with("1 Deferred 4.4.2 connection closed while"), "{log:?}");
    assert!(log[6].ends_with("may have been delivered"), "{log:?}");
}

#[test]
fn ehlo_falls_back_to_helo() {
    for refusal in ["500 what?", "502 5.5.1 no", "504 no", "550 no"] {
        let mut talk = Talk::new(Dialect::Smtp);
        talk.hear("220 mx\r\n");
        talk.hear(&format!("{refusal}\r\n"));
        talk.hear("250-mx\r\n250 PIPELINING\r\n");
        assert_eq!(talk.take(), ["C: EHLO us", "C: HELO us", "idle"]);
        assert_eq!(talk.session.features(), Features::default());
    }
}

#[test]
fn a_server_that_takes_no_mail_is_unusable_and_nobody_is_settled() {
    let unusable = |said: &[&str]| {
        let mut talk = Talk::new(Dialect::Smtp);
        said.iter().for_each(|text| talk.hear(text));
        let log = talk.take();
        assert_eq!(log.last().map(String::as_str), Some("close"));
        log[log.len() - 2].clone()
    };
    assert_eq!(unusable(&["554 5.7.1 no\r\n"]), "unusable HostDeferred 4.7.1 554 5.7.1 no");
    assert_eq!(unusable(&["421 busy\r\n"]), "unusable HostDeferred 4.0.0 421 busy");
    assert_eq!(unusable(&["220 mx\r\n", "450 busy\r\n"]), "unusable HostDeferred 4.0.0 450 busy");
    assert_eq!(unusable(&["220 mx\r\n", "502 no\r\n", "550 no\r\n"]), "unusable HostDeferred 4.0.0 550 no");
    assert!(unusable(&["SSH-2.0-x\r\n"]).starts_with("unusable HostDeferred 4.5.0 unexpected "));
}

#[test]
fn what_the_server_cannot_take_is_settled_without_a_word() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, Shape { size: 1001, ..Shape::default() });
    let log = talk.take();
    assert!(log[0].starts_with("0 Failed 5.3.4"), "{log:?}");
    assert_eq!(log[1], "idle");

    let mut talk = Talk::idle(Dialect::Smtp, "250 mx\r\n");
    talk.begin(1, Shape { eight_bit: true, ..shape() });
    assert!(talk.take()[0].starts_with("0 Failed 5.6.3"));
}

#[test]
fn eight_bit_content_is_declared_where_it_is_welcome() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, Shape { eight_bit: true, ..shape() });
    assert_eq!(talk.take()[0], format!("{MAIL} BODY=8BITMIME"));
}

#[test]
fn a_421_defers_the_rest_and_closes() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(3, shape());
    talk.hear("250 ok\r\n550 no\r\n250 ok\r\n421 4.3.2 going down\r\n");
    assert_eq!(
        talk.take()[5..],
        [
            "0 Failed 5.0.0 550 no",
            "1 Deferred 4.3.2 421 4.3.2 going down",
            "2 Deferred 4.3.2 421 4.3.2 going down",
            "close"
        ]
    );
}

#[test]
fn too_many_recipients_defers_those_who_did_not_fit() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(3, shape());
    talk.hear("250 ok\r\n250 ok\r\n552 too many\r\n452 too many\r\n354 go\r\n");
    assert_eq!(
        talk.take()[5..],
        ["1 Deferred 4.5.3 552 too many", "2 Deferred 4.5.3 452 too many", "want body"]
    );
}

#[test]
fn a_reused_connection_that_breaks_at_once_returns_the_transaction() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    for round in 0..2 {
        talk.begin(2, shape());
        talk.take();
        if round == 0 {
            talk.hear("550 no\r\n503 no\r\n503 no\r\n503 no\r\n");
        }
    }
    talk.hear("421 idle too long\r\n");
    assert_eq!(talk.take(), ["returned 2", "close"]);
}

#[test]
fn a_new_connection_that_breaks_at_once_defers_it() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, shape());
    talk.session.lost("connection reset", 0);
    talk.hear("");
    assert_eq!(
        talk.take()[3..],
        ["0 Deferred 4.4.2 connection reset while waiting for the reply to MAIL", "close"]
    );
}

#[test]
fn a_refusal_amid_the_content_ends_it_without_a_dot() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, shape());
    talk.hear("250 ok\r\n250 ok\r\n354 go\r\n");
    talk.hear("552 5.3.4 too big\r\n");
    assert_eq!(talk.take()[4..], ["0 Failed 5.3.4 552 5.3.4 too big", "close"]);
}

#[test]
fn a_reply_out_of_turn_defers_and_closes() {
    for said in ["354 go\r\n", "250 ok\r\n354 go\r\n", "250 ok\r\n250 ok\r\n250 ok\r\n", "garbage\r\n"] {
        let mut talk = Talk::idle(Dialect::Smtp, OFFER);
        talk.begin(1, shape());
        talk.hear(said);
        let log = talk.take();
        assert!(log[3].starts_with("0 Deferred 4.5.0 unexpected"), "{said:?} {log:?}");
        assert_eq!(log[4], "close");
    }
}

#[test]
fn an_idle_server_that_speaks_is_left() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.hear("421 4.4.2 timeout\r\n");
    assert_eq!(talk.take(), ["close"]);
    assert!(!talk.session.is_idle());
}

#[test]
fn each_stage_has_its_time_limit() {
    let minutes = |count: u64| Some(60_000 * count);
    let mut talk = Talk::new(Dialect::Smtp);
    assert_eq!(talk.session.deadline(), minutes(5));
    talk.hear("220 mx\r\n");
    talk.hear(OFFER);
    assert_eq!(talk.session.deadline(), None);
    talk.begin(1, shape());
    assert_eq!(talk.session.deadline(), minutes(5));
    talk.hear("250 ok\r\n250 ok\r\n");
    assert_eq!(talk.session.deadline(), minutes(2));
    talk.hear("354 go\r\n");
    assert_eq!(talk.session.deadline(), minutes(3));
    talk.session.body_progress(60_000);
    assert_eq!(talk.session.deadline(), minutes(4));
    talk.session.body_sent(120_000);
    assert_eq!(talk.session.deadline(), minutes(12));

    assert!(!talk.session.expire(719_999));
    assert!(talk.session.expire(720_000));
    talk.now = 720_000;
    talk.hear("");
    assert!(talk.take()[5..].iter().any(|line| line.starts_with("0 Deferred 4.4.2 timed out while waiting")));
    assert_eq!(talk.session.deadline(), None);
}

#[test]
fn giving_up_defers_whoever_waits() {
    let mut talk = Talk::idle(Dialect::Smtp, OFFER);
    talk.begin(1, shape());
    talk.session.quit(0);
    talk.hear("");
    assert!(talk.take()[3].starts_with("0 Deferred 4.3.2 delivery was interrupted"));
}

#[test]
fn only_an_idle_session_takes_a_transaction() {
    let mut talk = Talk::new(Dialect::Smtp);
    let transaction = Transaction::plain(ReversePath::Null, Vec::new(), shape());
    assert_eq!(talk.session.begin(transaction.clone(), 0), Err(Box::new(transaction)));
}

/// Runs two transactions against `replies`, cut at `cuts`, and gives the log.
fn run(dialect: Dialect, replies: &[String], cuts: &[usize]) -> Vec<String> {
    let mut talk = Talk::new(dialect);
    let mut cuts = cuts.iter().copied().cycle();
    let mut begun = 0;
    for reply in replies {
        let mut rest = reply.as_str();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap_or(1).clamp(1, rest.len()));
            talk.hear(piece);
            rest = after;
        }
        if talk.session.is_idle() && begun < 2 {
            begun += 1;
            talk.begin(2, shape());
        }
        if talk.session.stage() == Stage::Content {
            talk.body_sent();
        }
    }
    talk.session.lost("connection closed", 0);
    talk.hear("");
    talk.take()
}

fn replies() -> impl Strategy<Value = Vec<String>> {
    let reply = prop_oneof![
        6 => Just("250 2.0.0 ok\r\n"),
        3 => Just("354 go\r\n"),
        1 => Just("550-5.1.1 no\r\n550 5.1.1 such\r\n"),
        1 => Just("451 later\r\n"),
        1 => Just("421 bye\r\n"),
        1 => Just("nonsense\r\n"),
    ];
    prop::collection::vec(reply, 0..14)
        .prop_map(|said| ["220 mx\r\n", OFFER].into_iter().chain(said).map(str::to_owned).collect())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_actions(
        lmtp: bool, replies in replies(), cuts in prop::collection::vec(1_usize..30, 1..5)
    ) {
        let dialect = if lmtp { Dialect::Lmtp } else { Dialect::Smtp };
        prop_assert_eq!(run(dialect, &replies, &cuts), run(dialect, &replies, &[usize::MAX]));
    }

    #[test]
    fn every_recipient_is_settled_once_or_all_come_back(lmtp: bool, replies in replies()) {
        let log = run(if lmtp { Dialect::Lmtp } else { Dialect::Smtp }, &replies, &[usize::MAX]);
        for transaction in log.split(|line| line.starts_with("C: MAIL")).skip(1) {
            let count = |start: &str| transaction.iter().filter(|line| line.starts_with(start)).count();
            let returned = count("returned");
            prop_assert_eq!((count("0 ") + returned, count("1 ") + returned), (1, 1), "{:?}", log);
        }
        prop_assert_eq!(log.last().map(String::as_str), Some("close"));
    }
}
