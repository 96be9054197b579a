//! Step 8 of 8: bytes of a response as they were read, with room in front of them.
//!
//! A response head is written anew, and a small response should leave in one piece. Its body is the
//! long part: so the head is put in front of the body, where the server's own head was, instead of
//! the body behind the head. What is sent is then where the kernel has just written it.

/// Bytes that were read, and what is free in front of them.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    buffer: &'a mut [u8],
    start: usize,
}

impl<'a> Piece<'a> {
    /// The bytes of `buffer` from `start` on; those before are free.
    pub(super) const fn new(buffer: &'a mut [u8], start: usize) -> Self {
        Self { buffer, start }
    }

    /// No bytes.
    pub(super) const fn empty() -> Self {
        Self { buffer: &mut [], start: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..]
    }

    /// Takes `count` bytes off the front. Their room is free.
    pub(super) const fn skip(&mut self, count: usize) {
        self.start += count;
    }

    /// Leaves the first `count` bytes.
    pub(super) fn truncate(&mut self, count: usize) {
        let buffer = std::mem::take(&mut self.buffer);
        self.buffer = &mut buffer[..self.start + count];
    }

    /// Puts `head` in front. False, and nothing is changed, when there is no room for it.
    pub(super) fn prepend(&mut self, head: &[u8]) -> bool {
        let Some(start) = self.start.checked_sub(head.len()) else { return false };
        self.buffer[start..self.start].copy_from_slice(head);
        self.start = start;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_goes_where_there_is_room() {
        let mut buffer = *b"....old:body+next";
        let mut piece = Piece::new(&mut buffer, 4);
        piece.skip(4);
        piece.truncate(4);
        assert_eq!(piece.bytes(), b"body");
        assert!(!piece.prepend(b"too long:"));
        assert_eq!(piece.bytes(), b"body");
        assert!(piece.prepend(b"longer: "));
        assert_eq!(piece.bytes(), b"longer: body");
        assert!(!piece.prepend(b"x"));
    }
}
