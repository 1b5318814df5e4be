//! `address: account, account`: who may send from which address.
//!
//! Decides the form of a line and what an account may send from by it. The address may be `*@domain` or `*`, too.

use super::flat::logical_lines;
use super::users::is_sender;
use crate::config::Problem;
use proto::address::folded;
use std::collections::BTreeMap;
use std::path::Path;

/// The senders table.
#[derive(Debug, Clone, Default)]
pub struct Senders {
    /// Addresses by account, both in lower case.
    entries: BTreeMap<String, Vec<String>>,
}

impl Senders {
    /// The table that a file holds, and all that is wrong with it. A line with a mistake gives nobody anything.
    pub fn parse(octets: &[u8], file: &Path) -> (Self, Vec<Problem>) {
        let mut table = Self::default();
        let mut problems = Vec::new();
        for line in logical_lines(octets) {
            if let Err(wrong) = table.add(&line.text) {
                problems.push(Problem::of_line(file, line.number, wrong));
            }
        }
        (table, problems)
    }

    /// The addresses that this account, in any case, may send from.
    pub fn of(&self, account: &str) -> &[String] {
        self.entries.get(&folded(account)).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let (address, accounts) = line.split_once(':').ok_or("write address: account, account")?;
        let address = address.trim().to_ascii_lowercase();
        if !is_sender(&address) {
            return Err(format!("\"{address}\" is neither an address nor *@domain nor *"));
        }
        let accounts: Vec<&str> = accounts.split(',').map(str::trim).collect();
        if accounts.iter().any(|account| account.is_empty() || account.contains(char::is_whitespace)) {
            return Err(format!("the accounts of {address} are names with commas between them"));
        }
        for account in accounts {
            self.entries.entry(folded(account)).or_default().push(address.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_the_addresses_of_all_lines() {
        let text = "Sales@example.org: ann, Bob\n*@example.net: ann\n";
        let (senders, problems) = Senders::parse(text.as_bytes(), Path::new("senders"));
        assert_eq!(problems, []);
        assert_eq!(senders.of("ANN"), ["sales@example.org", "*@example.net"]);
        assert_eq!(senders.of("bob"), ["sales@example.org"]);
        assert_eq!(senders.of("eve"), [""; 0]);
    }

    #[test]
    fn a_line_that_cannot_be_understood_is_told_and_gives_nothing() {
        for text in [
            "sales@example.org\n",
            "a..b@example.org: ann\n",
            "sales: ann\n",
            "*@example.org: ann bob\n",
            "*: \n",
        ] {
            let (senders, problems) = Senders::parse(text.as_bytes(), Path::new("senders"));
            assert!(senders.entries.is_empty() && problems.len() == 1, "{text}");
        }
    }
}
