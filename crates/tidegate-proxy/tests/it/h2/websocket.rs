//! WebSocket over a stream (RFC 8441), with a real implementation at either end.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use bytes::{Buf, Bytes};
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{Method, Request};
use tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};
use tungstenite::{Error, Message, WebSocket};

use super::real::{Client, push, wait};
use super::ways::{Version, before};
use crate::world::*;

/// A stream as a blocking connection.
struct Pipe {
    send: SendStream<Bytes>,
    receive: RecvStream,
    unread: Bytes,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() {
            match wait(self.receive.data()) {
                None => return Ok(0),
                Some(data) => self.unread = data.map_err(io::Error::other)?,
            }
            let taken = self.receive.flow_control().release_capacity(self.unread.len());
            taken.map_err(io::Error::other)?;
        }
        let count = self.unread.len().min(buffer.len());
        self.unread.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = wait(push(&mut self.send, bytes));
        if sent { Ok(bytes.len()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that sends every message back, and closes when it is told to part.
fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                // What is no handshake is not this server's to answer.
                let Ok(mut socket) = tungstenite::accept(stream) else { return };
                while let Ok(message) = socket.read() {
                    let sent = match message {
                        Message::Text(text) if text == "part" => socket.close(farewell("parted")),
                        Message::Text(_) | Message::Binary(_) => socket.send(message),
                        _ => Ok(()),
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn farewell(reason: &'static str) -> Option<CloseFrame> {
    Some(CloseFrame { code: CloseCode::Away, reason: reason.into() })
}

/// Asks for a WebSocket; the status, and what came of it.
fn connect(client: &Client) -> (u16, WebSocket<Pipe>) {
    eventually("the balancer offers extended CONNECT", || {
        client.offer.is_extended_connect_protocol_enabled()
    });
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://shop.example.com/chat")
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .body(())
        .expect("well-formed");
    let (response, send) = wait(client.open(request)).expect("a stream");
    let (head, receive) = wait(response).expect("a response").into_parts();
    let pipe = Pipe { send, receive, unread: Bytes::new() };
    (head.status.as_u16(), WebSocket::from_raw_socket(pipe, Role::Client, None))
}

/// Reads up to the end, which must be a clean one, and gives what closed it.
fn parting(socket: &mut WebSocket<Pipe>) -> Option<CloseFrame> {
    let mut closed = None;
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => closed = frame,
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return closed,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_websocket_over_a_stream_echoes_and_closes_from_either_end() {
    let address = echoing();
    let balancer = before(Version::One, &[address], "");
    let client = Client::new(&balancer);
    // Side by side on one connection.
    let (first, mut one) = connect(&client);
    let (second, mut two) = connect(&client);
    assert_eq!((first, second), (200, 200));
    let large = "x".repeat(1 << 20);
    for text in ["hello", "", &large, "bye"] {
        for socket in [&mut one, &mut two] {
            socket.send(Message::text(text)).expect("sent");
            assert!(socket.read().expect("an echo").into_text().expect("text") == text);
        }
    }
    one.close(farewell("done")).expect("sent");
    let closed = parting(&mut one).expect("a reason");
    assert_eq!((closed.code, closed.reason.as_str()), (CloseCode::Away, "done"));
    two.send(Message::text("part")).expect("sent");
    let closed = parting(&mut two).expect("a reason");
    assert_eq!(closed.reason.as_str(), "parted");
    assert_eq!(tidegate_net::task::panics(), 0);
}

#[test]
fn a_server_that_vanishes_resets_the_stream_of_its_websocket() {
    let server = Server::start(|conversation, _| {
        let Some(head) = conversation.head() else { return };
        let key = field(&head, "sec-websocket-key").expect("a key of the balancer's own");
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        conversation.peer.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ));
        conversation.peer.bytes(1);
        conversation.peer.reset_at_close();
    });
    let balancer = before(Version::One, &[server.address], "");
    let client = Client::new(&balancer);
    let (status, mut socket) = connect(&client);
    assert_eq!(status, 200);
    socket.send(Message::text("hello")).expect("sent");
    assert!(matches!(socket.read(), Err(Error::Io(_))));
}

#[test]
fn a_websocket_needs_a_server_on_http_1() {
    let server = super::real::Server::named("two");
    let balancer = before(Version::Two, &[server.address], "");
    let (status, _) = connect(&Client::new(&balancer));
    assert_eq!((status, balancer.refused("no_tunnel")), (501, 1));
}
