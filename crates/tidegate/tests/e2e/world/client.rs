//! A client of listeners and of the admin API: one request, one connection.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::wait::DEADLINE;

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends a GET request and reads the whole response.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    let mut stream = send(address, path)?;
    receive(&mut stream)
}

/// Sends a GET request that ends its connection.
pub(crate) fn send(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Reads until the connection ends.
pub(crate) fn receive(stream: &mut TcpStream) -> io::Result<Response> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    Ok(Response {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
