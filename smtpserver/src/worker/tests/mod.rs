//! A whole worker in the test's own thread: a real spool, sockets for the clients, and a router that the test plays.

mod conversations;
mod securing;
mod trouble;
mod world;
