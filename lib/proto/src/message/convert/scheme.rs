//! What is to be done with a message, or why nothing can be.

/// What the next hop takes. Lines of more than 998 octets are never wanted, but where they cannot be helped they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// Octets with the high bit set may stay (8BITMIME).
    pub eight_bit: bool,
    /// In no header section may they, be it that of a part: the message is internationalized, and the hop has no SMTPUTF8 (RFC
    /// 6531 section 3.2).
    pub ascii_header: bool,
}

/// What a [`Survey`](super::Survey) has found to be done, for each entity in the order of their headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheme {
    pub(super) treatments: Vec<Treatment>,
    /// Something is changed outside of entities, in the text before, between or behind parts.
    pub(super) filler: bool,
}

/// Why a message cannot get the form that the next hop needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Obstacle {
    /// What has to change is signed or sealed.
    #[error("a signature covers what would have to be converted")]
    Signed,
    /// The octets stand in a header section.
    #[error("the octets in question stand in the header")]
    Header,
    /// A part says that it is encoded, and is not; or in a way that is unknown.
    #[error("a part does not hold what its Content-Transfer-Encoding says")]
    Encoding,
    /// The structure cannot be followed.
    #[error("the MIME structure cannot be followed")]
    Structure,
}

/// What becomes of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Nothing.
    Keep,
    /// Its Content-Transfer-Encoding, if it has one, becomes this, if anything; these whole fields are added to its header.
    Label(Option<&'static str>, &'static str),
    /// Its body is encoded; these whole fields are added to its header.
    Encode(How, &'static str),
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Quoted,
    Base64,
}

impl Scheme {
    /// Whether anything changes at all.
    pub fn changes(&self) -> bool {
        let encodes = |treatment: &Treatment| matches!(treatment, Treatment::Encode(..));
        self.filler || self.treatments.iter().any(encodes)
    }

    pub(super) fn treatment(&self, entity: usize) -> Treatment {
        self.treatments.get(entity).copied().unwrap_or(Treatment::Keep)
    }
}

impl How {
    /// The value of Content-Transfer-Encoding.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Quoted => "quoted-printable",
            Self::Base64 => "base64",
        }
    }
}
