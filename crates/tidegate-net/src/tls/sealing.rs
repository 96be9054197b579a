//! Records of TLS 1.3 that are encrypted from the plaintext straight into the record (RFC 8446,
//! section 5.2).
//!
//! The library copies the plaintext into the record and encrypts it there, which costs a long
//! response half as much as the cipher does (decision 015). So suites are wrapped: sealing is done
//! here, by the same cipher of the same provider. All else is the library's, decryption included.

use aws_lc_rs::aead::{self, Aad, TlsProtocolId, TlsRecordSealingKey};
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, Nonce, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm, UnsupportedOperationError,
    make_tls13_aad,
};
use rustls::{
    CipherSuite, ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion,
    SupportedCipherSuite, Tls13CipherSuite,
};

/// The byte behind the plaintext that says what it is.
const KIND: usize = 1;
/// The tag behind that, of AES-GCM.
const TAG: usize = 16;

/// The suite with its records sealed here, if it is one of TLS 1.3 with AES-GCM; any other as it
/// is. What is made lasts as long as the program: suites are made once.
pub(super) fn straight(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let SupportedCipherSuite::Tls13(library) = suite else { return suite };
    let cipher = match library.common.suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => &aead::AES_128_GCM,
        CipherSuite::TLS13_AES_256_GCM_SHA384 => &aead::AES_256_GCM,
        _ => return suite,
    };
    let CipherSuiteCommon { suite, hash_provider, confidentiality_limit } = library.common;
    let sealed = Tls13CipherSuite {
        common: CipherSuiteCommon { suite, hash_provider, confidentiality_limit },
        hkdf_provider: library.hkdf_provider,
        aead_alg: Box::leak(Box::new(Sealing { cipher, library: library.aead_alg })),
        quic: library.quic,
    };
    SupportedCipherSuite::Tls13(Box::leak(Box::new(sealed)))
}

/// A cipher that seals here and is the library's otherwise.
struct Sealing {
    cipher: &'static aead::Algorithm,
    library: &'static dyn Tls13AeadAlgorithm,
}

impl Tls13AeadAlgorithm for Sealing {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        let key = TlsRecordSealingKey::new(self.cipher, TlsProtocolId::TLS13, key.as_ref());
        Box::new(Sealer { key: key.expect("a key of this cipher's length"), iv })
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.library.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        self.library.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.library.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.library.fips()
    }
}

/// The writing side of a connection.
struct Sealer {
    key: TlsRecordSealingKey,
    iv: Iv,
}

impl MessageEncrypter for Sealer {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let gathered;
        let plaintext = match message.payload {
            OutboundChunks::Single(plaintext) => plaintext,
            OutboundChunks::Multiple { .. } => {
                gathered = message.payload.to_vec();
                &gathered[..]
            }
        };
        let length = self.encrypted_payload_len(plaintext.len());
        let mut record = PrefixedPayload::with_capacity(length);
        // Room to seal into can only be had with something in it.
        record.extend(std::iter::repeat_n(&0, length));
        let (ciphertext, rest) = record.as_mut().split_at_mut(plaintext.len());
        let nonce = aead::Nonce::assume_unique_for_key(Nonce::new(&self.iv, sequence).0);
        let aad = Aad::from(make_tls13_aad(length));
        let kind = message.typ.to_array();
        self.key
            .seal_out_of_place_scatter(nonce, aad, plaintext, ciphertext, &kind, rest)
            .map_err(|_| Error::EncryptError)?;
        // The version that records say whatever is spoken (RFC 8446, section 5.1).
        let (kind, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
        Ok(OutboundOpaqueMessage::new(kind, version, record))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + KIND + TAG
    }
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, Read, Write};
    use std::sync::Arc;

    use rustls::crypto::CryptoProvider;
    use rustls::crypto::aws_lc_rs::{ALL_CIPHER_SUITES, cipher_suite, default_provider};
    use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
    use rustls::version::TLS13;
    use rustls::{ClientConfig, ClientConnection, Connection};
    use rustls::{RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    fn cipher(suite: SupportedCipherSuite) -> Option<&'static dyn Tls13AeadAlgorithm> {
        suite.tls13().map(|suite| suite.aead_alg)
    }

    #[test]
    fn only_suites_of_aes_gcm_and_tls_1_3_change() {
        for suite in ALL_CIPHER_SUITES.iter().copied() {
            let sealed = straight(suite);
            assert_eq!(sealed.suite(), suite.suite());
            let changed = match (cipher(sealed), cipher(suite)) {
                (Some(new), Some(old)) => !std::ptr::addr_eq(new, old),
                _ => false,
            };
            let name = format!("{:?}", suite.suite());
            assert_eq!(changed, name.starts_with("TLS13_AES"), "{name}");
        }
    }

    #[test]
    fn records_are_those_of_the_library() {
        let library = cipher(cipher_suite::TLS13_AES_256_GCM_SHA384).expect("of TLS 1.3");
        let sealing = Sealing { cipher: &aead::AES_256_GCM, library };
        let encrypter = |cipher: &dyn Tls13AeadAlgorithm| {
            cipher.encrypter(AeadKey::from([7; 32]), Iv::from([9; 12]))
        };
        let (mut ours, mut theirs) = (encrypter(&sealing), encrypter(library));
        // The cipher insists on a number of its own for each record.
        let mut sequence = 0;
        for length in [0, 1, 15, 16, 17, 1000, 16_384] {
            let plaintext = bytes(length);
            let (front, back) = plaintext.split_at(length / 3);
            let pieces = [front, back];
            for payload in [OutboundChunks::Single(&plaintext), OutboundChunks::new(&pieces)] {
                let (typ, version) = (ContentType::Handshake, ProtocolVersion::TLSv1_3);
                let seal = |encrypter: &mut Box<dyn MessageEncrypter>| {
                    let payload = payload.clone();
                    let record = encrypter
                        .encrypt(OutboundPlainMessage { typ, version, payload }, sequence)
                        .expect("it is encrypted");
                    record.encode()
                };
                assert_eq!(seal(&mut ours), seal(&mut theirs), "{length} bytes");
                sequence += 1;
            }
        }
    }

    /// The two ends of a connection: a client of the library, and a server that seals here.
    fn ends(suite: SupportedCipherSuite) -> (ClientConnection, ServerConnection) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let (certificate, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
        let provider =
            |suite| Arc::new(CryptoProvider { cipher_suites: vec![suite], ..default_provider() });
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a certificate");
        let client = ClientConfig::builder_with_provider(provider(suite))
            .with_protocol_versions(&[&TLS13])
            .expect("a version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider(straight(suite)))
            .with_protocol_versions(&[&TLS13])
            .expect("a version")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key).into())
            .expect("its key");
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(client), name).expect("a client");
        (client, ServerConnection::new(Arc::new(server)).expect("a server"))
    }

    /// Carries all records over, and returns the plaintext in them.
    fn carry(from: &mut Connection, to: &mut Connection) -> Vec<u8> {
        let (mut wire, mut plaintext) = (Vec::new(), Vec::new());
        while from.wants_write() {
            from.write_tls(&mut wire).expect("memory takes it");
        }
        let mut wire = &wire[..];
        while !wire.is_empty() {
            to.read_tls(&mut wire).expect("memory has it");
            let state = to.process_new_packets().expect("the peer can read it");
            let start = plaintext.len();
            plaintext.resize(start + state.plaintext_bytes_to_read(), 0);
            to.reader().read_exact(&mut plaintext[start..]).expect("it has so much");
        }
        plaintext
    }

    #[test]
    fn a_client_reads_what_is_sealed() {
        let suites =
            [cipher_suite::TLS13_AES_128_GCM_SHA256, cipher_suite::TLS13_AES_256_GCM_SHA384];
        for suite in suites {
            let (client, server) = ends(suite);
            let (mut client, mut server) = (Connection::from(client), Connection::from(server));
            for _ in 0..3 {
                carry(&mut client, &mut server);
                carry(&mut server, &mut client);
            }
            for length in [1, 100, 16_384, 16_385, 30_000] {
                let sent = bytes(length);
                let (front, back) = sent.split_at(length / 2);
                server.writer().write_all(&sent).expect("it fits");
                assert!(carry(&mut server, &mut client) == sent, "{length} bytes in one piece");
                let slices = [IoSlice::new(front), IoSlice::new(back)];
                assert_eq!(server.writer().write_vectored(&slices).expect("it fits"), length);
                assert!(carry(&mut server, &mut client) == sent, "{length} bytes in two pieces");
            }
        }
    }
}
