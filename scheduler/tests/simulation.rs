//! A week of mail against the queue core, with a virtual clock: dead and slow hosts, greylisting, agents that die, poison,
//! clocks that jump, restarts. Nothing is lost, nothing is in flight twice, order is kept, nobody starves.
//!
//! The seed is in the message of every failed assertion; the same seed gives the same week.

#[cfg(test)]
mod simulation {
    mod fairness;
    mod hosts;
    mod ledger;
    mod random;
    mod week;
    mod world;
}
