//! The policy's word on a session: which rules are asked when, and what comes of it.

use super::conversation::Conversation;
use super::desk::Desk;
use super::playing::trial_line;
use crate::policy::{Facts, Ruling, Scopes, Step, To, Verdict, judge};
use farm::journal::{Refused, SessionEvent};
use farm::tables::{Action, Lookup, Phase, PolicyTable};
use proto::address::{Mailbox, ReversePath};
use proto::envelope::{Recipient, Route};
use proto::reply::{Cause, Reply};
use proto::server::{Judgement, Phase as Pause, Transaction};
use proto::status::Status;
use spool::Draft;
use std::sync::Arc;

/// A moment at which rules are asked, and what is known only then.
#[derive(Debug, Clone, Copy)]
struct Moment<'a> {
    phase: Phase,
    from: Option<&'a ReversePath>,
    to: To<'a>,
    size: Option<u64>,
    recipients: usize,
}

impl Conversation {
    /// Whether the client is greeted: the refusal if not.
    pub(super) fn judge_connect(&mut self, desk: &mut Desk) -> Option<Reply> {
        let nothing = Moment { phase: Phase::Connect, from: None, to: To::Nobody, size: None, recipients: 0 };
        let refusal = self.ask_rules(desk, nothing)?;
        self.refused(desk, "", "", "", &refusal);
        Some(refusal)
    }

    /// The session asks before it answers EHLO, MAIL or DATA.
    pub(super) fn judge(&mut self, desk: &mut Desk, pause: Pause) {
        let (phase, verb) = match pause {
            Pause::Helo => (Phase::Helo, "EHLO"),
            Pause::Mail => (Phase::Mail, "MAIL"),
            Pause::Data => (Phase::Data, "DATA"),
        };
        if phase == Phase::Helo {
            self.note_name();
        }
        let refusal = self.ask_in_transaction(desk, phase, None);
        let judgement = refusal.map_or(Judgement::Go, Judgement::Refuse);
        let from = self.sender();
        let Some(reply) = self.session.judged(judgement, desk.now.mono) else { return };
        self.say(&reply);
        if reply.class() >= 4 {
            self.refused(desk, verb, &from, "", &reply);
        }
    }

    /// The refusal of a recipient, if a rule has one.
    pub(super) fn judge_recipient(&mut self, desk: &mut Desk, recipient: &Mailbox) -> Option<Reply> {
        self.ask_in_transaction(desk, Phase::Rcpt, Some(recipient))
    }

    /// All of the content is there: so many octets. The refusal, if a rule has one.
    pub(super) fn judge_content(
        &mut self,
        desk: &mut Desk,
        transaction: &Transaction,
        size: u64,
    ) -> Option<Reply> {
        let Transaction { from, recipients, .. } = transaction;
        let moment = Moment {
            phase: Phase::Content,
            from: Some(from),
            to: To::Any(recipients),
            size: Some(size),
            recipients: recipients.len(),
        };
        self.ask_rules(desk, moment)
    }

    /// The recipient that was judged last has been taken.
    pub(super) fn recipient_taken(&mut self) {
        if let Some(scopes) = &mut self.scopes {
            scopes.recipient_taken();
        }
    }

    /// Sends the recipients where a rule that holds the message sends them.
    pub(super) fn hold_if_asked(&self, recipients: &mut [Recipient]) {
        let Some(why) = self.scopes.as_ref().and_then(|scopes| scopes.hold()) else { return };
        for recipient in recipients {
            let (channel, host, user) = ("hold".to_owned(), why.to_owned(), recipient.address.to_string());
            recipient.route = Some(Route { channel, host, user });
        }
    }

    /// Puts the marks of the message to its draft, and gives them with commas between them.
    pub(super) fn mark(&self, draft: &mut Draft) -> String {
        let tags = self.scopes.as_ref().map(|scopes| scopes.tags()).unwrap_or_default();
        for tag in &tags {
            draft.preserve(&[format!("tag {tag}")]);
        }
        tags.join(",")
    }

    /// The marks of the message, with commas between them.
    pub(super) fn tags(&self) -> String {
        self.scopes.as_ref().map(|scopes| scopes.tags().join(",")).unwrap_or_default()
    }

    fn ask_in_transaction(&mut self, desk: &mut Desk, phase: Phase, to: Option<&Mailbox>) -> Option<Reply> {
        // Taken out and put back: rules look at the session while what they settle is written down.
        let mut scopes = self.scopes.take()?;
        let transaction = self.session.transaction();
        let recipients = transaction.map_or(&[][..], |transaction| transaction.recipients.as_slice());
        let moment = Moment {
            phase,
            from: transaction.map(|transaction| &transaction.from),
            to: to.map_or(To::Any(recipients), To::One),
            size: transaction.and_then(|transaction| transaction.declared_size),
            recipients: recipients.len(),
        };
        let (refusal, reasons) = self.rule(desk, &mut scopes, moment);
        self.scopes = Some(scopes);
        self.output.extend(reasons);
        refusal
    }

    fn ask_rules(&mut self, desk: &mut Desk, moment: Moment<'_>) -> Option<Reply> {
        let mut scopes = self.scopes.take()?;
        let (refusal, reasons) = self.rule(desk, &mut scopes, moment);
        self.scopes = Some(scopes);
        self.output.extend(reasons);
        refusal
    }

    /// The refusal, if a rule has one; in a trial also the lines that explain it.
    fn rule(&self, desk: &mut Desk, scopes: &mut Scopes, moment: Moment<'_>) -> (Option<Reply>, Vec<u8>) {
        let asked = scopes.begin(moment.phase);
        let table: Arc<PolicyTable> = match desk.house.rulebook.table() {
            Lookup::Found(table) if asked => table,
            Lookup::Temporary(why) | Lookup::Broken(why) if moment.phase == Phase::Mail => {
                return (Some(unreadable(why)), Vec::new());
            }
            Lookup::Found(_) | Lookup::NotFound | Lookup::Temporary(_) | Lookup::Broken(_) => {
                return (None, Vec::new());
            }
        };
        let ruling = judge(&table, moment.phase, &self.facts(moment));
        scopes.settle(moment.phase, &ruling);
        let mut reasons = Vec::new();
        if self.is_trial() {
            let file = desk.house.rulebook.file();
            ruling.steps.iter().for_each(|step| reasons.extend(reason(&file, step)));
        } else {
            self.note_warnings(desk, moment, &ruling);
        }
        match ruling.verdict {
            Verdict::Refuse(reply) => (Some(reply), reasons),
            Verdict::Go | Verdict::Accept | Verdict::Hold(_) => (None, reasons),
        }
    }

    fn facts<'a>(&'a self, moment: Moment<'a>) -> Facts<'a> {
        Facts {
            address: self.client.address,
            local: self.client.local,
            client: &self.client.text,
            relay: self.client.may_relay || self.session.account().is_some(),
            name: self.client.name.as_deref(),
            listener: &self.client.listener,
            service: self.session.service().word(),
            helo: self.session.client().map(|client| client.name.as_str()),
            tls: self.session.security().map(|security| security.version.as_str()),
            account: self.session.account(),
            from: moment.from,
            to: moment.to,
            size: moment.size,
            recipients: moment.recipients,
        }
    }

    /// Rules that only warn have their line in the journal.
    fn note_warnings(&self, desk: &mut Desk, moment: Moment<'_>, ruling: &Ruling<'_>) {
        if ruling.warnings().next().is_none() {
            return;
        }
        let from = moment.from.map(ToString::to_string).unwrap_or_default();
        let to = match moment.to {
            To::One(mailbox) => format!("<{mailbox}>"),
            To::Nobody | To::Any(_) => String::new(),
        };
        let helo = self.session.client().map(|client| client.name.as_str()).unwrap_or_default();
        for step in ruling.warnings() {
            let Cause { rule, value, limit } = &step.cause;
            let event = Refused {
                client: &self.client.text,
                helo,
                verb: verb(moment.phase),
                from: &from,
                to: &to,
                reply: &said(&step.rule.action),
                rule,
                value,
                limit,
            };
            desk.note_session(self.number, SessionEvent::WouldRefuse(event));
        }
    }
}

/// The command at which a phase is asked.
fn verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "",
        Phase::Helo => "EHLO",
        Phase::Mail => "MAIL",
        Phase::Rcpt => "RCPT",
        Phase::Data | Phase::Content => "DATA",
    }
}

/// A line of a trial about a rule that has matched.
fn reason(file: &str, step: &Step<'_>) -> Vec<u8> {
    let Cause { rule, value, limit } = &step.cause;
    let warn = if step.rule.warn { "warn " } else { "" };
    let (says, at) = (format!("{warn}{}", said(&step.rule.action)), format!("{file}:{}", step.rule.line));
    trial_line(&[("rule", rule), ("says", &says), ("value", value), ("limit", limit), ("at", &at)])
}

/// What an action does, in the words of the table.
fn said(action: &Action) -> String {
    match action {
        Action::Tag(tag) => format!("tag {tag}"),
        Action::Refuse(refusal) => format!("{} {} {}", action.word(), refusal.code, refusal.status),
        Action::Accept | Action::Hold(_) => action.word().to_owned(),
    }
}

/// A table that cannot be read defers, and never refuses.
fn unreadable(why: String) -> Reply {
    let text = "the policy of this host cannot be read now; try again later";
    Reply::new(451, Status::transient(3, 5), text).because(Cause::met("policy", why))
}
