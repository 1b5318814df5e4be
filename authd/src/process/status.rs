//! The line for `grange status`.

use crate::office::Office;
use ipc::Role;
use ipc::control::FarmLine;

pub(super) fn line(office: &Office, callers: usize) -> FarmLine {
    let tally = office.tally();
    let [exchanges, passwords, counted] = office.gauges();
    let number = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
    let large = |n: u64| number(usize::try_from(n).unwrap_or(usize::MAX));
    let gauges = [
        ("succeeded", large(tally.succeeded)),
        ("failed", large(tally.failed)),
        ("temporary", large(tally.temporary)),
        ("limited", large(tally.limited)),
        ("exchanges", number(exchanges)),
        ("passwords", number(passwords)),
        ("counted-accounts", number(counted)),
        ("callers", number(callers)),
    ];
    FarmLine {
        role: Role::Authd.to_string(),
        busy: Some(u32::from(exchanges > 0)),
        now: format!(
            "{} succeeded, {} failed, {} told to wait, {exchanges} under way",
            tally.succeeded,
            tally.failed,
            tally.temporary + tally.limited
        ),
        gauges: gauges.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..FarmLine::default()
    }
}
