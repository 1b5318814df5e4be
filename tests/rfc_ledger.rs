//! The ledger of what the RFCs demand: `tests/rfc/*.toml`, a file for each RFC, a row for each demand.
//!
//! ```toml
//! rfc = 3030
//! title = "Large and Binary MIME Messages"
//!
//! rules = [
//!   { at = "2", level = "must", rule = "DATA stays where BDAT is offered.", proof = "data_and_bdat_do_not_mix simple.smtp" },
//! ]
//! ```
//!
//! | key | holds |
//! |---|---|
//! | `at` | the section |
//! | `level` | `must` or `must not` (REQUIRED and SHALL are the same) |
//! | `rule` | what is demanded, in our words and put positively if that is shorter |
//! | `proof` | the names of tests, and of dialogues (`NAME.smtp`), that fail if it is not so |
//! | `not-ours` | instead of a proof: why it does not bind us |
//! | `deviates` | beside or instead of a proof: how far we do otherwise, and why |
//!
//! No row is without a proof or a reason, each proof exists, and each section is one of the RFC's order. The table is
//! printed by `make rfc`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const KEYS: [&str; 6] = ["at", "level", "rule", "proof", "not-ours", "deviates"];

struct Ledger {
    file: String,
    rfc: i64,
    title: String,
    rules: Vec<Table>,
}

fn ledgers() -> Vec<Ledger> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rfc");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| ledger(path)).collect()
}

fn ledger(path: &Path) -> Ledger {
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let table: Table =
        fs::read_to_string(path).unwrap().parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let rules =
        table["rules"].as_array().unwrap().iter().map(|row| row.as_table().unwrap().clone()).collect();
    Ledger {
        rfc: table["rfc"].as_integer().unwrap(),
        title: table["title"].as_str().unwrap().to_owned(),
        rules,
        file,
    }
}

fn text<'a>(rule: &'a Table, key: &str) -> Option<&'a str> {
    rule.get(key).map(|value: &Value| value.as_str().unwrap_or_else(|| panic!("{key} is no text in {rule}")))
}

/// Every test of the tree by its name, and every dialogue as `NAME.smtp`.
fn proofs() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && !path.is_symlink() {
                folders.push(path);
            } else if name.ends_with(".smtp") {
                found.insert(name);
            } else if name.ends_with(".rs") {
                found.extend(tests_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The names of the functions that follow `#[test]`.
fn tests_in(source: &str) -> impl Iterator<Item = String> {
    source.split("#[test]").skip(1).filter_map(|after| {
        let rest = after.split_once("fn ")?.1;
        Some(rest.split('(').next()?.trim().to_owned())
    })
}

fn sections(at: &str) -> Vec<u32> {
    at.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("{at} is no section"))).collect()
}

#[test]
fn every_demand_has_a_proof_or_a_reason() {
    let mut wrong = Vec::new();
    for Ledger { file, rules, .. } in ledgers() {
        for rule in rules {
            let name = format!("{file} {} {}", text(&rule, "at").unwrap(), text(&rule, "rule").unwrap());
            let mut complain = |what: &str| wrong.push(format!("{name}: {what}"));
            let [proof, not_ours, deviates] = ["proof", "not-ours", "deviates"].map(|key| text(&rule, key));
            if !matches!(text(&rule, "level"), Some("must" | "must not")) {
                complain("has no level");
            }
            if let Some(key) = rule.keys().find(|key| !KEYS.contains(&key.as_str())) {
                complain(&format!("{key} means nothing"));
            }
            match (proof, not_ours, deviates) {
                (None, None, None) => complain("is empty"),
                (Some(_), Some(_), _) | (_, Some(_), Some(_)) => complain("is not ours and yet ours"),
                _ => {}
            }
            for reason in not_ours.iter().chain(&deviates) {
                if reason.split_whitespace().count() < 3 {
                    complain("gives no reason");
                }
            }
            if proof.is_some_and(|proof| proof.trim().is_empty()) {
                complain("has an empty proof");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_proof_exists() {
    let proofs = proofs();
    let mut missing = Vec::new();
    for Ledger { file, rules, .. } in ledgers() {
        for rule in &rules {
            let named = text(rule, "proof").unwrap_or_default().split_whitespace();
            missing.extend(
                named
                    .filter(|name| !proofs.contains(*name))
                    .map(|name| format!("{file} {}: there is no {name}", text(rule, "at").unwrap())),
            );
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn rows_stand_in_the_order_of_their_sections() {
    for Ledger { file, rfc, rules, .. } in ledgers() {
        assert_eq!(file, format!("rfc{rfc}.toml"));
        let places: Vec<Vec<u32>> = rules.iter().map(|rule| sections(text(rule, "at").unwrap())).collect();
        assert!(places.is_sorted(), "{file} is not in order");
    }
}

#[test]
fn the_table_is_printed() {
    println!("{:<8} {:<48} {:>6} {:>7} {:>9} {:>9}", "RFC", "", "musts", "proved", "deviates", "not ours");
    let mut sums = [0; 4];
    for Ledger { rfc, title, rules, .. } in ledgers() {
        let count = |key: &str| rules.iter().filter(|rule| rule.contains_key(key)).count();
        let row = [rules.len(), count("proof"), count("deviates"), count("not-ours")];
        let [musts, proved, deviates, not_ours] = row;
        println!("{rfc:<8} {title:<48} {musts:>6} {proved:>7} {deviates:>9} {not_ours:>9}");
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let [musts, proved, deviates, not_ours] = sums;
    println!("{:<8} {:<48} {musts:>6} {proved:>7} {deviates:>9} {not_ours:>9}", "", "");
    assert!(musts > 200, "the ledger has lost most of its rows");
}

#[test]
fn a_test_is_found_by_its_name() {
    let source =
        "#[test]\n#[should_panic]\nfn one() {}\nfn helper() {}\n    #[test]\n    fn two(a in 0..1) {}\n";
    assert_eq!(tests_in(source).collect::<Vec<_>>(), ["one", "two"]);
    assert!(proofs().contains("simple.smtp") && !proofs().contains("helper"));
}
