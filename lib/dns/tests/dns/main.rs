//! The resolver and its program against a name server that answers from a table.

#[cfg(test)]
mod process;
#[cfg(test)]
mod resolver;
#[cfg(test)]
mod support;
