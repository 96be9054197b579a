//! The connection of a check. Where traffic is announced with a PROXY header, the check says that
//! it speaks for nobody: a server that waits for the header would call a bare connection broken.

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::wire::proxy_protocol::Header;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::crew::Target;
use super::fault;

/// Connects; the caller bounds the time.
pub(super) async fn connect(target: &Target) -> Result<TcpStream, ProbeResult> {
    let connected = TcpStream::connect(target.address).await;
    let mut stream = connected.map_err(|error| fault::of_connecting(&error))?;
    if let Some(version) = target.send_proxy {
        let header = Header::Local.to_bytes(version);
        stream.write_all(&header).await.map_err(|error| fault::of_talking(&error))?;
    }
    Ok(stream)
}
