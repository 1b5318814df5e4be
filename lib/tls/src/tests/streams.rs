//! Octets both ways, in any pieces.

use super::world::{Kind, carry, client, connect, material, pair, read_all, server};

#[test]
fn a_handshake_and_a_stream_survive_any_cut_of_the_octets() {
    let context = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let words: Vec<u8> = (0..40_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    for step in [1, 2, 7, 1000, 16_384, usize::MAX] {
        let (mut one, mut other) =
            (client().session("mail.example.org").unwrap(), context.session().unwrap());
        carry(&mut one, &mut other, step).unwrap();
        assert_eq!(one.write(&words), words.len());
        carry(&mut one, &mut other, step).unwrap();
        assert_eq!(read_all(&mut other), words, "in pieces of {step}");
        assert!(!other.has_more());
    }
}

#[test]
fn what_comes_behind_the_handshake_is_not_forgotten() {
    let context = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let (mut one, mut other) = (client().session("mail.example.org").unwrap(), context.session().unwrap());
    let mut wire = Vec::new();
    one.send(&mut wire).unwrap();
    other.receive(&wire);
    other.read(&mut []).unwrap();
    let mut wire = Vec::new();
    other.send(&mut wire).unwrap();
    one.receive(&wire);
    one.read(&mut []).unwrap();
    one.write(b"EHLO client.example\r\n");
    let mut wire = Vec::new();
    one.send(&mut wire).unwrap();
    other.receive(&wire);
    assert_eq!(other.read(&mut []).unwrap(), 0);
    assert!(!other.is_handshaking() && other.has_more());
    assert_eq!(read_all(&mut other), b"EHLO client.example\r\n");
    assert!(!other.has_more());
}

#[test]
fn what_is_written_without_being_sent_is_bounded() {
    let context = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let (mut one, _) = connect(&client(), &context, "mail.example.org");
    let much = vec![b'x'; 1 << 20];
    let taken = one.write(&much);
    assert!(taken > 0 && taken <= 1 << 16, "{taken}");
    assert_eq!(one.write(&much), 0);
    assert!(one.wants_to_send());
}

#[test]
fn the_end_is_told_and_what_follows_it_is_not_read() {
    let context = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let (mut one, mut other) = connect(&client(), &context, "mail.example.org");
    one.write(b"last words");
    one.close();
    carry(&mut one, &mut other, usize::MAX).unwrap();
    other.receive(b"and something that is no TLS");
    assert_eq!(read_all(&mut other), b"last words");
    assert!(other.peer_has_closed());
    let mut room = [0; 10];
    assert_eq!(other.read(&mut room).unwrap(), 0);
}

#[test]
fn a_record_that_was_touched_breaks_the_session() {
    let context = server(&material(vec![pair(Kind::P256, &["mail.example.org"])]));
    let (mut one, mut other) = connect(&client(), &context, "mail.example.org");
    let mut wire = Vec::new();
    one.write(b"MAIL FROM:<a@example.org>\r\n");
    one.send(&mut wire).unwrap();
    *wire.last_mut().unwrap() ^= 1;
    other.receive(&wire);
    assert!(other.read(&mut [0; 100]).is_err());
}
