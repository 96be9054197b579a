//! Certificates and keys as files bring them.

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use tidegate_net::tls::identity::{Identity, IdentityError, KeyKind};

use crate::fixture::*;

fn from(files: &Files) -> Result<Identity, IdentityError> {
    Identity::from_pem(files.certificate.as_bytes(), files.key.as_bytes(), None)
}

#[test]
fn an_identity_says_what_it_is_for() {
    let authority = Authority::new();
    let identity =
        authority.identity(&["Shop.Example", "*.wild.example", "192.0.2.1", "2001:db8::1"]);
    assert_eq!(identity.names(), ["shop.example", "*.wild.example"]);
    for host in ["shop.example", "SHOP.example.", "a.wild.example", "192.0.2.1", "[2001:db8::1]"] {
        assert!(identity.covers(host), "{host}");
    }
    for host in ["example", "a.shop.example", "wild.example", "b.a.wild.example", "192.0.2.2", ""] {
        assert!(!identity.covers(host), "{host}");
    }
    assert_eq!(identity.kind(), KeyKind::Ecdsa);
    assert!(identity.not_before() < identity.not_after());
    assert_eq!(identity.subject(), "CN=a client\\, or a server");
}

#[test]
fn a_key_of_each_kind_is_understood() {
    let authority = Authority::new();
    let kinds = [
        (&rcgen::PKCS_RSA_SHA256, KeyKind::Rsa),
        (&rcgen::PKCS_ECDSA_P384_SHA384, KeyKind::Ecdsa),
        (&rcgen::PKCS_ED25519, KeyKind::Ed25519),
    ];
    for (algorithm, kind) in kinds {
        assert_eq!(authority.issue_with(&["a.example"], algorithm).identity().kind(), kind);
    }
}

#[test]
fn a_key_must_belong_to_its_certificate() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let mixed = Files { certificate: one.certificate, key: other.key };
    assert!(matches!(from(&mixed), Err(IdentityError::Mismatch)));
}

#[test]
fn what_is_no_certificate_or_no_key_is_told_apart() {
    let files = Authority::new().issue(&["a.example"]);
    let with = |certificate: &str, key: &str| {
        from(&Files { certificate: certificate.to_owned(), key: key.to_owned() })
    };
    assert!(matches!(with("", &files.key), Err(IdentityError::NoCertificate)));
    assert!(matches!(with(&files.key, &files.key), Err(IdentityError::NoCertificate)));
    assert!(matches!(with(&files.certificate, ""), Err(IdentityError::NoKey)));
    let broken = files.certificate.replacen("MII", "AII", 1);
    assert!(matches!(with(&broken, &files.key), Err(IdentityError::Certificate(_))));
    let empty = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(with(&files.certificate, empty), Err(IdentityError::Key(_))));
}

/// Security case G5.
#[test]
fn a_certificate_for_a_name_with_odd_bytes_is_refused() {
    let authority = Authority::new();
    for name in ["good.example\0.evil.example", "a b.example", "a\n.example", "x_y.example", "*"] {
        let mut params = CertificateParams::new([]).expect("no names");
        let odd = name.to_owned().try_into().expect("ASCII");
        params.subject_alt_names = vec![SanType::DnsName(odd)];
        let files = authority.sign(&params, &KeyPair::generate().expect("a key"));
        assert!(matches!(from(&files), Err(IdentityError::Name(_))), "{name:?}");
    }
}

/// Security case G9.
#[test]
fn nothing_that_is_printed_shows_a_key() {
    let authority = Authority::new();
    let mut params = CertificateParams::new(["a.example".to_owned()]).expect("names");
    params.distinguished_name.push(DnType::CommonName, "someone");
    let files = authority.sign(&params, &KeyPair::generate().expect("a key"));
    let identity = files.identity();
    let server = server(server_setup(vec![std::sync::Arc::clone(&identity)]));
    let shown = format!("{identity:?}");
    assert_eq!(
        shown,
        "Identity { names: [\"a.example\"], subject: \"CN=someone\", kind: Ecdsa, .. }"
    );
    let secret: Vec<&str> = files.key.lines().filter(|line| !line.starts_with('-')).collect();
    let all = format!("{server:?} {:?}", Identity::from_pem(b"", files.key.as_bytes(), None));
    assert!(secret.iter().all(|line| !all.contains(line)), "{all}");
}
