//! A session that the application names, as a number.
//!
//! The name is hashed with a secret of the process: SipHash-2-4 (Aumasson and Bernstein,
//! INDOCRYPT 2012), a pseudorandom function made for short inputs. Who does not know the secret can
//! neither aim at a place in the table nor find two names of one number, whatever names are tried;
//! by accident two of a million sessions share a number once in forty million tables.

/// A session, as the table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

/// What sessions are hashed with; drawn once for a process.
#[derive(Clone, Copy, Default)]
pub struct IdSecret([u64; 2]);

impl SessionId {
    /// The session of this number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl IdSecret {
    /// The secret made of these bits.
    #[must_use]
    pub const fn new(bits: [u64; 2]) -> Self {
        Self(bits)
    }

    /// The session that the application calls `name`.
    #[must_use]
    pub fn id(&self, name: &[u8]) -> SessionId {
        let mut state = Sip::new(self.0);
        let (words, rest) = name.as_chunks::<8>();
        words.iter().for_each(|word| state.absorb(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The last byte is the length, modulo 256.
        last[7] = name.len() as u8;
        state.absorb(u64::from_le_bytes(last));
        SessionId(state.finish())
    }
}

impl std::fmt::Debug for IdSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdSecret")
    }
}

/// The state of SipHash-2-4.
struct Sip([u64; 4]);

impl Sip {
    const fn new([k0, k1]: [u64; 2]) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    const fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    const fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.round();
        self.0[0] ^ self.0[1] ^ self.0[2] ^ self.0[3]
    }

    const fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.0 = [v0, v1, v2, v3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the reference implementation: the key is the bytes 0 to 15, the input the
    /// bytes 0 to n-1.
    #[test]
    fn the_hash_is_siphash() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let input: Vec<u8> = (0..15).collect();
        let id = |length| IdSecret::new(key).id(&input[..length]).bits();
        assert_eq!(id(0), 0x726f_db47_dd0e_0e31);
        assert_eq!(id(1), 0x74f8_39c5_93dc_67fd);
        assert_eq!(id(8), 0x93f5_f579_9a93_2462);
        assert_eq!(id(15), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn another_secret_makes_other_numbers_and_is_not_printed() {
        let (one, other) = (IdSecret::new([1, 2]), IdSecret::new([1, 3]));
        assert_ne!(one.id(b"5f2b8c1d"), other.id(b"5f2b8c1d"));
        assert_eq!(format!("{one:?}"), "IdSecret");
    }
}
