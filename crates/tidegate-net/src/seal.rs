//! Seals: a few bytes that a client keeps for us, as text for a cookie that nobody else can read,
//! change or make up.
//!
//! A keyring is made of secrets. The first seals, all open, so that a new secret can be put in
//! front while what the old one sealed is still about. Each seal is for a purpose, and opens for no
//! other: what one pool set says nothing at another.
//!
//! The cipher is AES-256-GCM-SIV (RFC 8452): balancers that share a secret draw their nonces at
//! random, and one that comes up twice gives nothing away but that two texts are equal. It is
//! authenticated, and the check takes the same time whatever is wrong. A text begins with a
//! mark that tells which secret sealed it, so that opening costs one operation however many there
//! are: `mark (4) | nonce (12) | ciphertext | tag (16)` in base64url.
//!
//! Where secrets are, and when they are read again, is the control plane's business; when a sealed
//! thing has expired is its owner's.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use thiserror::Error;
use tidegate_core::http::base64url;
use zeroize::Zeroizing;

use crate::entropy;

/// The most that can be sealed.
pub const PLAIN_MAX: usize = 128;
/// A secret has at least so many bytes.
pub const SECRET_MIN: usize = 32;
/// And at most so many.
pub const SECRET_MAX: usize = 1024;

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
/// Two of a handful of secrets with the same mark are not to be expected.
const MARK_LEN: usize = 4;
/// What stands before the ciphertext.
const HEAD_LEN: usize = MARK_LEN + NONCE_LEN;
const SEALED_MAX: usize = HEAD_LEN + PLAIN_MAX + TAG_LEN;
const TEXT_MAX: usize = SEALED_MAX.div_ceil(3) * 4;
/// Binds the keys to what they are for: a secret that somebody uses elsewhere too gives others.
const SALT: &[u8] = b"tidegate seal 1";

/// What seals and opens.
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

/// What a seal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose(Cow<'static, str>);

/// What keeps a secret from being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Somebody could try all.
    #[error("a secret of {0} bytes is too short, {SECRET_MIN} are the least")]
    Short(usize),
    /// It is something else.
    #[error("this is no secret: it has more than {SECRET_MAX} bytes")]
    Long,
}

struct Key {
    /// Tells it from others, and says nothing of it.
    fingerprint: [u8; 16],
    cipher: LessSafeKey,
}

impl Purpose {
    /// A purpose of which there is one.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A purpose of which each object of a kind has its own.
    #[must_use]
    pub fn of(kind: &str, object: &str) -> Self {
        Self(Cow::Owned(format!("{kind}:{object}")))
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Keyring {
    /// The keyring of these secrets: the first seals, all open. Without any, it is one that no
    /// other process has.
    ///
    /// # Errors
    /// The place of the first secret that is none, and why.
    pub fn new(secrets: &[impl AsRef<[u8]>]) -> Result<Self, (usize, SecretError)> {
        let keys = secrets.iter().map(|secret| Key::of(secret.as_ref())).enumerate();
        let keys = keys.map(|(place, key)| key.map_err(|error| (place, error)));
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self { first: keys.remove(0), others: keys })
    }

    /// Seals `plain` and writes it behind what `out` holds: letters, digits, `-` and `_`.
    pub fn seal<const N: usize>(&self, purpose: &Purpose, plain: &[u8; N], out: &mut String) {
        const { assert!(N <= PLAIN_MAX, "there is room for so much") };
        let mut sealed = [0; SEALED_MAX];
        let (head, rest) = sealed.split_at_mut(HEAD_LEN);
        let (body, rest) = rest.split_at_mut(N);
        let nonce = entropy::bytes();
        head[..MARK_LEN].copy_from_slice(self.first.mark());
        head[MARK_LEN..].copy_from_slice(&nonce);
        body.copy_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(purpose.as_bytes());
        let tag = self.first.cipher.seal_in_place_separate_tag(nonce, aad, body);
        let tag = tag.expect("the cipher takes far more than the most that can be sealed");
        rest[..TAG_LEN].copy_from_slice(tag.as_ref());
        base64url::encode(&sealed[..HEAD_LEN + N + TAG_LEN], out);
    }

    /// Opens what was sealed for the same purpose into the front of `out`, and returns how many
    /// bytes that were; `None` for whatever was not, or does not fit.
    #[must_use]
    pub fn open(&self, purpose: &Purpose, text: &[u8], out: &mut [u8]) -> Option<usize> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let mut sealed = [0; SEALED_MAX];
        let length = base64url::decode(text, &mut sealed)?;
        let plain = length.checked_sub(HEAD_LEN + TAG_LEN)?;
        let (head, body) = sealed[..length].split_at_mut(HEAD_LEN);
        let target = out.get_mut(..plain)?;
        let key = self.keys().find(|key| head.starts_with(key.mark()))?;
        let nonce = Nonce::try_assume_unique_for_key(&head[MARK_LEN..]).ok()?;
        let aad = Aad::from(purpose.as_bytes());
        let opened = key.cipher.open_in_place(nonce, aad, body).ok()?;
        target.copy_from_slice(opened);
        Some(plain)
    }

    /// Whether the other one is made of the same secrets, in the same order.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let fingerprint = |key: &Key| key.fingerprint;
        self.keys().map(fingerprint).eq(other.keys().map(fingerprint))
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// One that no other process has, and that is gone with this one.
impl Default for Keyring {
    fn default() -> Self {
        let secret = Zeroizing::new(entropy::bytes::<SECRET_MIN>());
        let first = Key::of(secret.as_slice()).expect("this is as long as a secret has to be");
        Self { first, others: Vec::new() }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("keys", &(1 + self.others.len())).finish()
    }
}

impl Key {
    fn of(secret: &[u8]) -> Result<Self, SecretError> {
        if secret.len() < SECRET_MIN {
            return Err(SecretError::Short(secret.len()));
        }
        if secret.len() > SECRET_MAX {
            return Err(SecretError::Long);
        }
        let drawn = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let key: Zeroizing<[u8; KEY_LEN]> = expand(&drawn, b"aes-256-gcm-siv").into();
        let cipher = UnboundKey::new(&AES_256_GCM_SIV, key.as_slice());
        let cipher = LessSafeKey::new(cipher.expect("the key is as long as the cipher's"));
        Ok(Self { fingerprint: expand(&drawn, b"fingerprint"), cipher })
    }

    /// What its texts begin with.
    fn mark(&self) -> &[u8] {
        &self.fingerprint[..MARK_LEN]
    }
}

/// Derives bytes from a secret (RFC 5869, section 2.3).
fn expand<const N: usize>(drawn: &Prk, info: &[u8]) -> [u8; N] {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = [0; N];
    let filled = drawn.expand(&[info], Length(N)).and_then(|okm| okm.fill(&mut out));
    filled.expect("this is far less than what can be derived from one secret");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"the old secret, 32 bytes or more";
    const NEW: &[u8] = b"the new secret, 32 bytes or more";
    const SHOP: Purpose = Purpose::new("session:shop");

    fn ring(secrets: &[&[u8]]) -> Keyring {
        Keyring::new(secrets).expect("they are long enough")
    }

    fn sealed(ring: &Keyring, purpose: &Purpose) -> String {
        let mut text = String::new();
        ring.seal(purpose, b"server seven", &mut text);
        text
    }

    fn opened(ring: &Keyring, purpose: &Purpose, text: &[u8]) -> Option<Vec<u8>> {
        let mut out = [0; 32];
        ring.open(purpose, text, &mut out).map(|length| out[..length].to_vec())
    }

    #[test]
    fn what_is_sealed_opens_and_can_stand_in_a_cookie() {
        let ring = ring(&[NEW]);
        let text = sealed(&ring, &SHOP);
        assert_eq!(opened(&ring, &SHOP, text.as_bytes()).as_deref(), Some(&b"server seven"[..]));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(text.bytes().all(fits), "{text}");
        assert_ne!(text, sealed(&ring, &SHOP), "each has a nonce of its own");
    }

    #[test]
    fn the_first_seals_and_all_open() {
        let (old, new, both) = (ring(&[OLD]), ring(&[NEW]), ring(&[NEW, OLD]));
        let (before, after) = (sealed(&old, &SHOP), sealed(&both, &SHOP));
        assert!(opened(&both, &SHOP, before.as_bytes()).is_some(), "of before the rotation");
        assert!(opened(&new, &SHOP, after.as_bytes()).is_some(), "of after it");
        assert_eq!(opened(&old, &SHOP, after.as_bytes()), None);
        assert_eq!(opened(&new, &SHOP, before.as_bytes()), None, "its secret was taken out");
    }

    #[test]
    fn a_seal_is_for_one_purpose() {
        let ring = ring(&[NEW]);
        let text = sealed(&ring, &SHOP);
        assert_eq!(opened(&ring, &Purpose::of("session", "shop2"), text.as_bytes()), None);
        assert!(opened(&ring, &Purpose::of("session", "shop"), text.as_bytes()).is_some());
    }

    #[test]
    fn l1_no_change_of_a_text_opens() {
        let ring = ring(&[NEW, OLD]);
        let text = sealed(&ring, &SHOP).into_bytes();
        for place in 0..text.len() {
            for letter in [b'A', b'z', b'_', b'='] {
                let mut forged = text.clone();
                forged[place] = letter;
                let same = forged == text;
                assert_eq!(opened(&ring, &SHOP, &forged).is_some(), same, "at {place}");
            }
            assert_eq!(opened(&ring, &SHOP, &text[..place]), None, "cut at {place}");
        }
        for nonsense in [&b""[..], b"A", b"AAAA", &[b'A'; 38], &[b'A'; 4096], b"\xff\xfe"] {
            assert_eq!(opened(&ring, &SHOP, nonsense), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_not_opened() {
        let ring = ring(&[NEW]);
        let text = sealed(&ring, &SHOP);
        assert_eq!(ring.open(&SHOP, text.as_bytes(), &mut [0; 4]), None);
    }

    #[test]
    fn a_secret_is_long_enough_to_be_one() {
        let told = |secret: &[u8]| Keyring::new(&[NEW, secret]).err();
        assert_eq!(told(b"hunter2"), Some((1, SecretError::Short(7))));
        assert_eq!(told(&[7; 1025]), Some((1, SecretError::Long)));
        assert_eq!(told(&[7; 1024]), None);
    }

    #[test]
    fn keyrings_are_the_same_by_their_secrets() {
        assert!(ring(&[NEW, OLD]).is_same(&ring(&[NEW, OLD])));
        assert!(!ring(&[NEW, OLD]).is_same(&ring(&[OLD, NEW])));
        assert!(!Keyring::default().is_same(&Keyring::default()), "nobody else has it");
        assert!(!format!("{:?}", ring(&[NEW])).contains("secret"));
    }
}
