//! A content that is not made of lines, in a file that is.
//!
//! A change of line ends would spoil binary parts, so these become base64 first; where that is not possible, because
//! somebody has signed them, the content keeps its line ends.

use super::content::{BLOCK, Lines, Loop, has_been_in};
use crate::agent::Body;
use proto::address::Mailbox;
use proto::message::convert::{Converter, Survey, Target};
use std::io::{self, Write};

/// As [`super::content::write`].
///
/// # Errors
/// The same.
pub(super) fn write(trace: &str, body: &Body, mailbox: &Mailbox, file: &mut impl Write) -> io::Result<()> {
    let mut survey = Survey::new(TARGET);
    let mut first = true;
    each_block(body, |block| {
        if std::mem::take(&mut first) && has_been_in(mailbox, block) {
            return Err(io::Error::other(Loop));
        }
        survey.push(block);
        Ok(())
    })?;
    let mut lines = Lines::default();
    let mut output = Vec::new();
    lines.push(trace.as_bytes(), &mut output);
    file.write_all(&output)?;
    let Ok(scheme) = survey.finish() else {
        return each_block(body, |block| file.write_all(block));
    };
    let mut converter = Converter::new(scheme, TARGET);
    let mut converted = Vec::new();
    let mut put = |converted: &mut Vec<u8>| {
        output.clear();
        lines.push(converted, &mut output);
        converted.clear();
        file.write_all(&output)
    };
    each_block(body, |block| {
        converter.push(block, &mut converted);
        put(&mut converted)
    })?;
    converter.finish(&mut converted);
    put(&mut converted)?;
    output.clear();
    lines.finish(&mut output);
    file.write_all(&output)
}

fn each_block(body: &Body, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut block = vec![0; BLOCK.min(usize::try_from(body.length()).unwrap_or(BLOCK))];
    let mut content = body.passage()?;
    loop {
        let octets = content.read(&mut block)?;
        if octets == 0 {
            return Ok(());
        }
        each(block.get(..octets).unwrap_or_default())?;
    }
}

/// What a mailbox takes: lines of any octets.
const TARGET: Target = Target { eight_bit: true, ascii_header: false };

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn written(content: &str) -> io::Result<String> {
        let mut source = tempfile::tempfile()?;
        source.write_all(content.as_bytes())?;
        let body = Body::new(Arc::new(source), 0, content.len() as u64);
        let mut file = Vec::new();
        write("X: y\r\n", &body, &"ann@example.org".parse().unwrap(), &mut file)?;
        Ok(String::from_utf8(file).unwrap())
    }

    const PART: &str = "Content-Type: image/x\r\n\r\na\r\n\0";

    #[test]
    fn binary_parts_become_base64() {
        let label = "MIME-Version: 1.0\nContent-Transfer-Encoding: base64";
        assert_eq!(written(PART).unwrap(), format!("X: y\nContent-Type: image/x\n{label}\n\nYQ0KAA==\n"));
    }

    #[test]
    fn what_is_signed_keeps_every_octet() {
        let signed = format!("DKIM-Signature: v=1\r\n{PART}");
        assert_eq!(written(&signed).unwrap(), format!("X: y\n{signed}"));
    }

    #[test]
    fn a_loop_is_seen_here_too() {
        assert!(written(&format!("Delivered-To: ann@example.org\r\n{PART}")).is_err());
    }
}
