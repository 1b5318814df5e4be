//! What an account may do: the addresses that it may send from, the messages and recipients that are counted.
//!
//! Decides by what authd has granted. What is counted is asked of authd at MAIL and RCPT, so that the counts hold across
//! workers; accounts without limits cost nothing.

use super::client::Client;
use super::conversation::Conversation;
use super::desk::Desk;
use farm::config::{Auth, Common, MECHANISMS};
use ipc::auth::{Charge, Charged, Grant};
use proto::address::{Domain, Mailbox, ReversePath, folded};
use proto::reply::{Cause, Reply};
use proto::server::{Judgement, Mechanisms, Phase, Question, Service};
use proto::status::Status;
use std::sync::Arc;

/// What all sessions have in common about accounts.
#[derive(Debug)]
pub(super) struct Members {
    /// An account may only send from its own addresses.
    matches_senders: bool,
    local_domains: Arc<[Domain]>,
    /// What is offered until authd says more.
    usual: Vec<String>,
    offer: Offer,
}

/// The mechanisms that clients are offered.
#[derive(Debug, Default)]
struct Offer {
    /// In the clear, on this machine.
    plain: Arc<[String]>,
    /// Under TLS.
    secured: Arc<[String]>,
    /// Under TLS, with a certificate of the client that was verified.
    certified: Arc<[String]>,
}

impl Offer {
    fn of(mechanisms: &[String]) -> Self {
        let those = |wanted: &dyn Fn(&str) -> bool| -> Arc<[String]> {
            mechanisms.iter().filter(|name| wanted(name)).cloned().collect()
        };
        Self {
            plain: those(&|name| !name.ends_with("-PLUS") && name != "EXTERNAL"),
            secured: those(&|name| name != "EXTERNAL"),
            certified: those(&|_| true),
        }
    }
}

impl Members {
    /// By the configuration, until authd says what can be offered: everything with a users file; with Dovecot what it
    /// always has.
    pub(super) fn new(common: &Common, auth: &Auth) -> Self {
        let usual = |name: &str| auth.dovecot.is_none() || ["PLAIN", "LOGIN"].contains(&name);
        let wanted =
            |name: &&&str| auth.is_on() && usual(name) && auth.mechanisms.iter().any(|own| own == **name);
        let mechanisms: Vec<String> =
            MECHANISMS.iter().filter(wanted).map(|name| (*name).to_owned()).collect();
        Self {
            matches_senders: auth.matches_senders(),
            local_domains: common.local_domains.iter().filter_map(|domain| domain.parse().ok()).collect(),
            offer: Offer::of(&mechanisms),
            usual: mechanisms,
        }
    }

    /// Keeps what authd has said, if the configuration has not changed.
    pub(super) fn inherit(&mut self, former: &mut Self) {
        if self.usual == former.usual {
            self.offer = std::mem::take(&mut former.offer);
        }
    }

    /// Authd says what can be offered.
    pub(super) fn offer(&mut self, mechanisms: &[String]) {
        self.offer = Offer::of(mechanisms);
    }

    /// The mechanisms for a client of this service: only submissions have accounts, and nothing is offered in the clear
    /// except on this machine.
    pub(super) fn mechanisms(&self, service: Service, client: &Client) -> Mechanisms {
        if service != Service::Submission || client.local {
            return Mechanisms::default();
        }
        let loopback = client.address.is_some_and(|address| address.is_loopback());
        let plain = if loopback { Arc::clone(&self.offer.plain) } else { Arc::default() };
        Mechanisms { plain, secured: Arc::clone(&self.offer.secured) }
    }

    /// The mechanisms under TLS for a client whose certificate was verified.
    pub(super) fn certified(&self) -> Arc<[String]> {
        Arc::clone(&self.offer.certified)
    }

    /// An account that has proved itself.
    pub(super) fn member(&self, grant: Grant) -> Member {
        let senders = grant.senders.iter().filter_map(|text| Sender::read(text)).collect();
        // A name with a star in it is a name.
        let own = grant.account.parse().ok();
        let local_domains = Arc::clone(&self.local_domains);
        Member { grant, own, senders, local_domains, matches_senders: self.matches_senders }
    }
}

/// An address, or several, that an account may send from.
#[derive(Debug, Clone, PartialEq)]
enum Sender {
    Any,
    Domain(Domain),
    Mailbox(Mailbox),
}

impl Sender {
    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix("*@") {
            None if text == "*" => Some(Self::Any),
            None => text.parse().ok().map(Self::Mailbox),
            Some(domain) => domain.parse().ok().map(Self::Domain),
        }
    }

    fn is(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Any => true,
            Self::Domain(domain) => domain == mailbox.domain(),
            Self::Mailbox(own) => is_same(own, mailbox),
        }
    }
}

/// Without regard to case.
fn is_same(own: &Mailbox, mailbox: &Mailbox) -> bool {
    own.domain() == mailbox.domain() && folded(&own.user()) == folded(&mailbox.user())
}

/// An account that has proved itself in this session.
#[derive(Debug, Clone)]
pub(super) struct Member {
    grant: Grant,
    /// The account, if it is an address.
    own: Option<Mailbox>,
    senders: Vec<Sender>,
    local_domains: Arc<[Domain]>,
    matches_senders: bool,
}

impl Member {
    /// It is the account of this name.
    pub(super) fn is(&self, account: &str) -> bool {
        self.grant.account == account
    }

    /// Something about its messages is to be looked at.
    pub(super) fn is_watched(&self) -> bool {
        self.matches_senders || self.grant.counts_messages
    }

    /// Whether it may send from this address: its own in a local domain, or one that it was given.
    pub(super) fn owns(&self, mailbox: &Mailbox) -> bool {
        if !self.matches_senders {
            return true;
        }
        let own = match &self.own {
            Some(own) => is_same(own, mailbox),
            None => {
                self.local_domains.contains(mailbox.domain())
                    && folded(&mailbox.user()) == folded(&self.grant.account)
            }
        };
        own || self.senders.iter().any(|sender| sender.is(mailbox))
    }

    /// The refusal of a reverse-path that is not this account's. The null one is everybody's (RFC 5321 section 4.5.5).
    fn refuses(&self, from: &ReversePath) -> Option<Reply> {
        let mailbox = from.mailbox().filter(|mailbox| !self.owns(mailbox))?;
        let account = &self.grant.account;
        let text = format!("<{mailbox}> is not an address of account {account}");
        let cause = Cause::beyond("sender-login", format!("<{mailbox}>"), account);
        Some(Reply::new(553, Status::permanent(7, 1), text).because(cause))
    }
}

/// What waits for authd to count it.
#[derive(Debug)]
pub(super) enum Charging {
    /// MAIL.
    Message,
    /// RCPT.
    Recipient(Question),
}

impl Conversation {
    /// The session asks before it answers EHLO, MAIL or DATA: the account is looked at first, then the policy.
    pub(super) fn judge_member(&mut self, desk: &mut Desk, phase: Phase) {
        let member = if phase == Phase::Mail { self.member() } else { None };
        let Some(member) = member else { return self.judge(desk, phase) };
        let from = self.session.transaction().map(|transaction| &transaction.from);
        if let Some(refusal) = from.and_then(|from| member.refuses(from)) {
            return self.refuse_mail(desk, refusal);
        }
        if member.grant.counts_messages {
            let charge = charge(&member.grant, 1, 0);
            return self.charge(desk, charge, Charging::Message);
        }
        self.judge(desk, phase);
    }

    /// A recipient is counted first, if those of the account are, then asked for.
    pub(super) fn ask_member(&mut self, desk: &mut Desk, question: Question) {
        match self.member().filter(|member| member.grant.counts_recipients) {
            Some(member) => {
                let charge = charge(&member.grant, 0, 1);
                self.charge(desk, charge, Charging::Recipient(question));
            }
            None => self.ask(desk, question),
        }
    }

    /// Authd has counted, or not.
    pub(super) fn charged(&mut self, desk: &mut Desk, charging: Charging, verdict: Charged) {
        let wait = match verdict {
            Charged::Go => None,
            Charged::Wait { what, limit, count, after } => Some(try_again(&what, &limit, count, after)),
        };
        match (charging, wait) {
            (Charging::Message, None) => self.judge(desk, Phase::Mail),
            (Charging::Message, Some(reply)) => self.refuse_mail(desk, reply),
            (Charging::Recipient(question), None) => self.ask(desk, question),
            (Charging::Recipient(question), Some(reply)) => self.refuse_recipient(desk, &question, reply),
        }
    }

    /// Nobody can count now.
    pub(super) fn not_charged(&mut self, desk: &mut Desk, charging: Charging) {
        let text = "messages of accounts cannot be counted now; try again later";
        let reply = Reply::new(451, Status::transient(3, 0), text).because(Cause::of("authd"));
        match charging {
            Charging::Message => self.refuse_mail(desk, reply),
            Charging::Recipient(question) => self.refuse_recipient(desk, &question, reply),
        }
    }

    fn refuse_mail(&mut self, desk: &mut Desk, refusal: Reply) {
        let from = self.sender();
        let Some(reply) = self.session.judged(Judgement::Refuse(refusal), desk.now.mono) else { return };
        self.say(&reply);
        self.refused(desk, "MAIL", &from, "", &reply);
    }
}

fn charge(grant: &Grant, messages: u32, recipients: u32) -> Charge {
    Charge { ticket: 0, account: grant.account.clone(), messages, recipients }
}

/// The limit and when there is room again, as in `limit of 100 messages per 1h; try again in 12m`.
fn try_again(what: &str, limit: &str, count: u64, after: u64) -> Reply {
    let (number, window) = limit.split_once('/').unwrap_or((limit, ""));
    let text = format!("limit of {number} {what} per {window}; try again in {}", rounded(after));
    let rule = if what == "recipients" { "account-recipients" } else { "account-messages" };
    Reply::new(450, Status::transient(7, 1), text).because(Cause::beyond(rule, count, limit))
}

/// A time in its largest unit, rounded up: who comes after that is not too early.
fn rounded(milliseconds: u64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)];
    let large = units.into_iter().find(|(_, length)| milliseconds >= 2 * length);
    let (unit, length) = large.unwrap_or(("s", 1_000));
    format!("{}{unit}", milliseconds.div_ceil(length).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::config::{Paths, defaults};
    use ipc::smtp_worker::Peer;

    fn members(change: impl FnOnce(&mut Auth)) -> Members {
        let paths = Paths { etc: "e".into(), spool: "s".into(), run: "r".into(), libexec: "l".into() };
        let mut config = defaults(&paths, "mail.example.org");
        config.common.local_domains = vec!["example.org".into(), "xn--bcher-kva.example".into()];
        config.auth.users = Some("users".into());
        change(&mut config.auth);
        Members::new(&config.common, &config.auth)
    }

    fn member(account: &str, senders: &[&str]) -> Member {
        let senders = senders.iter().map(|text| (*text).to_owned()).collect();
        members(|_| {}).member(Grant { account: account.into(), senders, ..Grant::default() })
    }

    fn owns(member: &Member, address: &str) -> bool {
        member.owns(&address.parse().unwrap())
    }

    #[test]
    fn an_account_owns_its_name_in_every_local_domain() {
        let ann = member("Ann", &[]);
        assert!(owns(&ann, "ann@example.org") && owns(&ann, "ANN@EXAMPLE.ORG"));
        assert!(owns(&ann, "ann@bücher.example"));
        for other in ["bob@example.org", "ann@example.net", "ann@sub.example.org", "annx@example.org"] {
            assert!(!owns(&ann, other), "{other}");
        }
    }

    #[test]
    fn an_account_that_is_an_address_owns_only_that() {
        let ann = member("ann@example.net", &[]);
        assert!(owns(&ann, "Ann@example.net"));
        assert!(!owns(&ann, "ann@example.org"));
    }

    #[test]
    fn a_star_in_the_name_of_an_account_gives_it_nothing() {
        assert!(!owns(&member("*", &[]), "boss@example.org"));
        assert!(!owns(&member("*@example.org", &[]), "boss@example.org"));
    }

    #[test]
    fn addresses_and_domains_can_be_given_to_an_account() {
        let ann = member("ann", &["sales@example.net", "*@example.com"]);
        assert!(owns(&ann, "sales@example.net") && owns(&ann, "any@example.com"));
        assert!(!owns(&ann, "ann@example.net") && !owns(&ann, "any@sub.example.com"));
        assert!(owns(&member("ann", &["*"]), "x@y.example"));
        let mut free = member("ann", &[]);
        free.matches_senders = false;
        assert!(owns(&free, "x@y.example"));
    }

    #[test]
    fn a_reverse_path_of_somebody_else_is_refused_and_the_null_one_is_not() {
        let ann = member("ann", &[]);
        let reply = ann.refuses(&ReversePath::Mailbox("bob@example.org".parse().unwrap())).unwrap();
        assert_eq!(reply.to_string(), "553 5.7.1 <bob@example.org> is not an address of account ann");
        assert!(ann.refuses(&ReversePath::Null).is_none());
    }

    #[test]
    fn in_the_clear_only_this_machine_is_offered_anything() {
        let members = members(|_| {});
        let client = |text: &str| Client::new(&Peer::Network(text.parse().unwrap()), |_| false);
        let offered = |text| members.mechanisms(Service::Submission, &client(text));
        assert_eq!(offered("192.0.2.1:9").plain[..], [""; 0]);
        assert_eq!(offered("127.0.0.1:9").plain[..], ["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        assert_eq!(offered("[::1]:9").plain.len(), 3);
        let secured = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"];
        assert_eq!(offered("192.0.2.1:9").secured[..], secured);
        assert_eq!(members.certified().len(), 5);
        assert!(!members.mechanisms(Service::Relay, &client("127.0.0.1:9")).any());
        let local = Client::new(&Peer::Local { uid: 1 }, |_| true);
        assert!(!members.mechanisms(Service::Submission, &local).any());
    }

    #[test]
    fn without_accounts_nothing_is_offered() {
        let members = members(|auth| auth.users = None);
        assert_eq!(members.certified()[..], [""; 0]);
    }

    #[test]
    fn a_limit_says_when_to_try_again() {
        let reply = try_again("messages", "100/1h", 100, 11 * 60_000 + 1);
        assert_eq!(reply.to_string(), "450 4.7.1 limit of 100 messages per 1h; try again in 12m");
        let shown: Vec<String> =
            [0, 1, 119_999, 120_000, 7_199_999, 7_200_000, 172_800_001].map(rounded).into();
        assert_eq!(shown, ["1s", "1s", "120s", "2m", "120m", "2h", "3d"]);
    }
}
