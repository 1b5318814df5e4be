//! The command line of sendmail.
//!
//! Letters may stand together (`-ti`), and a value may follow its letter or be the next argument (`-fann`, `-f ann`),
//! as `getopt(3)` has it. What other implementations take and what means nothing here is accepted in silence, since
//! programs say it out of habit.

/// What to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Take a message from standard input (`-bm`).
    #[default]
    Deliver,
    /// Speak SMTP on standard input and output (`-bs`).
    Smtp,
    /// Show the queue (`-bp`).
    List,
    /// Check the aliases (`-bi`).
    Aliases,
}

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// What to do.
    pub(super) mode: Mode,
    /// `-f` or `-r`: the envelope's sender; an empty one, or `<>`, is the null sender.
    pub(super) sender: Option<String>,
    /// `-F`: the sender's full name.
    pub(super) full_name: Option<String>,
    /// `-t`: take recipients from the header section, too.
    pub(super) from_header: bool,
    /// `-i` or `-oi`: a line with a single dot does not end the message.
    pub(super) ignore_dots: bool,
    /// `-v`: say what happened.
    pub(super) verbose: bool,
    /// The addresses, as given.
    pub(super) recipients: Vec<String>,
}

/// The command line cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UsageError {
    /// There is no such option.
    #[error("there is no option -{letter}")]
    Unknown {
        /// Its letter.
        letter: char,
    },
    /// The option needs a value.
    #[error("option -{letter} needs a value")]
    NoValue {
        /// Its letter.
        letter: char,
    },
    /// `-bv`
    #[error("-bv, which tells where an address goes, does not exist here; `grange route ADDRESS` does that")]
    Verify,
    /// `-bd` or `-bD`
    #[error("-b{mode}, which starts the server, does not exist here; `grange start` does that")]
    Server {
        /// As given.
        mode: String,
    },
    /// `-b` with a mode that is not ours.
    #[error("there is no mode -b{mode}; those that there are are -bm, -bs, -bp and -bi")]
    Mode {
        /// As given.
        mode: String,
    },
    /// `-q`
    #[error("-q does not exist here; `grange queue retry` tries again what waits")]
    QueueRun,
}

/// Letters without a value that change nothing: message submission, "me too", no expansion, verbose errors.
const SILENT: &str = "cGmnUsx";

/// Letters with a value that changes nothing: body type, configuration file, debugging, error mode, hops, identity,
/// log tag, DSN conditions, options, protocol, DSN return, envelope id, traffic log, address set, security.
const SILENT_WITH_VALUE: &str = "ABCdehLMNOpRVX";

/// Reads the arguments, without the program's name.
///
/// # Errors
/// [`UsageError`]
pub(super) fn parse(arguments: &[String]) -> Result<Options, UsageError> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.strip_prefix('-') {
            Some("-") => {
                options.recipients.extend(rest.cloned());
                break;
            }
            Some(letters) if !letters.is_empty() => group(letters, &mut rest, &mut options)?,
            _ => options.recipients.push(argument.clone()),
        }
    }
    Ok(options)
}

/// One argument of letters; a value may be the next argument.
fn group<'a>(
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    options: &mut Options,
) -> Result<(), UsageError> {
    for (at, letter) in letters.char_indices() {
        let after = letters.get(at + letter.len_utf8()..).unwrap_or_default();
        match letter {
            't' => options.from_header = true,
            'i' => options.ignore_dots = true,
            'v' => options.verbose = true,
            'I' => options.mode = Mode::Aliases,
            'q' => return Err(UsageError::QueueRun),
            _ if SILENT.contains(letter) => {}
            _ => {
                let mut value = || match after {
                    "" => rest.next().cloned().ok_or(UsageError::NoValue { letter }),
                    attached => Ok(attached.to_owned()),
                };
                return with_value(letter, &mut value, options);
            }
        }
    }
    Ok(())
}

fn with_value(
    letter: char,
    value: &mut dyn FnMut() -> Result<String, UsageError>,
    options: &mut Options,
) -> Result<(), UsageError> {
    match letter {
        'f' | 'r' => options.sender = Some(value()?),
        'F' => options.full_name = Some(value()?),
        'b' => options.mode = mode(value()?)?,
        'o' => options.ignore_dots |= value()? == "i",
        _ if SILENT_WITH_VALUE.contains(letter) => {
            value()?;
        }
        _ => return Err(UsageError::Unknown { letter }),
    }
    Ok(())
}

fn mode(mode: String) -> Result<Mode, UsageError> {
    match mode.as_str() {
        "m" => Ok(Mode::Deliver),
        "s" => Ok(Mode::Smtp),
        "p" => Ok(Mode::List),
        "i" => Ok(Mode::Aliases),
        "v" => Err(UsageError::Verify),
        "d" | "D" => Err(UsageError::Server { mode }),
        _ => Err(UsageError::Mode { mode }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Result<Options, UsageError> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_usual_calls_are_understood() {
        let options = parsed("-t -i -f ann@example.org").unwrap();
        assert!(options.from_header && options.ignore_dots);
        assert_eq!(options.sender.as_deref(), Some("ann@example.org"));
        let options =
            parsed("-oi -oem -FAnn -r<> -B 8BITMIME -N success,delay -R hdrs -V id bob cid@x").unwrap();
        assert!(options.ignore_dots && !options.from_header);
        assert_eq!((options.sender.as_deref(), options.full_name.as_deref()), (Some("<>"), Some("Ann")));
        assert_eq!(options.recipients, ["bob", "cid@x"]);
    }

    #[test]
    fn letters_stand_together() {
        let options = parsed("-tivf ann bob").unwrap();
        assert!(options.from_header && options.ignore_dots && options.verbose);
        assert_eq!((options.sender.as_deref(), options.recipients), (Some("ann"), vec!["bob".to_owned()]));
    }

    #[test]
    fn two_hyphens_end_the_options() {
        assert_eq!(parsed("-i -- -t bob").unwrap().recipients, ["-t", "bob"]);
        assert_eq!(parsed("bob -i").unwrap().recipients, ["bob"]);
    }

    #[test]
    fn the_modes_are_told_apart() {
        let mode = |line| parsed(line).map(|options| options.mode);
        assert_eq!(mode("-bs"), Ok(Mode::Smtp));
        assert_eq!(mode("-b p"), Ok(Mode::List));
        assert_eq!(mode("-bi"), Ok(Mode::Aliases));
        assert_eq!(mode("-I"), Ok(Mode::Aliases));
        assert_eq!(mode("-bm a"), Ok(Mode::Deliver));
        assert_eq!(mode("-bd"), Err(UsageError::Server { mode: "d".into() }));
        assert_eq!(mode("-bx"), Err(UsageError::Mode { mode: "x".into() }));
        let verify = mode("-bv").unwrap_err().to_string();
        assert!(
            verify.contains("tells where an address goes") && verify.contains("grange route"),
            "{verify}"
        );
    }

    #[test]
    fn other_o_options_do_not_change_the_end_of_the_message() {
        assert!(!parsed("-odi -oee -om").unwrap().ignore_dots);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed("-f"), Err(UsageError::NoValue { letter: 'f' }));
        assert_eq!(parsed("-tZ"), Err(UsageError::Unknown { letter: 'Z' }));
        assert_eq!(parsed("-q15m"), Err(UsageError::QueueRun));
    }

    proptest! {
        #[test]
        fn no_command_line_panics(arguments in proptest::collection::vec("\\PC{0,6}|-[a-zA-Z]{1,4}", 0..6)) {
            let _ = parse(&arguments);
        }
    }
}
