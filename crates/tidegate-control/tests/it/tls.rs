//! Certificates, keys and authorities: what is wrong with their files, and what happens when these
//! change.

use std::fs;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_control::control::Reload;
use tidegate_control::observe::config_file::Origin;
use tidegate_control::status::certificate::CertificateStatus;
use tidegate_core::model::tls::TlsVersion;
use tidegate_net::stream::Stream;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::identity::Identity;
use tidegate_net::tls::server::{ClientAuth, Server, ServerSetup};
use tidegate_net::tls::tickets::Tickets;
use tidegate_net::{clock, task};
use tokio::net::TcpListener;

use crate::support::balancer::{Balancer, config, told, until};
use crate::support::certificate::Pair;
use crate::support::directory::Directory;
use crate::support::server::nobody;

const REST: &str = "[route.all]\npool = \"app\"\n[pool.app]\nservers = \"127.0.0.1:1\"\n";

/// A listener with these certificates, then `more`.
fn listener(names: &[&str], more: &str) -> String {
    let files = names
        .iter()
        .map(|name| format!("  {{ certificate = \"{name}.pem\", key = \"{name}.key\" }},\n"));
    format!(
        "[listener.web]\naddress = \"127.0.0.1:0\"\n[listener.web.tls]\ncertificates = [\n{}]\n\
         {more}\n{REST}",
        files.collect::<String>()
    )
}

/// What is said of a configuration, without the directory that it is in.
fn said(directory: &Directory, file: PathBuf) -> String {
    let told = match Origin::File(file).load() {
        Ok(accepted) => accepted.warnings(),
        Err(refused) => refused.diagnostics,
    };
    let lines: String = told.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    lines.replace(&format!("{}/", directory.path("").display()).replace("//", "/"), "")
}

fn certificates(balancer: &Balancer) -> Vec<CertificateStatus> {
    let tls = balancer.control.listeners().remove(0).tls;
    tls.expect("the listener is encrypted").certificates
}

#[test]
fn every_file_that_cannot_be_used_is_a_mistake_where_it_is_named() {
    let directory = Directory::new();
    Pair::new(&["a.example"]).write(&directory, "a");
    Pair::new(&["A.example", "b.example"]).write(&directory, "b");
    Pair::held(&["old.example"], 2001, 2002).write(&directory, "old");
    Pair::held(&["new.example"], 2101, 2102).write(&directory, "new");
    directory.write("text.pem", "Dear Sir or Madam");
    directory.write("a-ca.pem", &Pair::new(&["ca"]).certificate);
    directory.write(
        "tidegate.toml",
        r#"[listener.web]
address = "127.0.0.1:0"
[listener.web.tls]
client_ca = "text.pem"
certificates = [
  { certificate = "a.pem", key = "a.key" },
  { certificate = "absent.pem", key = "absent.key", ocsp = "absent.ocsp" },
  { certificate = "text.pem", key = "a.key" },
  { certificate = "a.pem", key = "text.pem" },
  { certificate = "a.pem", key = "b.key" },
  { certificate = "a.pem", key = "env:TIDEGATE_ABSENT" },
  { certificate = "old.pem", key = "old.key" },
  { certificate = "new.pem", key = "new.key" },
]
[listener.twice]
address = "127.0.0.1:0"
[listener.twice.tls]
certificates = [{ certificate = "a.pem", key = "a.key" }, { certificate = "b.pem", key = "b.key" }]
[listener.clients]
address = "127.0.0.1:0"
[listener.clients.tls]
client_ca = "text.pem"
certificates = { certificate = "a.pem", key = "a.key" }
[route.all]
pool = "app"
[pool.app]
servers = "127.0.0.1:1"
tls = { ca = "absent.pem", certificate = "a.pem", key = "a.key", server_name = "a.example" }
"#,
    );
    let expected = "\
tidegate.toml:7:19: cannot read absent.pem: No such file or directory (os error 2)
tidegate.toml:7:39: cannot read absent.key: No such file or directory (os error 2)
tidegate.toml:7:60: cannot read absent.ocsp: No such file or directory (os error 2)
tidegate.toml:8:19: text.pem: there is no PEM certificate in the certificate file
tidegate.toml:9:34: a.pem: there is no PEM private key in the key file
tidegate.toml:10:34: a.pem: the private key does not belong to the certificate
tidegate.toml:11:34: the environment has no TIDEGATE_ABSENT
tidegate.toml:12:19: warning: old.pem: the certificate has expired
tidegate.toml:13:19: warning: new.pem: the certificate does not hold yet
tidegate.toml:18:75: b.pem: a.pem is for a.example as well, with the same kind of key
tidegate.toml:22:13: there is no usable certificate authority in the file
tidegate.toml:28:14: cannot read absent.pem: No such file or directory (os error 2)
";
    assert_eq!(said(&directory, directory.path("tidegate.toml")), expected);
}

#[test]
fn certificates_out_of_their_time_are_doubts_and_five_hundred_load() {
    let directory = Directory::new();
    let names: Vec<String> = (0..500).map(|number| format!("host-{number}")).collect();
    for name in &names {
        Pair::new(&[&format!("{name}.example")]).write(&directory, name);
    }
    Pair::held(&["old.example"], 2001, 2002).write(&directory, "old");
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("old");
    let file = directory.write("tidegate.toml", &listener(&names, ""));
    let accepted = Origin::File(file).load().expect("a doubt does not stop it");
    let warnings = accepted.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].to_string().ends_with("old.pem: the certificate has expired"));
    let server = accepted.tls.contexts.listeners.values().next().expect("it is encrypted");
    assert_eq!(server.resolver().identities().len(), 501);
}

/// G9: what people see has no key in it.
#[tokio::test]
async fn certificates_are_shown_and_keys_are_not() {
    let directory = Directory::new();
    let pair = Pair::new(&["shop.example", "*.shop.example"]);
    pair.write(&directory, "shop");
    let file = directory.write("tidegate.toml", &listener(&["shop"], "min_version = \"1.3\""));
    let balancer = Balancer::start(Origin::File(file)).await;
    let listener = balancer.control.listeners().remove(0);
    let tls = listener.tls.expect("it is encrypted");
    assert_eq!((tls.min_version, tls.client_certificate), ("1.3", "none"));
    let [shown] = tls.certificates.as_slice() else { panic!("{:?}", tls.certificates) };
    assert_eq!(shown.names, ["shop.example", "*.shop.example"]);
    assert_eq!((shown.kind, shown.fingerprint.len(), shown.stapled), ("ecdsa", 64, false));
    assert!(shown.file.ends_with("/shop.pem"));
    assert!(shown.not_before <= shown.not_after);

    let secret = pair.key.lines().nth(1).expect("a line of it");
    let tls = balancer.control.tls();
    for text in [format!("{tls:?}"), balancer.control.resolved().to_string()] {
        assert!(!text.contains(secret) && text.contains("shop"), "{text}");
    }
}

#[tokio::test]
async fn what_expires_soon_is_warned_of() {
    let directory = Directory::new();
    Pair::held(&["old.example"], 2001, 2002).write(&directory, "old");
    Pair::new(&["good.example"]).write(&directory, "good");
    let file = directory.write("tidegate.toml", &listener(&["good", "old"], ""));
    let balancer = Balancer::start(Origin::File(file)).await;
    let warnings = balancer.control.status().warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.starts_with("listener web: the certificate in "), "{warning}");
    assert!(warning.ends_with("old.pem has expired"), "{warning}");
}

#[tokio::test]
async fn a_changed_certificate_is_followed_without_a_new_configuration() {
    let directory = Directory::new();
    Pair::new(&["shop.example"]).write(&directory, "shop");
    let file = directory.write("tidegate.toml", &listener(&["shop"], ""));
    let balancer = Balancer::start(Origin::File(file)).await;
    let first = certificates(&balancer).remove(0).fingerprint;

    Pair::new(&["shop.example"]).write(&directory, "shop");
    until("a new certificate is followed", || balancer.control.renewals().0 == 1).await;
    let second = certificates(&balancer).remove(0).fingerprint;
    assert_ne!(first, second);
    let renewals = balancer.notes.renewals.lock().expect("unharmed").clone();
    let server = renewals[0].listeners.values().next().expect("it is encrypted");
    let published = server.resolver().identities()[0].fingerprint();
    let published: String = published.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(published, second);
    assert_eq!(balancer.notes.generations(), [1], "no snapshot was built");
    let event = balancer.control.events(1).events.remove(0);
    assert_eq!(event.kind.as_str(), "certificate-renewed");
    assert_eq!(event.message, "listener web shows another certificate for shop.example");
    assert!(event.reason.starts_with("a changed file; it holds for "), "{}", event.reason);
}

/// How Kubernetes puts a new secret in place of the old one, and certbot a new certificate.
#[tokio::test]
async fn a_swapped_link_is_followed() {
    let directory = Directory::new();
    for version in ["1", "2"] {
        let pair = Pair::new(&["shop.example"]);
        directory.write(&format!("{version}/tls.crt"), &pair.certificate);
        directory.write(&format!("{version}/tls.key"), &pair.key);
    }
    symlink("1", directory.path("data")).expect("the name is new");
    symlink("data/tls.crt", directory.path("shop.pem")).expect("the name is new");
    symlink("data/tls.key", directory.path("shop.key")).expect("the name is new");
    let file = directory.write("tidegate.toml", &listener(&["shop"], ""));
    let balancer = Balancer::start(Origin::File(file)).await;
    let first = certificates(&balancer).remove(0).fingerprint;

    symlink("2", directory.path("data_tmp")).expect("the name is new");
    fs::rename(directory.path("data_tmp"), directory.path("data")).expect("the same disk");
    until("a new link is followed", || balancer.control.renewals().0 == 1).await;
    assert_ne!(first, certificates(&balancer).remove(0).fingerprint);
    assert_eq!(balancer.control.renewals(), (1, 0));
}

#[tokio::test]
async fn a_bad_file_keeps_what_it_held_and_holds_up_no_other() {
    let directory = Directory::new();
    Pair::new(&["a.example"]).write(&directory, "a");
    Pair::new(&["b.example"]).write(&directory, "b");
    let file = directory.write("tidegate.toml", &listener(&["a", "b"], ""));
    let balancer = Balancer::start(Origin::File(file)).await;
    let before = certificates(&balancer);

    directory.write("a.pem", "-----BEGIN CERTIFICATE-----\nhalf of it");
    until("a bad file is refused", || balancer.control.renewals().1 == 1).await;
    assert_eq!(certificates(&balancer), before);
    assert!(balancer.notes.renewals.lock().expect("unharmed").is_empty(), "nothing was published");
    let event = balancer.control.events(1).events.remove(0);
    assert_eq!(event.kind.as_str(), "certificate-refused");
    assert!(event.reason.contains("tidegate.toml:5:19: "), "{}", event.reason);

    Pair::new(&["b.example"]).write(&directory, "b");
    until("a good file is followed", || balancer.control.renewals().0 == 1).await;
    let after = certificates(&balancer);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);

    let reload = balancer.control.reload("a test").await;
    let Reload::Refused(_) = &reload else { panic!("{reload:?}") };
    assert!(told(&reload)[0].contains("a.pem: "), "{:?}", told(&reload));
    assert_eq!(certificates(&balancer), after, "a refused reload changes nothing");

    Pair::new(&["a.example"]).write(&directory, "a");
    until("a mended file is followed", || balancer.control.renewals().0 == 2).await;
    assert!(matches!(balancer.control.reload("a test").await, Reload::Applied(_)));
}

#[tokio::test]
async fn other_authorities_and_staples_are_followed() {
    let directory = Directory::new();
    Pair::new(&["shop.example"]).write(&directory, "shop");
    let authority = || Pair::new(&["authority"]).certificate;
    directory.write("ca.pem", &authority());
    directory.write("shop.ocsp", "first");
    let text = format!(
        "[listener.web]\naddress = \"127.0.0.1:0\"\n[listener.web.tls]\nclient_ca = \"ca.pem\"\n\
         [listener.web.tls.certificates]\ncertificate = \"shop.pem\"\nkey = \"shop.key\"\n\
         ocsp = \"shop.ocsp\"\n\
         {REST}tls = {{ ca = \"ca.pem\" }}\n"
    );
    let balancer = Balancer::start(Origin::File(directory.write("tidegate.toml", &text))).await;
    directory.write("shop.ocsp", "second");
    until("a staple is followed", || balancer.control.renewals().0 == 1).await;
    directory.write("ca.pem", &authority());
    until("authorities are followed", || balancer.control.renewals().0 == 3).await;
    let messages: Vec<_> =
        balancer.control.events(1).events.into_iter().map(|event| event.message).collect();
    let expected = [
        "listener web staples another OCSP response for shop.example",
        "listener web takes clients by other authorities",
        "pool app trusts servers by other authorities",
    ];
    assert_eq!(messages, expected);
    directory.write("ca.pem", "nobody");
    until("nobody is no authority", || balancer.control.renewals().1 == 2).await;
    assert_eq!(balancer.control.renewals().0, 3);
}

#[tokio::test]
async fn a_reload_is_tried_again_when_a_missing_certificate_arrives() {
    let directory = Directory::new();
    let plain = format!("[listener.web]\naddress = \"127.0.0.1:0\"\n{REST}");
    let watching = |text: &str| format!("[runtime]\nwatch = true\n{text}");
    let file = directory.write("tidegate.toml", &watching(&plain));
    let balancer = Balancer::start(Origin::File(file)).await;
    directory.write("tidegate.toml", &watching(&listener(&["shop"], "")));
    until("there is no certificate", || balancer.control.reloads().1 == 1).await;
    Pair::new(&["shop.example"]).write(&directory, "shop");
    until("the certificate is there", || balancer.control.reloads().0 == 1).await;
    assert_eq!(certificates(&balancer)[0].names, ["shop.example"]);
    assert!(clock::unix_time().as_millis() < certificates(&balancer)[0].not_after);
}

/// A server that speaks TLS as `pair` and answers every request well.
async fn encrypted(pair: &Pair) -> SocketAddr {
    let identity = Identity::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes(), None);
    let server = Arc::new(
        Server::new(ServerSetup {
            identities: vec![Arc::new(identity.expect("they belong together"))],
            min_version: TlsVersion::Tls12,
            client_auth: ClientAuth::Off,
            alpn: vec![Alpn::Http11],
            tickets: Tickets::default(),
            challenges: Arc::default(),
        })
        .expect("it fits together"),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let serve = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = Stream::new(stream);
            stream.accept_tls(&server);
            drop(task::spawn("test-connection", answer(stream)));
        }
    };
    drop(task::spawn("test-server", serve));
    address
}

async fn answer(mut stream: Stream) {
    if poll_fn(|context| stream.poll_handshake(context)).await.is_err() {
        return;
    }
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match poll_fn(|context| stream.poll_read(context, &mut piece)).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&piece[..count]),
        }
    }
    let said = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    // It fits into the socket's buffer; the other side may leave at any time.
    let _ = poll_fn(|context| stream.poll_write(context, said)).await;
}

/// G7: a webhook is who its certificate says, or is told nothing.
#[tokio::test]
async fn a_webhook_over_tls_is_verified() {
    let directory = Directory::new();
    let pair = Pair::new(&["127.0.0.1"]);
    let webhook = encrypted(&pair).await;
    directory.write("ca.pem", &pair.certificate);
    directory.write("other.pem", &Pair::new(&["127.0.0.1"]).certificate);
    directory.write("url", &format!("https://{webhook}/hook"));
    let notify = |ca| format!("[[notify]]\nwebhook = \"file:url\"\non = \"config\"\nca = \"{ca}\"");
    let servers = [nobody().await];
    let file = directory.write("tidegate.toml", &config(&servers, &notify("other.pem")));
    let balancer = Balancer::start(Origin::File(file)).await;
    balancer.control.reload("a test").await;
    let counts = || balancer.control.notices().remove(0);
    until("the certificate is not accepted", || counts().retried == 1).await;
    assert_eq!(counts().sent, 0);
    directory.write("tidegate.toml", &config(&servers, &notify("ca.pem")));
    balancer.control.reload("a test").await;
    until("it is", || counts().sent == 1).await;
}

#[tokio::test]
async fn checks_speak_tls_as_traffic_does_and_follow_renewals() {
    let directory = Directory::new();
    let (pair, other) = (Pair::new(&["app.internal"]), Pair::new(&["app.internal"]));
    let server = encrypted(&pair).await;
    directory.write("ca.pem", &pair.certificate);
    let lines = |check: &str, tls: &str| {
        let health = format!("{{ {check}, interval = \"50ms\", interval_changing = \"50ms\" }}");
        config(&[server], &format!("health = {health}\ntls = {{ ca = \"ca.pem\"{tls} }}"))
    };
    for (check, tls, expected) in [
        ("path = \"/\"", ", server_name = \"app.internal\"", "healthy"),
        ("type = \"tcp\"", ", server_name = \"app.internal\"", "healthy"),
        ("path = \"/\"", ", server_name = \"other.internal\"", "unhealthy"),
        ("path = \"/\"", "", "unhealthy"),
        ("type = \"tcp\"", "", "unhealthy"),
    ] {
        let file = directory.write("tidegate.toml", &lines(check, tls));
        let balancer = Balancer::start(Origin::File(file)).await;
        assert_eq!(balancer.availability(), [expected], "{check} {tls}");
        balancer.control.stop().await;
    }

    let named = lines("path = \"/\"", ", server_name = \"app.internal\"");
    let file = directory.write("tidegate.toml", &named);
    let balancer = Balancer::start(Origin::File(file)).await;
    directory.write("ca.pem", &other.certificate);
    until("another authority is followed", || balancer.availability() == ["unhealthy"]).await;
    let found = balancer.servers()[0].probes.first().expect("there is one").clone();
    assert_eq!(found.result, "protocol", "{found:?}");
    directory.write("ca.pem", &pair.certificate);
    until("the first authority is followed", || balancer.availability() == ["healthy"]).await;
}
