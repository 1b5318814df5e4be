//! What is printed is read back as it was.

use super::super::waiting::{WaitingFacts, WaitingLine};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proto::address::ReversePath;
use proto::envelope::Shape;
use proto::id::SpoolId;
use proto::status::Status;
use proto::terms::{ByMode, DeliverBy, Notify, RecipientTerms, Special};

fn id() -> impl Strategy<Value = SpoolId> {
    (0_u128..1 << 90).prop_map(|number| SpoolId::try_from(number).unwrap())
}

fn place() -> impl Strategy<Value = Place> {
    (id(), any::<u64>()).prop_map(|(segment, offset)| Place { segment, offset })
}

fn path() -> impl Strategy<Value = ReversePath> {
    prop_oneof![Just(ReversePath::Null), Just(ReversePath::Mailbox("\"a b\"@example.org".parse().unwrap()))]
}

fn terms() -> impl Strategy<Value = RecipientTerms> {
    (any::<Option<(bool, bool, bool)>>(), any::<Option<String>>()).prop_map(|(notify, orcpt)| {
        RecipientTerms {
            notify: notify.map(|(success, failure, delay)| Notify { success, failure, delay }),
            orcpt,
        }
    })
}

fn special() -> impl Strategy<Value = Special> {
    let by = any::<Option<(u64, bool, bool)>>().prop_map(|by| {
        by.map(|(until, returned, trace)| {
            let mode = if returned { ByMode::Return } else { ByMode::Notify };
            DeliverBy { until, mode, trace }
        })
    });
    (-9..10_i8, by, any::<Option<u64>>(), any::<(bool, bool)>()).prop_map(
        |(priority, deliver_by, hold_until, (success, told))| Special {
            priority,
            deliver_by,
            hold_until,
            success,
            told,
        },
    )
}

fn waiting() -> impl Strategy<Value = LogRecord> {
    let route = proptest::option::of(("[a-z%]+", any::<String>(), any::<String>()));
    let recipient = (any::<u32>(), route, any::<u32>(), any::<String>(), terms());
    let facts = (any::<(u64, u64, u32, bool)>(), special());
    (place(), id(), path(), facts, vec(recipient, 0..4)).prop_map(
        |(place, id, from, ((received, size, longest_line, flag), special), recipients)| {
            let recipients =
                recipients.into_iter().map(|(index, route, attempts, why, terms)| WaitingRecipient {
                    index,
                    address: "c@d.example".parse().unwrap(),
                    route: route.map(|(channel, host, user)| Route { channel, host, user }),
                    attempts,
                    why,
                    terms,
                });
            let shape = Shape {
                size,
                header: size / 2,
                longest_line,
                eight_bit: flag,
                leading_dot: !flag,
                utf8_header: flag,
                binary: flag,
            };
            let recipients = recipients.collect();
            LogRecord::Waiting(Box::new(Waiting { place, id, from, received, shape, special, recipients }))
        },
    )
}

fn notice() -> impl Strategy<Value = LogRecord> {
    let outcomes = [Outcome::Delivered, Outcome::Deferred, Outcome::HostDeferred, Outcome::Failed];
    let reasons = [Reason::Failed, Reason::Expired, Reason::Delayed, Reason::Delivered];
    let reported =
        (any::<u32>(), 0..4_usize, any::<(String, String)>(), any::<(Option<String>, Option<u64>)>());
    (id(), place(), path(), 0..4_usize, vec(reported, 0..4)).prop_map(
        move |(id, cause, to, reason, recipients)| {
            let recipients =
                recipients.into_iter().map(|(index, outcome, (reply, remote), (orcpt, until))| Reported {
                    index,
                    address: "c@d.example".parse().unwrap(),
                    disposition: Disposition {
                        remote,
                        ..Disposition::local(outcomes[outcome], Status::permanent(1, 1), reply)
                    },
                    orcpt,
                    until,
                });
            let recipients = recipients.collect();
            LogRecord::Notice { id, cause, reason: reasons[reason], to, recipients }
        },
    )
}

fn record() -> impl Strategy<Value = LogRecord> {
    let thread =
        any::<(String, String, u64, u32, String)>().prop_map(|(channel, host, retry_at, attempts, why)| {
            LogRecord::Thread { channel, host, retry_at, attempts, why }
        });
    prop_oneof![
        place().prop_map(|place| LogRecord::Cursor { segment: place.segment, offset: place.offset }),
        waiting(),
        thread,
        (place(), vec(any::<u32>(), 0..5))
            .prop_map(|(place, recipients)| LogRecord::Done { place, recipients }),
        notice(),
        id().prop_map(|id| LogRecord::Noticed { id }),
        (place(), any::<String>()).prop_map(|(place, why)| LogRecord::Held { place, why }),
        place().prop_map(|place| LogRecord::Released { place }),
        id().prop_map(|segment| LogRecord::Removed { segment }),
        (any::<u64>(), id()).prop_map(|(after, up_to)| LogRecord::Warned { after, up_to }),
        (place(), place()).prop_map(|(from, to)| LogRecord::Moved { from, to }),
    ]
}

#[test]
fn a_line_of_an_earlier_version_is_about_a_plain_message() {
    let line = "Waiting 01J8X4K2M7Q3RD0007 4096 01J8X4K2M7Q3RD0008 <a@b.example> 7 \
                size=9 header=9 longest=7 eight=0 dot=0 1 0 c@d.example smtp d.example c@d.example 2 @9";
    let Some(LogRecord::Waiting(waiting)) = parse(line) else { panic!("{line}") };
    assert!(waiting.special.is_plain());
    assert_eq!(waiting.recipients[0].terms, RecipientTerms::default());
    let line = "Notice 01J8X4K2M7Q3RD0009 01J8X4K2M7Q3RD0007 4096 failed <a@b.example> 1 \
                0 c@d.example failed 5.1.1 no mx.d.example";
    let Some(LogRecord::Notice { recipients, .. }) = parse(line) else { panic!("{line}") };
    assert_eq!((&recipients[0].orcpt, recipients[0].until), (&None, None));
}

proptest! {
    #[test]
    fn printing_then_parsing_is_the_identity(record in record()) {
        let line = record.to_string();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(parse(&line), Some(record));
    }

    #[test]
    fn a_line_read_in_place_says_what_its_record_says(record in waiting()) {
        let line = record.to_string();
        let LogRecord::Waiting(record) = record else { unreachable!() };
        let begun = || WaitingLine::begin(line.strip_prefix("Waiting ").unwrap()).unwrap();
        prop_assert_eq!((begun().place, begun().id), (record.place, record.id));
        let (mut some, mut all) = (Vec::new(), Vec::new());
        let told = begun().read(|part| some.push(part));
        let (told_of, received) = (record.from != ReversePath::Null, record.received);
        let facts = WaitingFacts { told: told_of, received, special: record.special };
        prop_assert_eq!(told, Some(facts));
        let head = begun().read_all(|part| all.push(part)).unwrap();
        prop_assert_eq!(&some, &all);
        prop_assert_eq!(head.print(&all), line.clone());
        let longer = format!("{line} x");
        let longer = WaitingLine::begin(longer.strip_prefix("Waiting ").unwrap()).unwrap();
        prop_assert_eq!(longer.read(drop), None);
    }

    #[test]
    fn a_line_with_one_word_more_or_less_is_another_line_or_none(record in record()) {
        let line = record.to_string();
        prop_assert_ne!(parse(&format!("{line} x")), Some(record.clone()));
        prop_assert_ne!(parse(line.rsplit_once(' ').unwrap().0), Some(record));
    }
}
