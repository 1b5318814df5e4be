//! From what the supervisor gave to a running agent.

use super::{Agent, Dial, Parts, Settings, Transport};
use farm::config;
use farm::exit::Fatal;
use farm::skeleton::{Child, Gifts};
use ipc::Role;
use ipc::contact::Contact;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The rendezvous points that this process may call.
#[derive(Debug)]
pub struct Callers {
    gifts: Gifts,
    role: Role,
    number: u32,
}

impl Callers {
    /// A way to make channels to a contact, as often as it restarts.
    ///
    /// # Errors
    /// This role may not call it.
    pub fn dial<Out, In>(&mut self, contact: Contact) -> Result<Dial<Out, In>, Fatal>
    where
        Out: Serialize,
        In: DeserializeOwned,
    {
        let rendezvous = self.gifts.caller(contact)?;
        let (role, number) = (self.role, self.number);
        Ok(Box::new(move || rendezvous.call(role, number)))
    }
}

/// The body of every agent's program; `build` makes the transport.
///
/// # Errors
/// The supervisor gave less than is needed, or the system refused.
pub fn run<T: Transport>(
    child: Child<Option<config::Channel>>,
    build: impl FnOnce(&Settings, &mut Callers) -> Result<T, Fatal>,
) -> Result<(), Fatal> {
    let Child { role, number, common, section, mut gifts, supervisor, journal, event_loop } = child;
    let settings = Settings::new(common, section)?;
    let scheduler = gifts.owner()?;
    let mut callers = Callers { gifts, role, number };
    let dial = callers.dial(Contact::Scheduler)?;
    let transport = build(&settings, &mut callers)?;
    let role = role.to_string();
    Agent::new(Parts { role, transport, supervisor, scheduler, dial, event_loop, journal })?.serve()
}
