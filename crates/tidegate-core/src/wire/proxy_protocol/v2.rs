//! Version 2: a binary header of a signature, a command, a family, a length, two addresses, and
//! extensions as type, length and value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use super::{Header, HeaderError, Reading, more};

/// How the header begins: nothing that a server for text would take.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header that is read. The document knows no bound but the 16 bits of the length, and
/// asks that senders keep to 536 bytes; nginx reads 4,096, which bears long extensions as well.
pub const LENGTH_MAX: usize = 4096;
/// The shortest: signature, version and command, family and protocol, length.
pub(super) const LENGTH_MIN: usize = 16;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// An extension that holds the checksum of the header.
const CRC32C: u8 = 0x03;
/// An extension that holds extensions, behind five bytes of its own.
const SSL: u8 = 0x20;
const SSL_FIXED: usize = 5;

/// Reads a header from bytes that begin like one.
pub(super) fn read(bytes: &[u8]) -> Result<Reading, HeaderError> {
    // What is wrong already needs no more bytes to be refused.
    check_command(bytes.get(12).copied())?;
    let Some((fixed, rest)) = bytes.split_first_chunk::<LENGTH_MIN>() else {
        return Ok(more(LENGTH_MIN - bytes.len()));
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if LENGTH_MIN + length > LENGTH_MAX {
        return Err(HeaderError::Length);
    }
    if rest.len() < length {
        return Ok(more(length - rest.len()));
    }
    let length = LENGTH_MIN + length;
    let header = parse(&bytes[..length])?;
    Ok(Reading::Whole { header, length })
}

fn check_command(byte: Option<u8>) -> Result<(), HeaderError> {
    match byte {
        None | Some(LOCAL | PROXY) => Ok(()),
        Some(byte) if byte >> 4 == 2 => Err(HeaderError::Command),
        Some(_) => Err(HeaderError::Version),
    }
}

/// A whole header. Of LOCAL everything behind the length is to be discarded, the family too.
fn parse(header: &[u8]) -> Result<Header, HeaderError> {
    if header[12] == LOCAL {
        return Ok(Header::Local);
    }
    let block = &header[LENGTH_MIN..];
    let length = match header[13] {
        TCP4 => 12,
        TCP6 => 36,
        _ => return Err(HeaderError::Family),
    };
    let addresses = block.get(..length).ok_or(HeaderError::Length)?;
    check_extensions(header, LENGTH_MIN + length)?;
    Ok(match header[13] {
        TCP4 => proxied::<4>(addresses, |ip| Ipv4Addr::from(ip).into()),
        _ => proxied::<16>(addresses, |ip| Ipv6Addr::from(ip).into()),
    })
}

/// Two addresses of `N` bytes, then two ports.
fn proxied<const N: usize>(block: &[u8], ip: fn([u8; N]) -> IpAddr) -> Header {
    let mut bytes = [[0; N]; 2];
    bytes[0].copy_from_slice(&block[..N]);
    bytes[1].copy_from_slice(&block[N..2 * N]);
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    Header::Proxied {
        source: SocketAddr::new(ip(bytes[0]), port(2 * N)),
        destination: SocketAddr::new(ip(bytes[1]), port(2 * N + 2)),
    }
}

/// Holds that the extensions from `start` on fill the header exactly, those within others too, and
/// that a checksum is right.
fn check_extensions(header: &[u8], start: usize) -> Result<(), HeaderError> {
    walk(header, start..header.len(), |kind, value| match kind {
        SSL if value.len() < SSL_FIXED => Err(HeaderError::Extension),
        SSL => walk(header, value.start + SSL_FIXED..value.end, |_, _| Ok(())),
        CRC32C => check_sum(header, value),
        _ => Ok(()),
    })
}

/// Takes each extension in a part of the header: its type, and where its value is.
fn walk(
    header: &[u8],
    part: Range<usize>,
    mut take: impl FnMut(u8, Range<usize>) -> Result<(), HeaderError>,
) -> Result<(), HeaderError> {
    let mut at = part.start;
    while at < part.end {
        let Some([kind, high, low]) = header[at..part.end].first_chunk() else {
            return Err(HeaderError::Extension);
        };
        let value = at + 3..at + 3 + usize::from(u16::from_be_bytes([*high, *low]));
        at = value.end;
        if at > part.end {
            return Err(HeaderError::Extension);
        }
        take(*kind, value)?;
    }
    Ok(())
}

/// The sum is that of the header with zeros in its place.
fn check_sum(header: &[u8], at: Range<usize>) -> Result<(), HeaderError> {
    let sum = header[at.clone()].try_into().map_err(|_| HeaderError::Extension)?;
    let parts = [&header[..at.start], &[0; 4], &header[at.end..]];
    let right = u32::from_be_bytes(sum) == crc32c(parts.into_iter().flatten());
    if right { Ok(()) } else { Err(HeaderError::Checksum) }
}

/// The CRC of RFC 9260, appendix A, bit by bit: few headers have one.
fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let divide = |rest: u32, _| (rest >> 1) ^ (POLYNOMIAL & (rest & 1).wrapping_neg());
    let add = |rest: u32, byte: &u8| (0..8).fold(rest ^ u32::from(*byte), divide);
    !bytes.fold(u32::MAX, add)
}

pub(super) fn write(header: Header) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    match header {
        Header::Local => bytes.extend([LOCAL, 0, 0, 0]),
        Header::Proxied { source, destination } => {
            bytes.extend(if source.is_ipv4() {
                [PROXY, TCP4, 0, 12]
            } else {
                [PROXY, TCP6, 0, 36]
            });
            for end in [source, destination] {
                match end.ip() {
                    IpAddr::V4(ip) => bytes.extend(ip.octets()),
                    IpAddr::V6(ip) => bytes.extend(ip.octets()),
                }
            }
            bytes.extend(source.port().to_be_bytes());
            bytes.extend(destination.port().to_be_bytes());
        }
    }
    bytes
}
