//! Serves connections: so many at once, each for so long.
//!
//! The API is for a few people and programs. Its bounds are small and fixed: a head must come
//! within [`HEAD_TIMEOUT`], also on an idle connection; a connection lives for [`AGE_MAX`] at most;
//! and when all places are taken, the next connection waits to be accepted.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::Response;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tidegate_core::time::Duration;
use tidegate_net::task;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::socket::{Connection, Socket};

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 128;
/// For a request head, from the end of the response before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a request head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Life of a connection.
const AGE_MAX: Duration = Duration::from_secs(600);
/// For the last request of a connection that is asked to go.
const GRACE: Duration = Duration::from_secs(2);
/// After an accept that failed, as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves what connects to `socket` until `stopped` says so; the task ends when all connections
/// have.
pub(crate) fn start(
    socket: Socket,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    task::spawn("admin-listener", listen(socket, router, stopped))
}

async fn listen(socket: Socket, router: Router, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let service = TowerToHyperService::new(router);
    loop {
        let next = async {
            // The semaphore is never closed, so there is always a place in the end.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, connection) = tokio::select! {
            next = next => next,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match connection {
            Ok(connection) => {
                let (service, stopped) = (service.clone(), stopped.clone());
                let served = async move {
                    match connection {
                        Connection::Tcp(stream) => {
                            converse(TokioIo::new(stream), service, stopped).await;
                        }
                        Connection::Unix(stream) => {
                            converse(TokioIo::new(stream), service, stopped).await;
                        }
                    }
                    drop(place);
                };
                // Connections are counted by their places, not by their handles.
                drop(task::spawn("admin-connection", served));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the admin API");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(socket);
    // All places are free once all connections have ended.
    let _ = places.acquire_many(CONNECTIONS_MAX as u32).await;
}

async fn converse<I, S>(io: I, service: S, mut stopped: watch::Receiver<bool>)
where
    I: Read + Write + Unpin,
    S: Service<hyper::Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    // What a client does wrong is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
        () = tokio::time::sleep(AGE_MAX) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GRACE, connection).await;
}
