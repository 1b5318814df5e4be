//! Fault switches: named points that can be told to fail a number of times. Set only through the control socket, by
//! root (or the user that Grange runs as), for tests and rehearsals.

use std::collections::HashMap;

/// The switches of one process.
#[derive(Debug, Default)]
pub struct Faults {
    armed: HashMap<String, u32>,
}

impl Faults {
    /// Lets the point strike `times` times; 0 disarms it.
    pub fn arm(&mut self, point: &str, times: u32) {
        if times == 0 {
            self.armed.remove(point);
        } else {
            self.armed.insert(point.to_owned(), times);
        }
    }

    /// Asks at the point itself: shall it fail this time?
    pub fn strikes(&mut self, point: &str) -> bool {
        if self.armed.is_empty() {
            return false;
        }
        let Some(times) = self.armed.get_mut(point) else { return false };
        *times -= 1;
        if *times == 0 {
            self.armed.remove(point);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_strikes_as_often_as_it_was_told() {
        let mut faults = Faults::default();
        assert!(!faults.strikes("flush"));
        faults.arm("flush", 2);
        assert!(faults.strikes("flush") && faults.strikes("flush"));
        assert!(!faults.strikes("flush"));
        faults.arm("flush", 1);
        faults.arm("flush", 0);
        assert!(!faults.strikes("flush"));
    }
}
