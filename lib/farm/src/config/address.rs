//! The texts of addresses: where to listen, networks, name servers, host and domain names.

use super::sections::{Listen, ListenAt, Network};
use ipc::smtp_worker::Entrance;
use proto::address::Domain;
use proto::server::Service;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// The prefixes of a listener: what each is for, and whether it begins with a handshake.
const SERVICES: [(&str, Entrance); 4] = [
    ("smtp://", Entrance { service: Service::Relay, implicit_tls: false }),
    ("submission://", Entrance { service: Service::Submission, implicit_tls: false }),
    ("submissions://", Entrance { service: Service::Submission, implicit_tls: true }),
    ("lmtp://", Entrance { service: Service::Lmtp, implicit_tls: false }),
];

/// `*:25` (both families), `127.0.0.1:2525`, `[::1]:25`, `unix:/path`, each perhaps with a prefix that says what it is for;
/// without one the port says it. A relative path is under `run`.
pub(super) fn parse_listen(text: &str, run: &Path) -> Option<Vec<Listen>> {
    let prefixed =
        SERVICES.iter().find_map(|(prefix, entrance)| Some((text.strip_prefix(prefix)?, Some(*entrance))));
    let (place, said) = prefixed.unwrap_or((text, None));
    let places = parse_place(place, run)?;
    let listen = |at: ListenAt| Listen { entrance: said.unwrap_or_else(|| usual(&at)), at };
    Some(places.into_iter().map(listen).collect())
}

fn parse_place(text: &str, run: &Path) -> Option<Vec<ListenAt>> {
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() { None } else { Some(vec![ListenAt::Unix(run.join(path))]) };
    }
    if let Some(port) = text.strip_prefix("*:") {
        let port = parse_port(port)?;
        let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        return Some(any.map(|address| ListenAt::Network(SocketAddr::new(address, port))).to_vec());
    }
    text.parse().ok().map(|address| vec![ListenAt::Network(address)])
}

/// What a listener without a prefix is for.
///
/// Source: RFC 6409 section 3.1 (port 587), RFC 8314 section 7.3 (port 465).
fn usual(at: &ListenAt) -> Entrance {
    match at {
        ListenAt::Network(address) if address.port() == 587 => {
            Entrance { service: Service::Submission, implicit_tls: false }
        }
        ListenAt::Network(address) if address.port() == 465 => {
            Entrance { service: Service::Submission, implicit_tls: true }
        }
        _ => Entrance::default(),
    }
}

/// A listener as it would be written.
pub(super) fn print_listen(listen: &Listen) -> String {
    let place = match &listen.at {
        ListenAt::Network(address) => address.to_string(),
        ListenAt::Unix(path) => format!("unix:{}", path.display()),
    };
    if listen.entrance == usual(&listen.at) {
        return place;
    }
    let prefix =
        SERVICES.iter().find(|(_, entrance)| *entrance == listen.entrance).map(|(prefix, _)| *prefix);
    format!("{}{place}", prefix.unwrap_or_default())
}

/// `192.0.2.0/24`, `2001:db8::/32`, or an address alone.
///
/// # Errors
/// What to write instead.
pub(crate) fn parse_network(text: &str) -> Result<Network, String> {
    let hint = || format!("\"{text}\" is not a network; write it as \"192.0.2.0/24\" or \"2001:db8::/32\"");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| hint())?;
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => digits.parse().map_err(|_| hint())?,
        Some(_) => return Err(hint()),
    };
    if prefix > longest {
        return Err(hint());
    }
    let first = first_address(address, prefix);
    if first == address {
        return Ok(Network { address, prefix });
    }
    Err(format!("\"{text}\" has bits behind its prefix; write \"{first}/{prefix}\""))
}

/// A network as it would be written.
pub(super) fn print_network(network: &Network) -> String {
    format!("{}/{}", network.address, network.prefix)
}

impl Network {
    /// The block of this length that `address` lies in.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        Self { address: first_address(address, prefix), prefix }
    }

    /// Whether `address` lies in this block; an IPv4 address in its IPv6 form counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let family = address.is_ipv4() == self.address.is_ipv4();
        family && first_address(address, self.prefix) == first_address(self.address, self.prefix)
    }
}

/// A name server: an address with port, or alone for port 53.
pub(super) fn parse_nameserver(text: &str) -> Option<SocketAddr> {
    let alone = |text: &str| text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53));
    text.parse().ok().or_else(|| alone(text))
}

/// A domain name: labels of letters, digits, `-` and `_` with dots between them, at most 255 octets.
///
/// Source: RFC 1035 section 2.3.4 (lengths); RFC 5321 section 2.3.5 (names in mail).
pub(crate) fn is_domain(text: &str) -> bool {
    let octet = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let label = |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(octet) && !l.starts_with('-');
    text.len() <= 255 && text.split('.').all(label)
}

/// A domain name of mail in the form to look up: A-labels in lower case. It may be written in U-labels.
pub(crate) fn canonical_domain(text: &str) -> Option<String> {
    if text.is_ascii() {
        return is_domain(text).then(|| text.to_ascii_lowercase());
    }
    let domain = Domain::from_unicode(text).ok()?;
    domain.name().map(str::to_owned)
}

/// A host pattern: a domain name, `*.` and a domain name, or `*`.
pub(super) fn is_pattern(text: &str) -> bool {
    text == "*" || is_domain(text.strip_prefix("*.").unwrap_or(text))
}

fn parse_port(text: &str) -> Option<u16> {
    if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn first_address(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listen(text: &str) -> Option<Vec<String>> {
        parse_listen(text, Path::new("/run/grange")).map(|all| all.iter().map(print_listen).collect())
    }

    #[test]
    fn listeners_have_four_forms() {
        assert_eq!(listen("*:25").unwrap(), ["0.0.0.0:25", "[::]:25"]);
        assert_eq!(listen("127.0.0.1:0").unwrap(), ["127.0.0.1:0"]);
        assert_eq!(listen("[::1]:25").unwrap(), ["[::1]:25"]);
        assert_eq!(listen("unix:/tmp/s").unwrap(), ["unix:/tmp/s"]);
        assert_eq!(listen("unix:smtp").unwrap(), ["unix:/run/grange/smtp"]);
        assert_eq!(listen("lmtp://unix:/tmp/s").unwrap(), ["lmtp://unix:/tmp/s"]);
        assert_eq!(listen("submission://*:25").unwrap(), ["submission://0.0.0.0:25", "submission://[::]:25"]);
        for bad in [
            "smtp://",
            "smtps://*:25",
            "lmtp://lmtp://*:24",
            "",
            "25",
            "*",
            "*:",
            "*:+25",
            "*:99999",
            "localhost:25",
            "unix:",
            "::1:25x",
        ] {
            assert_eq!(listen(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_port_tells_the_service_unless_a_prefix_does() {
        let entrance = |text: &str| {
            let Entrance { service, implicit_tls } =
                parse_listen(text, Path::new("/run/grange")).unwrap()[0].entrance;
            (service.word(), implicit_tls)
        };
        assert_eq!(entrance("*:25"), ("smtp", false));
        assert_eq!(entrance("*:587"), ("submission", false));
        assert_eq!(entrance("*:465"), ("submission", true));
        assert_eq!(entrance("smtp://*:587"), ("smtp", false));
        assert_eq!(entrance("submissions://127.0.0.1:2465"), ("submission", true));
        assert_eq!(listen("smtp://127.0.0.1:25").unwrap(), ["127.0.0.1:25"]);
    }

    #[test]
    fn networks_contain_their_addresses() {
        let within =
            |block: &str, address: &str| parse_network(block).unwrap().contains(address.parse().unwrap());
        assert!(within("10.0.0.0/8", "10.255.0.1") && !within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(within("::1", "::1") && !within("::1", "::2") && !within("::/0", "10.0.0.1"));
        assert!(within("0.0.0.0/0", "192.0.2.1") && within("2001:db8::/32", "2001:db8:9::1"));
    }

    #[test]
    fn a_network_with_host_bits_is_corrected() {
        let message = parse_network("10.0.0.1/8").unwrap_err();
        assert!(message.ends_with("write \"10.0.0.0/8\""), "{message}");
        for bad in ["10.0.0.0/33", "::/129", "10.0.0.0/+8", "10.0.0.0/", "x", "10.0/8"] {
            assert!(parse_network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_checked() {
        assert!(is_domain("mail.example.org") && is_domain("_x.a") && is_pattern("*.slow.example"));
        for bad in ["", ".", "a..b", "a.", ".a", "a b", "-a.b", "é.org", "*.a"] {
            assert!(!is_domain(bad), "{bad}");
        }
        assert!(!is_pattern("a.*.b") && !is_pattern("*a"));
        assert_eq!(parse_nameserver("::1").unwrap().port(), 53);
        assert_eq!(parse_nameserver("127.0.0.1:5353").unwrap().port(), 5353);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = (listen(&text), parse_network(&text), parse_nameserver(&text), is_pattern(&text));
        }

        #[test]
        fn a_network_contains_its_first_address(bits: u128, prefix in 0..=128u8) {
            let address = first_address(Ipv6Addr::from_bits(bits).into(), prefix);
            let network = Network { address, prefix };
            prop_assert!(network.contains(address) || address.to_canonical().is_ipv4());
        }
    }
}
