//! The administrator's programs: `grange` (command and supervisor), `sendmail`, `mailq`, `newaliases`.

mod certificates;
pub mod cli;
pub mod submit;
pub mod supervisor;
