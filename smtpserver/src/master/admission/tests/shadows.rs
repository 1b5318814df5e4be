//! Rules that only warn: they stand in nobody's way. And what must not count twice.

use super::*;

#[test]
fn a_rule_that_only_warns_lets_in_and_says_what_it_would_have_done() {
    let mut admission = admission(|s| s.config.warn = vec![Rule::SessionsPerClient]);
    for session in 1..=4 {
        assert_eq!(meet(&mut admission, session, "192.0.2.1", NOW), Met::Pass(None));
    }
    let told = actions(&mut admission);
    assert!(
        matches!(&told[..], [Action::Warn { reason, .. }] if reason.value == "4" && reason.warn),
        "{told:?}"
    );
}

#[test]
fn a_line_of_the_table_that_only_warns_leaves_the_word_to_the_next_one() {
    let mut admission = admission(|_| {});
    set_table(
        &mut admission,
        "192.0.2.0/24 reject\n192.0.2.1 warn-accept\n198.51.100.0/24 accept\n198.51.100.1 warn-reject\n",
    );
    let Met::Refuse(refusal) = meet(&mut admission, 1, "192.0.2.1", NOW) else { panic!("is let in") };
    assert_eq!(refusal.limit, "line 1");
    assert_eq!(meet(&mut admission, 2, "198.51.100.1", NOW), Met::Pass(None));
    let said = actions(&mut admission);
    assert!(matches!(&said[..], [Action::Warn { reason, .. }] if reason.limit == "line 4"), "{said:?}");
    set_table(&mut admission, "192.0.2.1 warn-reject\n.dyn.test reject\nmail.dyn.test warn-accept\n");
    for (session, name) in [(3, "p1.dyn.test"), (4, "mail.dyn.test")] {
        let now = NOW + session * 61_000;
        assert_eq!(meet(&mut admission, session, "192.0.2.1", now), Met::Hold, "{name}");
        admission.answered(&Ask::Name(ip("192.0.2.1")), named(Some(name)), now);
        let told = actions(&mut admission);
        assert_eq!(refusal_of(told).limit, "line 2", "{name}");
        admission.leave(Some(ip("192.0.2.1")));
    }
}

fn refusal_of(mut actions: Vec<Action>) -> Refusal {
    refusal(actions.pop())
}

#[test]
fn a_list_that_is_named_twice_counts_once_when_its_answer_is_known_already() {
    let mut admission = admission(with_lists(&["a.test=127.0.0.2*1", "b.test*1", "a.test=127.0.0.3*1"]));
    assert_eq!(meet(&mut admission, 1, "192.0.2.1", NOW), Met::Hold);
    assert_eq!(asks(&mut admission).len(), 2);
    admission.answered(&list("a.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW);
    admission.answered(&list("b.test", "192.0.2.1"), listed(&["127.0.0.2"]), NOW);
    assert_eq!(actions(&mut admission), [Action::Pass { session: 1, name: None }]);
    assert_eq!(meet(&mut admission, 2, "192.0.2.1", NOW + 1), Met::Pass(None), "two points, as before");
}
