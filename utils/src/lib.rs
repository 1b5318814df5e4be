//! The administrator's programs: `grange` (command and supervisor), `sendmail`, `mailq`, `newaliases`.

pub mod cli;
pub mod submit;
pub mod supervisor;
