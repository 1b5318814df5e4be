//! `grange queue cat ID`: the content of one message, read straight from the spool.

use crate::cli::ask::ask_all;
use crate::cli::instance::Instance;
use farm::exit::{Exit, Fatal};
use ipc::control::{QueueContent, Request};
use proto::place::Place;
use spool::{Body, Disk, Segments, Spool, SpoolError, Tuning};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Octets read at once.
const CHUNK: usize = 64 << 10;

/// Asks where the content lies, and writes it to standard output as it is: with CRLF at the end of each line.
///
/// # Errors
/// Grange does not run (69), there is no such message (66), that is no id (65), or the spool cannot be read (74).
pub(crate) fn cat(instance: &Instance, id: String) -> Result<(), Fatal> {
    let absent = format!("{id}: no such message in the queue");
    let (found, _) = ask_all::<QueueContent>(instance, &Request::QueueCat { id })?;
    let Some(content) = found.first() else { return Err(Fatal::new(Exit::NoInput, absent)) };
    let directory = &instance.spool();
    let body =
        body(directory, content.place).map_err(Fatal::doing(Exit::Io, directory.display().to_string()))?;
    match copy(&body, &mut io::stdout().lock()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Fatal::doing(Exit::Io, "cannot copy the content")),
    }
}

/// Whoever only reads holds no lock and no lease.
fn body(directory: &Path, place: Place) -> Result<Body, SpoolError> {
    Segments::open(Arc::new(Disk::new(directory)), Tuning::default())?.open(place)
}

fn copy(body: &Body, output: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let count = body.read_at(&mut buffer, offset)?;
        if count == 0 {
            return output.flush();
        }
        output.write_all(buffer.get(..count).unwrap_or_default())?;
        offset += u64::try_from(count).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::address::ReversePath;
    use proto::envelope::{Envelope, Origin};
    use proto::message::shape_of;

    #[test]
    fn what_was_committed_is_printed_while_its_writer_lives() {
        let scratch = tempfile::tempdir().unwrap();
        spool::prepare(&Disk::new(scratch.path())).unwrap();
        let tuning = Tuning { reserve: 0, ..Tuning::default() };
        let mut writer = Segments::open(Arc::new(Disk::new(scratch.path())), tuning).unwrap();
        let content = "A: b\r\n\r\n".to_owned() + &"line\r\n".repeat(20_000);
        let mut draft = writer.create(5).unwrap();
        draft.append(content.as_bytes()).unwrap();
        let envelope = Envelope {
            from: ReversePath::Null,
            recipients: Vec::new(),
            received: 5,
            origin: Origin::default(),
            shape: shape_of(content.as_bytes()),
            terms: proto::terms::Terms::default(),
        };
        writer.commit(draft, &envelope, 5).unwrap();
        writer.close_batch(5);
        let completion = writer.completions().remove(0);
        let place = completion.outcomes[0].1.clone().unwrap().place;
        let mut printed = Vec::new();
        copy(&body(scratch.path(), place).unwrap(), &mut printed).unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), content);
    }
}
