//! The agents that do one thing after another.

use super::rig::{Rig, settings};
use proto::disposition::Outcome;
use transports::agent::Settings;
use transports::error::Refuse;
use transports::hold::Hold;
use transports::mailbox::Mailbox;
use transports::one_by_one::{Deliver, OneByOne};

fn rig<D: Deliver>(settings: Settings, deliver: impl FnOnce(&Settings) -> D + Send + 'static) -> Rig {
    Rig::start(move || OneByOne::new(deliver(&settings), &settings))
}

#[test]
fn hold_defers_each_recipient() {
    let mut rig = rig(settings("hold"), |_| Hold);
    let job = rig.job("under review", b"x", &["a@example.org", "b@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 2);
    assert_eq!(heard.fate(job, 1), (Outcome::Deferred, "4.7.1".into()));
    rig.drain().unwrap();
}

#[test]
fn error_fails_with_the_text_of_the_route() {
    let mut rig = rig(settings("error"), |_| Refuse);
    let job = rig.job("5.1.6 has moved", b"x", &["a@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 1);
    assert_eq!(heard.fate(job, 0), (Outcome::Failed, "5.1.6".into()));
    assert_eq!(heard.settled[&(job, 0)].reply, "has moved");
    rig.drain().unwrap();
}

#[test]
fn many_messages_reach_a_maildir_while_the_agent_listens() {
    let home = tempfile::tempdir().unwrap();
    let user = sys::user::own_account().unwrap().unwrap().name;
    let mut settings = settings("mailbox");
    settings.channel.path = format!("{}/%u/", home.path().display());
    let mut rig = rig(settings, Mailbox::new);
    let address = format!("{user}@example.org");
    let file = rig.file(b"Subject: x\r\n\r\nhello\r\n");
    for _ in 0..200 {
        rig.job_in(file, &user, b"Subject: x\r\n\r\nhello\r\n", &[&address, &address]);
    }
    let nobody = rig.job_in(file, "no-such-user-here", b"x", &["no-such-user-here@example.org"]);
    let heard = rig.hear(|heard| heard.settled.len() == 401);
    assert_eq!(heard.fate(nobody, 0), (Outcome::Failed, "5.1.1".into()));
    assert!(heard.credits >= 25, "credits come back: {}", heard.credits);
    let new = home.path().join(&user).join("new");
    assert_eq!(std::fs::read_dir(new).unwrap().count(), 400);
    rig.drain().unwrap();
}
