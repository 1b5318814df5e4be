//! Values that are texts with a syntax of their own: a rate, a list of the DNS.
//!
//! Decides how such a value is read and printed, one type per syntax; the rows of the registry then need no kind each.
//! Invariant: what is printed reads back as itself.

/// A value written as one text.
pub trait Syntax: Sized {
    /// The value that `text` says.
    ///
    /// # Errors
    /// What is wrong with it and what to write, as in `is not a rate; write "60/1m"`.
    fn parse(text: &str) -> Result<Self, String>;

    /// The text that says this value.
    fn print(&self) -> String;
}

/// One value with a syntax, whatever its type.
pub trait Written {
    /// Takes the value that `text` says.
    ///
    /// # Errors
    /// As [`Syntax::parse`]; the value stays.
    fn read(&mut self, text: &str) -> Result<(), String>;

    /// The text that says this value.
    fn text(&self) -> String;
}

impl<T: Syntax> Written for T {
    fn read(&mut self, text: &str) -> Result<(), String> {
        *self = T::parse(text)?;
        Ok(())
    }
    fn text(&self) -> String {
        self.print()
    }
}

/// A list of values with a syntax, whatever their type.
pub trait WrittenList {
    /// Takes the values that `texts` say.
    ///
    /// # Errors
    /// The place of the first text that is wrong, and as [`Syntax::parse`]; the values stay.
    fn read(&mut self, texts: &[String]) -> Result<(), (usize, String)>;

    /// The texts that say these values.
    fn texts(&self) -> Vec<String>;
}

impl<T: Syntax> WrittenList for Vec<T> {
    fn read(&mut self, texts: &[String]) -> Result<(), (usize, String)> {
        let read = |(at, text): (usize, &String)| T::parse(text).map_err(|wrong| (at, wrong));
        *self = texts.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(())
    }
    fn texts(&self) -> Vec<String> {
        self.iter().map(Syntax::print).collect()
    }
}
