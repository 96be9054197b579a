//! What is written arrives, whatever the sizes of writes and reads, and so do ends.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::net::Shutdown;
use std::task::{Context, Poll, Waker};

use tidegate_core::rng::Rng;
use tidegate_net::stream::Stream;
use tokio::net::TcpStream;

use crate::fixture::*;

const HOST: &str = "localhost";

async fn pair() -> (Stream, Stream) {
    let authority = Authority::new();
    let server = server(server_setup(vec![authority.identity(&[HOST])]));
    Pair::handshake(&server, &client(client_setup(&authority)), HOST).await.streams()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}

/// Writes in pieces of the sizes that `size` draws.
async fn write_pieces(stream: &mut Stream, bytes: &[u8], mut size: impl FnMut() -> usize) {
    let mut start = 0;
    while start < bytes.len() {
        let end = (start + size()).min(bytes.len());
        // What is not taken is offered again, with more behind it.
        let middle = start + (end - start) / 2;
        let slices = [IoSlice::new(&bytes[start..middle]), IoSlice::new(&bytes[middle..end])];
        let write = poll_fn(|context| stream.poll_write_vectored(context, &slices));
        start += write.await.expect("a peer");
    }
    close(stream).await;
}

async fn read_pieces(stream: &mut Stream, mut size: impl FnMut() -> usize) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        let size = size();
        let count = read(stream, &mut buffer[..size]).await.expect("a clean end");
        if count == 0 {
            return all;
        }
        all.extend_from_slice(&buffer[..count]);
    }
}

/// Sizes up to `most`, small ones as likely as large ones.
fn sizes(seed: u64, most: u32) -> impl FnMut() -> usize {
    let mut rng = Rng::new(seed);
    move || {
        let bits = rng.draw() % u64::from(most.ilog2() + 1);
        1 + (rng.draw() % (1 << bits)) as usize
    }
}

#[test]
fn any_split_of_writes_and_reads_carries_the_same_bytes() {
    run(async {
        for seed in 0..16 {
            let bytes = pattern(60_000);
            let (mut server, mut client) = pair().await;
            let (from, to) =
                if seed % 2 == 0 { (&mut server, &mut client) } else { (&mut client, &mut server) };
            let writing = write_pieces(from, &bytes, sizes(seed, 1 << (4 + seed % 17)));
            let reading = read_pieces(to, sizes(!seed, 1 << (4 + seed * 7 % 17)));
            let ((), read) = tokio::join!(writing, reading);
            assert!(read == bytes, "seed {seed}: {} of {} bytes", read.len(), bytes.len());
        }
    });
}

#[test]
fn a_mebibyte_goes_both_ways_at_once_in_huge_and_in_tiny_pieces() {
    run(async {
        for (size, length) in [(1 << 20, 1 << 20), (7, 1 << 16)] {
            let bytes = pattern(length);
            let (mut server, mut client) = pair().await;
            let at = async |stream: &mut Stream| {
                let mut buffer = vec![0; 512 * 1024];
                let (mut sent, mut came) = (0, Vec::new());
                poll_fn(|context| {
                    while sent < bytes.len() {
                        let end = (sent + size).min(bytes.len());
                        match stream.poll_write(context, &bytes[sent..end]) {
                            Poll::Ready(count) => sent += count.expect("a peer"),
                            Poll::Pending => break,
                        }
                    }
                    while came.len() < bytes.len() {
                        match stream.poll_read(context, &mut buffer) {
                            Poll::Ready(count) => {
                                came.extend_from_slice(&buffer[..count.expect("a peer")]);
                            }
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                    if sent < bytes.len() { Poll::Pending } else { Poll::Ready(()) }
                })
                .await;
                came
            };
            let (at_server, at_client) = tokio::join!(at(&mut server), at(&mut client));
            assert!(at_server == bytes && at_client == bytes);
        }
    });
}

/// A peer that does not read pushes back, and what was taken whole can be closed behind.
#[test]
fn a_slow_reader_pushes_back_and_loses_nothing() {
    run(async {
        let (mut server, mut client) = pair().await;
        let bytes = pattern(64 << 20);
        let mut context = Context::from_waker(Waker::noop());
        let mut sent = 0;
        // Give the socket's own buffers time to fill as far as they go.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            while let Poll::Ready(count) = server.poll_write(&mut context, &bytes[sent..]) {
                sent += count.expect("a peer");
            }
        }
        assert!(sent < bytes.len(), "nothing pushed back");
        let rest = async move {
            write_all(&mut server, &bytes[sent..]).await;
            // Dropped without a further word.
            drop(server);
            bytes
        };
        let (bytes, came) = tokio::join!(rest, read_pieces(&mut client, || 1 << 20));
        assert!(came == bytes);
    });
}

/// The last byte of a write is taken only when all of it has gone.
#[test]
fn one_byte_at_least_is_held_back_until_all_has_left() {
    run(async {
        let (mut server, mut client) = pair().await;
        let bytes = pattern(256 * 1024);
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = 0;
        let stuck = loop {
            match server.poll_write(&mut context, &bytes[taken % bytes.len()..]) {
                Poll::Ready(count) => taken += count.expect("a peer"),
                Poll::Pending => break taken,
            }
        };
        // Asking again changes nothing, and does not go on forever.
        let again = server.poll_write(&mut context, &bytes[taken % bytes.len()..]);
        assert!(again.is_pending() && stuck > 0);
        let came = async {
            let mut buffer = vec![0; 1 << 20];
            let mut count = 0;
            while count < stuck {
                count += read(&mut client, &mut buffer).await.expect("data");
            }
            count
        };
        let rest = async {
            write_all(&mut server, &bytes[stuck % bytes.len()..]).await;
        };
        let (count, ()) = tokio::join!(came, rest);
        assert!(count >= stuck);
    });
}

#[test]
fn an_end_with_the_peers_word_is_an_end() {
    run(async {
        let (mut server, mut client) = pair().await;
        write_all(&mut server, b"all of it").await;
        close(&mut server).await;
        let mut buffer = [0; 64];
        assert_eq!(read(&mut client, &mut buffer).await.expect("data"), 9);
        assert_eq!(read(&mut client, &mut buffer).await.expect("an end"), 0);
        // The other direction goes on.
        write_all(&mut client, b"more").await;
        assert_eq!(read(&mut server, &mut buffer).await.expect("data"), 4);
    });
}

/// Anybody on the way can end a TCP connection.
#[test]
fn an_end_without_the_peers_word_is_an_error() {
    run(async {
        let authority = Authority::new();
        let server = server(server_setup(vec![authority.identity(&[HOST])]));
        let client = client(client_setup(&authority));
        let (listener, address) = listen().await;
        let (accepted, connected) = tokio::join!(listener.accept(), Stream::connect(address));
        let accepted = accepted.expect("a client").0.into_std().expect("a socket");
        let wire = accepted.try_clone().expect("a descriptor");
        let accepted = Stream::new(TcpStream::from_std(accepted).expect("a socket"));
        let pair = Pair::over((accepted, connected.expect("a server")), &server, &client, HOST);
        let (mut server, mut client) = pair.await.streams();
        write_all(&mut server, b"half of it").await;
        wire.shutdown(Shutdown::Write).expect("open");
        let mut buffer = [0; 64];
        assert_eq!(read(&mut client, &mut buffer).await.expect("data"), 10);
        let error = read(&mut client, &mut buffer).await.expect_err("no clean end");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_look_at_what_comes_takes_nothing_and_sees_the_end() {
    run(async {
        let (mut server, mut client) = pair().await;
        let mut context = Context::from_waker(Waker::noop());
        assert!(server.poll_peek(&mut context).is_pending());
        write_all(&mut client, b"one").await;
        assert!(poll_fn(|context| server.poll_peek(context)).await.expect("a peer"));
        assert!(server.poll_readable(&mut context).is_ready(), "the plaintext waits inside");
        assert!(poll_fn(|context| server.poll_peek(context)).await.expect("a peer"));
        let mut buffer = [0; 2];
        assert_eq!(read(&mut server, &mut buffer).await.expect("data"), 2);
        assert!(poll_fn(|context| server.poll_peek(context)).await.expect("a peer"));
        assert_eq!(read(&mut server, &mut buffer).await.expect("data"), 1);
        drop(client);
        assert!(!poll_fn(|context| server.poll_peek(context)).await.expect("an end"));
    });
}

/// Session tickets that a server sends are nobody's data.
#[test]
fn a_connection_at_rest_is_quiet_though_tickets_came() {
    run(async {
        let (mut server, mut client) = pair().await;
        write_all(&mut server, b"x").await;
        let mut byte = [0];
        assert_eq!(read(&mut client, &mut byte).await.expect("data"), 1);
        let mut context = Context::from_waker(Waker::noop());
        assert!(client.poll_peek(&mut context).is_pending());
    });
}
