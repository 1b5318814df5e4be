use super::*;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

fn mx(preference: u16, name: &str) -> Mx {
    Mx { preference, name: name.into() }
}

fn planned(records: Vec<Mx>, own: &[&str], seed: u64) -> Plan {
    let own: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
    plan("example.test", Ok(records), &own, &mut Chance::new(seed))
}

fn names(plan: Plan) -> Vec<String> {
    match plan {
        Plan::Ask(hosts) => hosts.into_iter().map(|mx| mx.name).collect(),
        Plan::Settled(resolved) => panic!("settled: {resolved:?}"),
    }
}

fn known() -> Addresses {
    Addresses::Known(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
}

fn unknown() -> Addresses {
    Addresses::Unknown { why: "silence".into() }
}

fn none() -> Addresses {
    Addresses::None { why: "b has no address".into() }
}

fn settled(hosts: Vec<(Mx, Addresses)>) -> Resolved {
    settle("example.test", hosts, &mut Chance::new(1))
}

#[test]
fn a_lower_preference_stands_first() {
    assert_eq!(names(planned(vec![mx(20, "b"), mx(10, "a"), mx(30, "c")], &[], 1)), ["a", "b", "c"]);
}

#[test]
fn equals_change_places_by_chance() {
    let firsts: std::collections::BTreeSet<_> =
        (0..50).map(|seed| names(planned(vec![mx(5, "a"), mx(5, "b"), mx(9, "c")], &[], seed))).collect();
    assert_eq!(firsts.len(), 2);
    assert!(firsts.iter().all(|list| list.last().unwrap() == "c"));
}

#[test]
fn one_record_for_the_root_is_a_null_mx() {
    assert_eq!(planned(vec![mx(0, "")], &[], 1), Plan::Settled(Resolved::NullMx));
    assert_eq!(planned(vec![mx(10, "")], &[], 1), Plan::Settled(Resolved::NullMx));
}

#[test]
fn the_root_among_others_is_passed_over() {
    assert_eq!(names(planned(vec![mx(0, ""), mx(10, "a")], &[], 1)), ["a"]);
}

#[test]
fn without_mx_the_domain_is_its_own_exchanger() {
    let plan = plan("example.test", Err(Negative::NoData), &[], &mut Chance::new(1));
    assert_eq!(plan, Plan::Ask(vec![mx(0, "example.test")]));
}

#[test]
fn a_domain_that_does_not_exist_has_no_implicit_exchanger() {
    let plan = plan("example.test", Err(Negative::NoName), &[], &mut Chance::new(1));
    assert!(matches!(plan, Plan::Settled(Resolved::NotFound { why }) if why.contains("does not exist")));
}

#[test]
fn no_answer_about_mx_is_never_taken_for_no_mx() {
    let unknown = Negative::Unknown { why: "SERVFAIL".into() };
    let plan = plan("example.test", Err(unknown), &[], &mut Chance::new(1));
    assert_eq!(plan, Plan::Settled(Resolved::Temporary { why: "SERVFAIL".into() }));
}

#[test]
fn this_host_and_its_equals_and_worse_are_dropped() {
    let records = vec![mx(10, "best"), mx(20, "me"), mx(20, "equal"), mx(30, "worse")];
    assert_eq!(names(planned(records, &["me"], 1)), ["best"]);
}

#[test]
fn being_the_best_exchanger_oneself_is_a_loop() {
    let plan = planned(vec![mx(10, "me"), mx(20, "other")], &["me"], 1);
    assert!(
        matches!(plan, Plan::Settled(Resolved::NotFound { why }) if why.contains("loops back to myself"))
    );
}

#[test]
fn an_implicit_exchanger_that_is_this_host_is_a_loop() {
    let plan = planned(vec![], &["example.test"], 1);
    assert!(matches!(plan, Plan::Settled(Resolved::NotFound { why }) if why.contains("loops back")));
}

#[test]
fn a_name_listed_twice_is_tried_once_at_its_best() {
    assert_eq!(planned(vec![mx(20, "a"), mx(10, "a")], &[], 1), Plan::Ask(vec![mx(10, "a")]));
}

#[test]
fn a_host_without_address_is_left_out_and_one_in_doubt_stays_empty() {
    let hosts = vec![(mx(1, "a"), unknown()), (mx(2, "b"), none()), (mx(3, "c"), known())];
    let Resolved::Found(list) = settled(hosts) else { panic!("not found") };
    let list: Vec<_> = list.iter().map(|e| (e.name.as_str(), e.addresses.len())).collect();
    assert_eq!(list, [("a", 0), ("c", 1)]);
}

#[test]
fn a_doubt_about_one_host_defers_when_no_other_is_reachable() {
    let hosts = vec![(mx(1, "a"), none()), (mx(2, "b"), unknown())];
    assert_eq!(settled(hosts), Resolved::Temporary { why: "silence".into() });
}

#[test]
fn hosts_that_all_lack_addresses_are_not_found() {
    assert_eq!(settled(vec![(mx(1, "b"), none())]), Resolved::NotFound { why: "b has no address".into() });
}

fn records() -> impl Strategy<Value = Vec<Mx>> {
    proptest::collection::vec((0_u16..6, "[a-f]{0,1}").prop_map(|(p, n)| mx(p, &n)), 0..40)
}

proptest! {
    #[test]
    fn the_list_is_never_empty_ordered_and_without_this_host(list in records(), seed: u64) {
        let limit = list.iter().filter(|mx| mx.name == "a").map(|mx| mx.preference).min();
        if let Plan::Ask(hosts) = planned(list, &["a"], seed) {
            prop_assert!(!hosts.is_empty());
            prop_assert!(hosts.len() <= MOST_HOSTS);
            prop_assert!(hosts.is_sorted_by_key(|mx| mx.preference));
            prop_assert!(hosts.iter().all(|mx| limit.is_none_or(|limit| mx.preference < limit)));
            prop_assert!(hosts.iter().all(|mx| !mx.name.is_empty()));
        }
    }
}
