//! The configuration as TOML that reads back as itself.

use super::defaults::{CHANNELS, defaults, host_rule};
use super::field::print;
use super::parameter::Parameter;
use super::registry;
use super::sections::{Channel, Config};

impl Config {
    /// The effective configuration. With `all`, every parameter; without, those whose value is not the default, and
    /// those whose default depends on the host.
    pub fn show(&self, all: bool) -> String {
        let mut this = self.clone();
        let mut plain = defaults(&self.common.paths, &self.common.hostname);
        let mut out = String::new();
        let mut page = Page { all, out: &mut out };
        page.rows("", None, registry::COMMON, &mut this.common, &mut plain.common);
        page.rows("[spool]", None, registry::SPOOL, &mut this.common.spool, &mut plain.common.spool);
        page.rows("[smtpserver]", None, registry::SMTPSERVER, &mut this.smtpserver, &mut plain.smtpserver);
        page.rows("[router]", None, registry::ROUTER, &mut this.router, &mut plain.router);
        page.rows("[scheduler]", None, registry::SCHEDULER, &mut this.scheduler, &mut plain.scheduler);
        page.rows("[dns]", None, registry::DNS, &mut this.dns, &mut plain.dns);
        page.rows("[auth]", None, registry::AUTH, &mut this.auth, &mut plain.auth);
        page.rows("[admission]", None, registry::ADMISSION, &mut this.admission, &mut plain.admission);
        page.rows("[tls]", None, registry::TLS, &mut this.tls, &mut plain.tls);
        for name in CHANNELS {
            if let (Some(channel), Some(plain)) = (this.channels.get_mut(name), plain.channels.get_mut(name))
            {
                page.channel(name, channel, plain);
            }
        }
        out
    }

    /// [`Config::show`] with every parameter, as the table that it is: for programs.
    ///
    /// # Errors
    /// What is shown does not read back, which would be a mistake here.
    pub fn table(&self) -> Result<toml::Table, toml::de::Error> {
        self.show(true).parse()
    }

    /// What an administrator must know about it although it is no mistake.
    pub fn warning(&self) -> Option<String> {
        let backend = self.common.spool.backend;
        backend.warning().map(|why| format!("[spool] backend = \"{}\": {why}", backend.name()))
    }

    /// The parameters in which `other` differs and that a reload cannot change, as `[section] name`.
    pub fn needs_restart(&self, other: &Self) -> Vec<String> {
        let (mut this, mut that) = (self.clone(), other.clone());
        let mut names = Vec::new();
        fixed("", registry::COMMON, &mut this.common, &mut that.common, &mut names);
        fixed("[spool] ", registry::SPOOL, &mut this.common.spool, &mut that.common.spool, &mut names);
        fixed("[smtpserver] ", registry::SMTPSERVER, &mut this.smtpserver, &mut that.smtpserver, &mut names);
        fixed("[router] ", registry::ROUTER, &mut this.router, &mut that.router, &mut names);
        fixed("[scheduler] ", registry::SCHEDULER, &mut this.scheduler, &mut that.scheduler, &mut names);
        fixed("[dns] ", registry::DNS, &mut this.dns, &mut that.dns, &mut names);
        fixed("[auth] ", registry::AUTH, &mut this.auth, &mut that.auth, &mut names);
        fixed("[admission] ", registry::ADMISSION, &mut this.admission, &mut that.admission, &mut names);
        fixed("[tls] ", registry::TLS, &mut this.tls, &mut that.tls, &mut names);
        for (name, channel) in &mut this.channels {
            if let Some(other) = that.channels.get_mut(name) {
                fixed(&format!("[channel.{name}] "), registry::CHANNEL, channel, other, &mut names);
            }
        }
        names
    }
}

fn fixed<T>(section: &str, rows: &[Parameter<T>], this: &mut T, that: &mut T, names: &mut Vec<String>) {
    for row in rows.iter().filter(|row| !row.reload) {
        if print(row.kind, (row.field)(this)) != print(row.kind, (row.field)(that)) {
            names.push(format!("{section}{}", row.name));
        }
    }
}

/// What depends on the host or on what lies in the directory, so that a copy elsewhere would differ without it.
const ALWAYS: [&str; 7] = ["hostname", "local-domains", "aliases", "routes", "users", "senders", "access"];

struct Page<'a> {
    all: bool,
    out: &'a mut String,
}

impl Page<'_> {
    fn channel(&mut self, name: &str, channel: &mut Channel, plain: &mut Channel) {
        self.rows(&format!("[channel.{name}]"), Some(name), registry::CHANNEL, channel, plain);
        for rule in &mut channel.hosts {
            let title = format!("[[channel.{name}.host]]");
            self.rows(&title, Some(name), registry::HOST, rule, &mut host_rule());
        }
    }

    fn rows<T>(
        &mut self,
        title: &str,
        channel: Option<&str>,
        rows: &[Parameter<T>],
        typed: &mut T,
        plain: &mut T,
    ) {
        let mut lines = Vec::new();
        for row in rows {
            let takes = row.channels.is_empty() || channel.is_some_and(|name| row.channels.contains(&name));
            let value = print(row.kind, (row.field)(typed));
            let usual = value == print(row.kind, (row.field)(plain));
            match value {
                Some(value) if takes && (self.all || !usual || ALWAYS.contains(&row.name)) => {
                    lines.push(format!("{} = {value}\n", row.name));
                }
                _ => {}
            }
        }
        if lines.is_empty() {
            return;
        }
        if !title.is_empty() {
            self.out.push_str(&format!("\n{title}\n"));
        }
        self.out.extend(lines);
    }
}
