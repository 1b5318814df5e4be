//! The way to the scheduler, and to the next one.

use farm::channel::{Batch, Channel, ChannelError};
use farm::event_loop::EventLoop;
use ipc::agent::{FromAgent, ToAgent};

/// The channel of an agent to its scheduler.
pub type SchedulerChannel = Channel<FromAgent, ToAgent>;

/// Makes a channel to the contact that runs now, or will run next.
pub type Dial<Out, In> = Box<dyn Fn() -> Result<Channel<Out, In>, ChannelError>>;

/// Pause between two calls that do not go out, in milliseconds.
const PAUSE: u64 = 100;

/// The channel while there is one, and when to call again while there is none.
pub(super) struct Link {
    channel: Option<SchedulerChannel>,
    dial: Dial<FromAgent, ToAgent>,
    call_at: u64,
    token: usize,
}

impl Link {
    /// Starts with the channel that the scheduler gave.
    pub(super) fn new(channel: SchedulerChannel, dial: Dial<FromAgent, ToAgent>, token: usize) -> Self {
        Self { channel: Some(channel), dial, call_at: 0, token }
    }

    pub(super) fn is_up(&self) -> bool {
        self.channel.is_some()
    }

    /// Reads what came; `None` without a channel.
    pub(super) fn receive(&mut self) -> Option<Result<Batch<ToAgent>, ChannelError>> {
        self.channel.as_mut().map(Channel::receive)
    }

    /// Collects a message. What is wrong with the channel shows when it is flushed.
    pub(super) fn send(&mut self, message: &FromAgent) {
        if let Some(channel) = &mut self.channel
            && let Err(error) = channel.send(message)
        {
            log::error!("a report cannot be sent: {error}");
        }
    }

    /// Writes what was collected; `false` if the scheduler is gone.
    pub(super) fn flush(&mut self) -> bool {
        self.channel.as_mut().is_none_or(|channel| channel.flush().is_ok())
    }

    /// Nothing waits to be written.
    pub(super) fn is_flushed(&self) -> bool {
        self.channel.as_ref().is_none_or(Channel::is_flushed)
    }

    /// When what a full channel did not take is written again.
    pub(super) fn next_flush(&self, now: u64) -> Option<u64> {
        self.channel.as_ref().and_then(|channel| channel.next_flush(now))
    }

    /// Closes the channel; the next call is due at once.
    pub(super) fn drop_channel(&mut self, event_loop: &EventLoop, now: u64) {
        if let Some(channel) = self.channel.take() {
            event_loop.forget(&channel);
        }
        self.call_at = now;
    }

    /// When the next call is due.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.channel.is_none().then_some(self.call_at)
    }

    /// Calls if it is due; `true` if there is a new channel.
    pub(super) fn call(&mut self, event_loop: &EventLoop, now: u64) -> bool {
        if self.channel.is_some() || now < self.call_at {
            return false;
        }
        self.call_at = now + PAUSE;
        let channel = (self.dial)().and_then(|channel| {
            event_loop.watch_readable(&channel, self.token)?;
            Ok(channel)
        });
        match channel {
            Ok(channel) => self.channel = Some(channel),
            Err(error) => log::debug!("no call to the scheduler yet: {error}"),
        }
        self.channel.is_some()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("up", &self.is_up()).finish_non_exhaustive()
    }
}
