//! Threads that compare passwords, so that the loop never waits for it.
//!
//! The loop gives a thread no more than one question at a time, so that what waits can still be put in order or thrown
//! away. A thread that has an answer writes an octet to a socket that the loop watches.

use crate::mechanism::Claim;
use farm::tables::StoredPassword;
use secrets::stored::is_password;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What is to be compared.
#[derive(Debug)]
pub struct Job {
    /// To be repeated in the answer.
    pub number: u64,
    /// What the client says.
    pub claim: Claim,
    /// What is stored.
    pub stored: StoredPassword,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// That of the job.
    pub number: u64,
    /// It is the password; nothing if the stored one cannot be compared.
    pub is_password: Option<bool>,
}

/// The threads.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
    waiting: Arc<Mutex<Receiver<Job>>>,
    done: Receiver<Done>,
    tell: Sender<Done>,
    bell: UnixStream,
    ring: UnixStream,
    threads: usize,
    wanted: usize,
    busy: usize,
}

impl Pool {
    /// So many threads; they are started with the first question.
    ///
    /// # Errors
    /// As `socketpair(2)`.
    pub fn new(threads: usize) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let (tell, done) = channel();
        let (bell, ring) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ring.set_nonblocking(true)?;
        let waiting = Arc::new(Mutex::new(waiting));
        Ok(Self { jobs, waiting, done, tell, bell, ring, threads: 0, wanted: threads.max(1), busy: 0 })
    }

    /// The socket that becomes readable when there are answers.
    pub fn bell(&self) -> &UnixStream {
        &self.bell
    }

    /// A configuration wants so many threads. They do not become fewer, but no more of them are used.
    pub fn resize(&mut self, threads: usize) {
        self.wanted = threads.max(1);
    }

    /// A thread is free.
    pub fn is_free(&self) -> bool {
        self.busy < self.wanted
    }

    /// Questions under way.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// Gives a question to a thread; to be called only while one is free.
    ///
    /// # Errors
    /// No thread can be started, and there is none.
    pub fn give(&mut self, job: Job) -> io::Result<()> {
        if self.threads < self.wanted && self.threads <= self.busy {
            match self.start() {
                Ok(()) => self.threads += 1,
                Err(error) if self.threads == 0 => return Err(error),
                Err(error) => log::warn!("no further thread: {error}"),
            }
        }
        self.jobs.send(job).map_err(io::Error::other)?;
        self.busy += 1;
        Ok(())
    }

    /// The answers that have come.
    pub fn take(&mut self) -> Vec<Done> {
        let mut octets = [0; 64];
        while matches!(self.bell.read(&mut octets), Ok(1..)) {}
        let done: Vec<Done> = self.done.try_iter().collect();
        self.busy -= done.len().min(self.busy);
        done
    }

    fn start(&self) -> io::Result<()> {
        let (waiting, tell, mut ring) =
            (Arc::clone(&self.waiting), self.tell.clone(), self.ring.try_clone()?);
        let work = move || {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(Job { number, claim, stored }) = next else { return };
                let is_password = is_password(&claim.password, &stored).ok();
                if tell.send(Done { number, is_password }).is_err() {
                    return;
                }
                // If the socket is full, the loop has been told.
                let _full = ring.write(&[1]);
            }
        };
        thread::Builder::new().name("password".into()).spawn(work).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farm::tables::Users;
    use std::path::Path;
    use std::time::Duration;

    fn job(number: u64, password: &str) -> Job {
        let line = "ann:$5$rounds=1000$abcdefgh$ErG1rn0GpODYQsD0nq3v3MbXT2boicTUhjw4zQRk1//\n";
        let claim = Claim { user: "ann".into(), password: password.into() };
        let (users, _) = Users::parse(line.as_bytes(), Path::new("users"));
        let stored = users.get("ann").and_then(|user| user.passwords.first().cloned()).unwrap();
        Job { number, claim, stored }
    }

    #[test]
    fn threads_answer_what_they_are_given() {
        let mut pool = Pool::new(2).unwrap();
        pool.bell.set_nonblocking(false).unwrap();
        pool.bell.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        pool.give(job(1, "sesame")).unwrap();
        pool.give(job(2, "other")).unwrap();
        assert!(!pool.is_free());
        let mut all = Vec::new();
        while all.len() < 2 {
            let mut octet = [0];
            pool.bell.read_exact(&mut octet).unwrap();
            pool.bell.set_nonblocking(true).unwrap();
            all.extend(pool.take());
            pool.bell.set_nonblocking(false).unwrap();
        }
        all.sort_by_key(|done| done.number);
        let done = |number, is| Done { number, is_password: Some(is) };
        assert_eq!(all, [done(1, true), done(2, false)]);
        assert!(pool.is_free() && pool.busy() == 0);
    }
}
