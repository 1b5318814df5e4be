//! The reception: from an accepted connection of the network to a client that is let in, held or turned away.
//!
//! Who may come in is decided in [`super::admission`]; here its decisions are carried out. No octet of a client is read:
//! what came is only looked at (`MSG_PEEK`). A balancer is no client: its header is read, and nothing behind it.

use super::admission::{Action, Met, Refusal, Scrutiny, Who};
use super::custody::client_of;
use super::held::{Held, Stage};
use super::run::Master;
use farm::journal::{ProgramEvent, TurnedAway};
use farm::resolver::Answer;
use ipc::resolve::Ask;
use ipc::smtp_worker::{Connection, Entrance, Peer, Reason, ToWorker, Verdict};
use ipc::supervisor::ChildNumber;
use proto::proxy::{self, Found};
use proto::server::Service;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};

/// How long a balancer may take for its header, in milliseconds.
const HEADER: u64 = 3_000;

/// How long a connection stays open after a refusal, so that a client that talks meanwhile still gets to read it.
const LINGER: u64 = 2_000;

/// How closely the clients of a listener are looked at.
fn scrutiny(entrance: Entrance) -> Scrutiny {
    if entrance.service == Service::Relay && !entrance.implicit_tls {
        Scrutiny::Full
    } else {
        Scrutiny::Basic
    }
}

/// What a balancer has sent so far.
enum Header {
    More,
    /// The header was read; the client that it names.
    Read(Option<SocketAddr>),
    /// It closed before it said anything: a check of health.
    Nothing,
    Broken(String),
}

/// Looks at what a balancer has sent, and reads the header when it is whole, and nothing else.
fn read_header(mut stream: &TcpStream) -> io::Result<Header> {
    let mut octets = [0; proxy::LONGEST];
    let length = stream.peek(&mut octets)?;
    if length == 0 {
        return Ok(Header::Nothing);
    }
    match proxy::parse(octets.get(..length).unwrap_or_default()) {
        Ok(Found::More) => Ok(Header::More),
        Ok(Found::Header(header)) => {
            stream.read_exact(octets.get_mut(..header.length).unwrap_or_default())?;
            Ok(Header::Read(header.client))
        }
        Err(error) => Ok(Header::Broken(error.to_string())),
    }
}

impl Master {
    /// A connection of the network was accepted, and has entered.
    pub(super) fn receive(&mut self, connection: Connection, stream: TcpStream) {
        let peer = client_of(&connection.peer);
        if peer.is_some_and(|peer| self.admission.settings().is_balancer(peer)) {
            let by = self.event_loop.now().mono + HEADER;
            let held = Held { connection, stream, stage: Stage::Header };
            return self.hold(held, None, Some(by));
        }
        self.meet(connection, stream);
    }

    /// The client of a connection is known.
    fn meet(&mut self, connection: Connection, stream: TcpStream) {
        let Some(client) = client_of(&connection.peer) else { return };
        let (session, now) = (connection.session, self.event_loop.now().mono);
        match self.admission.meet(session, client, scrutiny(connection.entrance), now) {
            Met::Pass(name) => self.pass(Connection { name, ..connection }, stream.into()),
            Met::Hold => {
                let held = Held { connection, stream, stage: Stage::Examined };
                self.hold(held, Some(client), None);
            }
            Met::Refuse(refusal) => {
                self.admission.leave(Some(client));
                self.turn_away(connection, stream, &refusal);
            }
        }
    }

    /// Holds a connection that is counted for `client`, or for nobody as yet.
    fn hold(&mut self, held: Held, client: Option<IpAddr>, by: Option<u64>) {
        let session = held.connection.session;
        if let Err(error) = self.held.hold(&self.event_loop, held, by) {
            self.admission.gone(session);
            self.admission.leave(client);
            self.pause(&error.to_string());
        }
    }

    /// Something happened to a connection that is held.
    pub(super) fn hear_held(&mut self, token: usize, ended: bool) {
        let place = self.held.place(token);
        match self.held.get(place).map(|held| held.stage) {
            Some(Stage::Header) => self.hear_balancer(place, ended),
            Some(Stage::Examined) => self.hear_client(place),
            Some(Stage::Lingering) if ended => drop(self.held.take(&self.event_loop, place)),
            Some(Stage::Lingering) | None => {}
        }
    }

    fn hear_balancer(&mut self, place: usize, ended: bool) {
        let Some(held) = self.held.get(place) else { return };
        let header = match read_header(&held.stream) {
            Ok(Header::More) if ended => Header::Broken("the header is cut off".to_owned()),
            Ok(header) => header,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Header::More,
            Err(error) => Header::Broken(error.to_string()),
        };
        if matches!(header, Header::More) {
            return;
        }
        let Some(Held { mut connection, stream, .. }) = self.held.take(&self.event_loop, place) else {
            return;
        };
        match header {
            Header::Read(client) => {
                if let Some(client) = client {
                    connection.peer =
                        Peer::Network(SocketAddr::new(client.ip().to_canonical(), client.port()));
                }
                self.meet(connection, stream);
            }
            Header::Broken(why) => self.distrust(&connection, &why),
            Header::Nothing | Header::More => self.admission.leave(None),
        }
    }

    /// A balancer did not name its client: nobody knows whom we would talk to.
    fn distrust(&mut self, connection: &Connection, why: &str) {
        self.admission.leave(None);
        let (rule, value) = ("proxy".to_owned(), why.to_owned());
        let refusal = Refusal { rule, value, limit: String::new(), reply: String::new() };
        let balancer = client_of(&connection.peer).map(|balancer| balancer.to_string()).unwrap_or_default();
        self.note_turned_away(&balancer, connection, &refusal);
    }

    fn hear_client(&mut self, place: usize) {
        let Some(held) = self.held.get(place) else { return };
        let session = held.connection.session;
        match held.stream.peek(&mut [0]) {
            Ok(octets) if octets > 0 => self.admission.spoke(session, self.event_loop.now().mono),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _gone => {
                self.admission.gone(session);
                let held = self.held.take(&self.event_loop, place);
                self.admission.leave(held.and_then(|held| client_of(&held.connection.peer)));
            }
        }
    }

    /// Says no, and closes when the client has had time to read it.
    pub(super) fn turn_away(&mut self, connection: Connection, mut stream: TcpStream, refusal: &Refusal) {
        let client = client_of(&connection.peer).map(|client| client.to_string()).unwrap_or_default();
        self.note_turned_away(&client, &connection, refusal);
        if connection.entrance.implicit_tls {
            // It waits for a handshake; nothing in the clear would mean anything to it.
            return;
        }
        let said = stream
            .set_nonblocking(true)
            .and_then(|()| stream.write(&refusal.line()))
            .and_then(|_| stream.shutdown(Shutdown::Write));
        if said.is_ok() && self.held.may_linger() {
            let by = self.event_loop.now().mono + LINGER;
            let held = Held { connection, stream, stage: Stage::Lingering };
            let _closed_at_once = self.held.hold(&self.event_loop, held, Some(by));
        }
    }

    pub(super) fn note_turned_away(&mut self, client: &str, connection: &Connection, refusal: &Refusal) {
        self.turned_away += 1;
        let silent = connection.entrance.implicit_tls && !matches!(connection.peer, Peer::Local { .. });
        self.note(ProgramEvent::TurnedAway(TurnedAway {
            client,
            name: connection.name.as_deref().unwrap_or_default(),
            listener: &connection.listener,
            rule: &refusal.rule,
            value: &refusal.value,
            limit: &refusal.limit,
            reply: if silent { "" } else { &refusal.reply },
        }));
    }

    /// Does what is due, and what admission has decided.
    pub(super) fn tend_reception(&mut self) {
        let now = self.event_loop.now().mono;
        while let Some(held) = self.held.due(&self.event_loop, now) {
            if held.stage == Stage::Header {
                self.distrust(&held.connection, "no whole PROXY header in time");
            }
        }
        self.admission.tick(now);
        loop {
            while let Some(action) = self.admission.poll() {
                self.carry_out(action);
            }
            let late = self.resolver.tick(&self.event_loop, now);
            if late.is_empty() {
                break;
            }
            late.into_iter().for_each(|late| self.admission.answered(&late.ask, late.result, now));
        }
    }

    /// The resolver has answered.
    pub(super) fn hear_resolver(&mut self) {
        let now = self.event_loop.now().mono;
        for Answer { ask, result, .. } in self.resolver.receive(&self.event_loop, now) {
            self.admission.answered(&ask, result, now);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Ask(ask) => self.resolver.ask((), ask, self.event_loop.now().mono),
            Action::Pass { session, name } => {
                if let Some(held) = self.held.take_session(&self.event_loop, session) {
                    self.pass(Connection { name, ..held.connection }, held.stream.into());
                }
            }
            Action::Refuse { session, name, refusal } => {
                if let Some(held) = self.held.take_session(&self.event_loop, session) {
                    self.admission.leave(client_of(&held.connection.peer));
                    self.turn_away(Connection { name, ..held.connection }, held.stream, &refusal);
                }
            }
            Action::Warn { client, name, reason } => self.warn(client, name.as_deref(), &reason),
            Action::Unanswered { client, questions } => {
                let asked: Vec<&str> = questions.iter().map(name_of).collect();
                let (client, asked) = (client.to_string(), asked.join(" "));
                self.note(ProgramEvent::Unanswered { client: &client, asked: &asked });
            }
            Action::Consulted { child, consulted } => self.send(child, &ToWorker::Consulted(consulted)),
        }
    }

    fn warn(&mut self, client: IpAddr, name: Option<&str>, reason: &Reason) {
        let would = match &reason.verdict {
            Verdict::Refuse(reply) => reply.clone(),
            Verdict::Score(points) => format!("score {points}"),
            Verdict::Pass => String::new(),
        };
        let client = client.to_string();
        self.note(ProgramEvent::WouldTurnAway(TurnedAway {
            client: &client,
            name: name.unwrap_or_default(),
            listener: "",
            rule: &reason.rule,
            value: &reason.value,
            limit: &reason.limit,
            reply: &would,
        }));
    }

    /// A worker wants to know what would be done with a client.
    pub(super) fn consult(&mut self, child: ChildNumber, session: u64, client: IpAddr, listener: &str) {
        self.look_at_access();
        let entrance = self.doors.iter().find(|door| door.name == listener).map(|door| door.entrance);
        let who = Who::Worker { child, session };
        let now = self.event_loop.now().mono;
        self.admission.consult(who, client, scrutiny(entrance.unwrap_or_default()), now);
    }

    /// Closes whatever is held: a closed connection is what the client can retry.
    pub(super) fn dismiss_held(&mut self) {
        for held in self.held.take_all(&self.event_loop) {
            self.admission.gone(held.connection.session);
            match held.stage {
                Stage::Header => self.admission.leave(None),
                Stage::Examined => self.admission.leave(client_of(&held.connection.peer)),
                Stage::Lingering => {}
            }
        }
    }
}

fn name_of(ask: &Ask) -> &str {
    match ask {
        Ask::List { zone, .. } => zone,
        _ => "name",
    }
}
