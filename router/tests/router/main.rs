//! The router's processes under a supervisor of the test's own.

#[cfg(test)]
mod expanding;
#[cfg(test)]
mod office;
#[cfg(test)]
mod questions;
