//! The exit code that follows from what became of the recipients.

use farm::exit::{Exit, Fatal};
use proto::address::Mailbox;
use proto::disposition::{Disposition, Outcome};

/// Nothing if everybody was accepted; otherwise who was not, and why.
///
/// The message has gone to those who were accepted. The exit code is that of the first permanent refusal; 75 says that
/// there is none, and that the same call may succeed later.
///
/// # Errors
/// Somebody was not accepted.
pub(super) fn judge(recipients: &[Mailbox], dispositions: &[Disposition]) -> Result<(), Fatal> {
    let refused: Vec<(&Mailbox, &Disposition)> =
        recipients.iter().zip(dispositions).filter(|(_, d)| d.outcome != Outcome::Delivered).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> =
        refused.iter().map(|(mailbox, disposition)| format!("<{mailbox}>: {}", disposition.reply)).collect();
    let all = recipients.len();
    lines.push(if refused.len() == all {
        "the message was not accepted".into()
    } else {
        format!(
            "the message was not accepted for {} of {all} recipients, and was for the others",
            refused.len()
        )
    });
    let permanent = refused.iter().find(|(_, disposition)| disposition.outcome == Outcome::Failed);
    let exit = permanent.map_or(Exit::Temporary, |(_, disposition)| exit_of(disposition));
    Err(Fatal::new(exit, lines.join("\n")))
}

/// By the subject of the enhanced status code (RFC 3463 section 3): addressing, mail system, content, policy.
fn exit_of(disposition: &Disposition) -> Exit {
    match disposition.status.to_string().as_str() {
        "5.1.1" | "5.1.6" | "5.1.10" => Exit::NoUser,
        "5.2.3" | "5.3.4" => Exit::Data,
        status if status.starts_with("5.6.") => Exit::Data,
        status if status.starts_with("5.7.") => Exit::Permission,
        _ => Exit::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::status::Status;

    fn judged(dispositions: &[Disposition]) -> Result<(), (Exit, String)> {
        let names = ["a@x.example", "b@x.example", "c@x.example"];
        let recipients: Vec<Mailbox> =
            names[..dispositions.len()].iter().map(|n| n.parse().unwrap()).collect();
        judge(&recipients, dispositions).map_err(|fatal| (fatal.exit, fatal.why))
    }

    fn accepted() -> Disposition {
        Disposition::local(Outcome::Delivered, Status::OK, "250 2.0.0 ok")
    }

    fn deferred() -> Disposition {
        Disposition::local(Outcome::HostDeferred, Status::transient(3, 0), "451 later")
    }

    fn failed(subject: u16, detail: u16) -> Disposition {
        Disposition::local(Outcome::Failed, Status::permanent(subject, detail), "550 no")
    }

    #[test]
    fn accepted_is_success() {
        assert_eq!(judged(&[accepted(), accepted()]), Ok(()));
    }

    #[test]
    fn the_reason_gives_the_code() {
        let code = |disposition| judged(&[disposition]).unwrap_err().0;
        assert_eq!(code(failed(1, 1)), Exit::NoUser);
        assert_eq!(code(failed(3, 4)), Exit::Data);
        assert_eq!(code(failed(6, 3)), Exit::Data);
        assert_eq!(code(failed(7, 1)), Exit::Permission);
        assert_eq!(code(failed(4, 4)), Exit::Unavailable);
        assert_eq!(code(deferred()), Exit::Temporary);
    }

    #[test]
    fn a_permanent_refusal_outweighs_a_temporary_one() {
        let (exit, why) = judged(&[deferred(), accepted(), failed(1, 1)]).unwrap_err();
        assert_eq!(exit, Exit::NoUser);
        assert_eq!(
            why,
            "<a@x.example>: 451 later\n<c@x.example>: 550 no\n\
             the message was not accepted for 2 of 3 recipients, and was for the others"
        );
    }
}
