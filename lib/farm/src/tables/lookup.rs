//! The answer of a table.

/// What a table says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It is certainly not there.
    NotFound,
    /// The table cannot be asked now; why, for the operator.
    Temporary(String),
    /// The table is there and makes no sense; why, for the operator.
    Broken(String),
}

impl<T> Lookup<T> {
    /// The same answer about something made of what was found.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(found) => Lookup::Found(change(found)),
            Self::NotFound => Lookup::NotFound,
            Self::Temporary(why) => Lookup::Temporary(why),
            Self::Broken(why) => Lookup::Broken(why),
        }
    }

    /// This answer, unless it is "not found": then that of `next`.
    pub fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::NotFound => next(),
            Self::Found(_) | Self::Temporary(_) | Self::Broken(_) => self,
        }
    }
}
