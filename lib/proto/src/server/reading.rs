//! What a session does with the octets of a client, in each state that takes any.

use super::chunking::Progress;
use super::receiving::Received;
use super::states::{Effect, Scene, State};
use super::{Action, Close, Session, authenticating, replies};
use crate::command::Command;
use crate::framing::{Line, LineError};
use crate::reply::{Cause, Reply};

impl Session {
    pub(super) fn read_command<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        let (consumed, line) = self.lines.advance(input);
        let action = match line {
            Line::Need => Some(Action::NeedInput),
            Line::Refused(LineError::Handshake) => {
                Some(self.close(Close::TlsInClear, replies::unasked_tls()))
            }
            Line::Refused(error) => self.effect(Effect::Bad(replies::bad_line(error))),
            Line::Whole(line) => match Command::parse(line) {
                Ok(command) => self.carry_out(command),
                Err(error) if is_chunk(line) => {
                    self.bad_commands += 1;
                    Some(self.close(Close::BadCommands, replies::endless_chunk(&error)))
                }
                Err(error) => {
                    let reply = error.reply();
                    let cause = Cause::met("syntax", error.to_string());
                    self.effect(Effect::Bad(if reply.cause.is_none() { reply.because(cause) } else { reply }))
                }
            },
        };
        (consumed, action)
    }

    fn carry_out(&mut self, command: Command) -> Option<Action<'static>> {
        let number = self.asked.wrapping_add(1);
        let state = std::mem::take(&mut self.state);
        let (state, effect) = state.command(command, &Scene { number, ..self.scene() });
        self.move_to(state);
        if matches!(effect, Effect::Ask(_) | Effect::Do(Action::Verify { .. })) {
            self.asked = number;
        }
        self.effect(effect)
    }

    /// A line of an exchange of AUTH.
    pub(super) fn read_response<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        let (consumed, line) = self.lines.advance(input);
        if line == Line::Need {
            return (consumed, Some(Action::NeedInput));
        }
        self.lines.set_limit(self.config.limits().command_line);
        let State::Authenticating(state) = std::mem::take(&mut self.state) else {
            return (consumed, None);
        };
        let (state, effect) = match line {
            Line::Whole(line) => authenticating::response(state, line),
            Line::Refused(error) => (State::Identified(state), Effect::Cancel(refused_response(error))),
            Line::Need => (State::Authenticating(state), Effect::Go),
        };
        self.move_to(state);
        (consumed, self.effect(effect))
    }

    pub(super) fn receive<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        let State::Receiving(receiving) = &mut self.state else { return (0, None) };
        let (consumed, received) = receiving.advance(input, self.config.limits().message_size);
        if consumed > 0 {
            self.rest();
        }
        let action = match received {
            Received::Need => Some(Action::NeedInput),
            Received::Body(content) => Some(Action::Body(content)),
            Received::Abort => Some(Action::AbortBody),
            Received::End => self.change(|state, scene| match state {
                State::Receiving(receiving) => receiving.end(scene),
                state => (state, Effect::Go),
            }),
        };
        (consumed, action)
    }

    pub(super) fn take_chunk<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        let State::Chunking(chunking) = &mut self.state else { return (0, None) };
        let (consumed, progress) = chunking.advance(input, self.config.limits().message_size);
        if consumed > 0 {
            self.rest();
        }
        let action = match progress {
            Progress::Need => Some(Action::NeedInput),
            Progress::Body(content) => Some(Action::Body(content)),
            Progress::Abort => Some(Action::AbortBody),
            Progress::Whole => self.change(|state, scene| match state {
                State::Chunking(chunking) => chunking.whole(scene),
                state => (state, Effect::Go),
            }),
        };
        (consumed, action)
    }

    pub(super) fn swallow<'a>(&mut self, input: &'a [u8]) -> (usize, Option<Action<'a>>) {
        let State::Swallowing(swallowing) = &mut self.state else { return (0, None) };
        let (consumed, whole) = swallowing.advance(input);
        if consumed > 0 {
            self.rest();
        }
        if !whole {
            return (consumed, Some(Action::NeedInput));
        }
        let action = self.change(|state, _| match state {
            State::Swallowing(swallowing) => {
                let (state, reply) = swallowing.end();
                (state, Effect::Bad(reply))
            }
            state => (state, Effect::Go),
        });
        (consumed, action)
    }
}

/// Whether octets follow the line that are no commands.
fn is_chunk(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"))
}

fn refused_response(error: LineError) -> Reply {
    match error {
        LineError::TooLong { limit } => replies::auth_line_too_long(limit),
        _ => replies::bad_line(error),
    }
}
