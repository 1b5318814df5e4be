//! Who wants to hear of what.
//!
//! Sources: RFC 3461 sections 4.1 (NOTIFY) and 5.2 (what MUST NOT be told), RFC 2852 section 4.1.4 (who is told that a
//! message was passed on: of that only NEVER keeps silent).

use crate::queue::Telling;
use proto::disposition::{Disposition, Outcome, Reach};
use proto::terms::{ByMode, Notify, RecipientTerms, Terms};

/// The sender wants to hear this about a recipient.
pub(super) fn wanted(
    terms: &Terms,
    recipient: &RecipientTerms,
    telling: Telling,
    disposition: &Disposition,
) -> bool {
    let wishes = recipient.wishes();
    let ever = wishes != Notify::NEVER;
    match (telling, disposition.outcome) {
        (Telling::Delayed | Telling::Late, _) => wishes.delay,
        (Telling::Ends, Outcome::Delivered) => {
            let by = terms.deliver_by;
            let traced = ever && by.is_some_and(|by| by.trace);
            let lost = ever && by.is_some_and(|by| by.mode == ByMode::Notify);
            match disposition.reach {
                Reach::Mailbox | Reach::Expanded => wishes.success,
                Reach::Onward => traced,
                Reach::Untimed => traced || lost,
                Reach::Blind => wishes.success || traced || lost,
            }
        }
        (Telling::Ends, _) => wishes.failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::status::Status;
    use proto::terms::DeliverBy;

    const SUCCESS: Notify = Notify { success: true, failure: false, delay: false };

    fn told(
        by: Option<(ByMode, bool)>,
        notify: Option<Notify>,
        telling: Telling,
        end: (Outcome, Reach),
    ) -> bool {
        let deliver_by = by.map(|(mode, trace)| DeliverBy { until: 1, mode, trace });
        let terms = Terms { deliver_by, ..Terms::default() };
        let recipient = RecipientTerms { notify, orcpt: None };
        let disposition = Disposition { reach: end.1, ..Disposition::local(end.0, Status::OK, "x") };
        wanted(&terms, &recipient, telling, &disposition)
    }

    #[test]
    fn who_says_nothing_hears_of_failure_and_delay() {
        assert!(told(None, None, Telling::Ends, (Outcome::Failed, Reach::Mailbox)));
        assert!(told(None, None, Telling::Delayed, (Outcome::Deferred, Reach::Mailbox)));
        for reach in [Reach::Mailbox, Reach::Onward, Reach::Blind, Reach::Expanded] {
            assert!(!told(None, None, Telling::Ends, (Outcome::Delivered, reach)));
        }
    }

    #[test]
    fn never_is_never() {
        let by = Some((ByMode::Notify, true));
        for reach in [Reach::Mailbox, Reach::Onward, Reach::Untimed, Reach::Blind, Reach::Expanded] {
            for telling in [Telling::Ends, Telling::Delayed, Telling::Late] {
                for outcome in [Outcome::Delivered, Outcome::Failed, Outcome::Deferred] {
                    assert!(!told(by, Some(Notify::NEVER), telling, (outcome, reach)));
                }
            }
        }
    }

    #[test]
    fn who_left_delay_out_hears_of_none_not_even_of_one_that_the_mode_n_is_about() {
        let failure = Notify { failure: true, ..Notify::NEVER };
        for telling in [Telling::Delayed, Telling::Late] {
            let late = |notify| {
                told(Some((ByMode::Notify, true)), notify, telling, (Outcome::Deferred, Reach::Mailbox))
            };
            assert!(late(None) && late(Some(Notify::USUAL)));
            assert!(!late(Some(failure)) && !late(Some(SUCCESS)));
        }
    }

    #[test]
    fn success_is_told_unless_the_next_hop_tells() {
        let success = |reach| told(None, Some(SUCCESS), Telling::Ends, (Outcome::Delivered, reach));
        assert!(success(Reach::Mailbox) && success(Reach::Blind) && success(Reach::Expanded));
        assert!(!success(Reach::Onward) && !success(Reach::Untimed));
        assert!(!told(None, Some(SUCCESS), Telling::Ends, (Outcome::Failed, Reach::Mailbox)));
    }

    #[test]
    fn a_traced_message_is_told_of_at_each_hop() {
        let traced = Some((ByMode::Return, true));
        assert!(told(traced, None, Telling::Ends, (Outcome::Delivered, Reach::Onward)));
        assert!(!told(
            Some((ByMode::Return, false)),
            None,
            Telling::Ends,
            (Outcome::Delivered, Reach::Blind)
        ));
        for reach in [Reach::Blind, Reach::Untimed] {
            assert!(told(Some((ByMode::Notify, false)), None, Telling::Ends, (Outcome::Delivered, reach)));
        }
    }
}
