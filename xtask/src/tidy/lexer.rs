//! Rust source as a list of tokens, with comments gone and literals closed up.
//!
//! The checks count braces and look for a few words, and must not be misled by a brace in a string,
//! a quote in a comment or the tick of a lifetime. This lexer knows exactly that much: it does not
//! validate, does not split numbers from their suffixes, and gives every punctuation mark as one
//! character. Any text lexes; an unclosed literal or comment reaches to the end of the file.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword; a raw identifier without its `r#`.
    Word,
    /// A string, character, byte or number, as written.
    Literal,
    /// A lifetime or label, tick included.
    Lifetime,
    /// One punctuation character.
    Mark,
}

/// One token and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Line of the first character, counted from 1.
    pub(crate) line: usize,
}

impl<'a> Token<'a> {
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }

    /// The inside of a plain or raw string literal.
    pub(crate) fn string(&self) -> Option<&'a str> {
        let quoted = self.text.trim_start_matches(['b', 'c', 'r']).trim_matches('#');
        (self.kind == Kind::Literal).then(|| quoted.strip_prefix('"')?.strip_suffix('"')).flatten()
    }
}

/// The tokens of `source`, in order.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next_token(rest, first);
        let (text, after) = rest.split_at(length);
        if let Some(kind) = kind {
            // `r#type` is the word `type` to everyone who asks.
            let text = if kind == Kind::Word { text.trim_start_matches("r#") } else { text };
            tokens.push(Token { kind, text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Kind and length in bytes of what `rest` starts with; no kind for space and comments.
fn next_token(rest: &str, first: char) -> (Option<Kind>, usize) {
    if rest.starts_with("//") {
        (None, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (None, block_comment(rest))
    } else if let Some(length) = quoted(rest) {
        (Some(Kind::Literal), length)
    } else if first == '\'' {
        tick(rest)
    } else if first.is_ascii_digit() {
        (Some(Kind::Literal), number(rest))
    } else if is_word(first) {
        let prefix = if rest.starts_with("r#") { 2 } else { 0 };
        (Some(Kind::Word), prefix + word(&rest[prefix..]))
    } else if first.is_whitespace() {
        (None, first.len_utf8())
    } else {
        (Some(Kind::Mark), first.len_utf8())
    }
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn word(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

/// A number with its suffix. `1.5` is one, `1..5` and `1.max(2)` are not.
fn number(rest: &str) -> usize {
    let whole = word(rest);
    match rest[whole..].strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|first: char| first.is_ascii_digit()) => {
            whole + 1 + word(fraction)
        }
        _ => whole,
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a string or byte literal with its prefix, if `rest` starts with one.
fn quoted(rest: &str) -> Option<usize> {
    let prefix = rest.find(|character| !matches!(character, 'b' | 'c' | 'r'))?;
    let raw = match &rest[..prefix] {
        "r" | "br" | "cr" => true,
        "" | "b" | "c" => false,
        _ => return None,
    };
    let body = &rest[prefix..];
    if raw {
        return raw_string(body).map(|length| prefix + length);
    }
    match body.chars().next()? {
        '"' => Some(prefix + closed_by(body, '"')),
        // A tick alone may be a lifetime; behind a `b` it is a byte.
        '\'' if &rest[..prefix] == "b" => Some(prefix + closed_by(body, '\'')),
        _ => None,
    }
}

fn raw_string(body: &str) -> Option<usize> {
    let hashes = body.find(|character| character != '#')?;
    if !body[hashes..].starts_with('"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let start = hashes + 1;
    Some(body[start..].find(&close).map_or(body.len(), |end| start + end + close.len()))
}

/// The length of a literal that opens with a quote and ends at the next `quote` not escaped.
fn closed_by(body: &str, quote: char) -> usize {
    let mut characters = body.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    body.len()
}

/// A character literal or a lifetime: `'a'` is the one, `'a` the other.
fn tick(rest: &str) -> (Option<Kind>, usize) {
    let mut after = rest.chars().skip(1);
    match (after.next(), after.next()) {
        (Some('\\'), _) => (Some(Kind::Literal), closed_by(rest, '\'')),
        (Some(only), Some('\'')) => (Some(Kind::Literal), 2 + only.len_utf8()),
        (Some(first), _) if is_word(first) => (Some(Kind::Lifetime), 1 + word(&rest[1..])),
        _ => (Some(Kind::Mark), 1),
    }
}

#[cfg(test)]
mod tests;
