//! A peer that speaks HTTP/2 frame by frame, as a client or as a server.

use std::net::TcpStream;

use super::frames::*;
use crate::world::*;

/// One end of a connection on HTTP/2.
pub struct Raw {
    pub peer: Peer,
}

impl Raw {
    /// A client that has sent its preface, and settings by which what it gets is easy to read.
    pub fn client(balancer: &Balancer) -> Self {
        Self::client_with(balancer, &[])
    }

    /// A client with these settings as well.
    pub fn client_with(balancer: &Balancer, values: &[(u16, u32)]) -> Self {
        Self::over(balancer.client(), values)
    }

    /// The same over a connection on which nothing has been said.
    pub fn over(peer: Peer, values: &[(u16, u32)]) -> Self {
        let mut raw = Self { peer };
        let values = [&[(HEADER_TABLE_SIZE, 0), (ENABLE_PUSH, 0)], values].concat();
        raw.peer.send([PREFACE, &settings(&values).bytes()].concat());
        raw
    }

    /// A server on a connection that was just accepted, which has sent its settings; `None` when
    /// the connection ends before the preface.
    pub fn server(stream: TcpStream, values: &[(u16, u32)]) -> Option<Self> {
        let mut raw = Self { peer: Peer::new(stream) };
        if raw.peer.try_bytes(PREFACE.len())? != PREFACE {
            return None;
        }
        raw.send(&settings(values));
        Some(raw)
    }

    pub fn send(&mut self, frame: &Frame) {
        self.peer.send(frame.bytes());
    }

    /// Sends frames in one go.
    pub fn send_all<'a>(&mut self, frames: impl IntoIterator<Item = &'a Frame>) {
        let bytes: Vec<Vec<u8>> = frames.into_iter().map(Frame::bytes).collect();
        self.peer.send(bytes.concat());
    }

    /// The next frame; `None` at the end of the connection. Settings are acknowledged.
    pub fn frame(&mut self) -> Option<Frame> {
        let head = self.peer.try_bytes(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes(head[5..9].try_into().expect("four bytes"));
        let payload = self.peer.try_bytes(length as usize)?;
        let frame = Frame { kind: head[3], flags: head[4], stream, payload };
        if frame.kind == SETTINGS && frame.flags & ACK == 0 {
            self.send(&Frame::new(SETTINGS, ACK, 0, []));
        }
        Some(frame)
    }

    /// The next frame of this kind; what comes before it is skipped.
    pub fn try_next(&mut self, kind: u8) -> Option<Frame> {
        std::iter::from_fn(|| self.frame()).find(|frame| frame.kind == kind)
    }

    #[track_caller]
    pub fn next(&mut self, kind: u8) -> Frame {
        self.try_next(kind).unwrap_or_else(|| panic!("closed without a frame of type {kind}"))
    }

    /// The next frame that ends a stream: with the message, or before it.
    pub fn ending(&mut self) -> Option<Frame> {
        std::iter::from_fn(|| self.frame())
            .find(|frame| frame.ends_stream() || matches!(frame.kind, RST_STREAM | GOAWAY))
    }

    /// The status of the response on a stream that is the only one.
    #[track_caller]
    pub fn status(&mut self) -> u16 {
        self.next(HEADERS).status()
    }

    /// Sends a PING and reads up to its answer: all that was sent before has been seen by then.
    #[track_caller]
    pub fn turn(&mut self) -> Vec<Frame> {
        self.send(&ping());
        let frames = std::iter::from_fn(|| self.frame());
        let mut before = Vec::new();
        for frame in frames {
            if frame.kind == PING && frame.flags & ACK != 0 {
                return before;
            }
            before.push(frame);
        }
        panic!("closed instead of answering a PING: {before:?}");
    }

    /// The code of the GOAWAY that comes before the connection ends, whatever else does.
    #[track_caller]
    pub fn farewell(&mut self) -> u32 {
        let frames: Vec<Frame> = std::iter::from_fn(|| self.frame()).collect();
        let last = frames.iter().rfind(|frame| frame.kind == GOAWAY);
        last.unwrap_or_else(|| panic!("closed without GOAWAY: {frames:?}")).code()
    }
}
