//! The users of the system, behind a seam for tests.

use super::Lookup;

/// Who has a mailbox here.
pub trait Users {
    /// The name of the user that `name` means, as the system spells it.
    fn lookup(&self, name: &str) -> Lookup<String>;
}

/// The accounts of the system: the name as written, then in lower case.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemUsers;

impl Users for SystemUsers {
    fn lookup(&self, name: &str) -> Lookup<String> {
        let lower = name.to_ascii_lowercase();
        account(name).or_else(|| if lower == name { Lookup::NotFound } else { account(&lower) })
    }
}

fn account(name: &str) -> Lookup<String> {
    match sys::user::lookup_user(name) {
        Ok(Some(account)) => Lookup::Found(account.name),
        Ok(None) => Lookup::NotFound,
        Err(error) => Lookup::Temporary(format!("users: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        assert_eq!(SystemUsers.lookup("root"), Lookup::Found("root".to_owned()));
        assert_eq!(SystemUsers.lookup("Root"), Lookup::Found("root".to_owned()));
        assert_eq!(SystemUsers.lookup("no such user"), Lookup::NotFound);
    }
}
