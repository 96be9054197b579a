//! What two sides agree on, and when they do not.

use std::future::poll_fn;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tidegate_core::model::tls::TlsVersion;
use tidegate_net::stream::Stream;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::ClientSetup;
use tidegate_net::tls::error::TlsError;
use tidegate_net::tls::server::{ClientAuth, Server, ServerSetup};
use tidegate_net::tls::tickets::Tickets;

use crate::fixture::*;

#[test]
fn both_sides_know_what_was_agreed_on() {
    run(async {
        let authority = Authority::new();
        let identity = authority.identity(&["shop.example"]);
        let server = server(server_setup(vec![Arc::clone(&identity)]));
        let client = client(client_setup(&authority));
        let pair = Pair::handshake(&server, &client, "shop.example").await;
        let (at_server, at_client) = (pair.server.1.expect("one"), pair.client.1.expect("one"));
        assert_eq!(at_server.server_name.as_deref(), Some("shop.example"));
        assert!(Arc::ptr_eq(at_server.identity.as_ref().expect("a server"), &identity));
        for session in [&at_server, &at_client] {
            assert_eq!(session.alpn, Some(Alpn::Http11));
            assert_eq!(session.version, TlsVersion::Tls13);
            assert!(!session.resumed && session.client.is_none());
        }
    });
}

/// Whether a second connection resumes the session of the first, on both sides.
async fn resumes(first: &Arc<Server>, second: &Arc<Server>, setup: ClientSetup) -> bool {
    let client = client(setup);
    for server in [first, second] {
        let (at_server, at_client) = exchange(server, &client).await;
        assert_eq!(at_server, at_client);
        if Arc::ptr_eq(server, second) && !Arc::ptr_eq(first, second) {
            return at_server;
        }
    }
    exchange(second, &client).await.0
}

/// Has data go from the server to the client, with the ticket in front of it.
async fn exchange(
    server: &Arc<Server>,
    client: &tidegate_net::tls::client::Client,
) -> (bool, bool) {
    let pair = Pair::handshake(server, client, "localhost").await;
    let resumed = (
        pair.server.1.as_ref().expect("a session").resumed,
        pair.client.1.as_ref().expect("a session").resumed,
    );
    let (mut at_server, mut at_client) = pair.streams();
    write_all(&mut at_server, b"x").await;
    assert_eq!(read(&mut at_client, &mut [0]).await.expect("data"), 1);
    resumed
}

#[test]
fn sessions_are_resumed_even_when_a_certificate_is_replaced() {
    run(async {
        let authority = Authority::new();
        let tickets = Tickets::default();
        let make = || {
            let mut setup = server_setup(vec![authority.identity(&["localhost"])]);
            setup.tickets = tickets.clone();
            server(setup)
        };
        let (before, after) = (make(), make());
        assert!(resumes(&before, &before, client_setup(&authority)).await);
        assert!(resumes(&before, &after, client_setup(&authority)).await);
    });
}

/// Security case G1.
#[test]
fn a_ticket_is_worth_nothing_under_another_policy() {
    run(async {
        let authority = Authority::new();
        let tickets = Tickets::default();
        let make = |tickets: &Tickets, client_auth: ClientAuth| {
            let mut setup = server_setup(vec![authority.identity(&["localhost"])]);
            (setup.tickets, setup.client_auth) = (tickets.clone(), client_auth);
            server(setup)
        };
        let identity = Some(authority.identity(&["client.example"]));
        let setup = || ClientSetup { identity: identity.clone(), ..client_setup(&authority) };
        let lax = make(&tickets, ClientAuth::Optional(authority.roots()));
        let strict = make(&tickets, ClientAuth::Required(authority.roots()));
        assert!(!resumes(&lax, &strict, setup()).await, "one handle, two policies");
        let other = make(&Tickets::default(), ClientAuth::Optional(authority.roots()));
        assert!(!resumes(&lax, &other, setup()).await, "one policy, two listeners");
    });
}

#[test]
fn client_certificates_are_asked_for_as_the_policy_says() {
    run(async {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let with = |client_auth| ServerSetup {
            client_auth,
            ..server_setup(vec![authority.identity(&["localhost"])])
        };
        let optional = server(with(ClientAuth::Optional(authority.roots())));
        let required = server(with(ClientAuth::Required(authority.roots())));
        let known = Some(authority.identity(&["client.example"]));
        let unknown = Some(stranger.identity(&["client.example"]));
        let cases = [
            (&optional, None, Ok(false)),
            (&optional, known.clone(), Ok(true)),
            (&optional, unknown.clone(), Err(())),
            (&required, None, Err(())),
            (&required, known, Ok(true)),
            (&required, unknown, Err(())),
        ];
        for (number, (server, identity, expected)) in cases.into_iter().enumerate() {
            let client = client(ClientSetup { identity, ..client_setup(&authority) });
            let pair = Pair::handshake(server, &client, "localhost").await;
            match (pair.server.1, expected) {
                (Ok(session), Ok(shown)) => {
                    assert_eq!(session.client.is_some(), shown, "case {number}");
                    if let Some(client) = session.client {
                        assert_eq!(client.subject, "CN=a client\\, or a server");
                    }
                }
                (Err(TlsError::Certificate(_)), Err(())) => {}
                (result, _) => panic!("case {number}: {result:?}"),
            }
        }
    });
}

/// Security case G7.
#[test]
fn a_server_is_verified_by_chain_and_by_name() {
    run(async {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let cases = [
            (&authority, "shop.example", None, true),
            (&authority, "other.example", None, false),
            (&authority, "127.0.0.1", None, true),
            (&authority, "127.0.0.2", None, false),
            (&authority, "127.0.0.2", Some("shop.example"), true),
            (&stranger, "shop.example", None, false),
        ];
        for (issuer, host, name, good) in cases {
            let server =
                server(server_setup(vec![issuer.identity(&["shop.example", "127.0.0.1"])]));
            let server_name = name.map(str::to_owned);
            let client = client(ClientSetup { server_name, ..client_setup(&authority) });
            let pair = Pair::handshake(&server, &client, host).await;
            match pair.client.1 {
                Ok(_) => assert!(good, "{host} was believed"),
                Err(TlsError::Certificate(_)) => assert!(!good, "{host} was not believed"),
                Err(error) => panic!("{host}: {error:?}"),
            }
        }
    });
}

/// Security case G6.
#[test]
fn a_server_that_speaks_before_tls_is_not_listened_to() {
    run(async {
        let authority = Authority::new();
        let (mut plain, mut connected) = sockets().await;
        write_all(&mut plain, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        let client = client(client_setup(&authority));
        connected.connect_tls(&client, "localhost").expect("a name");
        let result = poll_fn(|context| connected.poll_handshake(context)).await;
        assert!(matches!(result, Err(TlsError::Protocol(_))), "{result:?}");
        assert!(read(&mut connected, &mut [0; 64]).await.is_err(), "nothing gets through");
    });
}

#[test]
fn a_peer_that_speaks_in_the_clear_can_be_told_so() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&["localhost"])]));
        let (mut accepted, mut plain) = sockets().await;
        accepted.accept_tls(&server);
        write_all(&mut plain, b"GET / HTTP/1.1\r\n\r\n").await;
        let result = poll_fn(|context| accepted.poll_handshake(context)).await;
        assert!(matches!(result, Err(TlsError::NotTls)), "{result:?}");
        write_all(&mut accepted, b"no").await;
        assert_eq!(read(&mut plain, &mut [0; 8]).await.expect("an answer"), 2);
    });
}

/// Security case G8.
#[test]
fn the_first_identity_answers_for_unknown_names_and_for_none() {
    run(async {
        let authority = Authority::new();
        let names = ["first.example", "*.wild.example", "exact.wild.example", "127.0.0.1"];
        let identities = names.map(|name| authority.identity(&[name])).to_vec();
        let server = server(server_setup(identities.clone()));
        let cases = [
            ("first.example", 0),
            ("a.wild.example", 1),
            ("exact.wild.example", 2),
            ("A.WILD.example", 1),
            ("b.a.wild.example", 0),
            ("unknown.example", 0),
            // Addresses are not asked for by name.
            ("127.0.0.1", 0),
        ];
        for (host, place) in cases {
            let client = client(client_setup(&authority));
            let pair = Pair::handshake(&server, &client, host).await;
            if let Ok(session) = pair.server.1 {
                let shown = session.identity.expect("a server");
                assert!(Arc::ptr_eq(&shown, &identities[place]), "{host}: {shown:?}");
            } else {
                assert_eq!(place, 0, "{host} does not like what it is shown");
            }
        }
    });
}

/// Security case G4.
#[test]
fn a_handshake_message_without_end_is_cut_off() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&["localhost"])]));
        let (listener, address) = listen().await;
        let mut plain = TcpStream::connect(address).expect("a listener");
        let mut accepted = Stream::new(listener.accept().await.expect("a client").0);
        accepted.accept_tls(&server);
        // A record of a handshake message that claims sixteen megabytes, and goes on.
        let mut bytes = Vec::new();
        for _ in 0..20 {
            bytes.extend_from_slice(&[22, 3, 1, 0x40, 0]);
            bytes.extend_from_slice(&[1, 0xff, 0xff, 0xff]);
            bytes.extend(std::iter::repeat_n(0, 0x4000 - 4));
        }
        let sender = std::thread::spawn(move || {
            // The other side closes before all of it has gone.
            let _ = plain.write_all(&bytes);
            plain
        });
        let result = poll_fn(|context| accepted.poll_handshake(context)).await;
        assert!(result.is_err(), "{result:?}");
        drop(accepted);
        sender.join().expect("no panic");
    });
}

#[test]
fn a_challenge_is_shown_to_those_who_ask_for_it_alone() {
    run(async {
        let authority = Authority::new();
        let mut setup = server_setup(vec![authority.identity(&["shop.example"])]);
        setup.client_auth = ClientAuth::Required(authority.roots());
        let challenges = Arc::clone(&setup.challenges);
        let server = server(setup);
        let proof = authority.identity(&["shop.example"]);
        let shown = challenges.show("Shop.example", Arc::clone(&proof)).expect("room");
        let ask = ClientSetup { alpn: vec![Alpn::AcmeTls], ..client_setup(&authority) };
        let client = client(ask);
        let session = Pair::handshake(&server, &client, "shop.example").await.server.1;
        let session = session.expect("no certificate is asked for");
        assert!(Arc::ptr_eq(session.identity.as_ref().expect("a server"), &proof));
        assert_eq!(session.alpn, Some(Alpn::AcmeTls));
        drop(shown);
        let session = Pair::handshake(&server, &client, "shop.example").await.server.1;
        assert!(matches!(session, Err(TlsError::Incompatible(_))), "{session:?}");
    });
}

#[test]
fn a_server_without_an_identity_refuses_all_but_challenges() {
    run(async {
        let authority = Authority::new();
        let setup = server_setup(vec![]);
        let challenges = Arc::clone(&setup.challenges);
        let server = server(setup);
        let client = client(client_setup(&authority));
        let Pair { server: refused, client: told } =
            Pair::handshake(&server, &client, "shop.example").await;
        assert!(matches!(refused.1, Err(TlsError::NoIdentity)), "{:?}", refused.1);
        assert!(matches!(told.1, Err(TlsError::Refused(_))), "{:?}", told.1);
        let proof = authority.identity(&["shop.example"]);
        let _shown = challenges.show("shop.example", Arc::clone(&proof)).expect("room");
        let ask = ClientSetup { alpn: vec![Alpn::AcmeTls], ..client_setup(&authority) };
        let pair = Pair::handshake(&server, &super::fixture::client(ask), "shop.example").await;
        assert!(Arc::ptr_eq(&pair.server.1.expect("it is shown").identity.expect("it"), &proof));
    });
}

/// A handshake that is cut at any byte neither hangs nor panics.
#[test]
fn a_client_that_leaves_in_the_middle_is_noticed() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&["localhost"])]));
        let (mut accepted, mut plain): (Stream, Stream) = sockets().await;
        accepted.accept_tls(&server);
        write_all(&mut plain, &[22, 3, 1, 1, 0, 1]).await;
        drop(plain);
        let result = poll_fn(|context| accepted.poll_handshake(context)).await;
        assert!(matches!(result, Err(TlsError::Closed)), "{result:?}");
    });
}

/// Security case G4: a peer that has the keys changed again and again, and never says anything.
#[test]
fn a_flood_of_key_updates_ends_the_connection() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&["localhost"])]));
        let (listener, address) = listen().await;
        let plain = TcpStream::connect(address).expect("a listener");
        let mut accepted = Stream::new(listener.accept().await.expect("a client").0);
        accepted.accept_tls(&server);
        let roots = authority.pem();
        let sender = std::thread::spawn(move || flood(plain, &roots));
        poll_fn(|context| accepted.poll_handshake(context)).await.expect("a session");
        let error = read(&mut accepted, &mut [0; 4096]).await.expect_err("too many");
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert!(read(&mut accepted, &mut [0; 4096]).await.is_err(), "and it stays so");
        drop(accepted);
        sender.join().expect("no panic");
    });
}

/// A client of the library itself, as ours does not do such things. It keeps the socket open: to
/// close it would take back what was sent.
fn flood(mut socket: TcpStream, roots: &str) -> TcpStream {
    let mut store = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(roots.as_bytes()).expect("a certificate");
    store.add(root).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(store)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    while client.is_handshaking() || client.wants_write() {
        client.complete_io(&mut socket).expect("a handshake");
    }
    for _ in 0..100 {
        client.refresh_traffic_keys().expect("TLS 1.3");
        if client.write_tls(&mut socket).is_err() {
            break;
        }
    }
    socket
}
