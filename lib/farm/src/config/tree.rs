//! TOML text as a tree whose every value knows its place, and the merging of such trees.
//!
//! The form of TOML is the `toml` crate's business; here begins what is ours. Two files may add to the same table and
//! to the same list of tables (`[[channel.smtp.host]]`, in order of the files); the same key twice is a problem that
//! names both places.

use super::source::{Findings, Spot};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its place.
#[derive(Debug)]
pub(super) struct Value {
    /// Where it stands.
    pub(super) spot: Spot,
    /// What it is.
    pub(super) node: Node,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Node {
    /// A string.
    Text(String),
    /// A whole number; `None` if it is negative or has more than 64 bits.
    Integer(Option<u64>),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
    /// What no parameter wants: true, 1.5, a date.
    Other,
}

/// The keys of a table in alphabetical order, each with the place of its name.
pub(super) type Table = BTreeMap<String, Entry>;

/// One key of a table.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its name stands.
    pub(super) key: Spot,
    /// Its value.
    pub(super) value: Value,
}

/// The tree of source number `source`; what is not TOML is noted in `findings` and left out.
pub(super) fn grow(source: usize, findings: &mut Findings) -> Table {
    let Some(text) = findings.sources.get(source).map(|source| source.text.clone()) else {
        return Table::new();
    };
    let (root, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        let spot = Spot::new(source, &error.span().unwrap_or(0..0));
        findings.at(spot, error.message().replace('\n', ", "));
    }
    table(source, root.into_inner())
}

fn table(source: usize, table: DeTable<'_>) -> Table {
    let entry = |(key, item): (Spanned<_>, _)| {
        let spot = Spot::new(source, &key.span());
        (String::from(key.into_inner()), Entry { key: spot, value: value(source, item) })
    };
    table.into_iter().map(entry).collect()
}

fn value(source: usize, item: Spanned<DeValue<'_>>) -> Value {
    let spot = Spot::new(source, &item.span());
    let node = match item.into_inner() {
        DeValue::String(text) => Node::Text(text.into_owned()),
        DeValue::Integer(number) => Node::Integer(u64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Array(items) => Node::List(items.into_iter().map(|item| value(source, item)).collect()),
        DeValue::Table(inner) => Node::Table(table(source, inner)),
        DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => Node::Other,
    };
    Value { spot, node }
}

/// Adds the tree of a later file to `into`.
pub(super) fn merge(into: &mut Table, from: Table, findings: &mut Findings) {
    for (name, entry) in from {
        let Some(present) = into.get_mut(&name) else {
            into.insert(name, entry);
            continue;
        };
        match (&mut present.value.node, entry.value.node) {
            (Node::Table(here), Node::Table(there)) => merge(here, there, findings),
            (Node::List(here), Node::List(there)) if all_tables(here) && all_tables(&there) => {
                here.extend(there)
            }
            _ => {
                let first = findings.place(present.key);
                findings.at(entry.key, format!("\"{name}\" is already set in {first}; keep one of them"));
            }
        }
    }
}

fn all_tables(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|value| matches!(value.node, Node::Table(_)))
}
